"""Media spread over the events of a stream: held back, and its link in the place of it. Pure.

`StreamRewriter` takes events one by one and says what is sent. Like `Rewriter` it works in
generators: they yield media that is to be replaced and are sent the replacement.

An event whose text may be the beginning of media waits as a whole. As soon as that turns out to be
ordinary text, the very events that waited are sent. If it is media, its link is sent in the last of
them, and those before it that say nothing else are not sent. Events that have numbers are all sent,
with an empty text where theirs was media, so that numbers have no gap.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from coatcheck.errors import CoatcheckError, MediaTooLargeError
from coatcheck.options import DEFAULT_MAX_BYTES
from coatcheck.payload.offloading.deltas import (
    Delta,
    Path,
    changes,
    concerns,
    delta_at,
    find_deltas,
    find_suspects,
    identity,
    is_last,
    number_of,
    says_more,
)
from coatcheck.payload.offloading.rewriting import OffloadLimits, Rewriter, Walk, spelling_in
from coatcheck.payload.scanning.arguments import JsonHold
from coatcheck.payload.scanning.blocks import Blocks
from coatcheck.payload.scanning.holding import (
    MAX_HELD,
    MAX_UNDECIDED,
    Held,
    TextHold,
    has_begun,
)
from coatcheck.payload.scanning.text import FoundMedia, check_media, next_media, split_data_uri
from coatcheck.payload.spelling import spelled, uri_spelling_of

MAX_STRINGS: Final = 256
"""Strings of one stream that are followed at a time."""

BEGUN_EARLY: Final = "begun_before_pause"
"""The reason for media in a stream that paused in its first characters, which were sent then."""

_ENDS: Final = ("=", "AAAAAElFTkSuQmCC")  # of base64: its padding, or how a PNG ends without
_LOOKED_BACK: Final = 16  # events after a pause in which such media is looked for
_MAX_WAITING: Final = 64  # events whose text is not known to be media
_FIRST: Final = 16
_SLICE: Final = 64 * 1024
_ESCAPE: Final = re.compile(r"\\+(?:u00([0-9A-Fa-f]{2})|([/rn]))")
_ESCAPED: Final = {"/": "/", "n": "\n", "r": "\r"}

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


Hold: TypeAlias = TextHold | JsonHold


class Event(Protocol[T_co]):
    """An event of a stream."""

    @property
    def value(self) -> Any:
        """What it says: a JSON value, or a text."""
        ...

    def unchanged(self) -> T_co:
        """The event as it is."""
        ...

    def with_texts(self, texts: Mapping[Path, str]) -> T_co:
        """The event with other texts at some of its paths.

        Args:
            texts: the texts, by their paths.
        """
        ...

    def alone(self, path: Path, text: str) -> T_co:
        """The event with one text and nothing else that it says by itself.

        Args:
            path: where the text stands.
            text: see there.
        """
        ...


class Waiting(NamedTuple, Generic[T]):
    """An event that was not sent yet, and the piece of a string in it."""

    event: Event[T]
    delta: Delta


@dataclass(slots=True)
class String(Generic[T]):
    """One string that goes on from event to event.

    Attributes:
        delta: its last piece.
        hold: what of it is held back.
        first: how the first piece that waits begins, if media begins in it.
        waiting: the events that were not sent yet.
        ready: what may be sent of their texts; where it is numbered, of the last one's.
        is_whole: whether `waiting` are all the events that the text since then came in.
        is_numbered: whether its events have numbers.
        is_repeated: whether each event has all of the text so far: nothing is to be put together.
        is_sent: whether the one event in `waiting` was sent, without what is held back.
        last: the last event of those that were sent without all of their text.
    """

    delta: Delta
    hold: Hold
    first: str = ""
    waiting: list[Waiting[T]] = field(default_factory=list)
    ready: str = ""
    is_whole: bool = True
    is_numbered: bool = False
    is_repeated: bool = False
    is_sent: bool = False
    last: Event[T] | None = None

    @property
    def is_open(self) -> bool:
        """Whether anything of it was not sent yet."""
        return bool(self.waiting) or self.hold.length > 0

    @property
    def event(self) -> Event[T] | None:
        """The only event that waits, if there is one."""
        return self.waiting[0].event if len(self.waiting) == 1 else None

    def reset(self) -> None:
        """Begin anew: everything was sent."""
        self.waiting.clear()
        self.ready, self.first, self.is_whole, self.last = "", "", True, None
        self.is_sent = False


class Step(NamedTuple, Generic[T]):
    """What is sent now that an event has come.

    Attributes:
        before: what is sent before it, or in the place of it.
        passes: whether the event itself is sent then.
    """

    before: list[T]
    passes: bool


class StreamRewriter(Generic[T]):
    """The events of one stream.

    Args:
        limits: what counts as media.
        open_rewriter: returns what rewrites a whole value of JSON.
        max_bytes: largest media that is decoded.
        max_held: characters of all its strings together that are held back at most.
        is_patient: whether an event of unknown form may wait for the next one, as in an answer,
            which ends; on a socket the next one may never come.
        takes_bare: whether base64 without a data: URI is media in a text.

    Attributes:
        max_bytes: see there; may change while the stream goes on.
        max_held: likewise.
        open: the strings of which something was not sent yet, by their keys.
        released: what was sent in a pause and may begin media, by the strings' keys, each after
            what stood before it.
        place: where the media stands that is asked for, as a JSON Pointer.
    """

    def __init__(
        self,
        limits: OffloadLimits,
        open_rewriter: Callable[[], Rewriter],
        *,
        max_bytes: int = DEFAULT_MAX_BYTES,
        max_held: int = MAX_HELD,
        is_patient: bool = True,
        takes_bare: bool = True,
    ) -> None:
        self._limits = limits
        self._open_rewriter = open_rewriter
        self._takes_bare = takes_bare
        self.max_bytes = max_bytes
        self.max_held = max_held
        self._is_patient = is_patient
        self._strings: OrderedDict[tuple[object, ...], String[T]] = OrderedDict()
        self._before: Any = None  # the last event in which no piece was found
        self._followed: Path | None = None  # the one string that changed in it
        self._is_spaced = False  # whether a piece of that began or ended with a space
        self.open: dict[tuple[object, ...], String[T]] = {}
        self.released: dict[tuple[object, ...], tuple[str, str]] = {}
        self._looks_back = 0
        self.place = ""

    def feed(self, event: Event[T], found: list[Delta] | None = None) -> Walk[Step[T]]:
        """Take the next event.

        Args:
            event: the event.
            found: what `find_deltas` finds in it, where that was asked already.
        """
        deltas = find_deltas(event.value) if found is None else found
        deltas = deltas or self._suspected(event.value)
        if self.released:
            yield from self._look_back(deltas)
        if not deltas:
            return Step((yield from self._ended_by(event)), passes=True)
        before = yield from self._settled(event, except_for={delta.key for delta in deltas})
        before += yield from self._begun_anew(deltas[0])
        if len(self._strings) > MAX_STRINGS:
            _, oldest = self._strings.popitem(last=False)
            before += yield from self._finished(oldest)
        if len(deltas) > 1:
            step = yield from self._several(event, deltas)
        else:
            step = yield from self._one(event, deltas[0])
        return Step(before + step.before, step.passes)

    def passed(self, value: Any) -> None:
        """Take note of an event that passed without being looked at.

        Args:
            value: what it said.
        """
        self._suspected(value)
        for string in self._strings.values():
            if not string.is_open:
                string.hold.before = ""

    def end(self) -> Walk[list[T]]:
        """What is sent now that the stream is over."""
        out: list[T] = []
        for string in list(self.open.values()):
            out += yield from self._finished(string)
        return out

    def relent(self) -> Walk[list[T]]:
        """What is sent as nothing has come for a while: text that is not known to be media.

        Media that has begun waits on, as its link can only be sent when it is whole. So does a
        tool's input, which is read when it is whole.
        """
        out: list[T] = []
        for string in list(self.open.values()):
            hold = string.hold
            if not isinstance(hold, TextHold):
                continue
            if not hold.is_media:
                self.released[string.delta.key] = hold.before, hold.text
                self._looks_back = _LOOKED_BACK
            elif not hold.text.endswith(_ENDS):
                continue
            out += yield from self._finished(string)
        return out

    def _look_back(self, deltas: list[Delta]) -> Walk[None]:
        """Count media whose first characters were sent already, in a pause."""
        for delta in deltas:
            if delta.key not in self.released:
                continue
            before, text = self.released.pop(delta.key)
            followed = self.string_of(delta).hold
            hold = TextHold(bare=isinstance(followed, TextHold) and followed.bare)
            hold.before = before
            first = next(hold.feed(text + delta.text), None)
            if isinstance(first, Held) or (first is None and hold.is_media):
                self.place = delta.place
                yield BEGUN_EARLY
            elif first is None:
                self.released[delta.key] = before, text + delta.text
        self._looks_back -= 1
        if not self._looks_back:
            self.released.clear()

    def string_of(self, delta: Delta) -> String[T]:
        """The string that a piece belongs to."""
        string = self._strings.get(delta.key)
        if string is None:
            string = self._strings[delta.key] = String(delta, self._opened_hold(delta))
        else:
            self._strings.move_to_end(delta.key)
        return string

    def _opened_hold(self, delta: Delta) -> Hold:
        if delta.is_known and delta.is_json:
            return JsonHold(self._limits.threshold)
        return TextHold(bare=self._takes_bare and delta.is_known)

    def share(self) -> int:
        """Characters that each of the strings may hold back now."""
        return self.max_held // max(len(self.open), 1)

    @property
    def is_inside_media(self) -> bool:
        """Whether what is held back is the beginning of media for certain."""
        return any(string.hold.is_media for string in self.open.values())

    # --- events with a piece of a string -------------------------------------------------------

    def _one(self, event: Event[T], delta: Delta) -> Walk[Step[T]]:
        string = self.string_of(delta)
        was_open = string.is_open
        before: list[T] = []
        if string.first and delta.text.startswith(string.first):
            before = yield from self._finished(string)
            string.is_repeated = True
        if string.is_repeated:
            return Step(before, passes=True)
        if not was_open and not delta.is_known:
            string.hold.before = ""  # not all that came before it was looked at
        string.hold.max_held = self.share()
        pieces = yield from self._pieces(string.hold, event, delta)
        if string.hold.length >= self._limits.threshold and not was_open:
            pieces += string.hold.flush_if_whole()
        if not was_open and not string.hold.length and all(isinstance(p, str) for p in pieces):
            return Step(before, passes=True)
        string.delta = delta
        changed, text = yield from self._joined(pieces, delta)
        string.is_numbered = number_of(event.value) is not None
        if not string.hold.length:
            step = self._released(string, Waiting(event, delta), text, changed=changed)
            return Step(before + step.before, step.passes)
        if not was_open:
            self.open[delta.key] = string
            is_opening = "data:" in delta.text and len(delta.text) >= _FIRST
            string.first = delta.text[:MAX_UNDECIDED] if is_opening else ""
        return Step(
            before + self._withheld(string, Waiting(event, delta), text, changed=changed), False
        )

    def _released(
        self, string: String[T], this: Waiting[T], text: str, *, changed: bool
    ) -> Step[T]:
        """Nothing of the string is held back now."""
        self.open.pop(string.delta.key, None)
        if string.is_whole and not changed:
            out = [waiting.event.unchanged() for waiting in string.waiting]
            string.reset()
            return Step(out, passes=True)
        if string.is_numbered:
            out = self._let_go(string)
        else:
            out = self._more_than(string, this.event)
            text = string.ready + text
        string.reset()
        return Step([*out, this.event.with_texts({this.delta.path: text})], passes=False)

    def _withheld(
        self, string: String[T], this: Waiting[T], text: str, *, changed: bool
    ) -> list[T]:
        """Something of the string is held back: `this` waits."""
        is_few = len(string.waiting) < _MAX_WAITING and (
            not this.delta.is_known
            or sum(len(waiting.delta.text) for waiting in string.waiting) + len(this.delta.text)
            <= MAX_UNDECIDED
        )
        if string.is_whole and not changed and is_few and not string.hold.is_media:
            string.waiting.append(this)
            string.ready += text
            return []
        if string.is_numbered:
            out = self._let_go(string)
            string.ready = text
            string.waiting.append(this)
            string.is_whole = False
            return out
        out = self._more_than(string, this.event)
        string.ready += text
        string.waiting[:] = [this]
        string.is_whole = False
        # What stands before media does not wait for it.
        string.is_sent = bool(string.ready and this.delta.is_known)
        if string.is_sent:
            out.append(this.event.with_texts({this.delta.path: string.ready}))
            string.ready = ""
        return out

    def _several(self, event: Event[T], deltas: list[Delta]) -> Walk[Step[T]]:
        """An event with pieces of several strings: it does not wait, but for some of its text."""
        texts: dict[Path, str] = {}
        is_changed = False
        out: list[T] = []
        for delta in deltas:
            string = self.string_of(delta)
            out += self._let_go(string)
            string.delta = delta
            string.hold.max_held = self.share()
            pieces = yield from self._pieces(string.hold, event, delta)
            _, texts[delta.path] = yield from self._joined(pieces, delta)
            is_changed |= texts[delta.path] != delta.text
            if string.hold.length:
                self.open[delta.key] = string
                string.is_whole, string.last = False, event
            else:
                self.open.pop(delta.key, None)
                string.reset()
        if not is_changed:
            return Step(out, passes=True)
        return Step([*out, event.with_texts(texts)], passes=False)

    def _begun_anew(self, delta: Delta) -> Walk[list[T]]:
        """What is sent before a piece that begins another string with the same key."""
        string = self.open.get(delta.key)
        if string is None or delta.begins is None or delta.begins == string.delta.begins:
            return []
        return (yield from self._finished(string))

    # --- any other event -----------------------------------------------------------------------

    def _ended_by(self, event: Event[T]) -> Walk[list[T]]:
        """What is sent before an event without a piece, as that ends strings."""
        out: list[T] = []
        if not self.open:
            return out
        names = identity(event.value)
        for string in list(self.open.values()):
            # What is not known to be media lets nothing overtake it but pings.
            if concerns(names, string.delta) or (names and not string.hold.is_media):
                out += yield from self._finished(string)
        return out + (yield from self._settled(event))

    def _finished(self, string: String[T]) -> Walk[list[T]]:
        """What is sent of a string that is over."""
        self.open.pop(string.delta.key, None)
        changed, text = yield from self._joined(list(string.hold.flush()), string.delta)
        waiting = string.waiting
        if string.is_whole and not changed:
            out = [each.event.unchanged() for each in waiting]
        elif waiting:
            last = waiting.pop()
            if string.is_numbered and string.is_whole:
                out = [each.event.with_texts({each.delta.path: ""}) for each in waiting]
            else:
                out = self._more_than(string, last.event)
            out += self._sent_last(string, last, string.ready + text)
        elif text and string.last is not None:
            out = [string.last.alone(string.delta.path, text)]
        else:
            out = []
        string.reset()
        return out

    def _settled(
        self, event: Event[T], except_for: Collection[tuple[object, ...]] = ()
    ) -> Walk[list[T]]:
        """Events with numbers that wait, as one with a higher number is sent now."""
        out: list[T] = []
        if not self.open or number_of(event.value) is None:
            return out
        for key, string in list(self.open.items()):
            if not string.is_numbered or key in except_for:
                continue
            if string.hold.is_media:
                out += self._let_go(string)
            else:  # its text goes in its own event
                out += yield from self._finished(string)
        return out

    # --- pieces --------------------------------------------------------------------------------

    def _let_go(self, string: String[T]) -> list[T]:
        """The events that wait, with what of their texts may be sent; the rest is held back."""
        if not string.waiting:
            return []
        out: list[T] = []
        left = string.ready
        for event, delta in string.waiting[:-1]:
            part = left[: len(delta.text)] if string.is_whole else ""
            left = left[len(part) :]
            out.append(event.with_texts({delta.path: part}))
        last = string.waiting[-1]
        out += self._sent_last(string, last, left)
        string.waiting.clear()
        string.ready, string.first, string.is_whole = "", "", False
        string.is_sent, string.last = False, last.event
        return out

    def _sent_last(self, string: String[T], last: Waiting[T], text: str) -> list[T]:
        """The last event that waits, with its text; what else it says is said once."""
        if not string.is_sent:
            return [last.event.with_texts({last.delta.path: text})]
        return [last.event.alone(last.delta.path, text)] if text else []

    def _more_than(self, string: String[T], last: Event[T]) -> list[T]:
        """Those that wait and say more than their text, without it."""
        if string.is_sent:
            return []
        return [
            each.event.with_texts({each.delta.path: ""})
            for each in string.waiting
            if each.event is not last and says_more(each.event.value, last.value, each.delta)
        ]

    def _pieces(self, hold: Hold, event: Event[T], delta: Delta) -> Walk[list[str | Held]]:
        """What may pass now that a piece of a text has come, found in steps."""
        text = delta.text
        pieces = list(hold.feed(text[:_SLICE]))
        for start in range(_SLICE, len(text), _SLICE):
            yield None
            pieces += hold.feed(text[start : start + _SLICE])
        if hold.length and is_last(event.value, delta.path):
            pieces += hold.flush()
        return pieces

    def _joined(self, pieces: list[str | Held], delta: Delta) -> Walk[tuple[bool, str]]:
        """A text of its pieces, with links for the media among them; whether there is any."""
        parts: list[str] = []
        changed = False
        for piece in pieces:
            if isinstance(piece, str):
                parts.append(piece)
                continue
            self.place = delta.place
            text = None
            if piece.is_too_long:
                yield MediaTooLargeError()
            elif piece.length >= self._limits.threshold:
                text = yield from self._rewritten(piece)
            changed |= text is not None
            parts.append(piece.text if text is None else text)
        return changed, "".join(parts)

    def _rewritten(self, held: Held) -> Walk[str | None]:
        """A piece that was held back, with links in the place of media; None if it has none."""
        if held.is_json:
            return (yield from self._in_json(held.head))
        uri = split_data_uri(held.head)
        if uri is not None and uri[0] == len(held.head) and held.body is not None:
            decoded = yield from held.body.decoded(held.tail)
            if decoded is not None:
                return (yield from self._linked(held, uri, *decoded))
        text = held.text
        if "\\" in text:
            return (yield from self._unescaped(text))
        rewritten: str = yield from Rewriter(self._limits, max_bytes=self.max_bytes).text(
            text, is_text=True
        )
        return None if rewritten is text else rewritten

    def _linked(
        self, held: Held, uri: tuple[int, str, str | None], chunks: list[bytes], last: str
    ) -> Walk[str | None]:
        """The link for a data: URI that was decoded; None if it is no media, or cannot be kept.

        Args:
            held: the URI.
            uri: see `split_data_uri`.
            chunks: the bytes.
            last: the base64 of the last chunk.
        """
        _, media_type, name = uri
        media = Blocks(chunks)
        found: FoundMedia | CoatcheckError
        try:
            if media.size > self.max_bytes:
                raise MediaTooLargeError
            check_media(media, media_type)
            found = FoundMedia(media=media, characters=held.length, name=name)
        except CoatcheckError as error:
            found = error
        replacement = yield found
        if replacement is None:
            return None
        # All chunks but the last are written as they are encoded.
        text, end = held.head + last, Blocks(chunks[-1:])
        is_said = replacement.reference.mime_type
        return spelled(replacement, uri_spelling_of(text, 0, len(text), end, is_said)).link

    def _in_json(self, held: str) -> Walk[str | None]:
        """A value of JSON, as it is rewritten in an event that has all of it."""
        rewriter = self._open_rewriter()
        rewritten: Any = yield from rewriter.document(held)
        if rewritten is None:
            rewritten = yield from rewriter.text(held, is_text=True)
        return None if rewritten is held else rewritten

    def _unescaped(self, held: str) -> Walk[str | None]:
        """A piece in which JSON has escapes."""
        text = _ESCAPE.sub(_character, held)
        media = yield from next_media(text, 0, self._limits.threshold, self.max_bytes)
        if media is None:
            return None
        replacement = yield media.found
        if replacement is None:
            return None
        link = spelled(replacement, spelling_in(text, media, replacement)).link
        return text[: media.start] + link + held[_escaped_at(held, media.end) :]

    # --- events of unknown form ----------------------------------------------------------------

    def _suspected(self, value: Any) -> list[Delta]:
        """The string of an event of unknown form that goes on, or may begin media and go on."""
        before, self._before = self._before, value
        if not isinstance(value, Mapping | list):
            return []
        changed = changes(before, value)
        if changed is None or len(changed) > 1:
            self._followed, self._is_spaced = None, False
            return find_suspects(value) if self._is_patient else []
        # The one string that changes; the next piece of it may be the same as the last.
        path = next(iter(changed), self._followed)
        if path != self._followed:
            self._followed, self._is_spaced = path, False
        delta = None if path is None else delta_at(value, path)
        if delta is None:
            return []
        if delta.key in self.open or delta.key in self.released:
            return [delta]
        self._is_spaced |= delta.text[:1] == " " or delta.text[-1:] == " "
        is_likely = self._is_patient or self._is_spaced
        return [delta] if is_likely and has_begun(delta.text) else []


def _character(match: re.Match[str]) -> str:
    """What an escape stands for."""
    return chr(int(match[1], 16)) if match[1] is not None else _ESCAPED[match[2]]


def _escaped_at(held: str, index: int) -> int:
    """Where in a text with escapes the character at `index` of what it says is written."""
    saved = 0
    for escape in _ESCAPE.finditer(held):
        if escape.start() - saved >= index:
            break
        saved += len(escape[0]) - 1
    return index + saved
