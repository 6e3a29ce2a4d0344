"""Bodies cut into units that are rewritten one by one: server-sent events, lines, or all. Pure.

What comes out is what went in, byte for byte, wherever its chunks begin and end. A unit is held
until it is whole. One that grows over the bound is let go as it is, to its end, and counted.

Server-sent events are cut as the HTML standard reads them (9.2.6, "Interpreting an event stream"):
lines end with LF, CR LF or CR, an event ends with an empty line, and its data are all its ``data``
fields with a line feed between them.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

_LF: Final = ord("\n")
_CR: Final = ord("\r")
_SPACE: Final = ord(" ")
_BOM: Final = b"\xef\xbb\xbf"
_FIELD: Final = b"data"
_RECORD_SEPARATOR: Final = b"\x1e"
# A line feed before them belongs to the CR that the chunk before ended with.
_COMMENTS: Final = re.compile(rb"\n?(?::[^\r\n]*(?:\r\n?|\n))*")


class Unit(NamedTuple):
    """A stretch of a body.

    Attributes:
        data: its bytes, with what ends it.
        whole: whether it is one unit from its begin to its end; anything else passes as it is.
    """

    data: bytes
    whole: bool


class Envelope(NamedTuple):
    """A unit opened: the document, and what stands around it.

    Attributes:
        head: what comes before the document.
        document: the document, its lines parted by line feeds.
        tail: what comes after it.
        line_break: what a line feed in the document becomes.
    """

    head: bytes
    document: bytes
    tail: bytes
    line_break: bytes = b"\n"

    def close(self, document: bytes) -> bytes:
        """The unit with `document` in the place of its own."""
        if self.line_break != b"\n":
            document = document.replace(b"\n", self.line_break)
        return b"".join((self.head, document, self.tail))


@dataclass(frozen=True, slots=True)
class Framing:
    """How a body is made of units.

    Attributes:
        ends: where units end in a chunk. Its second argument is the byte before the chunk.
        open: finds the document in a whole unit.
        idle: what need not wait for the end of its unit, as it holds no document.
    """

    ends: Callable[[bytes, int], Iterator[int]]
    open: Callable[[bytes], Envelope]
    idle: re.Pattern[bytes] | None = None


class Splitter:
    """Takes the chunks of a body and gives its units.

    Args:
        framing: what a unit is.
        max_held: largest unit in bytes that is held until it is whole.

    Attributes:
        too_large: how many units were larger.
    """

    def __init__(self, framing: Framing, max_held: int) -> None:
        self._framing = framing
        self._max_held = max_held
        self._held: list[bytes] = []
        self._size = 0
        self._before = _LF  # a body begins with a line
        self._letting_go = False
        self.too_large = 0

    @property
    def is_between(self) -> bool:
        """Whether what comes next begins a unit."""
        return not self._held and not self._letting_go

    def feed(self, chunk: bytes) -> list[Unit]:
        """What is ready now that `chunk` has come."""
        units: list[Unit] = []
        start = 0
        for end in self._framing.ends(chunk, self._before):
            units += self._take(chunk[start:end], ended=True)
            start = end
        if start < len(chunk):
            units += self._take(chunk[start:], ended=False)
        if chunk:
            self._before = chunk[-1]
        return units

    def end(self) -> list[Unit]:
        """What is left now that the body is over: its last unit, if nothing else ended that."""
        return self._release(whole=True) if self._held else []

    def _take(self, part: bytes, *, ended: bool) -> list[Unit]:
        if self._letting_go:
            self._letting_go = not ended
            return [Unit(part, whole=False)]
        self._held.append(part)
        self._size += len(part)
        if self._size > self._max_held:
            self.too_large += 1
            self._letting_go = not ended
            return self._release(whole=False)
        if ended:
            return self._release(whole=True)
        idle = self._framing.idle
        if idle is not None and len(self._held) == 1 and idle.fullmatch(part):
            return self._release(whole=False)
        return []

    def _release(self, *, whole: bool) -> list[Unit]:
        unit = Unit(b"".join(self._held), whole)
        self._held.clear()
        self._size = 0
        return [unit]


def _no_ends(_chunk: bytes, _before: int) -> Iterator[int]:
    return iter(())


def _line_ends(chunk: bytes, _before: int) -> Iterator[int]:
    end = 0
    while end := chunk.find(b"\n", end) + 1:
        yield end


def _event_ends(chunk: bytes, before: int) -> Iterator[int]:
    # The line feed of a CR LF that the chunks part ends no line of its own.
    first = 1 if before == _CR and chunk.startswith(b"\n") else 0
    begins_line = before in (_LF, _CR)
    for start, stop, following in _lines(chunk, first):
        if start == stop < len(chunk) and (begins_line or start > first):
            yield following


def _lines(text: bytes, start: int) -> Iterator[tuple[int, int, int]]:
    """Where each line from `start` on begins and ends, and where the next one begins."""
    # By the next of each line end: a picture is one line of megabytes, which no loop should walk.
    size = len(text)
    feed = carriage_return = -1
    while start < size:
        if feed < start and (feed := text.find(b"\n", start)) < 0:
            feed = size
        if carriage_return < start and (carriage_return := text.find(b"\r", start)) < 0:
            carriage_return = size
        stop = min(feed, carriage_return)
        following = stop + 2 if carriage_return + 1 == feed < size else stop + 1
        yield start, stop, following
        start = following


def _open_whole(unit: bytes) -> Envelope:
    return Envelope(b"", unit, b"")


def _open_line(unit: bytes) -> Envelope:
    start = len(_RECORD_SEPARATOR) if unit.startswith(_RECORD_SEPARATOR) else 0
    end = len(unit.rstrip(b"\r\n"))
    return Envelope(unit[:start], unit[start:end], unit[end:])


def _open_event(unit: bytes) -> Envelope:
    head = line_end = b""
    values: list[bytes] = []
    tail: list[bytes] = []
    for start, stop, following in _lines(unit, len(_BOM) if unit.startswith(_BOM) else 0):
        value = _value_of_data(unit, start, stop)
        if value >= 0 and not values:
            # The field may be its name alone, which stands for an empty line.
            head = unit[:value] if unit[value - 1] in b": " else unit[:value] + b":"
            tail.append(unit[stop:following])
            line_end = tail[0] or b"\n"
        if value >= 0:
            values.append(unit[value:stop])
        elif values:
            # One line end for all, or a CR and the LF of another line would become one.
            tail.append(unit[start:stop] + (line_end if stop < len(unit) else b""))
    return Envelope(head, b"\n".join(values), b"".join(tail), line_end + _FIELD + b": ")


def _value_of_data(unit: bytes, start: int, stop: int) -> int:
    """Where the value of a ``data`` field begins, or -1 for a line that is none."""
    colon = start + len(_FIELD)
    if not unit.startswith(_FIELD, start) or (colon < stop and unit[colon] != ord(":")):
        return -1
    value = min(colon + 1, stop)
    return value + 1 if value < stop and unit[value] == _SPACE else value


WHOLE: Final = Framing(_no_ends, _open_whole)
"""All of the body is one document: JSON."""

LINES: Final = Framing(_line_ends, _open_line)
"""Each line is a document: JSON Lines, NDJSON, and JSON text sequences (RFC 7464)."""

EVENTS: Final = Framing(_event_ends, _open_event, idle=_COMMENTS)
"""Each event holds a document: ``text/event-stream``. Comments that keep it alive do not wait."""
