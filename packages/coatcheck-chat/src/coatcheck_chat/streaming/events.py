"""The text frames of the chat's WebSocket: JSON, bounded, with stable names. Pure.

Client to server, by ``type``: ``message-send``, ``message-regenerate``, ``stream-resume`` and
``stream-cancel``. Server to client: ``{"seq": n, "chunk": {…}}`` with the chunks of the AI SDK's UI
message stream. See ``spec/wire.md``.
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from coatcheck.errors import CoatcheckError
from coatcheck.reference import REFERENCE_TYPE, is_reference_id
from coatcheck_chat.errors import ProtocolError, UnsupportedVersionError

PROTOCOL_VERSION: Final = 1

MAX_CLIENT_FRAME: Final = 64 * 1024
"""Characters of a frame that a client may send."""

MAX_FRAME_DEPTH: Final = 32
"""How deep a client's frame may nest; a message with a reference nests six levels."""

MAX_FRAME_VALUES: Final = 2000
"""Values in a client's frame; a message with 40 references has about 600."""

MAX_SERVER_FRAME: Final = 2048
"""Bytes of any frame but plain text deltas."""

_MAX_DELTA: Final = 640  # characters; below 4 KiB in a frame, even if all of them are escaped
_CUT_MEMBERS: Final = frozenset({"input", "errorText"})
_SHOWN_TEXT: Final = (400, 150, 50, 10)  # the model and the tool have the whole of an argument
_LARGE_SEQUENCE: Final = 10**16
_MAX_SEQUENCE: Final = 2**53 - 1  # the largest integer that every JSON reader keeps exact

UNREAD: Final = frozenset({"tool-input-delta", "message-metadata", "finish-step"})
"""Chunk types that say nothing to anyone: the whole input of a tool follows its deltas."""

ENDS: Final = frozenset({"finish", "abort"})
"""Chunk types that end a turn."""

_MINTED: Final = frozenset({"fullImageUrl", "thumbnailUrl"})  # the reference has both

SUBMIT: Final = "submit-message"
REGENERATE: Final = "regenerate-message"


_CLIENT_TYPES: Final = ("message-send", "message-regenerate", "stream-resume", "stream-cancel")


@dataclass(frozen=True, slots=True)
class MessageSend:
    """The user says something, or says something else in the place of an earlier message."""

    conversation_id: str
    message: dict[str, Any]
    round_trip: float | None = None
    """Milliseconds that the client measured; None where it has not said."""


@dataclass(frozen=True, slots=True)
class MessageRegenerate:
    """The user wants another answer in the place of this message; of the last one if None."""

    conversation_id: str
    message_id: str | None
    round_trip: float | None = None


@dataclass(frozen=True, slots=True)
class StreamResume:
    """The client has seen the stream up to `seq`, or nothing of it if that is 0."""

    conversation_id: str
    seq: int
    round_trip: float | None = None
    references_once: bool = False
    """Whether the client completes a reference by itself that came on this socket before."""


@dataclass(frozen=True, slots=True)
class StreamCancel:
    """The user wants the answer to stop."""

    conversation_id: str


ClientFrame = MessageSend | MessageRegenerate | StreamResume | StreamCancel


def parse_frame(text: str) -> ClientFrame:
    """Read a client's frame.

    Raises:
        UnsupportedVersionError: it says that it follows another version of the protocol.
        ProtocolError: it is too long, too deep, no JSON object, or of no known type; the message
            says which.
    """
    if len(text) > MAX_CLIENT_FRAME:
        raise ProtocolError(f"A frame may have {MAX_CLIENT_FRAME} characters.")
    try:
        frame = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise ProtocolError("A frame is a JSON object.") from error
    check_shape(frame)
    if frame.get("version", PROTOCOL_VERSION) != PROTOCOL_VERSION:
        raise UnsupportedVersionError(f"This server speaks version {PROTOCOL_VERSION}.")
    conversation_id = frame.get("conversationId")
    if not isinstance(conversation_id, str) or not is_reference_id(conversation_id):
        raise ProtocolError("A frame names its conversationId, a UUIDv4 in lower case.")
    return _request(frame, conversation_id)


def check_shape(payload: Any) -> None:
    """Refuse what would cost more to look at than any message needs.

    Raises:
        ProtocolError: it nests deeper than `MAX_FRAME_DEPTH`, or has over `MAX_FRAME_VALUES`.
    """
    values = 0
    level = [payload]
    for _ in range(MAX_FRAME_DEPTH):
        values += len(level)
        if values > MAX_FRAME_VALUES:
            raise ProtocolError(f"A frame may have {MAX_FRAME_VALUES} values.")
        level = [member for value in level for member in _members(value)]
        if not level:
            return
    raise ProtocolError(f"A frame may nest {MAX_FRAME_DEPTH} levels deep.")


