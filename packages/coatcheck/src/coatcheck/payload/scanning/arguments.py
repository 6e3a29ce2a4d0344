"""Base64 in the JSON of a tool's input, which arrives in pieces: held back until it is whole. Pure.

A string of base64 in JSON is media if the object around it has a known shape, and that object then
changes as a whole. So an object is held back from its brace on as long as it may turn out to be
one, and once it holds media, until it is closed.
"""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Final, NamedTuple

from coatcheck.payload.scanning.documents import MAX_NESTING
from coatcheck.payload.scanning.holding import (
    MAGIC,
    MAX_HELD,
    MAX_UNDECIDED,
    Body,
    Held,
    TextHold,
    is_base64,
)

_LONGEST_BESIDE: Final = 320
"""Characters of an object that are held back beside media, if they name a type of media."""

_URI: Final = "data:"
_NAMES_MEDIA: Final = re.compile(r"base64|mime|media_?[tT]ype|(?:image|audio|video)\\*/")
_STRUCTURE: Final = re.compile(r"[\"{}\[\]]")
_STRUCTURE_BYTES: Final = re.compile(rb"[\"{}\[\]\\]")
_STRING: Final = re.compile(r"(?:[^\"\\]++|\\.)*+", re.DOTALL)
_BASE64: Final = re.compile(
    r"(?>[A-Za-z0-9+/_=-]+|\\(?:[/nr]|u00(?:2[bBfF]|3[dD]|5[fF]|0[aAdD])))*+"
    r"(?:\\(?:u(?:0(?:0[0235]?)?)?)?\Z)?"
)
_ESCAPED: Final = "/nru"  # of base64
_LIKELY: Final = 4  # characters from which on it is hardly chance that a string begins like media
_LONGEST_MAGIC: Final = 2 * max(map(len, MAGIC))  # with escapes


class _Container(NamedTuple):
    """An object or an array that the text is inside of, and where it begins."""

    start: int
    is_object: bool


class _Reading(Enum):
    """What the text is inside of."""

    STRUCTURE = 1
    STRING = 2
    BEGINNING = 3  # a string that may begin like media
    BASE64 = 4  # a string that begins like media


