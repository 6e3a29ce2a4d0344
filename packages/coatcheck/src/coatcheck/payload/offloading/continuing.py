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
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

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
    number_of,
    says_more,
)
from coatcheck.payload.offloading.rewriting import OffloadLimits, Rewriter, Walk
from coatcheck.payload.scanning.holding import (
    MAX_HELD,
    MAX_UNDECIDED,
    Held,
    TextHold,
    has_begun,
    seems_whole,
)
from coatcheck.payload.scanning.text import FoundMedia, read_base64, split_data_uri

MAX_STRINGS: Final = 256
"""Strings of one stream that are followed at a time."""

_MAX_WAITING: Final = 64  # events whose text is not known to be media
_FIRST: Final = 16
_SLICE: Final = 64 * 1024
_ESCAPE: Final = re.compile(r"\\+(?:u00([0-9A-Fa-f]{2})|([/rn]))")
_ESCAPED_BODY: Final = re.compile(
    r"(?>[A-Za-z0-9+/_-]+|\\++(?:[/rn]|u00(?:2[bBdDfF]|5[fF]|0[aAdD])))*+"
    r"(?:=|\\++u003[dD]){0,2}"
)
_BREAKS: Final = re.compile(r"\\++[rn]")
_UNCLEAR: Final = ("\r", "\n", "%")

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


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
        last: the last event of those that were sent without all of their text.
        emptied: what is empty in that one when it is sent once more.
    """

    delta: Delta
    hold: TextHold
    first: str = ""
    waiting: list[Waiting[T]] = field(default_factory=list)
    ready: str = ""
    is_whole: bool = True
    is_numbered: bool = False
    is_repeated: bool = False
    last: Event[T] | None = None
    emptied: dict[Path, str] = field(default_factory=dict)

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
        max_bytes: largest media that is decoded.
        max_held: characters of all its strings together that are held back at most.
        is_patient: whether an event of unknown form may wait for the next one, as in an answer,
            which ends; on a socket the next one may never come.
        takes_bare: whether base64 without a data: URI is media in a text.

    Attributes:
        open: the strings of which something was not sent yet, by their keys.
        place: where the media stands that is asked for, as a JSON Pointer.
    """

    def __init__(
        self,
        limits: OffloadLimits,
        *,
        max_bytes: int = DEFAULT_MAX_BYTES,
        max_held: int = MAX_HELD,
        is_patient: bool = True,
        takes_bare: bool = True,
    ) -> None:
        self._limits = limits
        self._takes_bare = takes_bare
        self._max_bytes = max_bytes
        self._max_held = max_held
        self._is_patient = is_patient
        self._strings: OrderedDict[tuple[object, ...], String[T]] = OrderedDict()
        self._before: Any = None  # the last event in which no piece was found
        self._followed: Path | None = None  # the one string that changed in it
        self._is_spaced = False  # whether a piece of that began or ended with a space
        self.open: dict[tuple[object, ...], String[T]] = {}
        self.place = ""

    def feed(self, event: Event[T], found: list[Delta] | None = None) -> Walk[Step[T]]:
        """Take the next event.

        Args:
            event: the event.
            found: what `find_deltas` finds in it, where that was asked already.
        """
        deltas = find_deltas(event.value) if found is None else found
        deltas = deltas or self._suspected(event.value)
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

    def string_of(self, delta: Delta) -> String[T]:
        """The string that a piece belongs to."""
        string = self._strings.get(delta.key)
        if string is None:
            hold = TextHold(bare=self._takes_bare and delta.is_known and not delta.is_json)
            string = self._strings[delta.key] = String(delta, hold)
        else:
            self._strings.move_to_end(delta.key)
        return string

    def share(self) -> int:
        """Characters that each of the strings may hold back now."""
        return self._max_held // max(len(self.open), 1)

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
        pieces = yield from self._pieces(string.hold, delta.text)
        if string.hold.length >= self._limits.threshold and not was_open:
            pieces += self._flushed_if_whole(string.hold)
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

    def _flushed_if_whole(self, hold: TextHold) -> list[str | Held]:
        """What is held back, if nothing can follow it: on a socket, nothing may follow for long."""
        return list(hold.flush()) if seems_whole(hold.text) else []

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
        if string.ready and this.delta.is_known:
            # What stands before media does not wait for it.
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
            pieces = yield from self._pieces(string.hold, delta.text)
            _, texts[delta.path] = yield from self._joined(pieces, delta)
            is_changed |= texts[delta.path] != delta.text
            if string.hold.length:
                self.open[delta.key] = string
                string.is_whole, string.last = False, event
                string.emptied = {other.path: "" for other in deltas}
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
            out.append(last.event.with_texts({last.delta.path: string.ready + text}))
        elif text and string.last is not None:
            out = [string.last.with_texts({**string.emptied, string.delta.path: text})]
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
        event, delta = string.waiting[-1]
        out.append(event.with_texts({delta.path: left}))
        string.waiting.clear()
        string.ready, string.first, string.is_whole = "", "", False
        string.last, string.emptied = event, {}
        return out

    def _more_than(self, string: String[T], last: Event[T]) -> list[T]:
        """Those that wait and say more than their text, without it."""
        return [
            each.event.with_texts({each.delta.path: ""})
            for each in string.waiting
            if each.event is not last and says_more(each.event.value, last.value, each.delta)
        ]

    def _pieces(self, hold: TextHold, text: str) -> Walk[list[str | Held]]:
        """What may pass now that `text` has come, found in steps."""
        pieces = list(hold.feed(text[:_SLICE]))
        for start in range(_SLICE, len(text), _SLICE):
            yield None
            pieces += hold.feed(text[start : start + _SLICE])
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
            text = piece.text
            if piece.is_too_long:
                yield MediaTooLargeError()
            elif len(text) >= self._limits.threshold:
                text = yield from self._rewritten(text)
            changed |= text is not piece.text
            parts.append(text)
        return changed, "".join(parts)

    def _rewritten(self, held: str) -> Walk[str]:
        """A piece that was held back, with links in the place of media."""
        if "\\" in held:
            return (yield from self._unescaped(held))
        split = split_data_uri(held)
        if split is None or "=" in held[split[0] : -2] or any(mark in held for mark in _UNCLEAR):
            rewriter = Rewriter(self._limits, max_bytes=self._max_bytes)
            text: str = yield from rewriter.text(held, is_text=True)
            return text
        link = yield from self._linked(held)
        return held if link is None else link

    def _unescaped(self, held: str) -> Walk[str]:
        """A piece in which JSON has escapes."""
        begin = held.find(",") + 1
        body = _ESCAPED_BODY.match(held, begin)
        if not begin or body is None:
            return held
        end = body.end()
        while (last := re.search(r"\\+[rn]\Z", held[max(begin, end - 8) : end])) is not None:
            end -= len(last[0])
        link = yield from self._linked(_ESCAPE.sub(_character, held[:end]))
        return held if link is None else link + held[end:]

    def _linked(self, uri: str) -> Walk[str | None]:
        """The link for a data: URI; None if it is no media, or cannot be kept."""
        split = split_data_uri(uri)
        if split is None:
            return None
        begin, media_type, name = split
        found: FoundMedia | CoatcheckError
        try:
            media = yield from read_base64(uri, begin, len(uri), media_type, self._max_bytes)
            found = FoundMedia(media=media, characters=len(uri), name=name)
        except CoatcheckError as error:
            found = error
        replacement = yield found
        return None if replacement is None else replacement.link

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
        if delta.key in self.open:
            return [delta]
        self._is_spaced |= delta.text[:1] == " " or delta.text[-1:] == " "
        is_likely = self._is_patient or self._is_spaced
        return [delta] if is_likely and has_begun(delta.text) else []


def _character(match: re.Match[str]) -> str:
    """What an escape stands for; a line break is none of base64."""
    if match[1] is not None:
        character = chr(int(match[1], 16))
        return "" if character in "\r\n" else character
    return "/" if match[2] == "/" else ""
