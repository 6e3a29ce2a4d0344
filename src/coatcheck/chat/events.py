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

_MAX_SHOWN_ARGUMENT: Final = 400
"""Characters of a tool's argument that are shown; the model and the tool have the whole."""

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


def shown(chunk: dict[str, Any]) -> dict[str, Any] | None:
    """The chunk as the user's side gets it: None for what nobody shows, long arguments cut."""
    if chunk["type"] in _UNSHOWN:
        return None
    if "input" in chunk and isinstance(chunk["input"], dict):
        return chunk | {"input": {name: _cut(value) for name, value in chunk["input"].items()}}
    return chunk


def error_chunk(error: CoatcheckError) -> dict[str, Any]:
    """The AI SDK's error chunk with a stable code."""
    return {"type": "error", "errorText": error.message, "code": error.code}


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _MAX_SHOWN_ARGUMENT:
        return value[:_MAX_SHOWN_ARGUMENT] + "…"
    return value