def _members(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _request(frame: dict[str, Any], conversation_id: str) -> ClientFrame:
    round_trip = frame.get("roundTrip")
    if round_trip is not None and not (_is_number(round_trip) and round_trip >= 0):
        raise ProtocolError("A roundTrip is a number of milliseconds, 0 or more.")
    match frame.get("type"):
        case "message-send":
            message = frame.get("message")
            if not isinstance(message, dict):
                raise ProtocolError("A message-send frame carries a message.")
            return MessageSend(conversation_id, message, round_trip)
        case "message-regenerate":
            message_id = frame.get("messageId")
            if message_id is not None and not isinstance(message_id, str):
                raise ProtocolError("The messageId of a message-regenerate frame is a text.")
            return MessageRegenerate(conversation_id, message_id, round_trip)
        case "stream-resume":
            seq = frame.get("seq")
            if not isinstance(seq, int) or isinstance(seq, bool) or not 0 <= seq <= _MAX_SEQUENCE:
                raise ProtocolError("A stream-resume frame has a seq, the last one seen, or 0.")
            once = frame.get("referencesOnce") is True
            return StreamResume(conversation_id, seq, round_trip, once)
        case "stream-cancel":
            return StreamCancel(conversation_id)
        case _:
            raise ProtocolError(f"A frame's type is one of {', '.join(_CLIENT_TYPES)}.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def turn_chunk(
    trigger: str,
    message_id: str,
    message: dict[str, Any] | None = None,
    *,
    edited: bool = False,
) -> tuple[dict[str, Any], str]:
    """The chunk that begins a turn, for everyone who has the conversation open, and its JSON.

    Args:
        trigger: `SUBMIT` or `REGENERATE`.
        message_id: of the user's message that is answered. What followed it is gone.
        message: that message in UI form, where it is new or has changed. One that is too long for
            a frame is left out: who does not have it reads the conversation.
        edited: whether it took the place of an earlier one.
    """
    data: dict[str, Any] = {"trigger": trigger, "messageId": message_id}
    if edited:
        data["edited"] = True
    whole = {"type": "data-turn", "transient": True, "data": data | {"message": message}}
    if message is not None and _fits(text := encode_chunk(whole)):
        return whole, text
    bare = {"type": "data-turn", "transient": True, "data": data}
    return bare, encode_chunk(bare)


def without_message(turn: dict[str, Any]) -> dict[str, Any]:
    """A `turn_chunk` for the client that sent the message."""
    data = {name: value for name, value in turn["data"].items() if name != "message"}
    return turn | {"data": data}


def abbreviated(result: dict[str, Any]) -> dict[str, Any]:
    """A tool's result for a client that has the reference in it from an earlier chunk."""
    output = result["output"]
    data = {name: value for name, value in output["data"].items() if name not in _MINTED}
    named = {"type": REFERENCE_TYPE, "id": data["imageReference"]["id"]}
    return result | {"output": output | {"data": data | {"imageReference": named}}}


def resumed_chunk(seq: int, last: int, *, running: bool) -> dict[str, Any]:
    """The chunk that answers a resumption: what it goes on after, and what there is so far."""
    data = {"seq": seq, "last": last, "running": running}
    return {"type": "data-resumed", "transient": True, "data": data}


PING: Final = {"type": "data-ping", "transient": True, "data": None}
"""Says that the server is still there."""


def encode_chunk(chunk: dict[str, Any]) -> str:
    """A chunk's JSON, which every reader of a stream is sent."""
    return msgspec.json.encode(chunk).decode()


def frame(sequence: int, text: str) -> str:
    """A server's frame around the JSON of a chunk."""
    return f'{{"seq":{sequence},"chunk":{text}}}'


def encode_frame(sequence: int, chunk: dict[str, Any]) -> str:
    """A server's frame, of a chunk that only one reader gets."""
    return frame(sequence, encode_chunk(chunk))


def shown(chunk: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """What the user's side gets of a chunk: nothing of what is not shown, long texts in pieces.

    Arguments of tools and texts of errors are cut until the frame fits `MAX_SERVER_FRAME`.

    Returns:
        Each chunk with its JSON.
    """
    if chunk["type"] in UNREAD:
        return []
    delta = chunk.get("delta")
    if isinstance(delta, str):
        pieces = [chunk]
        if len(delta) > _MAX_DELTA:
            starts = range(0, len(delta), _MAX_DELTA)
            pieces = [chunk | {"delta": delta[start : start + _MAX_DELTA]} for start in starts]
        return [(piece, encode_chunk(piece)) for piece in pieces]
    for limit in _SHOWN_TEXT:
        fitting = {
            name: _cut(value, limit) if name in _CUT_MEMBERS else value
            for name, value in chunk.items()
        }
        text = encode_chunk(fitting)
        if _fits(text):
            return [(fitting, text)]
    bare = {name: value for name, value in chunk.items() if name not in _CUT_MEMBERS}
    return [(bare, encode_chunk(bare))]


def error_chunk(error: CoatcheckError) -> dict[str, Any]:
    """The AI SDK's error chunk with a stable code."""
    return {"type": "error", "errorText": error.message, "code": error.code}


def _fits(text: str) -> bool:
    return len(frame(_LARGE_SEQUENCE, text).encode()) <= MAX_SERVER_FRAME


def _cut(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= limit else value[:limit] + "…"
    if isinstance(value, dict):
        return {_cut(name, limit): _cut(item, limit) for name, item in value.items()}
    if isinstance(value, list):
        return [_cut(item, limit) for item in value[:limit]]
    return value
