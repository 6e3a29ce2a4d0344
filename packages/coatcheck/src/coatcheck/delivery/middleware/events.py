"""The events of an outgoing stream in bytes, with media that is spread over them taken out.

What may begin media waits for the next event, but not longer than a moment: a stream may pause.

Most events of a stream differ in one string alone. So the first one of a kind is parsed, and what
stands around its string is remembered; the next ones are compared with that and are never parsed.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import Any, Final, TypeAlias

import msgspec
from anyio import to_thread

from coatcheck.delivery.middleware.splitting import Envelope
from coatcheck.payload.offload import OffloadReport, may_hold_media
from coatcheck.payload.offloading.continuing import String
from coatcheck.payload.offloading.deltas import Delta, Path, alone, exchanged, find_deltas, value_at
from coatcheck.payload.scanning.holding import Body, has_begun, may_begin
from coatcheck.payload.streaming import StreamOffload

NOT_JSON: Final = "not_json"
"""The reason in `OffloadReport.left` for a stream whose events are no JSON; told once a stream."""

PAUSE_SECONDS: Final = 0.3
"""For how long text that may begin media waits for the next event.

Longer than models take from one token to the next, or pictures would be missed; short enough for a
reader who watches an answer pause.
"""

_LARGE: Final = 1024 * 1024  # opened in a thread: it may have a hundred thousand lines
_LARGEST: Final = (
    8 * 1024 * 1024
)  # of what is larger, no string is followed: parsing takes too long
_MAX_TEMPLATES: Final = 8
_MAX_LEARNED: Final = 64  # of one stream: events that differ in more are not worth it
_FEW: Final = 16
_LONGEST_ESCAPE: Final = 6
_STRING: Final = re.compile(rb'(?:[^"\\]++|\\.)*+')
_WORD: Final = re.compile(rb"[A-Za-z0-9]*+")
# The names of what holds a tool's input, whose brackets are followed from the first one on.
_ARGUMENTS: Final = re.compile(rb"argument|partial_json|TextDelta|TOOL_CALL_ARGS|tool-input")
_END_MARK: Final = b"[DONE]"
_JSON: Final = ("{", "[")
_LONGEST_TEXT: Final = 4000
_MARKER: Final = "coatcheck:here"
_MAX_TRIES: Final = 8
# Differ from event to event beside the string: numbers, times, padding against guesses of lengths,
# and the number of a server-sent event.
_VARYING: Final = re.compile(
    rb'(?P<name>"(?:sequence(?:_number|Number)?|seq|created(?:_at|At)?|timestamp|time|ts|event_?[iI]d'
    rb'|obfuscation|\w*(?:TokenCount|_tokens|_count|_duration))"\s*:\s*)(?:-?[0-9.]+|"[^"\\]*")'
    rb"|(?P<id>(?:^|(?<=\n))id: ?)[^\r\n]*"
)


_ID: Final = re.compile(rb"(?:\A|(?<=[\r\n]))id(?:: ?([^\r\n]*))?(?:\r\n|\r|\n)")
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")

_log: Final = logging.getLogger(__name__)


class Pause:
    """Notices that a stream pauses.

    Args:
        act: called in a task of its own when nothing has come for `PAUSE_SECONDS`.
    """

    def __init__(self, act: Callable[[], Awaitable[None]]) -> None:
        self._act = act
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def expect(self) -> None:
        """Something waits for what comes next."""
        self.stop()
        self._timer = asyncio.get_running_loop().call_later(PAUSE_SECONDS, self._begin)

    def stop(self) -> None:
        """Nothing waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def end(self) -> None:
        """The stream is over."""
        self.stop()
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        self._timer = None
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            await self._act()
        except Exception:  # noqa: BLE001 - the application hears of it when it sends the next event
            _log.debug("What was held back in a pause could not be sent.", exc_info=True)


