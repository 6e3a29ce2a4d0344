"""Bytes that were decoded in blocks, and whether they are a whole file of their type. Pure.

Images are not looked at here: the store decodes them. What else is found by its first bytes alone
might be chance or a piece of something, so its structure has to come out even as well.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Final

from coatcheck.mediatype import SNIFF_BYTES

_TAIL: Final = 65_557  # the longest end record of a ZIP: 22 bytes and a comment
_UNKNOWN_LENGTHS: Final = frozenset({0, 0xFFFFFFFF})  # written by encoders that stream
_MAX_BOXES: Final = 10_000
_FRAMES: Final = 3
_BIT_RATES: Final = (
    (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_SAMPLING_RATES: Final = (44_100, 48_000, 32_000)
_MPEG_1: Final = 0b11
_MPEG_2_5: Final = 0b00


class Blocks:
    """Bytes in blocks, read like one piece without being copied into one.

    Args:
        chunks: the blocks, in order.
    """

    def __init__(self, chunks: Sequence[bytes]) -> None:
        self.chunks = chunks
        self._ends = list(accumulate(map(len, chunks)))

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self._ends[-1] if self._ends else 0

    @property
    def head(self) -> bytes:
        """The first `SNIFF_BYTES` bytes."""
        return self.read(0, SNIFF_BYTES)

    def read(self, start: int, length: int) -> bytes:
        """Up to `length` bytes from `start` on; fewer where they end."""
        index = bisect_right(self._ends, start)
        offset = start - (self._ends[index - 1] if index else 0)
        parts = []
        while length > 0 and index < len(self.chunks):
            part = self.chunks[index][offset : offset + length]
            parts.append(part)
            length -= len(part)
            index, offset = index + 1, 0
        return b"".join(parts)


def is_whole(media: Blocks, media_type: str) -> bool:
    """Whether `media` is a complete file of its sniffed type, as far as its structure tells."""
    check = _CHECKS.get(media_type)
    return check is None or check(media)


def _is_whole_pdf(media: Blocks) -> bool:
    # ISO 32000-1, annex H.3: readers look for the marker in the last 1,024 bytes.
    return b"%%EOF" in media.read(max(0, media.size - 1024), 1024)


def _is_whole_zip(media: Blocks) -> bool:
    return b"PK\x05\x06" in media.read(max(0, media.size - _TAIL), _TAIL)


def _is_whole_wav(media: Blocks) -> bool:
    length = int.from_bytes(media.read(4, 4), "little")
    return length in _UNKNOWN_LENGTHS or length + 8 in {media.size, media.size - 1, media.size + 1}


def _is_whole_ogg(media: Blocks) -> bool:
    # RFC 3533, 6: a page is a header of 27 bytes, a table of segment lengths, and the segments.
    tail = media.read(max(0, media.size - _TAIL), _TAIL)
    page = tail.rfind(b"OggS")
    if page < 0 or page + 27 > len(tail):
        return False
    table = tail[page + 27 : page + 27 + tail[page + 26]]
    return page + 27 + tail[page + 26] + sum(table) == len(tail)


def _is_whole_flac(media: Blocks) -> bool:
    # RFC 9639, 8.1: the first metadata block is a STREAMINFO of 34 bytes.
    return media.read(4, 1)[:1] in {b"\x00", b"\x80"} and media.read(5, 3) == b"\x00\x00\x22"


def _is_whole_mp4(media: Blocks) -> bool:
    # ISO/IEC 14496-12, 4.2: boxes, one after the other, to the very end.
    position = 0
    for _ in range(_MAX_BOXES):
        if position == media.size:
            return True
        header = media.read(position, 16)
        length = int.from_bytes(header[:4], "big")
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        elif length == 0:  # up to the end
            return True
        if length < 8 or position + length > media.size:  # noqa: PLR2004 - a box's own header
            return False
        position += length
    return False


def _is_whole_mp3(media: Blocks) -> bool:
    position = 0
    if media.read(0, 3) == b"ID3":
        # ID3v2.4, 3.1: the length is written with seven bits to the byte.
        length = 0
        for byte in media.read(6, 4):
            length = length << 7 | byte & 0x7F
        position = 10 + length
    for _ in range(_FRAMES):
        length = _mpeg_frame_length(media.read(position, 4))
        if length == 0 or position + length > media.size:
            return False
        position += length
    return True


def _mpeg_frame_length(header: bytes) -> int:
    """Bytes of an MPEG audio frame of layer III (ISO/IEC 11172-3, 2.4.3.1); 0 if it is none."""
    word = int.from_bytes(header, "big")
    version, rate, sampling = word >> 19 & 0b11, word >> 12 & 0b1111, word >> 10 & 0b11
    if word >> 21 != 0b111_1111_1111 or word >> 17 & 0b11 != 0b01 or version == 0b01:  # noqa: PLR2004 - sync, layer III, reserved
        return 0
    if rate in {0b0000, 0b1111} or sampling == 0b11:  # noqa: PLR2004 - free and reserved values
        return 0
    halved = version != _MPEG_1
    kilobits = _BIT_RATES[halved][rate - 1]
    hertz = _SAMPLING_RATES[sampling] // (1 if not halved else 4 if version == _MPEG_2_5 else 2)
    return (72 if halved else 144) * kilobits * 1000 // hertz + (word >> 9 & 1)


_CHECKS: Final[dict[str, Callable[[Blocks], bool]]] = {
    "application/pdf": _is_whole_pdf,
    "application/zip": _is_whole_zip,
    "audio/wav": _is_whole_wav,
    "audio/ogg": _is_whole_ogg,
    "audio/flac": _is_whole_flac,
    "audio/mp4": _is_whole_mp4,
    "audio/mpeg": _is_whole_mp3,
    "video/mp4": _is_whole_mp4,
    "video/quicktime": _is_whole_mp4,
}
