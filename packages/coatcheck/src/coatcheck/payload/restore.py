"""Restore: the inverse of offloading. References out, the original media inline again.

::

    payload, report = await restore(payload, store)

Each reference takes the shape again that the media had: a ``resource_link`` of MCP becomes image
content, a link in Markdown a data: URI. For a framework that must have its own inline form back,
and for exports. What a model is to see is `coatcheck.payload.hydrate`'s, which sizes it.

The media is what it was, bit for bit, and so is the payload around it, but for what a payload does
not tell: JSON inside a string comes back without spaces where it held media, and base64 that was
alone in a text as a data: URI. ``docs/reference/shapes.md`` lists all of it.

What is inline again is as large as it was: all of it is in memory at the end.
"""

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

from anyio.lowlevel import checkpoint

from coatcheck.errors import CoatcheckError
from coatcheck.payload.links import Links
from coatcheck.payload.offloading.rewriting import MAX_DEPTH
from coatcheck.payload.shapes import DEFAULT_SHAPES, Original, Shapes
from coatcheck.reference import REFERENCE_TYPE, MediaUrls, is_reference_id
from coatcheck.store import MediaStore

ANOTHER_OWNER: Final = "another_owner"
"""Why a reference was left: the media is not that of the `owner` that was named."""

TOO_DEEP: Final = "too_deep"
"""Why a part of a payload was left: it nests deeper than the walk goes."""

T = TypeVar("T")
Walk = Generator[str | None, Original | None, T]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftReference:
    """A reference that still stands where it stood.

    Attributes:
        reason: `ANOTHER_OWNER`, `TOO_DEEP`, or the code of an error: ``not_found`` for media that
            is unknown, another one for media that could not be read.
        place: where it stands, as a JSON Pointer (RFC 6901), which goes on inside of a string that
            holds JSON. Empty for the payload itself.
        id: the reference's; None for a part that was not looked into.
    """

    reason: str
    place: str
    id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReport:
    """What restoring did.

    Attributes:
        restored: references and links whose media is inline again, every copy counted.
        left: those that were left, each with the reason.
    """

    restored: int = 0
    left: tuple[LeftReference, ...] = ()


class Restored(NamedTuple):
    """A payload with its media inline again, and what was done.

    `payload` is the very object that was handed in where nothing was restored.
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
    """The payload with its media inline again; of a reference the id alone is believed.

    A reference to media that is unknown, another owner's or unreadable stays as it is, and the
    report says so.

    Args:
        payload: what `offload` returned, or what was made of it since. It is not changed.
        store: where the media is.
        urls: how links of the form ``ui`` were minted; without it only ``media://`` is a link.
        owner: whose media is restored; None for media that was stored without an owner.
        shapes: those that the payload was offloaded with.
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
            return Restored(done.value, RestoreReport(restored=restored, left=tuple(left)))
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
    """The media, or why it cannot be had."""
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

    None is yielded for a part that nests too deep to be looked into.

    Args:
        links: tells links to our media from others.
        shapes: how frameworks carry media.
    """

    def __init__(self, links: Links, shapes: Shapes) -> None:
        self._links = links
        self._shapes = shapes
        self._way: list[str | int] = []
        self._refused: list[str] = []  # ids that the nodes above could not have

    @property
    def place(self) -> str:
        """Where the walk is, as a JSON Pointer."""
        return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in self._way)

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

    def _string(self, text: str, depth: int) -> Walk[str]:
        whole = self._links.id_of(text)
        if whole is not None:
            original = yield from self._ask(whole)
            return text if original is None else original.data_uri
        if text[:1] in {"{", "[", '"'} and self._links.may_be_in(text):
            try:
                value = json.loads(text)
            except (ValueError, RecursionError):
                pass
            else:
                restored = yield from self.walk(value, depth + 1)
                return text if restored is value else _dump(restored)
        parts: list[str] = []
        copied = 0
        for start, end, reference_id in self._links.find(text):
            original = yield from self._ask(reference_id)
            if original is not None:
                parts += [text[copied:start], original.data_uri]
                copied = end
        return "".join([*parts, text[copied:]]) if parts else text

    def _node(self, node: Mapping[str, Any], depth: int) -> Walk[Any]:
        if node.get("type") == REFERENCE_TYPE:
            if not is_reference_id(node.get("id")):
                return node
            original = yield from self._ask(node["id"])
            return node if original is None else original.base64
        hit = self._shapes.linked(node, self._links)
        if hit is None:
            return (yield from self._members(node, depth))
        shape, reference_id = hit
        original = yield from self._ask(reference_id)
        if original is not None:
            return shape.restore(node, original)
        self._refused.append(reference_id)
        members = yield from self._members(node, depth)
        self._refused.pop()
        return members

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


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
