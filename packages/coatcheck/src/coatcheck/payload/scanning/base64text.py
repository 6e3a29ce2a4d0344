"""Base64 in text: where a run of it lies, and the bytes that it stands for. Pure.

The work is done in steps, as generators that yield None wherever the caller may do something else
for a moment: no step takes more than about a millisecond, whatever the length of the text.

A run is looked for by probes half a threshold apart, so that megabytes of prose cost microseconds;
it is followed to its end by decoding it, which is ten times as fast as a regular expression.
"""

import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final, TypeVar

import pybase64

from coatcheck.errors import UnprocessableMediaError

THRESHOLD: Final = 4096
"""Base64 characters from which on text counts as inline media; ids, hashes and keys are shorter."""

BLOCK: Final = 1024 * 1024
"""Characters that are decoded in one step; a multiple of four."""

T = TypeVar("T")
Steps = Generator[None, None, T]
"""Work in steps: yields where it may be interrupted, returns the outcome."""

_PROBES_PER_STEP: Final = 2048
_PROBE: Final = 64
_PROBE_WINDOW: Final = 96
_QUARTET: Final = 4

# What may stand in a run: an alphabet, and the line breaks and slashes that encoders put in, as
# they are and as JSON escapes them, once or more.
_PROBED: Final = re.compile(r"(?>[A-Za-z0-9+/_=-]+|\\+[nr/]|[\r\n]+)*")
_PROBED_BYTES: Final = re.compile(_PROBED.pattern.encode())
_ALPHABET: Final = re.compile(r"[A-Za-z0-9+/_-]*+")
_END: Final = re.compile(r"[A-Za-z0-9+/_-]*+(?:={1,2}|(?:%3[Dd]){1,2})?")
_SHORT: Final = 4096
_PERCENT_PADDING: Final = 6  # characters of "%3D%3D"
_SHORTEST_LINE: Final = 16
_LONGEST_LINE: Final = 4095
_SPACES: Final = str.maketrans("", "", " \t\r\n")
_PADDING: Final = re.compile(r"(?:=|%3[Dd]){1,2}$")


