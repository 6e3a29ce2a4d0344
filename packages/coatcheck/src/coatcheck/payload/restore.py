"""Undo offloading: replace references with the original media.

::

    payload, report = await restore(payload, store)

Each reference gets the shape back that the media had: a ``resource_link`` of MCP becomes image
content, a link in Markdown a data: URI. Use this for a framework that needs its own inline form,
and for exports. To show a model a picture, use `coatcheck.payload.hydrate`, which chooses the size.

The media comes back bit for bit, and so does the payload around it, including JSON inside strings.
Media that was written in a way that Coatcheck does not write comes back in the usual way, and the
report lists the place.

Restored media is as large as before: all of it is in memory at the end.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

from anyio.lowlevel import checkpoint

from coatcheck.errors import CoatcheckError
from coatcheck.payload.links import Links
from coatcheck.payload.offloading.rewriting import MAX_DEPTH
from coatcheck.payload.scanning.documents import pointer_step
from coatcheck.payload.scanning.jsontext import JsonText
from coatcheck.payload.shapes import DEFAULT_SHAPES, Original, Shapes
from coatcheck.payload.spelling import BASE64, BASE64URL, BYTES, INEXACT, said_of
from coatcheck.reference import REFERENCE_TYPE, MediaUrls, is_reference_id
from coatcheck.store import MediaStore

ANOTHER_OWNER: Final = "another_owner"
"""The reason for a reference to media that does not belong to the given `owner`."""

TOO_DEEP: Final = "too_deep"
"""The reason for a part of a payload that nests too deep."""

_MARKED_WITHIN: Final = 4  # levels of a node in which its shape may write a link or a reference

T = TypeVar("T")
Walk = Generator[str | None, Original | None, T]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftReference:
    """A reference that was not restored.

    Attributes:
        reason: `ANOTHER_OWNER`, `TOO_DEEP`, or the code of an error: ``not_found`` for unknown
            media, another code for media that could not be read.
        place: its place as a JSON Pointer (RFC 6901), which continues inside a string that contains
            JSON. Empty for the payload itself.
        id: the id of the reference; None for a part that was not searched.
    """

    reason: str
    place: str
    id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReport:
    """A report on what was restored.

    Attributes:
        restored: how many references and links became media again, including copies.
        left: the references that were left, each with the reason.
        respelled: places, as in `LeftReference`, where the media is back but is written
            differently: its base64 was in lines or had no padding, a data: URI had another type or
            a parameter, a picture was an object of a library, or JSON inside a string had unusual
            spaces.
    """

    restored: int = 0
    left: tuple[LeftReference, ...] = ()
    respelled: tuple[str, ...] = ()


class Restored(NamedTuple):
    """A payload with its media inline again, and a report.

    `payload` is the given object if nothing was restored.
    """

    payload: Any
    report: RestoreReport


async def restore(
    payload: Any,
    store: MediaStore,
    *,
    urls: MediaUrls | None = None,
    owner: str | None = None,
    shapes: Shapes = DEFAULT_SHAPES,
) -> Restored:
    """Replace the references in a payload with their media.

    Only the id of a reference is trusted. A reference to media that is unknown, belongs to another
    owner or cannot be read stays as it is, and the report lists it.

    Args:
        payload: the payload that `offload` returned, possibly changed since. It is not modified.
        store: the store that has the media.
        urls: the `MediaUrls` that minted links of the form ``ui``; without it, only ``media://`` is
            a link.
        owner: the owner whose media is restored; None for media without an owner.
        shapes: the shapes that the payload was offloaded with.
    """
    outcomes: dict[str, Original | str] = {}
    restorer = Restorer(Links(urls), shapes)
    walk = restorer.walk(payload)
    restored = 0
    left: list[LeftReference] = []
    original: Original | None = None
    while True:
        try:
            reference_id = walk.send(original)
        except StopIteration as done:
            report = RestoreReport(
                restored=restored, left=tuple(left), respelled=tuple(restorer.respelled)
            )
            return Restored(done.value, report)
        outcome: Original | str = TOO_DEEP
        if reference_id is not None:
            if reference_id not in outcomes:
                outcomes[reference_id] = await _read(store, reference_id, owner)
            outcome = outcomes[reference_id]
        original = outcome if isinstance(outcome, Original) else None
        if isinstance(outcome, str):
            left.append(LeftReference(reason=outcome, place=restorer.place, id=reference_id))
        else:
            restored += 1
        await checkpoint()


async def _read(store: MediaStore, reference_id: str, owner: str | None) -> Original | str:
    """Return the media, or the reason why it is not available."""
    try:
        record = await store.record(reference_id)
        if record.owner != owner:
            return ANOTHER_OWNER
        stream = await store.open(reference_id)
        data = b"".join([chunk async for chunk in stream.chunks])
    except CoatcheckError as error:
        return error.code
    return Original(reference=record.reference, data=data)


class Restorer:
    """One walk through one payload: yields ids and is sent what they stand for, or None.

    It yields None for a part that nests too deep to be searched.

    Args:
        links: recognizes links to media of this store.
        shapes: how frameworks carry media.
    """

    def __init__(self, links: Links, shapes: Shapes) -> None:
        self._links = links
        self._shapes = shapes
        self._way: list[str | int] = []
        self._refused: list[str] = []  # ids that the nodes above could not have
        self._texts: list[JsonText] = []  # that the walk is inside of
        self.respelled: list[str] = []

    @property
    def place(self) -> str:
        """The current place, as a JSON Pointer."""
        return "".join(map(pointer_step, self._way))

    def walk(self, value: Any, depth: int = 0) -> Walk[Any]:
        """`value` with its media inline again."""
        if depth > MAX_DEPTH:
            if self._may_hold_media(value):
                yield None
            return value
        if isinstance(value, str):
            return (yield from self._string(value, depth))
        if isinstance(value, Mapping):
            return (yield from self._node(value, depth))
        if isinstance(value, list | tuple):
            items = []
            for index, item in enumerate(value):
                self._way.append(index)
                items.append((yield from self.walk(item, depth + 1)))
                self._way.pop()
            is_same = all(new is old for new, old in zip(items, value, strict=True))
            return value if is_same else items
        return value

    def _ask(self, reference_id: str) -> Walk[Original | None]:
        # The reference of a node stands in one of its members too, and is reported once.
        return None if reference_id in self._refused else (yield reference_id)

    def _string(self, text: str, depth: int) -> Walk[str | bytes]:
        if self._links.id_of(text) is None and self._links.may_be_in(text):
            opened = self._links.open(text)
            if opened is not None:
                self._texts.append(opened)
                restored = yield from self.walk(opened.value, depth + 1)
                self._texts.pop()
                return text if restored is opened.value else opened.close(restored).decode()
        parts: list[str] = []
        copied = 0
        for start, end, reference_id in self._links.find(text):
            original = yield from self._ask(reference_id)
            if original is not None:
                spelling = self._links.spelling_of(text[start:end])
                parts += [text[copied:start], self._written(original, spelling)]
                copied = end
        return "".join([*parts, text[copied:]]) if parts else text

    def _written(self, original: Original, spelling: str | None) -> str:
        """The text that the link replaced."""
        if spelling == BASE64:
            return original.base64
        if spelling == BASE64URL:
            return original.base64url
        if spelling is not None:
            self._note_respelled()
        return original.data_uri

    def _note_respelled(self) -> None:
        if not self.respelled or self.respelled[-1] != self.place:
            self.respelled.append(self.place)

    def _node(self, node: Mapping[str, Any], depth: int) -> Walk[Any]:
        if node.get("type") == REFERENCE_TYPE:
            if not is_reference_id(node.get("id")):
                return node
            original = yield from self._ask(node["id"])
            return node if original is None else self._instead_of(node, original)
        hit = self._shapes.linked(node, self._links)
        if hit is None:
            return (yield from self._members(node, depth))
        shape, reference_id = hit
        original = yield from self._ask(reference_id)
        if original is not None:
            is_odd = bool(self._texts) and self._texts[-1].is_respelled(node)
            if is_odd or self._says_inexact(node, _MARKED_WITHIN):
                self._note_respelled()
            return shape.restore(node, original)
        self._refused.append(reference_id)
        members = yield from self._members(node, depth)
        self._refused.pop()
        return members

    def _instead_of(self, reference: Mapping[str, Any], original: Original) -> str | bytes:
        """The value that the reference replaced."""
        match said_of(reference):
            case spelling if spelling == BYTES:
                return original.data
            case spelling if spelling == BASE64URL:
                return original.base64url
            case spelling if spelling == INEXACT:
                self._note_respelled()
        return original.base64

    def _says_inexact(self, value: Any, levels: int) -> bool:
        if isinstance(value, str):
            return self._links.spelling_of(value) == INEXACT
        if levels == 0:
            return False
        if isinstance(value, Mapping):
            is_said = value.get("type") == REFERENCE_TYPE and said_of(value) == INEXACT
            return is_said or any(
                self._says_inexact(member, levels - 1) for member in value.values()
            )
        return isinstance(value, list | tuple) and any(
            self._says_inexact(item, levels - 1) for item in value
        )

    def _members(self, node: Mapping[str, Any], depth: int) -> Walk[Mapping[str, Any]]:
        members = {}
        for name, value in node.items():
            self._way.append(name)
            members[name] = yield from self.walk(value, depth + 1)
            self._way.pop()
        return node if all(members[name] is node[name] for name in node) else members

    def _may_hold_media(self, value: Any) -> bool:
        if isinstance(value, str):
            return self._links.may_be_in(value)
        return isinstance(value, Mapping | list | tuple)