class EventIds:
    """The ids of server-sent events, of which some are held back.

    A client that comes back names the last id that it got, and is sent what follows. So an id is
    sent when everything up to its event was: with the last part of what was held back.
    """

    def __init__(self) -> None:
        self._seen: dict[bytes, int] = {}  # in order, since something is held back
        self._withheld: bytes | None = None

    @property
    def is_noting(self) -> bool:
        """Whether the ids of events are noted, as some of them may have to be sent later."""
        return bool(self._seen) or self._withheld is not None

    def assign(
        self, sent: list[bytes], unit: bytes, *, holds: bool, is_first: bool, is_unchanged: bool
    ) -> list[bytes]:
        """What is sent, with the ids that may be.

        Args:
            sent: the events.
            unit: the event that has come; empty at the end.
            holds: whether anything is held back now.
            is_first: whether nothing of any event before that one is.
            is_unchanged: whether each of these events has all of its text.
        """
        own = _id_of(unit)
        if own is not None:
            self._seen[own] = len(self._seen)
        if holds:
            return [
                each if is_first and _id_of(each) != own else self.without(each) for each in sent
            ]
        if not sent or (is_unchanged and self._withheld is None):
            self._seen.clear()
            return sent
        # What the first of them have not is in the last.
        *before, last = [self.without(each) for each in sent]
        newest, self._withheld = self._withheld, None
        self._seen.clear()
        if newest is None:
            return [*before, last]
        end = _LINE_END.search(last)
        return [*before, b"id: " + newest + (b"\n" if end is None else end[0]) + last]

    def without(self, unit: bytes) -> bytes:
        """An event without its id, which is sent later."""
        own = _id_of(unit)
        if own is None:
            return unit
        # One that was not noted belongs to an event that waited in a run, and is newer.
        newest = len(self._seen)
        if self._withheld is None or (
            self._seen.get(own, newest) >= self._seen.get(self._withheld, newest)
        ):
            self._withheld = own
        return _ID.sub(b"", unit)


def _id_of(unit: bytes) -> bytes | None:
    found = None
    if b"id" in unit:
        for found in _ID.finditer(unit):  # noqa: B007 - the last one counts
            pass
    return None if found is None else found[1] or b""


class Quick(Enum):
    """What becomes of an event: it passes, it is held back, or it has to be read first."""

    PASSES = 1
    WAITS = 2
    IS_READ = 3


Outcome: TypeAlias = Quick | bytes


class UnitEvent:
    """A unit of a body as an event of a stream.

    Args:
        unit: its bytes.
        open_unit: opens it.
        envelope: what stands around its document; opened when it is needed where it is left out.
        value: what the document says.

    Attributes:
        template: what it was recognized by.
    """

    __slots__ = ("_envelope", "_open", "_value", "template", "unit")

    def __init__(
        self,
        unit: bytes,
        open_unit: Callable[[bytes], Envelope],
        envelope: Envelope | None = None,
        value: Any = None,
    ) -> None:
        self.unit = unit
        self.template: Template | None = None
        self._open = open_unit
        self._envelope = envelope
        self._value = value

    @property
    def value(self) -> Any:
        """What its document says; None for what is no JSON."""
        if self._envelope is None:
            self._envelope = self._open(self.unit)
            self._value = msgspec.json.decode(self._envelope.document)
        return self._value

    def become(self, unit: bytes) -> None:
        """Stand for the next event of the same template."""
        self.unit = unit
        self._envelope = None

    def unchanged(self) -> bytes:
        """The unit."""
        return self.unit

    def with_texts(self, texts: Mapping[Path, str]) -> bytes:
        """The unit with other texts at some paths of its document.

        Args:
            texts: the texts, by their paths.
        """
        template = self.template
        if template is not None and texts.keys() == {template.path}:
            span = template.match(self.unit)
            if span is not None:
                text = msgspec.json.encode(texts[template.path])[1:-1]
                return self.unit[: span[0]] + text + self.unit[span[1] :]
        return self._closed(exchanged(self.value, texts))

    def alone(self, path: Path, text: str) -> bytes:
        """The unit with one text and nothing else that it says by itself.

        Args:
            path: where the text stands.
            text: see there.
        """
        return self._closed(alone(self.value, path, text))

    def _closed(self, value: Any) -> bytes:
        envelope = self._envelope or self._open(self.unit)
        return envelope.close(msgspec.json.encode(value))


