"""Define shapes: how a framework carries media, and how it refers to media instead. Pure.

A shape works on one JSON object at a time, a *node*. It never changes a node; it makes a new one.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

import pybase64

from coatcheck.payload.links import Links
from coatcheck.reference import MediaReference

Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inline:
    """Media that a node carries.

    Attributes:
        media: base64 in any alphabet, a data: URI, or the bytes themselves.
        media_type: the declared type; a hint.
        name: a file name, if the node has one.
        alt: an alternative text, if the node has one.
    """

    media: str | bytes
    media_type: str | None = None
    name: str | None = None
    alt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """The replacement of media.

    Attributes:
        reference: the reference.
        link: ``media://{id}`` in a payload to keep, a URL in one that goes to a browser.
        body: the reference's stored or UI form.
    """

    reference: MediaReference
    link: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """Media on its way back into a node.

    Attributes:
        reference: the reference to the stored media.
        data: its bytes.
    """

    reference: MediaReference
    data: bytes

    @property
    def base64(self) -> str:
        """In the standard alphabet, padded."""
        return pybase64.b64encode_as_string(self.data)

    @property
    def base64url(self) -> str:
        """In the URL-safe alphabet, padded."""
        return pybase64.urlsafe_b64encode(self.data).decode()

    @property
    def data_uri(self) -> str:
        """As a data: URI (RFC 2397)."""
        return f"data:{self.reference.mime_type};base64,{self.base64}"


class Shape(Protocol):
    """One way in which a framework carries media.

    `recognize` and `replace` lead from inline media to a reference, `linked` and `restore` back.
    """

    @property
    def members(self) -> frozenset[str]:
        """Member names. Only nodes with at least one of them are passed to this shape."""
        ...

    def recognize(self, node: Node) -> Inline | None:
        """Return the media that `node` carries, or None if it has another shape or carries none."""
        ...

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        """Return a copy of the node with a reference instead of the media that `recognize` found.

        Args:
            node: the node of the payload.
            replacement: the reference and its link.
        """
        ...

    def linked(self, node: Node, links: Links) -> str | None:
        """Return the id that a node made by `replace` refers to; None for any other node.

        Args:
            node: the node of the payload.
            links: recognizes links to media of this store.
        """
        ...

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        """Return a copy of the node with its media inline again.

        Args:
            node: the node of the payload.
            original: the media.
        """
        ...


class Framing(Protocol):
    """Text that an application writes around JSON in a string, before it or on both sides."""

    def opens(self, opening: str) -> bool:
        """Whether JSON follows the opening words of a text.

        Args:
            opening: the first 256 characters of the text.
        """
        ...

    def end_of_json(self, text: str) -> int:
        """Return where the JSON ends in a text that `opens` accepts.

        Args:
            text: all of the text.
        """
        ...


class Shapes:
    """An ordered, immutable collection of shapes.

    Args:
        shapes: the first one that recognizes a node decides.
        framings: the first one that accepts a text's opening decides.
    """

    def __init__(self, shapes: Iterable[Shape], *, framings: Iterable[Framing] = ()) -> None:
        self._shapes = tuple(shapes)
        self._framings = tuple(framings)
        self._known = frozenset[str]().union(*(shape.members for shape in self._shapes))

    def __iter__(self) -> Iterator[Shape]:
        return iter(self._shapes)

    def preceded_by(self, *shapes: Shape) -> Self:
        """Return these shapes with your own before them.

        Args:
            shapes: your own shapes, in the order of precedence.
        """
        return type(self)([*shapes, *self._shapes], framings=self._framings)

    def framed_by(self, *framings: Framing) -> Self:
        """Return these shapes with your own framings, which find JSON inside other text.

        Args:
            framings: your own framings, in the order of precedence, before the known ones.
        """
        return type(self)(self._shapes, framings=[*framings, *self._framings])

    def framing(self, opening: str) -> Framing | None:
        """Return the first framing that accepts this opening; None if there is none."""
        return next((one for one in self._framings if one.opens(opening)), None)

    def recognize(self, node: Node) -> tuple[Shape, Inline] | None:
        """Return the first shape that finds media in `node`, and the media."""
        hits = self._known.intersection(node)
        if not hits:
            return None
        for shape in self._shapes:
            if not hits.isdisjoint(shape.members):
                inline = shape.recognize(node)
                if inline is not None:
                    return shape, inline
        return None

    def linked(self, node: Node, links: Links) -> tuple[Shape, str] | None:
        """Return the first shape that finds a reference of its own in `node`, and the media's id.

        Args:
            node: the node of the payload.
            links: recognizes links to media of this store.
        """
        for shape in self._shapes:
            reference_id = shape.linked(node, links)
            if reference_id is not None:
                return shape, reference_id
        return None


def text_of(node: Node, name: str) -> str | None:
    """Return a member if it is a string, otherwise None."""
    value = node.get(name)
    return value if isinstance(value, str) else None


def object_of(node: Node, name: str) -> Node:
    """Return a member if it is an object, otherwise an empty object."""
    value = node.get(name)
    return value if isinstance(value, Mapping) else {}


def spelling(node: Node, *names: str) -> str:
    """Return the one of `names` that the node has; the first if it has none."""
    return next((name for name in names if name in node), names[0])


def without(node: Node, *names: str) -> dict[str, Any]:
    """Return a copy of the node without some members."""
    return {name: value for name, value in node.items() if name not in names}


def exchange(node: Node, old: str, new: str, value: Any) -> dict[str, Any]:
    """Return a copy of the node with member `new` in the place of `old`.

    If the node has both, because a framework dumps all members, one of them null, it keeps both.
    """
    if new in node:
        return {**node, old: None, new: value}
    return {
        (new if name == old else name): (value if name == old else kept)
        for name, kept in node.items()
    }


REFERENCE_MEMBER: Final = "mediaReference"
"""The member for the reference of a node whose media member must be emptied."""


def id_beside(node: Node) -> str | None:
    """Return the id of the reference beside an emptied member."""
    return text_of(object_of(node, REFERENCE_MEMBER), "id")