class JsonHold:
    """One JSON text that arrives in pieces; data: URIs in it are held back as in any text.

    Positions are those in the whole text.

    Args:
        threshold: the fewest characters that count as media.
        max_held: characters that are held back at most.
    """

    def __init__(self, threshold: int, *, max_held: int = MAX_HELD) -> None:
        self._threshold = threshold
        self._text = TextHold(bare=False, max_held=max_held)  # takes what is not held back here
        self._held: list[str] = []
        self._length = 0
        self._end = 0  # of what has come
        self._open: list[_Container] = []
        self._reading = _Reading.STRUCTURE
        self._string = 0  # where the string begins
        self._begun = ""  # what it begins with
        self._is_escaped = False  # whether the text ends with the backslash of an escape
        self._is_released = False  # whether what is held back need not be
        self._spans: list[tuple[int, int]] = []  # media, or the objects around it
        self._after = 0  # where the last of them ends

    # --- what a hold of a text has ---------------------------------------------------------------

    @property
    def max_held(self) -> int:
        """Characters that are held back at most."""
        return self._text.max_held

    @max_held.setter
    def max_held(self, most: int) -> None:
        self._text.max_held = most

    @property
    def before(self) -> str:
        """See `TextHold.before`."""
        return self._text.before

    @before.setter
    def before(self, text: str) -> None:
        self._text.before = text

    @property
    def length(self) -> int:
        """Characters that are held back now."""
        return self._length + self._text.length

    @property
    def is_media(self) -> bool:
        """See `TextHold.is_media`."""
        return self._is_inside_media() or self._text.is_media

    @property
    def body(self) -> Body | None:
        """See `TextHold.body`."""
        return None if self._length else self._text.body

    def took(self, length: int) -> None:
        """See `TextHold.took`."""
        self._text.took(length)
        self._end += length

    def take(self, piece: bytes) -> bool:
        """See `TextHold.take`."""
        if self._length == 0:
            if not self._text.take(piece):
                return False
        elif self._reading is _Reading.BASE64 and is_base64(piece):
            self._hold(piece.decode("ascii"))
            self._is_escaped = False
        else:
            return False
        self._end += len(piece)
        return True

    def is_inside_word(self) -> bool:
        """See `TextHold.is_inside_word`."""
        return self._text.is_inside_word()

    def may_begin_in(self, document: bytes, begin: int, end: int) -> bool:
        """See `TextHold.may_begin_in`."""
        is_structure = _STRUCTURE_BYTES.search(document, begin, end) is not None
        return is_structure or self._text.may_begin_in(document, begin, end)

    def feed(self, text: str) -> Iterator[str | Held]:
        """What may pass now that `text` has come, in order."""
        if not (self.is_media and text.isascii() and self.take(text.encode())):
            self._hold(text)
            self._read(text)
            self._end += len(text)
            yield from self._settled()
        if self.length > self.max_held:
            yield from self._decided()
        if self._length > self.max_held:
            yield from self._passed(is_too_long=True)

    def flush(self) -> Iterator[str | Held]:
        """What is held back, when the text has ended."""
        if self._length:
            yield from self._decided()
            yield from self._passed()
        yield from self._text.flush()

    def flush_if_whole(self) -> Iterator[str | Held]:
        """See `TextHold.flush_if_whole`."""
        if not self._length:
            yield from self._text.flush_if_whole()

    # --- reading ---------------------------------------------------------------------------------

    def _hold(self, text: str) -> None:
        self._held.append(text)
        self._length += len(text)

    @property
    def _start(self) -> int:
        """Where what is held back begins."""
        return self._end - self._length

    def _read(self, text: str) -> None:
        """Follow the brackets and strings of what has come, and note media."""
        first = self._end - (self._length - len(text))  # where what is held back begins
        index = 0
        while index < len(text):
            if self._reading is _Reading.STRUCTURE:
                index = self._read_structure(text, index, first)
            elif self._reading is _Reading.STRING:
                index = self._read_string(text, index)
            elif self._reading is _Reading.BEGINNING:
                index = self._read_beginning(text, index)
            else:
                index = self._read_base64(text, index)

    def _read_structure(self, text: str, index: int, first: int) -> int:
        mark = _STRUCTURE.search(text, index)
        if mark is None:
            return len(text)
        position = self._end + mark.start()
        if mark[0] == '"':
            self._string, self._begun = position, ""
            self._reading = _Reading.BEGINNING
        elif mark[0] in "{[":
            self._open.append(_Container(position, mark[0] == "{"))
            # No reader takes what nests deeper.
            del self._open[: len(self._open) - MAX_NESTING]
        elif self._open:
            closed = self._open.pop()
            if closed.is_object and closed.start >= first:
                self._close(closed.start, position + 1)
        return mark.end()

    def _close(self, start: int, end: int) -> None:
        """An object is closed; if it holds media, it is one with it."""
        outside = [span for span in self._spans if span[0] < start]
        if len(outside) < len(self._spans):
            self._spans = [*outside, (start, end)]
            self._after = end

    def _read_string(self, text: str, index: int) -> int:
        if self._is_escaped:
            self._is_escaped = False
            return index + 1
        end = _STRING.match(text, index).end()  # type: ignore[union-attr] # it matches anything
        if end == len(text):
            return end
        if text[end] == "\\":  # the last character
            self._is_escaped = True
        else:
            self._reading = _Reading.STRUCTURE
        return end + 1

    def _read_beginning(self, text: str, index: int) -> int:
        begun = self._begun + text[index : index + _LONGEST_MAGIC]
        said = begun.replace("\\/", "/")
        if said.startswith(MAGIC):
            self._reading = _Reading.BASE64
        elif said.startswith(_URI):
            self._reading = _Reading.STRING
            self._is_released = True  # it is held back as in any text
        elif any(word.startswith(said.removesuffix("\\")) for word in (*MAGIC, _URI)):
            self._begun = begun
            return len(text)
        else:
            self._reading = _Reading.STRING
            # What came before was no quote; its last character may begin an escape.
            self._is_escaped = self._begun.endswith("\\")
        return index

    def _read_base64(self, text: str, index: int) -> int:
        if self._is_escaped:
            self._is_escaped = False
            if text[index] not in _ESCAPED:
                self._go_on_as_text(self._end + index - 1)
                return index + 1
        end = _BASE64.match(text, index).end()  # type: ignore[union-attr] # it matches anything
        if end == len(text):
            self._is_escaped = text.endswith("\\")
            return end
        position = self._end + end
        if text[end] == '"':
            self._reading = _Reading.STRUCTURE
            if position - self._string > self._threshold:
                self._spans.append((self._string, position + 1))
                self._after = position + 1
            return end + 1
        self._go_on_as_text(position)
        return end

    def _go_on_as_text(self, end: int) -> None:
        """A string goes on after its base64 with something else."""
        self._reading = _Reading.STRING
        if end - self._string > self._threshold:
            self._spans.append((self._string + 1, end))
            self._after = end

    # --- what passes -----------------------------------------------------------------------------

    def _settled(self) -> Iterator[str | Held]:
        """What need not be held back any more."""
        if self._spans and self._reading is not _Reading.BASE64:
            is_inside = bool(self._open) and self._open[-1].start >= self._start
            is_closed = not is_inside and self._reading is _Reading.STRUCTURE
            beside = self._end - self._after
            most = MAX_UNDECIDED if self._is_in_object() else _LONGEST_BESIDE
            if is_closed or beside > most or self._is_released:
                yield from self._decided()
        if not self._spans and not self._is_inside_media():
            yield from self._let_pass(self._kept_from())
        self._is_released = False

    def _is_inside_media(self) -> bool:
        """Whether a string is held back that is long enough to be media for certain."""
        return self._reading is _Reading.BASE64 and self._end - self._string > MAX_UNDECIDED

    def _is_in_object(self) -> bool:
        """Whether the last media has its object around it, all of which has come."""
        held = "".join(self._held)
        return held[self._spans[-1][0] - self._start] == "{"

    def _kept_from(self) -> int:
        """From where on the text may be an object with media, of which too little has come."""
        if self._is_released:
            return self._end
        kept = until = self._end
        if self._reading in {_Reading.BEGINNING, _Reading.BASE64}:
            kept = self._string
            # A string that begins like media is not counted.
            until = self._string if until - kept > _LIKELY else until
        start, held = self._start, ""
        for container in reversed(self._open):
            length = until - container.start
            if container.start < start or not container.is_object or length > _LONGEST_BESIDE:
                break
            held = held or "".join(self._held)
            if length > MAX_UNDECIDED and not _NAMES_MEDIA.search(held, container.start - start):
                break
            kept = container.start
        return kept

    def _let_pass(self, end: int) -> Iterator[str | Held]:
        """Let what comes before `end` pass."""
        length = end - self._start
        if length > 0:
            held = "".join(self._held)
            self._held[:] = [held[length:]]
            self._length -= length
            yield from self._text.feed(held[:length])

    def _decided(self) -> Iterator[str | Held]:
        """The media that is held back, with the objects around it, and what comes before that."""
        spans, self._spans = self._spans, []
        for start, end in spans:
            yield from self._let_pass(start)
            yield from self._text.flush()
            held = "".join(self._held)
            length = end - start
            self._held[:] = [held[length:]]
            self._length -= length
            self._text.before = held[length - 2 : length]
            yield Held(held[:length], length, is_json=True)

    def _passed(self, *, is_too_long: bool = False) -> Iterator[str | Held]:
        """All that is held back, without an end."""
        if self._reading is _Reading.BASE64:
            yield from self._let_pass(self._string + 1)
            yield from self._text.flush()
            held = "".join(self._held)
            self._text.before = held[-2:]
            yield Held(held, len(held), is_too_long, is_json=True)
            self._held.clear()
            self._length = 0
        else:
            yield from self._let_pass(self._end)
        if self._reading is not _Reading.STRUCTURE:
            self._reading = _Reading.STRING