def finish(steps: Steps[T]) -> T:
    """The outcome of work in steps, done at one go: for work that is short, or in a worker."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            outcome: T = done.value
            return outcome


@dataclass(frozen=True, slots=True)
class Run:
    """A run of base64 in a text, up to but without `end`.

    It begins at the first of `starts`, or at a later one: a word at the end of the line before
    wrapped base64 is made of the same characters.
    """

    starts: tuple[int, ...]
    end: int


def may_hold_media(document: bytes | str, threshold: int = THRESHOLD) -> bool:
    """Whether a document has anything like a run of base64; False is certain, True is not.

    For documents of moderate size: it looks at the whole of it in one step (150 µs for each MB).
    """
    return _next_probe(document, 0, len(document), threshold) is not None


def probes(
    document: bytes | str, threshold: int, start: int = 0, end: int | None = None
) -> Steps[int | None]:
    """The first position from `start` on that looks like the inside of a run; None if none does."""
    stop = len(document) if end is None else end
    stride = _PROBES_PER_STEP * (threshold // 2)
    while start < stop:
        found = _next_probe(document, start, min(start + stride, stop), threshold)
        if found is not None:
            return found
        start += stride
        if start < stop:
            yield
    return None


def _next_probe(document: bytes | str, start: int, stop: int, threshold: int) -> int | None:
    if isinstance(document, str):
        for position in range(start, stop, threshold // 2):
            match = _PROBED.match(document, position, position + _PROBE_WINDOW)
            if match is not None and match.end() - position >= _PROBE:
                return position
        return None
    for position in range(start, stop, threshold // 2):
        found = _PROBED_BYTES.match(document, position, position + _PROBE_WINDOW)
        if found is not None and found.end() - position >= _PROBE:
            return position
    return None


def find_run(text: str, start: int, threshold: int) -> Steps[Run | None]:
    """The first run of at least `threshold` characters that begins at `start` or later."""
    position = start
    while True:
        found = yield from probes(text, threshold, position)
        if found is None:
            return None
        floor = max(start, found - threshold)
        begin = found - _behind(text, floor, found)
        end = yield from _follow(text, begin)
        if end - begin < threshold:
            starts, end = yield from _lines(text, floor, begin, end)
            if end - starts[0] >= threshold:
                return Run(starts, end)
        else:
            return Run((begin,), end)
        # No shorter step: a run that begins in between is met in its middle.
        position = max(end, found + threshold // 2)
        yield


def _behind(text: str, floor: int, position: int) -> int:
    """How many characters right before `position`, back to `floor`, are of an alphabet."""
    match = _ALPHABET.match(text[floor:position][::-1])
    return match.end() if match else 0


def _follow(text: str, start: int) -> Steps[int]:
    """Where a run on one line that begins at `start` ends."""
    position = start
    match = _END.match(text, position, position + _SHORT)
    if match is not None and match.end() < position + _SHORT:
        return match.end()  # most runs are words
    while position < len(text):
        stop = position + BLOCK
        if not _is_base64(text[position:stop]):
            match = _END.match(text, position, stop + _PERCENT_PADDING)
            end = match.end() if match else position
            if end < stop or end >= len(text):
                return end
        position = stop
        yield
    return len(text)


def _lines(text: str, floor: int, begin: int, end: int) -> Steps[tuple[tuple[int, ...], int]]:
    """The run in lines of one length that the line from `begin` to `end` is part of.

    All lines but the last have the same length (RFC 2045, 6.8), so what follows on a line of its
    own is not taken for base64.
    """
    length = end - begin
    if not _SHORTEST_LINE <= length <= _LONGEST_LINE:
        return (begin,), end
    whole = re.compile(rf"(?:[A-Za-z0-9+/_-]{{{length}}}\r?\n)*+")
    last = re.compile(rf"[A-Za-z0-9+/_-]{{0,{length}}}={{0,2}}")
    first = begin
    while (above := _line_above(text, first)) is not None and above >= floor:
        if first - above not in {length + 1, length + 2}:
            break
        if _behind(text, above, above + length) < length:
            break
        first = above
    starts = [first]
    above = _line_above(text, first)
    if above is not None:
        line_end = text.rfind("\n", 0, first)
        line_end -= text[line_end - 1 : line_end] == "\r"
        shared = _behind(text, max(floor, above), line_end)
        if shared:
            starts.insert(0, line_end - shared)
    position = first
    while True:
        match = whole.match(text, position, position + BLOCK)
        through = match.end() if match else position
        if through == position:
            break
        position = through
        yield
    match = last.match(text, position)
    return tuple(starts), match.end() if match else position


def _line_above(text: str, line: int) -> int | None:
    """Where the line before the one that begins at `line` begins; None if there is none."""
    if line == 0 or text[line - 1] != "\n":
        return None
    return text.rfind("\n", 0, line - 1) + 1


def _is_base64(block: str) -> bool:
    """Whether a whole block is base64 and nothing else."""
    return len(block) == BLOCK and _decode_quartets(block) is not None


def decode(text: str, start: int = 0, end: int | None = None) -> Steps[list[bytes]]:
    """The bytes of base64 in either alphabet, with or without padding or white space, in blocks.

    Raises:
        UnprocessableMediaError: it is no base64.
    """
    stop = len(text) if end is None else end
    chunks = []
    carried = ""
    for position in range(start, stop, BLOCK):
        block = text[position : min(position + BLOCK, stop)]
        is_last = position + BLOCK >= stop
        chunk = None if carried else (decode_end(block) if is_last else _decode_quartets(block))
        if chunk is None:  # white space, which moves the quartets
            block = carried + block.translate(_SPACES)
            length = len(block) if is_last else len(block) // _QUARTET * _QUARTET
            carried = block[length:]
            chunk = decode_end(block) if is_last else _decode_quartets(block[:length])
        if chunk is None:
            raise UnprocessableMediaError("The base64 cannot be decoded.")
        chunks.append(chunk)
        yield
    return chunks


def decode_end(block: str) -> bytes | None:
    """The bytes of the last block: padded, not padded, or with its padding percent-encoded."""
    unpadded = _PADDING.sub("", block[-6:])
    whole = block[:-6] + unpadded
    return _decode_quartets(whole + "=" * (-len(whole) % _QUARTET), padded=True)


def _decode_quartets(block: str, *, padded: bool = False) -> bytes | None:
    url_safe = "-" in block or "_" in block
    if url_safe and ("+" in block or "/" in block):
        return None
    try:
        data = pybase64.b64decode(block, altchars=b"-_" if url_safe else None, validate=True)
    except ValueError:
        return None
    return data if padded or not block.endswith("=") else None
