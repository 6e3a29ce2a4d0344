"""Binary frames: the bytes of a preview or thumbnail, pushed to a client that asked for them. Pure.

::

    byte  0     version, 1
    byte  1     kind: 1 preview, 2 thumbnail
    bytes 2-3   reserved: written as 0, passed over when read
    bytes 4-7   length of the header, big-endian
    header      JSON: {"id", "mimeType", "width", "height", "seq"}
    payload     the encoded picture

``spec/wire.md`` is normative; ``spec/vectors/frames.json`` is tested on both sides.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Final

import msgspec

from coatcheck.errors import InvalidInputError
from coatcheck_chat.errors import ProtocolError

SUBPROTOCOL: Final = "coatcheck.v1.binary"
"""Who names it in the handshake gets binary frames."""

PLAIN_SUBPROTOCOL: Final = "coatcheck.v1"
"""The same protocol in text alone."""

MAX_BINARY_FRAME: Final = 256 * 1024
"""Bytes of a frame, header included."""

VERSION: Final = 1
_PREFIX: Final = struct.Struct(">BBHI")


class FrameKind(IntEnum):
    """What the bytes are."""

    PREVIEW = 1
    THUMBNAIL = 2


_KINDS: Final = frozenset(FrameKind)


class FrameHeader(msgspec.Struct, frozen=True, rename="camel"):
    """Which picture the bytes show.

    Attributes:
        id: of the ``data-media`` part.
        mime_type: of the payload.
        width: of the payload, in pixels.
        height: of the payload, in pixels.
        seq: of the chunk that brought the part into the state that the bytes belong to.
    """

    id: Annotated[str, msgspec.Meta(min_length=1)]
    mime_type: Annotated[str, msgspec.Meta(pattern=r"^image/[a-z0-9][a-z0-9.+-]*$")]
    width: Annotated[int, msgspec.Meta(ge=1)]
    height: Annotated[int, msgspec.Meta(ge=1)]
    seq: Annotated[int, msgspec.Meta(ge=0)]


@dataclass(frozen=True, slots=True)
class BinaryFrame:
    """A frame, read."""

    kind: FrameKind
    header: FrameHeader
    payload: bytes


def encode_binary_frame(frame: BinaryFrame) -> bytes:
    """The frame's bytes.

    Raises:
        InvalidInputError: they would be more than `MAX_BINARY_FRAME`.
    """
    header = msgspec.json.encode(frame.header)
    encoded = _PREFIX.pack(VERSION, frame.kind, 0, len(header)) + header + frame.payload
    if len(encoded) > MAX_BINARY_FRAME:
        raise InvalidInputError(f"A binary frame may have {MAX_BINARY_FRAME:,} bytes.")
    return encoded


def decode_binary_frame(data: bytes) -> BinaryFrame:
    """Read a frame.

    Raises:
        ProtocolError: it is too long or too short, of another version or kind, or its header
            cannot be used.
    """
    if not _PREFIX.size < len(data) <= MAX_BINARY_FRAME:
        raise ProtocolError("The binary frame is too long or too short.")
    version, kind, _reserved, length = _PREFIX.unpack_from(data)
    if version != VERSION or kind not in _KINDS:
        raise ProtocolError("The binary frame is of another version or of no known kind.")
    end = _PREFIX.size + length
    if end >= len(data):
        raise ProtocolError("The binary frame has no payload.")
    try:
        header = msgspec.json.decode(data[_PREFIX.size : end], type=FrameHeader)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError("The binary frame's header cannot be read.") from error
    return BinaryFrame(FrameKind(kind), header, data[end:])
