"""Restore: the exact inverse of offloading. References out, the original media inline again.

::

    payload = await restore(payload, store)

Each reference takes the shape again that the media had: a ``resource_link`` of MCP becomes image
content, a link in Markdown a data: URI. For a framework that must have its own inline form back,
and for exports. What a model is to see is `coatcheck.payload.hydrate`'s, which sizes it.

What is inline again is as large as it was: all of it is in memory at the end.
"""

import json
from collections.abc import Generator, Mapping
from typing import Any, TypeVar

from anyio.lowlevel import checkpoint

from coatcheck.errors import NotFoundError
from coatcheck.payload.links import Links
from coatcheck.payload.offloading.rewriting import MAX_DEPTH
from coatcheck.payload.shapes import DEFAULT_SHAPES, Original, Shapes
from coatcheck.reference import REFERENCE_TYPE, MediaUrls, is_reference_id
from coatcheck.store import MediaStore

T = TypeVar("T")
Walk = Generator[str, Original | None, T]


async def restore(
    payload: Any,
    store: MediaStore,
    *,
    urls: MediaUrls | None = None,
    owner: str | None = None,
    shapes: Shapes = DEFAULT_SHAPES,
) -> Any:
    """The payload with its media inline again; of a reference the id alone is believed.

    A reference to media that is unknown, or somebody else's, stays as it is.

    Args:
        payload: what `offload` returned, or what was made of it since. It is not changed.
        store: where the media is.
        urls: how links of the form ``ui`` were minted; without it only ``media://`` is a link.
        owner: whose media it is; None for media that belongs to nobody, as where nobody is told
            apart.
        shapes: those that the payload was offloaded with.

    Raises:
        StorageError: media could not be read.
    """
    known: dict[str, Original | None] = {}
    walk = Restorer(Links(urls), shapes).walk(payload)
    original: Original | None = None
    while True:
        try:
            reference_id = walk.send(original)
        except StopIteration as done:
            return done.value
        if reference_id not in known:
            known[reference_id] = await _read(store, reference_id, owner)
        original = known[reference_id]
        await checkpoint()


async def _read(store: MediaStore, reference_id: str, owner: str | None) -> Original | None:
    try:
        record = await store.record(reference_id)
        if record.owner != owner:
            return None
        stream = await store.open(reference_id)
    except NotFoundError:
        return None
    data = b"".join([chunk async for chunk in stream.chunks])
    return Original(reference=record.reference, data=data)


class Restorer:
    """One walk through one payload: yields ids and is sent what they stand for, or None.

    Args:
        links: tells links to our media from others.
        shapes: how frameworks carry media.
    """

    def __init__(self, links: Links, shapes: Shapes) -> None:
        self._links = links
        self._shapes = shapes

    def walk(self, value: Any, depth: int = 0) -> Walk[Any]:
        """`value` with its media inline again."""
        if depth > MAX_DEPTH:
            return value
        if isinstance(value, str):
            return (yield from self._string(value, depth))
        if isinstance(value, Mapping):
            return (yield from self._node(value, depth))
        if isinstance(value, list | tuple):
            items = []
            for item in value:
                items.append((yield from self.walk(item, depth + 1)))  # noqa: PERF401 - no comprehension may yield
            is_same = all(new is old for new, old in zip(items, value, strict=True))
            return value if is_same else items
        return value

    def _string(self, text: str, depth: int) -> Walk[str]:
        whole = self._links.id_of(text)
        if whole is not None:
            original = yield whole
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
            original = yield reference_id
            if original is not None:
                parts += [text[copied:start], original.data_uri]
                copied = end
        return "".join([*parts, text[copied:]]) if parts else text

    def _node(self, node: Mapping[str, Any], depth: int) -> Walk[Any]:
        if node.get("type") == REFERENCE_TYPE:
            if not is_reference_id(node.get("id")):
                return node
            original = yield node["id"]
            return node if original is None else original.base64
        hit = self._shapes.linked(node, self._links)
        if hit is not None:
            original = yield hit[1]
            if original is not None:
                return hit[0].restore(node, original)
        members = {}
        for name, value in node.items():
            members[name] = yield from self.walk(value, depth + 1)
        return node if all(members[name] is node[name] for name in node) else members


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
