"""What becomes of bytes that no row uses, and of those that a row uses again."""

from pathlib import Path

import pytest

from coatcheck.errors import NotFoundError, StorageError
from coatcheck.opening import Backends
from coatcheck.ports import Catalog
from coatcheck.reference import MediaReference
from tests.media import png_bytes

pytestmark = pytest.mark.anyio


def blobs(data: Path) -> list[Path]:
    return [path for path in (data / "blobs").rglob("*") if path.is_file()]


async def forget(catalog: Catalog, reference: MediaReference) -> None:
    """What a deletion does before it comes to the bytes."""
    async with catalog.transaction() as transaction:
        assert await transaction.remove_media(reference.id)


async def test_bytes_that_are_used_again_stay_and_lose_their_tombstone(
    backends: Backends, data: Path
) -> None:
    store, catalog = backends.store, backends.store._catalog
    await forget(catalog, await store.put(png_bytes()))
    again = await store.put(png_bytes())
    assert len(await catalog.tombstones(after="", limit=9)) == 2
    assert await store.sweep() == 2
    assert await catalog.tombstones(after="", limit=9) == []
    assert len(blobs(data)) == 2
    assert {finding.state async for finding in store.verify()} == {"sound"}
    assert (await store.thumbnail(again.id)).data
    assert await store.sweep() == 0


async def test_an_original_that_is_gone_does_not_take_a_thumbnail_of_others_along(
    backends: Backends, data: Path
) -> None:
    """A thumbnail that was uploaded is an original too, and stays when its picture goes."""
    store = backends.store
    picture = await store.put(png_bytes())
    thumbnail = await store.put((await store.thumbnail(picture.id)).data)
    await store.delete(picture.id)
    stream = await store.open(thumbnail.id)
    assert b"".join([chunk async for chunk in stream.chunks]).startswith(b"RIFF")
    assert {finding.state async for finding in store.verify()} == {"sound"}
    await store.delete(thumbnail.id)
    assert blobs(data) == []


async def test_a_deletion_leaves_no_tombstone_and_nothing_in_memory(
    backends: Backends, data: Path
) -> None:
    store, catalog = backends.store, backends.store._catalog
    reference = await store.put(b"%PDF-1.7")
    assert [chunk async for chunk in store.read_blob(reference.digest, 8)] == [b"%PDF-1.7"]
    await store.delete(reference.id)
    assert await catalog.tombstones(after="", limit=9) == []
    assert blobs(data) == []
    assert store.recall_blob(reference.digest) is None
    with pytest.raises(NotFoundError):
        await store.delete(reference.id)


async def test_one_that_cannot_be_removed_keeps_its_tombstone_and_no_other_from_going(
    backends: Backends, data: Path
) -> None:
    store, catalog = backends.store, backends.store._catalog
    references = [await store.put(b"%PDF-1." + str(number).encode()) for number in range(3)]
    for reference in references:
        await forget(catalog, reference)
    first = min(blobs(data), key=lambda path: path.name)
    first.unlink()
    first.mkdir()  # cannot be unlinked, as on a disk that fails
    with pytest.raises(StorageError):
        await store.sweep()
    assert await catalog.tombstones(after="", limit=9) == [f"sha-256:{first.name}"]
    assert blobs(data) == []
    first.rmdir()
    assert await store.sweep() == 1
    assert await catalog.tombstones(after="", limit=9) == []