class Template:
    """What stands around the one string in which events differ.

    Args:
        before: the bytes before it.
        after: the bytes after it.
        delta: the piece that was there.
        string: the string that the pieces belong to.
    """

    __slots__ = ("_patterns", "after", "before", "path", "string", "tail")

    def __init__(self, before: bytes, after: bytes, delta: Delta, string: String[bytes]) -> None:
        self.before = before
        self.after = after
        self.path = delta.path
        self.string = string
        self.tail: bytes | None = None
        """The last unit that passed without being looked at; the next one goes on from its end."""
        self._patterns: tuple[re.Pattern[bytes], re.Pattern[bytes]] | None = None

    def match(self, unit: bytes) -> tuple[int, int] | None:
        """Where the string is in a unit; None for a unit of another kind."""
        if unit.startswith(self.before) and unit.endswith(self.after):
            begin, end = len(self.before), len(unit) - len(self.after)
            return (begin, end) if begin <= end else None
        if 2 * len(unit) < len(self.before) + len(self.after):
            return None  # no varying of theirs makes up for that much
        if self._patterns is None:
            before = re.compile(_generalized(self.before))
            self._patterns = before, re.compile(_generalized(self.after))
        before, after = self._patterns
        head = before.match(unit)
        if head is None:
            return None
        begin = head.end()
        end = unit.find(b'"', begin)
        if end > 0 and unit.find(b"\\", begin, end) >= 0:
            string = _STRING.match(unit, begin)
            end = -1 if string is None else string.end()
        if end < 0 or not after.fullmatch(unit, end):
            return None
        # What varies may be the same for a while: a second, say.
        self.before, self.after = unit[:begin], unit[end:]
        return begin, end

    def is_inside_word(self, unit: bytes, begin: int, end: int) -> bool:
        """Whether a string goes on with a piece of the word that it ended with: nothing begins."""
        self.remember_end()
        return _WORD.fullmatch(unit, begin, end) is not None and self.string.hold.is_inside_word()

    def forget_end(self) -> None:
        """Tell the string that its last piece was not looked at."""
        self.tail = None
        self.string.hold.before = ""

    def remember_end(self) -> None:
        """Tell the string what the unit that passed last ended with."""
        if self.tail is not None:
            span = self.match(self.tail)
            if span is not None and span[0] < span[1]:
                end = self.tail[max(span[0], span[1] - _LONGEST_ESCAPE) : span[1]]
                # What an escape stands for may be anything: a line break, say.
                self.string.hold.before = "" if b"\\" in end else end[-1:].decode("latin-1")
            self.tail = None


def _generalized(text: bytes) -> bytes:
    """A pattern for `text` with anything in the place of what varies."""
    parts = []
    position = 0
    for varying in _VARYING.finditer(text):
        parts.append(re.escape(text[position : varying.start()]))
        if varying["id"] is not None:
            parts += [re.escape(varying["id"]), rb"[^\r\n]*"]
        else:
            parts += [re.escape(varying["name"]), rb'(?:-?[0-9.]+|"[^"\\]*")']
        position = varying.end()
    return b"".join([*parts, re.escape(text[position:])])


class _Run:
    """A string inside of media, whose events differ in nothing but their pieces.

    Args:
        template: what the events are recognized by.
        event: the one that waits.
        room: characters that may be held back yet.
        body: takes the pieces.
    """

    __slots__ = (
        "_most",
        "after",
        "before",
        "begin",
        "end",
        "event",
        "hold",
        "last",
        "room",
        "take",
    )

    def __init__(self, template: Template, event: UnitEvent, room: int, body: Body) -> None:
        self.before = template.before
        self.after = template.after
        self.begin = len(template.before)
        self.end = -len(template.after)
        self.event = event
        self.hold = template.string.hold
        self.room = self._most = room
        self.take = body.take
        self.last: bytes | None = None

    def stop(self) -> None:
        """Let the last of the events wait; what came is held back."""
        if self.last is not None:
            self.hold.took(self._most - self.room)
            self.event.become(self.last)


