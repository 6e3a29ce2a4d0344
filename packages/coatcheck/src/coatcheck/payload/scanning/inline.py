"""Find inline media in text and bytes, and replace it with a note. Pure."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

import pybase64

from coatcheck.mediatype import SNIFF_BYTES, sniff
from coatcheck.payload.scanning.base64text import (
    THRESHOLD,
    Run,
    find_run,
    finish,
    may_hold_media,
    probes,
)

_FEWEST_BYTES: Final = THRESHOLD // 4 * 3
_BINARY: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_TEXTS: Final = frozenset({"application/json", "image/svg+xml", "text/plain"})

_HEAD: Final = -(-SNIFF_BYTES // 3) * 4  # characters
_URL_SAFE: Final = str.maketrans("-_", "+/")
_NO_BASE64: Final = re.compile(r"\\+[nr]|[^A-Za-z0-9+/_-]+")
# What stands before the base64 of a data: URI (RFC 2397).
_DATA_URI: Final = re.compile(r"data:[^\s,\"'<>()]{0,200};base64,(?:\s|\\+[nr])*\Z", re.IGNORECASE)
_DATA_URI_LENGTH: Final = 256
# In a string inside JSON, and in a repr, line breaks and slashes are escaped: once for each string
# that they are in.
_ESCAPED: Final = re.compile(r"(?>[A-Za-z0-9+/_-]+|(?<!\\)\\++[nr/])+={0,2}")
_ESCAPED_LINE: Final = re.compile(r"\\++[nr]|(?P<base64>(?>[A-Za-z0-9+/_-]+|\\++/)+={0,2})")
_BACKWARDS: Final = re.compile(r"[A-Za-z0-9+/_\\-]*+")
_SHORTEST_LINE: Final = 16


def has_inline_media(text: str) -> bool:
    """Whether `text` carries inline media."""
    return cut_text(text) is not text


def cut_text(text: str) -> str:
    """Replace each inline media in `text` with a note; return the same object if there is none.

    Inline media is 4,096 characters of base64 or more, in either alphabet and in lines or not, with
    the ``data:`` URI that they belong to. Characters of one case do not count as base64:
    hexadecimal digits, a protein's sequence, a rule of dashes.
    """
    if len(text) < THRESHOLD or not may_hold_media(text):
        return text
    cut = _cut(text, _runs(text))
    if "\\" in cut and may_hold_media(cut):
        cut = _cut(cut, _escaped_runs(cut))
    return cut


def cut_bytes(data: bytes | bytearray) -> bytes | bytearray:
    """Cut `data` like `cut_text`; replace 3,072 bytes or more that are not text with a note."""
    if len(data) < _FEWEST_BYTES:
        return data
    head = bytes(data[:SNIFF_BYTES])
    media_type = sniff(head)
    if media_type not in _TEXTS and (media_type or _BINARY.search(head)):
        return _note(media_type, f"{len(data):,} bytes").encode()
    text = data.decode("latin-1")  # one character for each byte, whatever the encoding is
    cut = cut_text(text)
    return data if cut is text else cut.encode("latin-1")


def _cut(text: str, runs: Iterable[Run]) -> str:
    parts = []
    kept = 0
    for run in runs:
        # A word before the first line of base64 may seem to be part of it: known bytes decide.
        media_types = {start: _media_type(text, start, run.end) for start in run.starts}
        start = next((start for start, known in media_types.items() if known), run.starts[-1])
        uri = _DATA_URI.search(text, max(kept, start - _DATA_URI_LENGTH), start)
        if uri or media_types[start] or _is_mixed(text[start : start + THRESHOLD]):
            note = _note(media_types[start], f"{run.end - start:,} characters of base64")
            parts += [text[kept : uri.start() if uri else start], note]
            kept = run.end
    return "".join([*parts, text[kept:]]) if parts else text


def _runs(text: str) -> Iterator[Run]:
    run = finish(find_run(text, 0, THRESHOLD))
    while run is not None:
        yield run
        run = finish(find_run(text, run.end, THRESHOLD))


def _escaped_runs(text: str) -> Iterator[Run]:
    position = 0
    # What begins behind `position` and is long enough reaches over the middle of a threshold.
    while (found := finish(probes(text, THRESHOLD, position + THRESHOLD // 2))) is not None:
        blocks = _ESCAPED.finditer(text, _beginning(text, position, found))
        block = next((block for block in blocks if block.end() > found), None)
        if block is not None:
            yield from _lines(text, block.start(), block.end())
        position = max(block.end() if block else 0, found + 1)


def _beginning(text: str, floor: int, position: int) -> int:
    """Where the characters of escaped base64 right before `position`, back to `floor`, begin."""
    while position > floor:
        behind = _BACKWARDS.match(text[max(floor, position - THRESHOLD) : position][::-1])
        if behind is None or not behind[0]:
            break
        position -= behind.end()
    return position


def _lines(text: str, start: int, end: int) -> Iterator[Run]:
    """The runs between `start` and `end`: long lines, and lines of one length and what is left."""
    lines = [line for line in _ESCAPED_LINE.finditer(text, start, end) if line["base64"]]
    lengths = [len(line[0]) - line[0].count("\\") for line in lines]
    first = 0
    while first < len(lines):
        length = lengths[first]
        following = first + 1
        if length >= _SHORTEST_LINE:
            while following < len(lines) and lengths[following] == length:
                following += 1
            if following < len(lines) and lengths[following] < length < THRESHOLD:
                following += 1
        last = lines[following - 1]
        if last.end() - lines[first].start() >= THRESHOLD:
            yield Run((lines[first].start(),), last.end())
        first = following


def _media_type(text: str, start: int, end: int) -> str | None:
    """What the first bytes of base64 say that it is."""
    base64 = _NO_BASE64.sub("", text[start : min(end, start + 2 * _HEAD)])[:_HEAD]
    base64 = base64[: len(base64) // 4 * 4].translate(_URL_SAFE)
    return sniff(pybase64.b64decode(base64)[:SNIFF_BYTES])


def _is_mixed(text: str) -> bool:
    return text.lower() != text != text.upper()


def _note(media_type: str | None, amount: str) -> str:
    return f"[{media_type}, {amount} left out]" if media_type else f"[{amount} left out]"
