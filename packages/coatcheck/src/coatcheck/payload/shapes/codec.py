"""What a shape is: how a framework carries media, and how it names media instead. Pure.

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
        media_type: what the node says it is; a hint.
        name: a file name, where the node has one.
        alt: an alternative text, where the node has one.
    """

    media: str | bytes
    media_type: str | None = None
    name: str | None = None
    alt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """What stands in the place of media.

    Attributes:
        reference: the reference.
        link: ``media://{id}`` where the payload is kept, a URL where it goes to a browser.
        body: the reference's stored or UI form.
    """

    reference: MediaReference
    link: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """Media on its way back into a node.

    Attributes:
        reference: what it is stored as.
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
        """Names of which a node has at least one, or it is not of this shape."""
        ...

    def recognize(self, node: Node) -> Inline | None:
        """The media that `node` carries, or None if it is of another shape or carries none."""
        ...

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        """The node with a reference in the place of what `recognize` found in it.

        Args:
            node: the node of the payload.
            replacement: what takes the media's place.
        """
        ...

    def linked(self, node: Node, links: Links) -> str | None:
        """The id of the media that a node made by `replace` refers to; None for any other node.

        Args:
            node: the node of the payload.
            links: tells links to our media from any others.
        """
        ...

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        """The node with its media inline again.

        Args:
            node: the node of the payload.
            original: the media.
        """
        ...


class Framing(Protocol):
    """Words that an application writes around the JSON in a text, before it or on both sides."""

    def opens(self, opening: str) -> bool:
        """Whether JSON follows the words that a text begins with.

        Args:
            opening: the first 256 characters of the text.
        """
        ...

    def end_of_json(self, text: str) -> int:
        """Where the JSON of a text that `opens` ends.

        Args:
            text: all of the text.
        """
        ...


class Shapes:
    """Shapes in the order in which they are asked. Immutable.

    Args:
        shapes: the first that recognizes a node decides.
        framings: the first that opens a text decides.
    """

    def __init__(self, shapes: Iterable[Shape], *, framings: Iterable[Framing] = ()) -> None:
        self._shapes = tuple(shapes)
        self._framings = tuple(framings)
        self._known = frozenset[str]().union(*(shape.members for shape in self._shapes))

    def __iter__(self) -> Iterator[Shape]:
        return iter(self._shapes)

    def preceded_by(self, *shapes: Shape) -> Self:
        """These, with an application's own asked first.

        Args:
            shapes: an application's own, in the order in which they are asked.
        """
        return type(self)([*shapes, *self._shapes], framings=self._framings)

    def framed_by(self, *framings: Framing) -> Self:
        """These, with JSON found between words of an application's own too.

        Args:
            framings: asked in this order, before those that are known already.
        """
        return type(self)(self._shapes, framings=[*framings, *self._framings])

    def framing(self, opening: str) -> Framing | None:
        """The first framing that a text with this opening has; None if it has none."""
        return next((one for one in self._framings if one.opens(opening)), None)

    def recognize(self, node: Node) -> tuple[Shape, Inline] | None:
        """The first shape that finds media in `node`, and what it found."""
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
        """The first shape that finds a reference of its own in `node`, and the media's id.

        Args:
            node: the node of the payload.
            links: tells links to our media from any others.
        """
        for shape in self._shapes:
            reference_id = shape.linked(node, links)
            if reference_id is not None:
                return shape, reference_id
        return None


def text_of(node: Node, name: str) -> str | None:
    """A member that is a string; None for any other or none."""
    value = node.get(name)
    return value if isinstance(value, str) else None


def object_of(node: Node, name: str) -> Node:
    """A member that is an object; an empty one for any other or none."""
    value = node.get(name)
    return value if isinstance(value, Mapping) else {}


def spelling(node: Node, *names: str) -> str:
    """Which of `names` the node has; the first if it has none."""
    return next((name for name in names if name in node), names[0])


def without(node: Node, *names: str) -> dict[str, Any]:
    """The node without some members."""
    return {name: value for name, value in node.items() if name not in names}


def exchange(node: Node, old: str, new: str, value: Any) -> dict[str, Any]:
    """The node with member `new` in the place of `old`.

    A dump with all its members has both, one of them null; then they stay both.
    """
    if new in node:
        return {**node, old: None, new: value}
    return {
        (new if name == old else name): (value if name == old else kept)
        for name, kept in node.items()
    }


REFERENCE_MEMBER: Final = "mediaReference"
"""Where a reference stands beside a member that can only be empty."""


def id_beside(node: Node) -> str | None:
    """The id of the reference that stands beside an emptied member."""
    return text_of(object_of(node, REFERENCE_MEMBER), "id")