class RewrittenEvents:
    """The events of one stream.

    Args:
        stream: the stream.
        open_unit: finds the document in a unit.
        terminator: what a unit ends with if nothing else ended it.
        threshold: characters from which on base64 counts as media.
        on_report: told of what passes unread.
        has_ids: whether units have ids, as server-sent events do.
    """

    def __init__(
        self,
        stream: StreamOffload[bytes],
        open_unit: Callable[[bytes], Envelope],
        *,
        terminator: bytes,
        threshold: int,
        on_report: Callable[[OffloadReport], None],
        has_ids: bool = False,
    ) -> None:
        self._terminator = terminator
        self._ids = EventIds() if has_ids else None
        self._stream = stream
        self._rewriter = stream.rewriter
        self._open = open_unit
        self._threshold = threshold
        self._on_report = on_report
        self._templates: list[Template] = []
        self._learned = 0
        self._looked_at = 0
        self._passed: bytes | None = None  # the last unit that passed unread
        self._is_told = False
        self._run: _Run | None = None

    def outcome_of(self, chunk: bytes) -> Outcome | None:
        """What becomes of a chunk that is one unit like those before it; None for any other.

        Args:
            chunk: begins where a unit begins.

        Returns:
            What is sent in the place of the unit, or what becomes of it.
        """
        run = self._run
        if run is not None:
            if chunk.startswith(run.before) and chunk.endswith(run.after):
                piece = chunk[run.begin : run.end]
                room = run.room - len(piece)
                if room >= 0 and run.take(piece):
                    run.room = room
                    run.last = chunk
                    return Quick.WAITS
            self._stop_run()
        for template in self._templates:
            span = template.match(chunk)
            if span is not None:
                return self._known(template, chunk, span[0], span[1])
        return None

    def outcome(self, unit: bytes) -> Outcome:
        """What becomes of a unit, as far as it can be told without parsing it.

        Args:
            unit: one event, from its begin to its end.

        Returns:
            What is sent in the place of the unit, or what becomes of it.
        """
        outcome = self.outcome_of(unit)
        if outcome is not None:
            return outcome
        if (
            self._rewriter.open
            or self._rewriter.released
            or self._looked_at < _FEW
            or len(unit) >= self._threshold
            or may_begin(unit)
            or _ARGUMENTS.search(unit) is not None
        ):
            return Quick.IS_READ
        self._passed = unit
        for template in self._templates:
            template.forget_end()
        return Quick.PASSES

    def _known(self, template: Template, unit: bytes, begin: int, end: int) -> Outcome:
        if template.string.hold.is_media:
            return self._inside(template, unit, begin, end)
        if (
            self._rewriter.open
            or self._rewriter.released
            or (
                template.string.hold.may_begin_in(unit, begin, end)
                and not template.is_inside_word(unit, begin, end)
            )
            or (len(unit) >= self._threshold and may_hold_media(unit, self._threshold))
        ):
            return Quick.IS_READ
        template.tail = unit
        return Quick.PASSES

    def _inside(self, template: Template, unit: bytes, begin: int, end: int) -> Outcome:
        """What becomes of a unit whose string goes on inside of media."""
        string = template.string
        event = string.event
        piece = unit[begin:end]
        if (
            string.is_whole
            or not isinstance(event, UnitEvent)
            or event.template is not template
            or string.hold.length > self._rewriter.share()
            or (string.is_numbered and len(self._rewriter.open) > 1)
            or not string.hold.take(piece)
        ):
            return Quick.IS_READ
        outcome: Outcome = Quick.WAITS
        if string.is_numbered:
            earlier = event.with_texts({template.path: string.ready})
            outcome = earlier if self._ids is None else self._ids.without(earlier)
            string.ready = ""
        event.become(unit)
        string.is_sent = False
        body = string.hold.body
        if not string.is_numbered and body is not None:
            self._run = _Run(template, event, self._rewriter.share() - string.hold.length, body)
        return outcome

    @property
    def holds_back(self) -> bool:
        """Whether anything was not sent yet."""
        return bool(self._rewriter.open)

    async def rewritten(self, unit: bytes) -> list[bytes]:
        """What is sent now that `unit` has come.

        Args:
            unit: one event, from its begin to its end.
        """
        outcome = self.outcome(unit)
        if outcome is Quick.PASSES:
            return [unit]
        if outcome is Quick.WAITS:
            return []
        if isinstance(outcome, bytes):
            return [outcome]
        is_large = len(unit) >= _LARGE
        envelope = await to_thread.run_sync(self._open, unit) if is_large else self._open(unit)
        if not envelope.document.strip():
            return [unit]
        self._looked_at += 1
        event = UnitEvent(unit, self._open, envelope, self._read(envelope.document))
        for template in self._templates:
            template.remember_end()
        if self._passed is not None:
            self._rewriter.passed(self._read(self._open(self._passed).document))
            self._passed = None
        deltas = find_deltas(event.value)
        if len(deltas) == 1:
            event.template = self._template(event, envelope, deltas[0])
        waiting = self._units_that_wait()
        step = await self._stream.feed(event, deltas)
        sent = step.before
        if step.passes:
            sent = [*sent, await self._whole(unit, envelope)]
        return self._with_ids(sent, waiting, event)

    async def relent(self) -> list[bytes]:
        """What is sent now that the stream pauses."""
        self._stop_run()
        if not self.holds_back:
            return []
        waiting = self._units_that_wait()
        return self._with_ids(await self._stream.relent(), waiting)

    def _units_that_wait(self) -> list[bytes]:
        return [
            waiting.event.unchanged()
            for string in self._rewriter.open.values()
            for waiting in string.waiting
        ]

    def _with_ids(
        self, sent: list[bytes], waiting: list[bytes], event: UnitEvent | None = None
    ) -> list[bytes]:
        if self._ids is None or not (self.holds_back or self._ids.is_noting):
            return sent
        is_first = event is not None and all(
            string.is_whole and string.event is event for string in self._rewriter.open.values()
        )
        unit = b"" if event is None else event.unit
        known = {*waiting, unit}
        return self._ids.assign(
            sent,
            unit,
            holds=self.holds_back,
            is_first=is_first,
            is_unchanged=all(each in known for each in sent),
        )

    async def end(self) -> list[bytes]:
        """What is sent now that the stream is over."""
        self._stop_run()
        waiting = self._units_that_wait()
        return self._with_ids(await self._stream.end(), waiting)

    def _stop_run(self) -> None:
        if self._run is not None:
            self._run.stop()
            self._run = None

    async def _whole(self, unit: bytes, envelope: Envelope) -> bytes:
        """A unit with references in the place of media that is in it as a whole."""
        if len(unit) < self._threshold or not may_hold_media(envelope.document, self._threshold):
            return unit
        document = await self._stream.document(envelope.document)
        return unit if document is envelope.document else envelope.close(document)

    def _read(self, document: bytes) -> Any:
        if len(document) > _LARGEST or document.strip() == _END_MARK:
            return None
        try:
            value = msgspec.json.decode(document)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._tell(document)
            return None
        return value if isinstance(value, dict | list) else None

    def _tell(self, document: bytes) -> None:
        """Count a stream that may hold media in a way that cannot be followed."""
        text = document[-_LONGEST_TEXT:].decode(errors="replace")
        if not self._is_told and (text.lstrip()[:1] in _JSON or has_begun(text, for_certain=True)):
            self._is_told = True
            self._on_report(OffloadReport(left={NOT_JSON: 1}))

    def _template(self, event: UnitEvent, envelope: Envelope, delta: Delta) -> Template | None:
        """The template of an event, known already or learned from it."""
        unit, document = event.unit, envelope.document
        for template in self._templates:
            if template.match(unit) is not None:
                template.string = self._rewriter.string_of(delta)
                return template
        offset = len(envelope.head)
        is_one_line = b"\n" not in document and unit.startswith(document, offset)
        is_whole = is_one_line and unit.endswith(self._terminator)
        if self._learned >= _MAX_LEARNED or not is_whole:
            return None
        span = _find_string(document, delta)
        if span is None:
            return None
        self._learned += 1
        before, after = unit[: span[0] + offset], unit[span[1] + offset :]
        template = Template(before, after, delta, self._rewriter.string_of(delta))
        self._templates.insert(0, template)
        del self._templates[_MAX_TEMPLATES:]
        return template


def _find_string(document: bytes, delta: Delta) -> tuple[int, int] | None:
    """Where the string of a delta is in a document, without its quotes."""
    name = delta.path[-1]
    if not isinstance(name, str):
        return None
    member = re.escape(msgspec.json.encode(name)) + rb'\s*:\s*"(' + _STRING.pattern + rb')"'
    for tries, found in enumerate(re.finditer(member, document)):
        begin, end = found.span(1)
        marked = document[:begin] + _MARKER.encode() + document[end:]
        if tries >= _MAX_TRIES:
            break
        if value_at(msgspec.json.decode(marked), delta.path) == _MARKER:
            return begin, end
    return None
