"""Where references stand in what goes to a model: known by structure, never in free text. Pure.

A reference stands where a content part is one or names its media by one or by a link of ours, and
inside what a tool returned. Of a reference the id alone is read. Text that people or models wrote
is text, whatever it looks like.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import is_
from typing import Any, Final, Protocol, TypeVar

import msgspec

from coatcheck.media_part import MEDIA_PART
from coatcheck.payload.hydration.limits import Inline, Kind
from coatcheck.payload.links import Links
from coatcheck.payload.offloading.rewriting import MAX_DEPTH
from coatcheck.payload.shapes import Shapes
from coatcheck.reference import REFERENCE_TYPE, URI_SCHEME, normalize_reference_id

UNKNOWN: Final = ""
"""Stands for the id of a reference or a link of ours that has none."""

TEXT_ONLY: Final[frozenset[Kind]] = frozenset()
"""What a place takes that takes no media."""

MAX_JSON_TEXT: Final = 256 * 1024
"""Characters of a tool's JSON text that is looked into; parsing this much takes 2 ms or more."""

T = TypeVar("T")

# Where a content part has a URL for its media, by the part's type; beside what the shapes know.
_LINKED: Final[Mapping[str, Sequence[tuple[str, ...]]]] = {
    "image_url": (("image_url", "url"), ("image_url",)),
    "file": (("file", "file_data"),),
    "input_image": (("image_url",),),
    "computer_screenshot": (("image_url",),),
    "resource_link": (("uri",),),
}


class See(Protocol):
    """Decides what stands in the place of a reference."""

    def __call__(self, reference_id: str, takes: frozenset[Kind], /) -> Inline | str:
        """Text, or media of a kind that the place `takes`. The id may be `UNKNOWN`."""
        ...


class Visitor:
    """Finds references, in the order in which they stand, and asks what to put in their places.

    Args:
        links: tells links of ours.
        shapes: how frameworks name media.
        see: asked for each reference.
    """

    def __init__(self, links: Links, shapes: Shapes, see: See) -> None:
        self._links = links
        self._shapes = shapes
        self._see = see

    def part(self, part: object, takes: frozenset[Kind]) -> Inline | str | None:
        """What stands for a content part; None where the part is no reference."""
        found = self._find(part) if isinstance(part, Mapping) else None
        return None if found is None else self._see(found, takes)

    def tool_part(self, part: Any) -> Any:
        """A content part of a tool that is no reference: its text is what the tool returned."""
        if isinstance(part, Mapping) and isinstance(part.get("text"), str):
            return with_member(part, "text", self.tool_value(part["text"]))
        return part

    def tool_value(self, value: Any) -> Any:
        """What a tool returned, with lines in the places of references.

        In text they stand in JSON, or a link of ours is all that there is. What nests deeper than
        `MAX_DEPTH` passes unchanged.
        """
        return self._value(value, 0)

    def _value(self, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH or not self._may_be_in(value, depth):
            return value
        if isinstance(value, str):
            return self._text(value, depth + 1)
        if isinstance(value, Mapping):
            found = self._find(value)
            return self._members(value, depth + 1) if found is None else self._line(found)
        if isinstance(value, list | tuple):
            return each(value, lambda item: self._value(item, depth + 1))
        return value

    def _text(self, text: str, depth: int) -> str:
        linked = self._links.id_of(text)
        if linked is not None:
            return self._line(linked)
        if len(text) > MAX_JSON_TEXT or text.lstrip()[:1] not in {"{", "["}:
            return text
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            return text
        changed = self._value(value, depth)
        if changed is value:
            return text
        return changed if isinstance(changed, str) else msgspec.json.encode(changed).decode()

    def _members(self, members: Mapping[str, Any], depth: int) -> Mapping[str, Any]:
        named = {found for member in members.values() if (found := _id_of(member))}
        changed = {
            name: self._value(member, depth)
            for name, member in members.items()
            # A URL of the media beside its reference adds nothing, and a client might fetch it.
            if not (isinstance(member, str) and "/" in member and _last_segment(member) in named)
        }
        same = len(changed) == len(members)
        return members if same and all(map(is_, changed.values(), members.values())) else changed

    def _may_be_in(self, value: Any, depth: int) -> bool:
        """Whether there can be a reference; asking every shape about every object costs more."""
        if isinstance(value, str):
            return self._links.may_be_in(value)
        if isinstance(value, Mapping):
            value = value.values()
        elif not isinstance(value, list | tuple):
            return False
        return depth <= MAX_DEPTH and any(self._may_be_in(item, depth + 1) for item in value)

    def _line(self, reference_id: str) -> str:
        shown = self._see(reference_id, TEXT_ONLY)
        return shown if isinstance(shown, str) else ""  # it is text: nothing else was asked for

    def _find(self, part: Mapping[str, Any]) -> str | None:
        """The id of the media that a part names, or `UNKNOWN`; None for a part that names none."""
        found = _id_of(part)
        if found is not None:
            return found
        if isinstance(part.get("text"), str):
            return None  # it is text, whatever else stands beside it
        kind = part.get("type")
        if not isinstance(kind, str | None) or not isinstance(part.get("kind"), str | None):
            return None  # no format has that, and shapes look these up
        shaped = self._shapes.linked(part, self._links)
        if shaped is not None:
            return normalize_reference_id(shaped[1]) or UNKNOWN
        for path in _LINKED.get(kind or "", ()):
            link = _at(part, path)
            if isinstance(link, str):
                found = self._links.id_of(link)
                return UNKNOWN if found is None and link.startswith(URI_SCHEME) else found
        return UNKNOWN if kind == MEDIA_PART else None


def each(items: Sequence[T], change: Callable[[T], T]) -> Sequence[T]:
    """The items changed; `items` itself if all of them stay the very same."""
    changed = [change(item) for item in items]
    return items if all(map(is_, changed, items)) else changed


def with_member(members: Mapping[str, Any], name: str, value: Any) -> Mapping[str, Any]:
    """A copy of `members` with another value; `members` itself if it has this very value."""
    return members if members.get(name) is value else {**members, name: value}


def _id_of(value: object) -> str | None:
    """The id of a reference in any form, `UNKNOWN` if it has none; None if it is no reference."""
    if not isinstance(value, Mapping) or value.get("type") != REFERENCE_TYPE:
        return None
    named = value.get("id")
    return (isinstance(named, str) and normalize_reference_id(named)) or UNKNOWN


def _at(part: Mapping[str, Any], path: Sequence[str]) -> object:
    value: object = part
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def _last_segment(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]
