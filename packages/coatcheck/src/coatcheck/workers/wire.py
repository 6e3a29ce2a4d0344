"""What travels between a pool and its worker: frames of a JSON header and a binary payload.

::

    4 bytes  length of the header, big-endian
    4 bytes  length of the payload, big-endian
    header   JSON
    payload  bytes

Never pickle: a worker that hostile media has taken over must not reach the server through its
answers. Both lengths are bounded.
"""

import struct
from typing import Any, Final

import msgspec

from coatcheck.errors import WorkerError

PREFIX: Final = struct.Struct(">II")
MAX_HEADER_BYTES: Final = 1024 * 1024
"""A greeting or an answer has a few hundred; edits and prompts have more."""

MAX_PAYLOAD_BYTES: Final = 256 * 1024 * 1024
"""A picture of the whole pixel budget as PNG is smaller."""


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    """What a worker says.

    Attributes:
        result: what the task returned; None where it raised.
        error: the code of the error that it raised.
        message: the message of that error.
        unconfined: in the greeting, why the worker is not confined; None where it is.
    """

    result: dict[str, Any] | None = None
    error: str = ""
    message: str = ""
    unconfined: str | None = None


def encode(header: dict[str, Any], payload: bytes = b"") -> bytes:
    """A frame with `header` and `payload`."""
    text = msgspec.json.encode(header)
    return PREFIX.pack(len(text), len(payload)) + text + payload


def decode_prefix(prefix: bytes) -> tuple[int, int]:
    """The lengths of header and payload.

    Raises:
        WorkerError: a length is over its bound.
    """
    header, payload = PREFIX.unpack(prefix)
    if header > MAX_HEADER_BYTES or payload > MAX_PAYLOAD_BYTES:
        raise WorkerError("A worker's answer is larger than allowed.")
    return header, payload


def decode_request(text: bytes) -> dict[str, Any]:
    """The header of a request, which the pool wrote."""
    return msgspec.json.decode(text, type=dict[str, Any])


def decode_answer(text: bytes) -> Answer:
    """The header of an answer, which a hostile worker may have written.

    Raises:
        WorkerError: it is no JSON, or has members of other types.
    """
    try:
        return msgspec.json.decode(text, type=Answer)
    except (msgspec.DecodeError, RecursionError) as error:
        raise WorkerError("A worker's answer cannot be read.") from error
