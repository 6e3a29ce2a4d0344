"""Two stores on one directory, as two processes have them, in directed interleavings."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from coatcheck.errors import NotFoundError
from coatcheck.imaging import ImagingPool
from coatcheck.ports import RenderedImage
from coatcheck.storage import LocalBlobStore
from coatcheck.storage.catalog import Database, SqlCatalog
from coatcheck.store import MediaStore
from coatcheck.variants import VariantSpec
from coatcheck.workers import WorkerLimits
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

SPEC = VariantSpec(256, "webp")


@pytest.fixture
async def nodes(data: Path) -> AsyncIterator[tuple[MediaStore, MediaStore]]:
    async with AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(
                MediaStore(
                    blobs=await LocalBlobStore.open(data),
                    catalog=SqlCatalog(await Database.open(data / "catalog.sqlite3")),
                    renderer=ImagingPool(max_pixels=10**7, limits=WorkerLimits(processes=1)),
                )
            )
            for _ in range(2)
        ]
        yield opened[0], opened[1]


async def states(store: MediaStore) -> set[str]:
    return {finding.state async for finding in store.verify()}


async def test_a_variant_that_another_node_recorded_with_other_bytes_leaves_nothing(
    nodes: tuple[MediaStore, MediaStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 11: whoever records it first wins, and the loser's bytes are not published."""
    first, second = nodes
    record = await first.record((await first.put(png_bytes(512, 300))).id)
    render = second._renderer.render

    async def late_and_different(
        path: Path, media_type: str, _spec: VariantSpec, **options: Any
    ) -> RenderedImage:
        image = await render(path, media_type, VariantSpec(128, "webp"), **options)
        await first.variant(record, SPEC)
        return image

    monkeypatch.setattr(second._renderer, "render", late_and_different)
    variant = await second.variant(record, SPEC)
    assert variant.width == 256
    assert variant == await first.variant(record, SPEC)
    assert await states(first) == {"sound"}


async def test_content_that_another_node_deletes_during_its_put_is_stored_again(
    nodes: tuple[MediaStore, MediaStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was known when the put looked, and is not any more under the write lock."""
    first, second = nodes
    known = await first.put(png_bytes())
    find_blob = second._catalog.find_blob

    async def found_and_deleted(digest: str) -> object:
        found = await find_blob(digest)
        await first.delete(known.id)
        return found

    monkeypatch.setattr(second._catalog, "find_blob", found_and_deleted)
    reference = await second.put(png_bytes())
    with pytest.raises(NotFoundError):
        await first.get(known.id)
    assert (await first.thumbnail(reference.id)).data
    assert await states(first) == {"sound"}


async def test_what_another_node_deletes_while_it_is_verified_is_not_missing(
    nodes: tuple[MediaStore, MediaStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = nodes
    known = await first.put(b"%PDF-1.7")
    size = second._blobs.size

    async def deleted_before(digest: str) -> int | None:
        await first.delete(known.id)
        return await size(digest)

    monkeypatch.setattr(second._blobs, "size", deleted_before)
    assert [finding async for finding in second.verify()] == []
