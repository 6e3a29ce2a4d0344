"""What an eager store does without being asked: warm workers, and the next variant in idle time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from coatcheck.errors import WorkerError
from coatcheck.imaging import ImagingPool
from coatcheck.ports import MediaRecord, RenderedImage
from coatcheck.storage import LocalBlobStore
from coatcheck.storage.catalog import Database, SqlCatalog
from coatcheck.store import MediaStore
from coatcheck.variants import VariantSpec
from coatcheck.workers import WorkerLimits
from tests.media import gif_frames, png_bytes

pytestmark = pytest.mark.anyio

NEXT = VariantSpec(1024, "webp")


class Engine(ImagingPool):
    """The real renderer, which counts what it renders and can be kept from having time."""

    def __init__(self, processes: int = 2) -> None:
        super().__init__(max_pixels=50_000_000, limits=WorkerLimits(processes=processes))
        self.rendered: list[int] = []
        self.is_kept_busy = False
        self.gate = anyio.Event()
        self.gate.set()

    @property
    def has_time(self) -> bool:
        return super().has_time and not self.is_kept_busy

    async def render(
        self, path: Path, media_type: str, spec: VariantSpec, **options: Any
    ) -> RenderedImage:
        self.rendered.append(spec.width)
        await self.gate.wait()
        return await super().render(path, media_type, spec, **options)


@asynccontextmanager
async def eager(data: Path, engine: Engine, **options: Any) -> AsyncIterator[MediaStore]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(
            MediaStore(
                blobs=await LocalBlobStore.open(data),
                catalog=SqlCatalog(await Database.open(data / "catalog.sqlite3")),
                renderer=engine,
                eager=True,
                **options,
            )
        )


async def put(store: MediaStore, width: int = 1300, height: int = 400, seed: int = 0) -> str:
    return (await store.put(png_bytes(width, height, seed=seed))).id


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(30):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in the store
            await asyncio.sleep(0.01)


async def until_made(store: MediaStore, reference_id: str, spec: VariantSpec = NEXT) -> MediaRecord:
    record = await store.record(reference_id)
    with anyio.fail_after(30):
        while spec.name not in record.variants:
            await asyncio.sleep(0.02)
            record = await store.record(reference_id)
    return record


async def test_the_next_width_is_there_before_it_is_asked_for(data: Path) -> None:
    engine = Engine()
    async with eager(data, engine) as store:
        record = await until_made(store, await put(store))
        assert engine.rendered == [1024]
        variant = await store.variant(record, NEXT)
        assert (variant.width, variant.media_type) == (1024, "image/webp")
        assert engine.rendered == [1024]  # nothing was rendered for the request
        assert {finding.state async for finding in store.verify()} == {"sound"}


async def test_a_picture_narrower_than_that_gets_its_own_width(data: Path) -> None:
    engine = Engine()
    async with eager(data, engine) as store:
        await until_made(store, await put(store, 700), VariantSpec(700, "webp"))
        assert engine.rendered == [700]


async def test_nothing_is_made_of_what_pages_show_as_it_is(data: Path) -> None:
    engine = Engine()
    async with eager(data, engine) as store:
        await put(store, 512)
        await store.put(gif_frames(3, width=900, height=40))
        await store.put(b"%PDF-1.7")
        wide = await put(store)  # the last of the queue: all others were looked at before it
        await until_made(store, wide)
        assert engine.rendered == [1024]


async def test_it_waits_until_the_renderer_has_time(data: Path) -> None:
    engine = Engine()
    engine.is_kept_busy = True
    async with eager(data, engine) as store:
        reference_id = await put(store)
        await asyncio.sleep(0.6)  # three times as long as quiet lasts
        assert engine.rendered == []
        engine.is_kept_busy = False
        await until_made(store, reference_id)


async def test_a_request_meanwhile_shares_the_rendering(data: Path) -> None:
    engine = Engine()
    engine.gate = anyio.Event()
    async with eager(data, engine) as store:
        record = await store.record(await put(store))
        await until(lambda: bool(engine.rendered))
        asked = asyncio.create_task(store.variant(record, NEXT))
        await asyncio.sleep(0)
        engine.gate.set()
        assert (await asked).width == 1024
        assert engine.rendered == [1024]


async def test_puts_come_first_and_the_oldest_give_way(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coatcheck.store.renditions._MAX_AHEAD", 2)
    engine = Engine()
    async with eager(data, engine) as store:
        engine.is_kept_busy = True
        ids = [await put(store, seed=seed) for seed in range(4)]
        assert engine.rendered == []
        engine.is_kept_busy = False
        for kept in ids[2:]:
            await until_made(store, kept)
        for dropped in ids[:2]:
            assert NEXT.name not in (await store.record(dropped)).variants
        assert len(engine.rendered) == 2


async def test_half_of_the_budget_is_left_to_requests(data: Path) -> None:
    engine = Engine()
    async with eager(data, engine) as store:
        made = (await until_made(store, await put(store))).variants[NEXT.name]
        store._renditions._max_bytes = made.size * 3 // 2  # more than is used, and less than twice
        other = await put(store, seed=1)
        await asyncio.sleep(0.8)
        assert NEXT.name not in (await store.record(other)).variants
        assert engine.rendered == [1024]


async def test_with_one_worker_nothing_is_made_ahead() -> None:
    engine = Engine(processes=1)
    assert not engine.has_time
    await engine.aclose()


async def test_closing_does_not_wait_and_leaves_nothing_torn(data: Path) -> None:
    engine = Engine()
    engine.gate = anyio.Event()  # never opened: the rendering would last for ever
    async with eager(data, engine) as store:
        reference_id = await put(store)
        await until(lambda: bool(engine.rendered))
        await store.aclose()
    assert list((data / "staging").iterdir()) == []
    async with eager(data, Engine()) as store:
        assert {finding.state async for finding in store.verify()} == {"sound"}
        assert NEXT.name not in (await store.record(reference_id)).variants


async def test_workers_are_there_before_the_first_picture(data: Path) -> None:
    engine = Engine()
    async with eager(data, engine):
        await until(lambda: len(engine._pool._idle) == 2)
        assert [worker.tasks for worker in engine._pool._idle] == [2, 2]  # greeting and warming


async def test_a_store_that_is_not_eager_starts_no_worker_until_it_is_asked_to(data: Path) -> None:
    engine = Engine()
    async with MediaStore(
        blobs=await LocalBlobStore.open(data),
        catalog=SqlCatalog(await Database.open(data / "catalog.sqlite3")),
        renderer=engine,
    ) as store:
        assert engine._pool._idle == []
        await store.warm()
        assert len(engine._pool._idle) == 2
        await store.warm()  # they are warm
        assert len(engine._pool._idle) == 2
        record = await store.record(await put(store))
        await asyncio.sleep(0.5)
        assert NEXT.name not in (await store.record(record.reference.id)).variants


async def test_workers_that_do_not_start_are_logged_and_tried_again(
    data: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> None:
        raise WorkerError("A worker process does not start.")

    engine = Engine()
    monkeypatch.setattr(engine, "warm", fail)
    async with eager(data, engine) as store:
        await until_made(store, await put(store))
    assert "do not start" in caplog.text
