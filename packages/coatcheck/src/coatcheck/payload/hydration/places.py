"""Where references stand in what goes to a model, and what is shown for them. Pure.

A reference *stands* where a content part is one or names its media by one or by a link of ours, and
inside what a tool returned: there it may be shown. Anywhere else, as in text that people and models
wrote, it is only *mentioned*: it becomes its line, and no picture follows from it, so that words
alone never show anything. Of a reference the id alone is read. What a model hands to a tool
(`coatcheck.payload.arguments`) is the model's own, and stays.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import is_
from typing import Any, Final, Protocol, TypeVar

import msgspec

from coatcheck.media_part import MEDIA_PART
from coatcheck.payload.arguments import argument_members
from coatcheck.payload.hydration.limits import Inline, Kind
from coatcheck.payload.links import Links
from coatcheck.payload.offloading.rewriting import MAX_DEPTH
from coatcheck.payload.shapes import Shapes
from coatcheck.reference import REFERENCE_TYPE, URI_SCHEME, normalize_reference_id

UNKNOWN: Final = ""
"""Stands for the id of a reference or a link of ours that has none."""

TEXT_ONLY: Final[frozenset[Kind]] = frozenset()
"""What a place takes that takes no media: the line stands there, and the picture may follow."""

MENTIONED: Final = None
"""What a place takes that names media by the way: its line, and no picture follows."""

MAX_JSON_TEXT: Final = 256 * 1024
"""Characters of JSON in a text that is looked into; parsing this much takes 2 ms or more."""

TOO_DEEP: Final = "too_deep"
"""Why a part of a message was left: it nests deeper than the walk goes."""

SIGNED: Final = "signed"
"""Why a part was left: its vendor signed it, and refuses it when a character of it changes."""

TOO_LONG: Final = "too_long"
"""Why JSON in a text was left: it has more than `MAX_JSON_TEXT` characters."""

Takes = frozenset[Kind] | None

_SIGNATURES: Final = frozenset({"signature", "thoughtSignature", "thought_signature"})
_SIGNED_TYPES: Final = ("thinking", "redacted_thinking", "reasoning")

T = TypeVar("T")

# Where a content part has a URL for its media, by the part's type; beside what the shapes know.
_LINKED: Final[Mapping[str, Sequence[tuple[str, ...]]]] = {
    "image_url": (("image_url", "url"), ("image_url",)),
    "file": (("file", "file_data"), ("url",)),
    "input_image": (("image_url",),),
    "computer_screenshot": (("image_url",),),
    "resource_link": (("uri",),),
}


class See(Protocol):
    """Decides what replaces a reference."""

    def __call__(self, reference_id: str, takes: Takes, /) -> Inline | str:
        """Text, or media of a kind that the place `takes`. The id may be `UNKNOWN`."""
        ...


class Visitor:
    """Finds references, in the order in which they stand, and asks what to put in their places.

    Args:
        links: recognizes links to media of this store.
        shapes: how frameworks name media.
        see: asked for each reference.
    """

    def __init__(self, links: Links, shapes: Shapes, see: See) -> None:
        self._links = links
        self._shapes = shapes
        self._see = see
        self.left: Counter[str] = Counter()
        """What was not looked into although it may hold references, by reason."""

    def part(self, part: object, takes: frozenset[Kind]) -> Inline | str | None:
        """What stands for a content part; None where the part is no reference."""
        found = self._find(part) if isinstance(part, Mapping) else None
        return None if found is None else self._see(found, takes)

    def tool_value(self, value: Any) -> Any:
        """What a tool returned, with lines in the places of references; pictures may follow.

        In text they stand in JSON, or a link of ours is all that there is; a link within other text
        is only mentioned. What nests deeper than `MAX_DEPTH` passes unchanged and is counted.
        """
        return self._value(value, 0, TEXT_ONLY)

    def mentions(self, value: Any) -> Any:
        """What people or models wrote, or any other member, with lines in the places of references.

        No picture follows from these. A tool's arguments stay as they are.
        """
        return self._value(value, 0, MENTIONED)

    def others(self, message: Mapping[str, Any], known: Iterable[str]) -> Mapping[str, Any]:
        """The message with lines for what its other members mention.

        Args:
            message: a message.
            known: names of those members that have been seen to.
        """
        if not self._may_be_in({**message, **dict.fromkeys(known)}, 0):
            return message
        if _is_signed(message):
            self.left[SIGNED] += 1
            return message
        skipped = argument_members(message)
        changed = {
            name: member if name in known or name in skipped else self._value(member, 1, MENTIONED)
            for name, member in message.items()
        }
        return message if all(map(is_, changed.values(), message.values())) else changed

    def _value(self, value: Any, depth: int, takes: Takes) -> Any:
        if depth > MAX_DEPTH:
            if self._may_be_in(value, 0):
                self.left[TOO_DEEP] += 1
            return value
        if not self._may_be_in(value, depth):
            return value
        if isinstance(value, str):
            return self._text(value, depth + 1, takes)
        if isinstance(value, Mapping):
            return self._node(value, depth + 1, takes)
        return each(value, lambda item: self._value(item, depth + 1, takes))

    def _node(self, node: Mapping[str, Any], depth: int, takes: Takes) -> Any:
        found = self._find(node)
        if found is not None:
            return self._line(found, takes)
        if takes is MENTIONED and _is_signed(node):
            self.left[SIGNED] += 1
            return node
        return self._members(node, depth, takes)

    def _text(self, text: str, depth: int, takes: Takes) -> str:
        linked = self._links.id_of(text)
        if linked is not None:
            return self._line(linked, takes)
        if text.lstrip()[:1] in {"{", "["}:
            if len(text) > MAX_JSON_TEXT:
                self.left[TOO_LONG] += 1
                return text
            try:
                value = msgspec.json.decode(text)
            except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
                pass
            else:
                changed = self._value(value, depth, takes)
                if changed is value:
                    return text
                return (
                    changed if isinstance(changed, str) else msgspec.json.encode(changed).decode()
                )
        return self._links.replace(text, lambda found: self._line(found, MENTIONED))

    def _members(self, members: Mapping[str, Any], depth: int, takes: Takes) -> Mapping[str, Any]:
        named = {found for member in members.values() if (found := _id_of(member))}
        skipped = argument_members(members) if takes is MENTIONED else ()
        changed = {
            name: member if name in skipped else self._value(member, depth, takes)
            for name, member in members.items()
            # A URL of the media beside its reference adds nothing, and a client might fetch it.
            if not (isinstance(member, str) and "/" in member and _last_segment(member) in named)
        }
        same = len(changed) == len(members)
        return members if same and all(map(is_, changed.values(), members.values())) else changed

    def _may_be_in(self, value: Any, depth: int) -> bool:
        """Whether there can be a reference; asking every shape about every object costs more.

        What nests too deep to be looked into may hold one.
        """
        if isinstance(value, str):
            return self._links.may_be_in(value)
        if isinstance(value, Mapping):
            value = value.values()
        elif not isinstance(value, list | tuple):
            return False
        return depth > MAX_DEPTH or any(self._may_be_in(item, depth + 1) for item in value)

    def _line(self, reference_id: str, takes: Takes) -> str:
        shown = self._see(reference_id, takes)
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


def _is_signed(part: Mapping[str, Any]) -> bool:
    return part.get("type") in _SIGNED_TYPES or not _SIGNATURES.isdisjoint(part)


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
