"""The frames of the chat's WebSocket: JSON text, bounded, with stable names. Pure.

Client to server, by ``type``: ``message-send`` and ``stream-cancel``. Server to client:
``{"seq": n, "chunk": {…}}`` with the chunks of the AI SDK's UI message stream.
See ``spec/wire.md``.
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from coatcheck.errors import CoatcheckError, ProtocolError

MAX_CLIENT_FRAME: Final = 64 * 1024
"""Characters of a frame that a client may send."""

MAX_SERVER_FRAME: Final = 2048
"""Bytes of any frame but plain text deltas."""

_MAX_DELTA: Final = 900  # characters; below 4 KiB in a frame whatever they are
_CUT_MEMBERS: Final = frozenset({"input", "errorText"})
_SHOWN_TEXT: Final = (400, 150, 50, 10)  # the model and the tool have the whole of an argument
_LARGE_SEQUENCE: Final = 10**9

# Progress of the arguments' JSON text: nothing shows it, and the whole input follows at once.
_UNSHOWN: Final = frozenset({"tool-input-delta", "message-metadata"})
ENDS: Final = frozenset({"finish", "abort"})
"""Chunk types that end a turn."""


@dataclass(frozen=True, slots=True)
class MessageSend:
    """The user says something."""

    conversation_id: str
    message: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StreamCancel:
    """The user wants the answer to stop."""

    conversation_id: str


def parse_frame(text: str) -> MessageSend | StreamCancel:
    """Read a client's frame.

    Raises:
        ProtocolError: it is too long, no JSON object, or of no known type; the message says which.
    """
    if len(text) > MAX_CLIENT_FRAME:
        raise ProtocolError(f"A frame may have {MAX_CLIENT_FRAME} characters.")
    try:
        frame = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise ProtocolError("A frame is a JSON object.") from error
    conversation_id = frame.get("conversationId")
    if not isinstance(conversation_id, str):
        raise ProtocolError("A frame names its conversationId.")
    match frame.get("type"):
        case "message-send":
            message = frame.get("message")
            if not isinstance(message, dict):
                raise ProtocolError("A message-send frame carries a message.")
            return MessageSend(conversation_id, message)
        case "stream-cancel":
            return StreamCancel(conversation_id)
        case _:
            raise ProtocolError("A frame's type is message-send or stream-cancel.")


def encode_frame(sequence: int, chunk: dict[str, Any]) -> str:
    """A server's frame."""
    return msgspec.json.encode({"seq": sequence, "chunk": chunk}).decode()


def shown(chunk: dict[str, Any]) -> list[dict[str, Any]]:
    """What the user's side gets of a chunk: nothing of what nobody shows, long texts in pieces.

    Arguments of tools and texts of errors are cut until the frame fits `MAX_SERVER_FRAME`.
    """
    if chunk["type"] in _UNSHOWN:
        return []
    delta = chunk.get("delta")
    if isinstance(delta, str):
        pieces = range(0, max(len(delta), 1), _MAX_DELTA)
        return [chunk | {"delta": delta[start : start + _MAX_DELTA]} for start in pieces]
    for limit in _SHOWN_TEXT:
        fitting = {
            name: _cut(value, limit) if name in _CUT_MEMBERS else value
            for name, value in chunk.items()
        }
        if len(encode_frame(_LARGE_SEQUENCE, fitting).encode()) <= MAX_SERVER_FRAME:
            return [fitting]
    return [{name: value for name, value in chunk.items() if name not in _CUT_MEMBERS}]


def error_chunk(error: CoatcheckError) -> dict[str, Any]:
    """The AI SDK's error chunk with a stable code."""
    return {"type": "error", "errorText": error.message, "code": error.code}


def _cut(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= limit else value[:limit] + "…"
    if isinstance(value, dict):
        return {_cut(name, limit): _cut(item, limit) for name, item in value.items()}
    if isinstance(value, list):
        return [_cut(item, limit) for item in value[:limit]]
    return value
