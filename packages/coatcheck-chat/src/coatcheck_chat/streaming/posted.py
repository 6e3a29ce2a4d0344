"""What the AI SDK posts, read without reading more of it than is needed. Pure.

The SDK sends the whole conversation, megabytes of it, and the last message alone is looked at. It
is found from the end, so that what stands before it costs nothing.
"""

import re
from typing import Any, Final, Literal, TypeVar

import msgspec

from coatcheck.errors import InvalidInputError
from coatcheck_chat.streaming.events import MAX_CLIENT_FRAME, MAX_FRAME_VALUES, check_shape

MAX_MESSAGE: Final = 4 * MAX_CLIENT_FRAME
"""Bytes of the message that is looked at: what fits into a frame of the socket, in UTF-8."""

# JSON backwards: a string as a whole, or one character that makes structure. A quote that a
# backslash follows there is escaped; the one that a string begins with never has one beside it. A
# quote alone is the end of a string that is longer than what is looked at.
_MARK: Final = re.compile(rb'"(?:(?:[^"]+|"(?=\\))*+"(?!\\))?|[][{},]')
_MOST_MARKS: Final = 6 * MAX_FRAME_VALUES  # a value has a name, two brackets and a comma at most
_DEEPER: Final = (b"]", b"}")
_HIGHER: Final = (b"[", b"{")
_NOTHING: Final = msgspec.Raw(b"null")

_T = TypeVar("_T")


class ChatRequest(msgspec.Struct, rename="camel"):
    """What `DefaultChatTransport` posts.

    Attributes:
        id: the conversation's.
        messages: an array of messages.
        message: one message, where there is no array.
        trigger: what is wanted.
        message_id: the id of the answer to generate again.
    """

    id: str
    messages: msgspec.Raw = _NOTHING
    message: msgspec.Raw = _NOTHING
    trigger: Literal["submit-message", "regenerate-message"] = "submit-message"
    message_id: str | None = None


def read_request(body: bytes) -> ChatRequest:
    """Read a body.

    Raises:
        InvalidInputError: it is none that the AI SDK sends.
    """
    return _decode(body, ChatRequest)


def read_message(request: ChatRequest) -> dict[str, Any]:
    """The message that is to be answered: the last one.

    Raises:
        InvalidInputError: there is none, or it has more than `MAX_MESSAGE` bytes.
        ProtocolError: it has more values, or nests deeper, than a frame may.
    """
    message = _last_element(bytes(request.messages)) or bytes(request.message)
    if len(message) > MAX_MESSAGE:
        raise _too_long()
    decoded = _decode(message, dict[str, Any])
    check_shape(decoded)
    return decoded


def _last_element(array: bytes) -> bytes:
    """The last element of a JSON array, which is valid JSON; nothing where there is none."""
    if not array.startswith(b"["):
        return b""
    backwards = array[: -MAX_MESSAGE - 3 : -1]
    depth = -1  # the array's own bracket comes first
    for count, match in enumerate(_MARK.finditer(backwards)):
        mark = match[0]
        if mark in _DEEPER:
            depth += 1
        elif (mark == b"," and depth == 0) or (mark in _HIGHER and depth == 0):
            return backwards[1 : match.start()][::-1].strip()
        elif mark in _HIGHER:
            depth -= 1
        if mark == b'"' or count > _MOST_MARKS:
            break
    raise _too_long()


def _too_long() -> InvalidInputError:
    return InvalidInputError(f"A message may have {MAX_MESSAGE:,} bytes.")


def _decode(text: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInputError("The body is not what the AI SDK sends.") from error
