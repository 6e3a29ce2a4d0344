"""How many times a JPEG goes over its pixels, counted without decoding any. Pure.

A progressive JPEG sends its picture in scans, and a decoder goes over the whole canvas for each of
them, even for one that takes twenty bytes ("Two Issues with the JPEG Standard", LJT-01-003,
https://libjpeg-turbo.org/pmwiki/uploads/About/TwoIssueswiththeJPEGStandard.pdf). libjpeg-turbo and
libvips set no limit. Of the other formats here none has such passes: an interlaced PNG goes over
each pixel once, in seven parts.
"""

import re
from mmap import mmap
from typing import Final

from coatcheck.errors import UnprocessableMediaError

MAX_SCANS: Final = 100
"""Most scans of a JPEG.

Skia, which decodes for Chrome and Android, draws the line there too (``SkJpegDecoderMgr.cpp``,
``progress_monitor``); encoders write about ten.
"""

MAX_SEGMENTS: Final = 10_000
"""Most marker segments of a JPEG: a profile has 255 at most, extended XMP a few hundred."""

# What ends entropy-coded data and what a decoder looks for between segments: a byte FF and a code.
# Not FF 00 (a stuffed FF), FF FF (fill), FF 01 and the restart markers, which stand within data.
_MARKER: Final = re.compile(rb"\xff[\x02-\xcf\xd8-\xfe]")
_FIRST_WITH_LENGTH: Final = 0xC0  # lower codes are reserved: a decoder skips them or gives up
_START_OF_IMAGE: Final = 0xD8
_END_OF_IMAGE: Final = 0xD9
_START_OF_SCAN: Final = 0xDA


def count_scans(jpeg: bytes | mmap) -> int:
    """The scans of a JPEG, in one pass without a copy; counting ends above `MAX_SCANS`.

    Raises:
        UnprocessableMediaError: it has more than `MAX_SEGMENTS` segments.
    """
    scans = position = 0
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(jpeg, position)
        if found is None:
            return scans
        position = found.end()
        code = jpeg[position - 1]
        if code == _END_OF_IMAGE:
            return scans
        if code == _START_OF_SCAN:
            scans += 1
            if scans > MAX_SCANS:
                return scans
        if code >= _FIRST_WITH_LENGTH and code != _START_OF_IMAGE:
            # Skipped by its length: a preview inside of a segment has scans of its own.
            position += int.from_bytes(jpeg[position : position + 2], "big")
    raise UnprocessableMediaError(f"A JPEG may have {MAX_SEGMENTS:,} segments at most.")
