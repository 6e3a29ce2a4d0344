"""Media in free text: data: URIs in Markdown, HTML or prose, and base64 that stands alone. Pure."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from coatcheck.errors import (
    CoatcheckError,
    MediaTooLargeError,
    UnprocessableMediaError,
    UnsupportedMediaError,
)
from coatcheck.mediatype import IMAGE_TYPES, SNIFF_BYTES, sniff
from coatcheck.payload.scanning.base64text import Run, Steps, decode, find_run, finish
from coatcheck.payload.scanning.blocks import Blocks, is_whole

# RFC 2397, with any parameters, right before the base64.
_HEADER: Final = re.compile(
    r"data:(?P<type>[^;,\s\"'()<>]*)(?P<parameters>(?:;[^;,\s\"'()<>]*)*?);base64,\s*$",
    re.IGNORECASE,
)
_NAME: Final = re.compile(r";(?:file)?name=([^;]+)", re.IGNORECASE)
_MARKDOWN_ALT: Final = re.compile(r"!\[([^\[\]]*)\]\(\s*<?$")
_LONGEST_HEADER: Final = 512
_SLACK: Final = 1024 * 1024
_HEAD: Final = 8192  # characters of base64 that make more than `SNIFF_BYTES` bytes

# What is only known by being UTF-8 is media where it is said to be, and chance anywhere else.
_TOLD_ONLY: Final = frozenset({"text/plain", "application/json"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundMedia:
    """Bytes that look like media, not stored yet.

    Attributes:
        media: the bytes.
        characters: how much text they took.
        name: a file name.
        alt: an alternative text.
    """

    media: Blocks
    characters: int
    name: str | None = None
    alt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMedia:
    """Media in a text, from `start` (its data: URI's beginning, if it has one) up to `end`.

    `found` is an error where the text says that there is media and there is none that can be read.
    """

    start: int
    end: int
    is_bare: bool
    found: FoundMedia | CoatcheckError


def next_media(text: str, start: int, threshold: int, max_bytes: int) -> Steps[TextMedia | None]:
    """The first media in `text` that begins at `start` or later.

    Args:
        text: any text.
        start: where to begin.
        threshold: characters from which on base64 counts as media.
        max_bytes: largest media that is decoded.
    """
    position = start
    while True:
        run = yield from find_run(text, position, threshold)
        if run is None:
            return None
        for begin in run.starts:
            media = yield from _media_at(text, begin, run, position, max_bytes)
            if media is not None:
                return media
        position = run.end


def _media_at(
    text: str, begin: int, run: Run, floor: int, max_bytes: int
) -> Steps[TextMedia | None]:
    window = max(floor, begin - _LONGEST_HEADER)
    header = _HEADER.search(text, window, begin)
    if header is None:
        if not _is_media_head(text[begin : min(begin + _HEAD, run.end)]):
            return None
        start, name, alt, media_type = begin, None, None, None
    else:
        start, media_type = header.start(), header["type"]
        name, alt = _name(header["parameters"]), _alt(text, window, start)
    found: FoundMedia | CoatcheckError
    try:
        media = yield from read_base64(text, begin, run.end, media_type, max_bytes)
        found = FoundMedia(media=media, characters=run.end - start, name=name, alt=alt)
    except CoatcheckError as error:
        found = error
    return TextMedia(start=start, end=run.end, is_bare=header is None, found=found)


def read_base64(
    text: str, start: int, end: int, media_type: str | None, max_bytes: int
) -> Steps[Blocks]:
    """The media that base64 stands for.

    Args:
        text: holds it from `start` up to `end`.
        start: see there.
        end: see there.
        media_type: what it is said to be; None where nothing is said.
        max_bytes: largest media that is decoded.

    Raises:
        MediaTooLargeError: it is longer than `max_bytes`; nothing was decoded.
        UnprocessableMediaError: it cannot be decoded, or is a piece of a file.
        UnsupportedMediaError: it is of no accepted type.
    """
    # Line breaks count as well: what is near the bound is left to the store.
    if (end - start) // 4 * 3 - _SLACK > max_bytes:
        raise MediaTooLargeError
    media = Blocks((yield from decode(text, start, end)))
    check_media(media, media_type)
    return media


def check_media(media: Blocks, media_type: str | None) -> None:
    """Whether bytes are media, as far as can be told without decoding them.

    Raises:
        UnprocessableMediaError: they are a piece of a file.
        UnsupportedMediaError: they are of no accepted type, or text that is called an image.
    """
    sniffed = sniff(media.head)
    if sniffed is None:
        raise UnsupportedMediaError
    if sniffed in _TOLD_ONLY and (media_type is None or media_type.startswith("image/")):
        raise UnsupportedMediaError("The media claims to be an image and is none.")
    if sniffed not in IMAGE_TYPES and not is_whole(media, sniffed):
        raise UnprocessableMediaError


def split_data_uri(text: str) -> tuple[int, str, str | None] | None:
    """Where the base64 of a text that is a data: URI begins, its media type and its name.

    None where the text is no data: URI with base64.
    """
    comma = text.find(",", 0, _LONGEST_HEADER) + 1
    header = _HEADER.match(text, 0, comma) if comma else None
    return None if header is None else (comma, header["type"], _name(header["parameters"]))


def _is_media_head(text: str) -> bool:
    """Whether base64 begins like media that is known by its first bytes."""
    text = "".join(text.split())
    text = text[: len(text) // 4 * 4]
    try:
        head = b"".join(finish(decode(text)))
    except UnprocessableMediaError:
        return False
    sniffed = sniff(head[:SNIFF_BYTES])
    return sniffed is not None and sniffed not in _TOLD_ONLY


def _name(parameters: str) -> str | None:
    match = _NAME.search(parameters)
    return unquote(match[1]) if match else None


def _alt(text: str, floor: int, start: int) -> str | None:
    match = _MARKDOWN_ALT.search(text, max(floor, start - _LONGEST_HEADER), start)
    return match[1].strip() or None if match else None
