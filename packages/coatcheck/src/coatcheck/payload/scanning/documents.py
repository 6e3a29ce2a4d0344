"""JSON documents, read only around the media in them. Pure.

A message of four megabytes is four megabytes of base64 and a few hundred bytes of JSON. The
brackets and quotes of a document are followed without reading what is between them; then the values
around media are parsed, with a marker in the place of each long piece of text. The rest of a
document stays as it was, byte for byte, and so do numbers, order and spelling beside the way to the
media.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Final

import msgspec

from coatcheck.payload.scanning.base64text import Steps, may_hold_media, probes
from coatcheck.payload.scanning.jsontext import JsonText

MAX_PARSED: Final = 64 * 1024
"""Bytes of JSON, long strings not counted, that are parsed around media in one step."""

MAX_NESTING: Final = 1000
"""How deep a document may nest; no reader takes more."""

_SEARCHED_PER_STEP: Final = 1024 * 1024
_MARKS_PER_STEP: Final = 1000
# A bracket, a short string without escapes as a whole, or the quote that begins another string.
_MARK: Final = re.compile(r"[\"\[\]{}](?:(?<=\")[^\"\\]{0,256}+\")?")
_MARK_BYTES: Final = re.compile(_MARK.pattern.encode())
_VISIBLE: Final = re.compile(r"\S")
_VISIBLE_BYTES: Final = re.compile(rb"\S")
_QUOTES: Final = ('"', b'"')
_OPENING: Final = ("[", "{", b"[", b"{")
_BRACKETS: Final = (*_OPENING, "]", "}", b"]", b"}")
# What tells where in a document one is; a long string as in `_MARK`.
_STEP: Final = re.compile(r"[\"\[\]{},:](?:(?<=\")[^\"\\]{0,256}+\")?")
_STEP_BYTES: Final = re.compile(_STEP.pattern.encode())
_SEPARATORS: Final = (":", ",", b":", b",")
_LONGEST_STEP: Final = 100


class HeldText(str):
    """A string of a document with markers in the place of its long pieces.

    What it begins and ends with can be read as in any string; `full` makes the whole text.
    """

    __slots__ = ("full",)

    full: Callable[[], str]


@dataclass(slots=True)
class _Container:
    """An array or an object that the scan is inside of."""

    start: int
    first_span: int
    long: int = 0  # characters of strings that may be media
    is_hot: bool = False  # whether there are any


def find_spans(
    document: str | bytes, threshold: int, max_marks: int
) -> Steps[list[tuple[int, int]] | None]:
    """The pieces of a JSON document to be parsed: values that hold what may be media.

    Each is the largest that has no more than `MAX_PARSED` around its long strings.

    Returns:
        Start and end of each, in order; None for what is no JSON, nests deeper than `MAX_NESTING`
        or has more than `max_marks` brackets and strings.
    """
    scan = _Scan()
    position = 0
    while position < len(document):
        position, is_string = yield from scan.follow(document, position, max_marks)
        if position < 0:
            return None
        if is_string:
            start = position
            position = yield from _string_end(document, start + 1)
            if position > len(document):
                return None
            if position - start > threshold:
                found = yield from probes(document, threshold, start, position)
                if found is not None:
                    scan.note(start, position)
            scan.take_string(position)
        yield
    return scan.spans if scan.is_whole(document) else None


class _Scan:
    """What has been seen of a document: the containers that are open, the spans that were found."""

    def __init__(self) -> None:
        self._open: list[_Container] = []
        self._marks = 0
        self._end: int | None = None  # of the document's value
        self.spans: list[tuple[int, int]] = []

    def is_whole(self, document: str | bytes) -> bool:
        """Whether the document is one value, with nothing after it."""
        if self._end is None:
            return False
        if isinstance(document, str):
            return _VISIBLE.search(document, self._end) is None
        return _VISIBLE_BYTES.search(document, self._end) is None

    def follow(self, document: str | bytes, start: int, max_marks: int) -> Steps[tuple[int, bool]]:
        """Take the brackets and the short strings from `start` on.

        Returns:
            How far it came, and whether a long string, or one with escapes, begins there. Less than
            0 for what is no JSON or has too much of it.
        """
        stop = min(start + _SEARCHED_PER_STEP, len(document))
        pattern = _MARK if isinstance(document, str) else _MARK_BYTES
        for match in pattern.finditer(document, start, stop):  # type: ignore[arg-type] # of its kind
            mark = match[0]
            self._marks += 1
            if self._marks > max_marks or self._end is not None:
                return -1, False
            if self._marks % _MARKS_PER_STEP == 0:
                yield
            if mark in _QUOTES:
                return match.start(), True
            if mark not in _BRACKETS:
                self.take_string(match.end())
            elif not self._bracket(mark, match.start()):
                return -1, False
        return stop, False

    def _bracket(self, bracket: str | bytes, position: int) -> bool:
        """Take a bracket; whether a document of JSON may have it there."""
        if bracket in _OPENING:
            self._open.append(_Container(position, len(self.spans)))
            return len(self._open) <= MAX_NESTING
        if not self._open:
            return False
        closed = self._open.pop()
        end = position + 1
        if not self._open:
            self._end = end
        if closed.is_hot:
            if end - closed.start - closed.long <= MAX_PARSED:
                self.spans[closed.first_span :] = [(closed.start, end)]
            self._warm(closed.long)
        return True

    def take_string(self, end: int) -> None:
        """Take a string that ends at `end`."""
        if not self._open:
            self._end = end

    def note(self, start: int, end: int) -> None:
        """Take a string that may hold media."""
        self.spans.append((start, end))
        self._warm(end - start)

    def _warm(self, long: int) -> None:
        if self._open:
            self._open[-1].is_hot = True
            self._open[-1].long += long


def _string_end(document: str | bytes, position: int) -> Steps[int]:
    """The position after the quote that closes a string; more than there is, if none does."""
    quote, escape = ('"', "\\") if isinstance(document, str) else (b'"', b"\\")
    while True:
        end = yield from _first(document, quote, position, len(document))
        escapes = end
        while escapes > position and document[escapes - 1 : escapes] == escape:
            escapes -= 1
        position = end + 1
        if (end - escapes) % 2 == 0:
            return position


def _first(document: str | bytes, mark: str | bytes, start: int, end: int) -> Steps[int]:
    """Where `mark` is first found between `start` and `end`; `end` if it is not."""
    for position in range(start, end, _SEARCHED_PER_STEP):
        stop = min(position + _SEARCHED_PER_STEP, end)
        found = document.find(mark, position, stop)  # type: ignore[arg-type] # both of one kind
        if found >= 0:
            return found
        if stop < end:
            yield
    return end


class Excerpt:
    """A value in a document, parsed without its long strings; `read_excerpt` makes one."""

    def __init__(
        self, document: str | bytes, start: int, end: int, pieces: list[tuple[int, int]]
    ) -> None:
        self._document = document
        self._span = start, end
        self._pieces = pieces
        self._prefix = f"coatcheck:{token_hex(8)}:"  # drawn anew, so that no text can forge one
        self._marker = re.compile(rf"{self._prefix}(\d+):")

    def open(self, threshold: int) -> Any:
        """The value, opened on the way to what may hold media.

        Everything beside that way is left as `msgspec.Raw`; strings with long pieces are
        `HeldText`.

        Raises:
            msgspec.DecodeError: it is no JSON.
            RecursionError: it nests deeper than any reader takes.
        """
        prefix = self._prefix.encode()
        self._json = JsonText(
            self._text(),
            lambda raw: prefix in raw or (len(raw) >= threshold and may_hold_media(raw, threshold)),
            hold=self._held,
            keeps_raw=True,
        )
        return self._json.value

    def close(self, value: Any) -> str | bytes:
        """The JSON of what `open` returned and was changed since, whole."""
        text = self._full(self._json.close(value).decode())
        return text if isinstance(self._document, str) else text.encode()

    def _text(self) -> bytes:
        position, end = self._span
        parts: list[str | bytes] = []
        for index, (piece_start, piece_end) in enumerate(self._pieces):
            parts += [self._document[position:piece_start], f"{self._prefix}{index}:"]
            position = piece_end
        parts.append(self._document[position:end])
        return b"".join(part if isinstance(part, bytes) else part.encode() for part in parts)

    def _held(self, text: str) -> str:
        if self._prefix not in text:
            return text
        held = HeldText(text)
        held.full = lambda: self._full(text)
        return held

    def _full(self, text: str) -> str:
        parts = self._marker.split(text)
        if len(parts) == 3 and not parts[0] and not parts[2]:  # noqa: PLR2004 - one piece and nothing else
            start, end = self._pieces[int(parts[1])]
            piece = self._document[start:end]
            return piece if isinstance(piece, str) else piece.decode()
        for index in range(1, len(parts), 2):
            start, end = self._pieces[int(parts[index])]
            piece = self._document[start:end]
            parts[index] = piece if isinstance(piece, str) else piece.decode()
        return "".join(parts)


def read_excerpt(document: str | bytes, start: int, end: int, threshold: int) -> Steps[Excerpt]:
    """Cut out what looks like base64, as far as it stands between quotes and escapes.

    Such a piece reads the same inside and outside of a JSON string.
    """
    is_text = isinstance(document, str)
    quote, comma, escape, unicode = '",\\u' if is_text else (b'"', b",", b"\\", b"u")
    pieces: list[tuple[int, int]] = []
    position = start
    while True:
        found = yield from probes(document, threshold, position, end)
        if found is None:
            return Excerpt(document, start, end, pieces)
        floor = max(position, found - 2 * threshold)
        # After the comma of a data: URI, so that its beginning can be read.
        begins = (document.rfind(mark, floor, found) + 1 for mark in (quote, comma))  # type: ignore[arg-type] # both of one kind
        piece_start = max(begins) or found
        last_escape = document.rfind(escape, piece_start, found)  # type: ignore[arg-type] # likewise
        if last_escape >= 0:
            after = last_escape + 1
            piece_start = after + (5 if document[after : after + 1] == unicode else 1)
        piece_end = yield from _first(document, quote, found, end)
        piece_end = yield from _first(document, escape, found, piece_end)
        if piece_end - piece_start >= threshold:
            pieces.append((piece_start, piece_end))
            position = piece_end
        else:
            position = found + threshold // 2
        yield


def pointer_step(step: str | int) -> str:
    """A step of a JSON Pointer (RFC 6901); a name of more than 100 characters is cut."""
    name = str(step)
    if len(name) > _LONGEST_STEP:
        name = name[: _LONGEST_STEP - 1] + "…"
    return "/" + name.replace("~", "~0").replace("/", "~1")


def pointer_to(document: str | bytes, position: int) -> Steps[str]:
    """The JSON Pointer to the value that begins at `position` of a JSON document."""
    pattern = _STEP if isinstance(document, str) else _STEP_BYTES
    way: list[str | int] = []
    name: str | bytes = ""
    start = marks = 0
    while start < position:
        for match in pattern.finditer(document, start, position):  # type: ignore[arg-type] # of its kind
            mark = match[0]
            marks += 1
            if marks % _MARKS_PER_STEP == 0:
                yield
            if mark in _QUOTES:
                start = yield from _string_end(document, match.end())
                name = document[match.start() : min(start, match.end() + 2 * _LONGEST_STEP)]
                break
            if mark in _OPENING:
                way.append(0 if mark in {"[", b"["} else "")
            elif mark in _BRACKETS:
                del way[-1:]
            elif mark in _SEPARATORS:
                # Before the JSON of a text there may be words, which lead nowhere.
                way[-1:] = [_next_step(step, mark, name) for step in way[-1:]]
            else:
                name = mark
        else:
            break
    return "".join(map(pointer_step, way))


def _next_step(step: str | int, separator: str | bytes, name: str | bytes) -> str | int:
    """Where in a container a comma or a colon leads."""
    if isinstance(step, int):
        return step + 1 if separator in {",", b","} else step
    return "" if separator in {",", b","} else _name_of(name)


def _name_of(quoted: str | bytes) -> str:
    """What a member's name says; one that was cut, or that nothing reads, as it is written."""
    try:
        return msgspec.json.decode(quoted, type=str)
    except (msgspec.DecodeError, UnicodeError):
        written = quoted if isinstance(quoted, str) else quoted.decode(errors="replace")
        return written.strip('"')
