"""Walk through a payload and replace inline media at any depth with references. Pure.

A walk is a generator. It yields None where it may be interrupted and `FoundMedia` (or a way to
encode some) where it found media, and receives the replacement, or None if there is none. The
driver does the waiting, so the walk itself knows no stores and no event loops.

Nothing is changed in place: values without media are returned as the same object.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple, TypeVar

import msgspec

from coatcheck.errors import CoatcheckError
from coatcheck.options import DEFAULT_MAX_BYTES
from coatcheck.payload.links import Links
from coatcheck.payload.offloading.objects import members_of, picture_of, without_unset_nulls
from coatcheck.payload.scanning.base64text import THRESHOLD, Steps, may_hold_media, probes
from coatcheck.payload.scanning.blocks import Blocks
from coatcheck.payload.scanning.documents import (
    HeldText,
    find_spans,
    pointer_step,
    pointer_to,
    read_excerpt,
)
from coatcheck.payload.scanning.jsontext import Respelled
from coatcheck.payload.scanning.text import (
    FoundMedia,
    TextMedia,
    check_media,
    next_media,
    read_base64,
    split_data_uri,
)
from coatcheck.payload.shapes import DEFAULT_SHAPES, Inline, Replacement, Shape, Shapes
from coatcheck.payload.spelling import (
    BASE64,
    BYTES,
    INEXACT,
    Unread,
    spelled,
    spelling_of,
    uri_spelling_of,
)
from coatcheck.reference import MediaReference

MAX_DEPTH: Final = 64
"""How deep a payload may nest; messages nest about ten levels."""

MAX_VALUES: Final = 1_000_000
"""Most values of a payload that are searched."""

Bare = Literal["keep", "url", "object"]
"""How to treat base64 that matches neither a shape nor a data: URI. ``keep``: leave and count it,
for readers that need base64. ``url``: replace it with a link, so that a string stays a string.
``object``: replace a whole string with a reference, and base64 in a text with a link.
"""


class UnclaimedMedia(NamedTuple):
    """Media that stays, because no shape says how its reader would accept a reference."""

    found: FoundMedia


T = TypeVar("T")
Picture = Callable[[], bytes]
Request = FoundMedia | UnclaimedMedia | Picture | MediaReference | CoatcheckError | str
Walk = Generator[Request | None, Replacement | None, T]

_VALUES_PER_STEP: Final = 1000
_OPENING: Final = 256
_JSON_BEGINNINGS: Final = ("{", "[", '"')
# What frameworks read as text: a parser would refuse an object there.
_TEXT_MEMBERS: Final = frozenset({"content", "output", "text"})
_BINARY: Final = (bytes, bytearray, memoryview)
_ATOMS: Final = (int, float, bool, type(None))
_UNREAD: Final = (*_ATOMS, Decimal, msgspec.Raw)
_NUMBERS_AS_WRITTEN: Final = msgspec.json.Decoder(float_hook=Decimal)


@dataclass(frozen=True, slots=True, kw_only=True)
class OffloadLimits:
    """What counts as media, and how much of a payload is searched.

    Attributes:
        threshold: the fewest base64 characters that count as media.
        max_depth: how deep a payload is searched.
        max_values: how many of its values are searched.
    """

    threshold: int = THRESHOLD
    max_depth: int = MAX_DEPTH
    max_values: int = MAX_VALUES


class Rewriter:
    """One walk through one payload.

    Args:
        limits: what is looked at.
        shapes: how frameworks carry media.
        max_bytes: largest media that is decoded; one of it is in memory at a time.
        bare: what becomes of base64 that nothing claims.
        links: recognizes the links of replacements.
    """

    def __init__(
        self,
        limits: OffloadLimits,
        shapes: Shapes = DEFAULT_SHAPES,
        *,
        max_bytes: int = DEFAULT_MAX_BYTES,
        bare: Bare = "object",
        links: Links | None = None,
    ) -> None:
        self._limits = limits
        self._max_bytes = max_bytes
        self._bare = bare
        self._links = links or Links()
        self._way: list[str | int | _Span] = []
        self._shapes = shapes
        self._values = 0
        # Values by their identity, each only for as long as the walk is inside of what holds it: an
        # identity says nothing once its value is gone, since the next one may get the same.
        self._above: set[int] = set()  # containers
        self._refused: set[int] = set()  # media that a shape found and that could not be replaced

    def place(self) -> Steps[str]:
        """Where the walk is, as a JSON Pointer that goes on inside of strings that hold JSON."""
        pointer = ""
        for step in self._way:
            if isinstance(step, _Span):
                pointer += yield from pointer_to(step.document, step.start)
            else:
                pointer += pointer_step(step)
        return pointer

    def walk(self, value: Any, depth: int = 0) -> Walk[Any]:
        """`value` with references in the place of its media.

        Yields:
            media to be replaced, or the reason why something was not looked at.
        """
        if isinstance(value, str):
            return (yield from self._string(value, depth))
        if isinstance(value, _UNREAD):
            return value
        if isinstance(value, _BINARY):
            return (yield from self._binary(bytes(value), value))
        if isinstance(value, MediaReference):
            replacement = yield value
            return value if replacement is None else dict(replacement.body)
        picture = picture_of(value)
        if picture is not None:
            replacement = yield picture
            return value if replacement is None else dict(spelled(replacement, INEXACT).body)
        return (yield from self._container(value, depth))

    def document(self, document: str | bytes, depth: int = 0) -> Walk[str | bytes | None]:
        """A JSON document; None if it is none, or is larger than the limits.

        One between the words of a framing is one too; the words stay.
        """
        end = self._end_of_json(document)
        if end is None:
            return None
        if end == len(document):
            return (yield from self._json(document, depth))
        bare: Any = document[:end]
        inner = yield from self._json(bare, depth)
        if inner is None or inner is bare:
            return None if inner is None else document
        rest: Any = document[end:]
        rewritten: str | bytes = inner + rest
        return rewritten

    def _end_of_json(self, document: str | bytes) -> int | None:
        """Where the JSON of a document ends; None if there is none in it."""
        head = document[:_OPENING]
        opening = head if isinstance(head, str) else head.decode(errors="replace")
        if opening.lstrip()[:1] in _JSON_BEGINNINGS:
            return len(document)
        framing = self._shapes.framing(opening)
        if framing is None:
            return None
        return framing.end_of_json(document) if isinstance(document, str) else len(document)

    def _json(self, document: str | bytes, depth: int) -> Walk[str | bytes | None]:
        limits = self._limits
        if (yield from probes(document, limits.threshold)) is None:
            return document
        spans = yield from find_spans(document, limits.threshold, limits.max_values)
        if not spans:  # no JSON, or none that has anything like media in a string of its own
            return None
        parts: list[Any] = []
        copied = 0
        steps = len(self._way)
        try:
            for start, end in spans:
                excerpt = yield from read_excerpt(document, start, end, limits.threshold)
                value = excerpt.open(limits.threshold)
                self._way.append(_Span(document, start))
                rewritten = yield from self.walk(value, depth)
                self._way.pop()
                if rewritten is not value:
                    parts += [document[copied:start], excerpt.close(rewritten)]
                    copied = end
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            del self._way[steps:]
            return None
        if not parts:
            return document
        rest: Any = document[copied:]
        return document[:0].join([*parts, rest])

    def text(self, text: str, *, is_text: bool = False) -> Walk[Any]:
        """A text that is no JSON: links in the place of its media.

        What becomes of base64 without a data: URI is said by `Bare`. A reference takes the place
        of a whole string, unless that has to stay a text (`is_text`).
        """
        parts: list[str] = []
        copied = position = 0
        while True:
            media = yield from next_media(text, position, self._limits.threshold, self._max_bytes)
            if media is None:
                break
            position = media.end
            found: Request = media.found
            if media.is_bare and self._bare == "keep" and isinstance(media.found, FoundMedia):
                found = UnclaimedMedia(media.found)
            replacement = yield found
            if replacement is None or not isinstance(media.found, FoundMedia):
                continue
            spelling = spelling_in(text, media, replacement)
            if media.is_bare and self._bare == "object" and not is_text:
                is_all = media.end - media.start == len(text)
                if is_all or not (text[: media.start] + text[media.end :]).strip():
                    said = spelling if is_all else INEXACT
                    return dict(spelled(replacement, None if said == BASE64 else said).body)
            parts += [text[copied : media.start], spelled(replacement, spelling).link]
            copied = media.end
        return "".join([*parts, text[copied:]]) if parts else text

    def _string(self, value: str, depth: int, *, is_text: bool = False) -> Walk[Any]:
        text = value.full() if isinstance(value, HeldText) else value
        if len(text) < self._limits.threshold or self._was_refused(value):
            return value
        rewritten: Any = None
        if depth < self._limits.max_depth:
            rewritten = yield from self.document(text, depth + 1)
        if rewritten is None:
            rewritten = yield from self.text(text, is_text=is_text)
        return value if rewritten is text else rewritten

    def _binary(self, data: bytes, value: Any) -> Walk[Any]:
        if self._was_refused(value):
            return value
        found = _binary_media(data, None, None, self._limits.threshold)
        replacement = (yield found) if isinstance(found, FoundMedia) else None
        return value if replacement is None else dict(spelled(replacement, BYTES).body)

    def _container(self, value: Any, depth: int) -> Walk[Any]:
        is_list = isinstance(value, list | tuple)
        if id(value) in self._above:
            yield "cycle"
            return value
        if depth >= self._limits.max_depth:
            yield "too_deep"
            return value
        members = value if is_list else members_of(value)
        if members is None:
            return value
        self._above.add(id(value))
        try:
            if is_list:
                return (yield from self._items(value, depth))
            rewritten = yield from self._node(members, depth)
            return value if rewritten is members else without_unset_nulls(value, members, rewritten)
        finally:
            self._above.discard(id(value))

    def _node(self, node: Mapping[str, Any], depth: int) -> Walk[Mapping[str, Any]]:
        refused: str | bytes | None = None
        is_reordered = False
        while (hit := self._shapes.recognize(node)) is not None:
            shape, inline = hit
            if id(inline.media) in self._refused:
                break
            found = yield from self._inline(inline)
            replacement = None if found is None else (yield found)
            if replacement is None:
                refused = None if found is None else inline.media
                break
            if isinstance(found, FoundMedia):
                node, is_same = self._replaced(shape, node, inline, found, replacement)
                is_reordered = is_reordered or not is_same
        if refused is None:
            rewritten = yield from self._each_member(node, depth)
            return Respelled(rewritten) if is_reordered else rewritten
        # It stands somewhere below this node, where it is not to be asked for once more.
        self._refused.add(id(refused))
        try:
            return (yield from self._each_member(node, depth))
        finally:
            self._refused.discard(id(refused))

    def _replaced(
        self,
        shape: Shape,
        node: Mapping[str, Any],
        inline: Inline,
        found: FoundMedia,
        replacement: Replacement,
    ) -> tuple[Mapping[str, Any], bool]:
        """The node with a reference, and whether its members come back in their order.

        Where they do not come back at all as they were, the reference says so.
        """
        read = {
            name: _NUMBERS_AS_WRITTEN.decode(member) if isinstance(member, msgspec.Raw) else member
            for name, member in node.items()
        }
        spelling = _spelling_of(inline, found, replacement)
        new = shape.replace(read, replacement)
        unread = Unread(
            reference=replacement.reference, data=b"", media=inline.media, spelling=spelling
        )
        if shape.linked(new, self._links) == replacement.reference.id:
            back: Any = shape.restore(new, unread)
            is_exact = back == read
        else:  # it is a link, that becomes a data: URI
            back, is_exact = read, spelling is None
        if not is_exact:
            new = shape.replace(read, spelled(replacement, INEXACT))
        unchanged = {
            name: node[name] if name in node and member is read.get(name) else member
            for name, member in new.items()
        }
        # In JSON the order is part of the text.
        is_json = any(isinstance(step, _Span) for step in self._way)
        return unchanged, not (is_json and is_exact) or _order(back) == _order(read)

    def _each_member(self, node: Mapping[str, Any], depth: int) -> Walk[Mapping[str, Any]]:
        changed: dict[str, Any] | None = None
        for name, value in node.items():
            if (yield from self._is_plain(value)):
                continue
            self._way.append(name)
            if name in _TEXT_MEMBERS and isinstance(value, str):
                rewritten = yield from self._string(value, depth + 1, is_text=True)
            else:
                rewritten = yield from self.walk(value, depth + 1)
            self._way.pop()
            if rewritten is not value:
                changed = dict(node) if changed is None else changed
                changed[name] = rewritten
        return node if changed is None else changed

    def _items(self, items: list[Any] | tuple[Any, ...], depth: int) -> Walk[Any]:
        changed: list[Any] | None = None
        for index, value in enumerate(items):
            if (yield from self._is_plain(value)):
                continue
            self._way.append(index)
            rewritten = yield from self.walk(value, depth + 1)
            self._way.pop()
            if rewritten is not value:
                changed = list(items) if changed is None else changed
                changed[index] = rewritten
        if changed is None or isinstance(items, list):
            return items if changed is None else changed
        return type(items)(*changed) if hasattr(items, "_fields") else tuple(changed)

    def _was_refused(self, value: str | bytes) -> bool:
        """Whether a shape has asked for this already; a second copy is asked for by itself."""
        was = id(value) in self._refused
        self._refused.discard(id(value))
        return was

    def _is_plain(self, value: Any) -> Walk[bool]:
        """Whether there is nothing to look at in `value`, or no leave to look at any more."""
        self._values += 1
        if self._values % _VALUES_PER_STEP == 0:
            yield None
        if self._values == self._limits.max_values:
            yield "too_many_values"
        if self._values >= self._limits.max_values:
            return True
        kind = type(value)
        return kind in _ATOMS or (kind is str and len(value) < self._limits.threshold)

    def _inline(self, inline: Inline) -> Walk[FoundMedia | CoatcheckError | None]:
        """What a shape found, read; None if it is too short, or is no base64 at all."""
        media = inline.media
        if isinstance(media, bytes):
            return _binary_media(media, inline.media_type, inline.name, self._limits.threshold)
        text = media.full() if isinstance(media, HeldText) else media
        if len(text) < self._limits.threshold:
            return None
        split = split_data_uri(text)
        start, media_type, name = split or (0, inline.media_type or "", inline.name)
        if not may_hold_media(text[start : start + 2 * self._limits.threshold]):
            return None  # a URL, say
        try:
            blocks = yield from read_base64(text, start, len(text), media_type, self._max_bytes)
        except CoatcheckError as error:
            return error
        return FoundMedia(
            media=blocks, characters=len(text), name=name or inline.name, alt=inline.alt
        )


class _Span(NamedTuple):
    """A step of the way into a document: to the value that begins at `start`."""

    document: str | bytes
    start: int


def spelling_in(text: str, media: TextMedia, replacement: Replacement) -> str | None:
    """How media in a text is written; None for a data: URI that says its own type."""
    if not isinstance(media.found, FoundMedia):
        return INEXACT
    blocks = media.found.media
    if media.is_bare:
        return spelling_of(text, media.start, media.end, blocks)
    media_type = replacement.reference.mime_type
    return uri_spelling_of(text, media.start, media.end, blocks, media_type)


def _spelling_of(inline: Inline, found: FoundMedia, replacement: Replacement) -> str | None:
    """How the media of a node is written; None for a data: URI that says its own type."""
    media = inline.media
    if isinstance(media, bytes):
        return BYTES
    text = media.full() if isinstance(media, HeldText) else media
    if split_data_uri(text) is None:
        return spelling_of(text, 0, len(text), found.media)
    return uri_spelling_of(text, 0, len(text), found.media, replacement.reference.mime_type)


def _order(value: Any) -> Any:
    """What is in which order in a value, whatever its scalars are."""
    if isinstance(value, Mapping):
        return [(name, _order(member)) for name, member in value.items()]
    if isinstance(value, list | tuple):
        return [_order(item) for item in value]
    return None


def _binary_media(
    data: bytes, media_type: str | None, name: str | None, threshold: int
) -> FoundMedia | CoatcheckError | None:
    if len(data) * 4 < threshold * 3:  # as long as base64 of the threshold would be
        return None
    media = Blocks([data])
    try:
        check_media(media, media_type)
    except CoatcheckError as error:
        return error
    return FoundMedia(media=media, characters=len(data), name=name)
