from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from coatcheck.bounded import BoundedMemory
from coatcheck.errors import DamagedBlobError
from coatcheck.storage import LocalBlobStore
from coatcheck.storage.catalog import Database, SqlCatalog
from coatcheck.store.reading import CAPACITY, LARGEST, BlobReader

pytestmark = pytest.mark.anyio


@pytest.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[LocalBlobStore]:
    opened = await LocalBlobStore.open(tmp_path)
    yield opened
    await opened.aclose()


@pytest.fixture
async def catalog(tmp_path: Path) -> AsyncIterator[SqlCatalog]:
    opened = SqlCatalog(await Database.open(tmp_path / "catalog.sqlite3"))
    yield opened
    await opened.aclose()


async def publish(blobs: LocalBlobStore, content: bytes) -> str:
    async with blobs.stage() as staged:
        await staged.write(content)
        await staged.seal()
        await blobs.publish(staged)
        return staged.digest


async def read(reader: BlobReader, digest: str, size: int, start: int = 0, end: int = -1) -> bytes:
    stop = size if end < 0 else end
    return b"".join(
        [chunk async for chunk in reader.read(digest, size=size, start=start, end=stop)]
    )


async def test_a_small_blob_is_read_once_and_sliced(
    blobs: LocalBlobStore, catalog: SqlCatalog
) -> None:
    small = BoundedMemory[str, bytes](capacity=25, weigh=len)
    reader = BlobReader(blobs, catalog, small)
    digest = await publish(blobs, b"0123456789")
    assert await read(reader, digest, 10, 2, 5) == b"234"
    await blobs.remove(digest)
    assert await read(reader, digest, 10) == b"0123456789"
    small.forget(digest)
    with pytest.raises(DamagedBlobError):
        await read(reader, digest, 10)


async def test_a_large_blob_is_not_remembered(blobs: LocalBlobStore, catalog: SqlCatalog) -> None:
    small = BoundedMemory[str, bytes](capacity=CAPACITY, weigh=len)
    reader = BlobReader(blobs, catalog, small)
    content = bytes(LARGEST + 1)
    digest = await publish(blobs, content)
    assert await read(reader, digest, len(content)) == content
    assert small.get(digest) is None


async def test_a_blob_that_is_too_short_is_damage_and_not_remembered(
    blobs: LocalBlobStore, catalog: SqlCatalog
) -> None:
    small = BoundedMemory[str, bytes](capacity=25, weigh=len)
    reader = BlobReader(blobs, catalog, small)
    digest = await publish(blobs, b"short")
    with pytest.raises(DamagedBlobError):
        await read(reader, digest, 6)
    assert small.get(digest) is None


async def test_what_is_remembered_is_bounded_and_the_oldest_goes_first(
    blobs: LocalBlobStore, catalog: SqlCatalog
) -> None:
    small = BoundedMemory[str, bytes](capacity=25, weigh=len)
    reader = BlobReader(blobs, catalog, small)
    first, second, third = [await publish(blobs, str(i).encode() * 10) for i in range(3)]
    await read(reader, first, 10)
    await read(reader, second, 10)
    await read(reader, first, 10)
    await read(reader, third, 10)
    assert [small.get(digest) is None for digest in (first, second, third)] == [
        False,
        True,
        False,
    ]
