"""What the cached catalog remembers, and for how long it is believed."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import pytest

from coatcheck.ports import BlobRecord, CatalogTransaction, MediaRecord, NewMedia, VariantRecord
from coatcheck.storage.catalog import CachedCatalog, Database, SqlCatalog
from coatcheck.storage.catalog.cached import SECONDS

pytestmark = pytest.mark.anyio

DIGEST = "sha-256:" + "a" * 64
VARIANT = VariantRecord(
    name="w64.webp", digest=DIGEST, size=1, media_type="image/webp", width=64, height=64
)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def shared(tmp_path: Path) -> SqlCatalog:
    """The catalog as another process sees it."""
    return SqlCatalog(await Database.open(tmp_path / "catalog.sqlite3"))


@pytest.fixture
def cached(shared: SqlCatalog, clock: Clock) -> CachedCatalog:
    return CachedCatalog(shared, clock)


async def put(catalog: SqlCatalog | CachedCatalog) -> MediaRecord:
    new = NewMedia(id=str(uuid4()), created_at=datetime.now(UTC))
    async with catalog.transaction() as transaction:
        await transaction.add_blob(BlobRecord(digest=DIGEST, size=1, media_type="text/plain"), [])
        return await transaction.add_media(new, DIGEST)


async def remove(catalog: SqlCatalog | CachedCatalog, reference_id: str) -> None:
    async with catalog.transaction() as transaction:
        await transaction.remove_media(reference_id)


async def test_a_record_is_read_once_until_its_time_is_over(
    cached: CachedCatalog, shared: SqlCatalog, clock: Clock
) -> None:
    record = await put(shared)
    assert await cached.find(record.reference.id) == record
    await remove(shared, record.reference.id)  # another process: unseen for a moment
    assert await cached.find(record.reference.id) == record
    clock.now += SECONDS
    assert await cached.find(record.reference.id) is None
    await cached.aclose()


async def test_what_this_process_removes_is_gone_at_once(cached: CachedCatalog) -> None:
    record = await put(cached)
    assert await cached.find(record.reference.id) == record
    await remove(cached, record.reference.id)
    assert await cached.find(record.reference.id) is None
    await cached.aclose()


async def test_a_new_variant_is_seen_by_every_reference_to_its_blob(cached: CachedCatalog) -> None:
    records = [await put(cached), await put(cached)]
    for record in records:
        await cached.find(record.reference.id)
    async with cached.transaction() as transaction:
        await transaction.add_variant(DIGEST, VARIANT)
    for record in records:
        found = await cached.find(record.reference.id)
        assert found is not None
        assert found.variants == {"w64.webp": VARIANT}
    await cached.aclose()


async def test_what_is_read_while_it_is_removed_is_not_remembered(cached: CachedCatalog) -> None:
    record = await put(cached)
    async with cached.transaction() as transaction:
        await transaction.remove_media(record.reference.id)
        assert await cached.find(record.reference.id) == record  # not committed yet
    assert await cached.find(record.reference.id) is None
    for _ in range(20):
        record = await put(cached)
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(cached.find, record.reference.id)
            tasks.start_soon(remove, cached, record.reference.id)
        assert await cached.find(record.reference.id) is None
    await cached.aclose()


class ReadBeforeCommit:
    """A catalog whose transactions call `read` when they have done everything but commit."""

    def __init__(self, catalog: SqlCatalog) -> None:
        self._catalog = catalog
        self.read: Callable[[], Awaitable[object]] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._catalog, name)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[CatalogTransaction]:
        async with self._catalog.transaction() as transaction:
            yield transaction
            if self.read is not None:
                await self.read()


async def test_what_is_read_between_the_change_and_its_commit_is_not_remembered(
    shared: SqlCatalog, clock: Clock
) -> None:
    catalog: Any = ReadBeforeCommit(shared)
    cached = CachedCatalog(catalog, clock)
    record = await put(cached)
    seen = []

    async def read() -> None:
        seen.append(await cached.find(record.reference.id))

    catalog.read = read
    await remove(cached, record.reference.id)
    assert seen == [record]  # as it is until the commit
    assert await cached.find(record.reference.id) is None
    await cached.aclose()


class Held:
    """A catalog whose readers are held between what they read and what they answer."""

    def __init__(self, catalog: SqlCatalog) -> None:
        self._catalog = catalog
        self.has_read, self.may_answer = anyio.Event(), anyio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._catalog, name)

    async def find_many(self, ids: Collection[str]) -> Mapping[str, MediaRecord]:
        found = await self._catalog.find_many(ids)
        self.has_read.set()
        await self.may_answer.wait()
        return found


@pytest.mark.parametrize("change", ["removal", "variant"])
async def test_what_was_read_before_a_change_is_not_remembered_after_it(
    shared: SqlCatalog, clock: Clock, change: str
) -> None:
    """The answer of one who read earlier comes after the change was committed."""
    held = Held(shared)
    cached = CachedCatalog(held, clock)
    record = await put(shared)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(cached.find, record.reference.id)
        await held.has_read.wait()
        async with cached.transaction() as transaction:
            if change == "removal":
                await transaction.remove_media(record.reference.id)
            else:
                await transaction.add_variant(DIGEST, VARIANT)
        held.may_answer.set()
    found = await cached.find(record.reference.id)
    assert found is None if change == "removal" else found is not None and found.variants
    await cached.aclose()


async def test_what_is_read_anew_replaces_what_is_remembered(
    cached: CachedCatalog, shared: SqlCatalog
) -> None:
    record = await put(shared)
    await cached.find(record.reference.id)
    async with shared.transaction() as transaction:
        await transaction.add_variant(DIGEST, VARIANT)
    assert await cached.find(record.reference.id) == record
    fresh = await cached.find(record.reference.id, fresh=True)
    assert fresh is not None
    assert fresh.variants == {VARIANT.name: VARIANT}
    assert await cached.find(record.reference.id) == fresh
    assert await cached.find_many([record.reference.id]) == {record.reference.id: fresh}
    await remove(shared, record.reference.id)
    assert await cached.find(record.reference.id) == fresh
    assert await cached.find(record.reference.id, fresh=True) is None
    assert await cached.find(record.reference.id) is None
    await cached.aclose()


async def test_what_is_remembered_is_bounded(
    cached: CachedCatalog, shared: SqlCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached._records, "_entries", 3)
    ids = [(await put(shared)).reference.id for _ in range(5)]
    await cached.find_many(ids)
    for reference_id in ids:
        await remove(shared, reference_id)
    remembered = [await cached.find(reference_id) is not None for reference_id in ids]
    assert sum(remembered) == 3
    await cached.aclose()


async def test_what_is_not_there_is_not_remembered(
    cached: CachedCatalog, shared: SqlCatalog
) -> None:
    missing = str(uuid4())
    assert await cached.find(missing) is None
    record = await put(shared)
    assert await cached.find(record.reference.id) == record
    await cached.aclose()
