"""Variants: rendered once, for however many, whoever leaves."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import pytest

from coatcheck.blobs import LocalBlobStore
from coatcheck.catalog import Database, SqlCatalog
from coatcheck.edits import Edit
from coatcheck.errors import (
    CoatcheckError,
    NotFoundError,
    OverloadedError,
    UnprocessableMediaError,
    VariantBudgetError,
    WorkerTimeoutError,
)
from coatcheck.imaging import ImagingPool
from coatcheck.ports import ImageFacts, MediaRecord, RenderedImage, Swatch
from coatcheck.store import MediaStore
from coatcheck.variants import VariantSpec
from coatcheck.workers import WorkerLimits
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

SPEC = VariantSpec(256, "webp")


class CountedRenderer:
    """The real renderer behind a count and a gate: what the tests hold open."""

    def __init__(self) -> None:
        self._pool = ImagingPool(max_pixels=50_000_000, limits=WorkerLimits(processes=2))
        self.renders = 0
        self.gate = anyio.Event()
        self.gate.set()
        self.queued = anyio.Event()

    async def inspect(self, path: Path, media_type: str, *, share: str | None = None) -> ImageFacts:
        return await self._pool.inspect(path, media_type, share=share)

    async def render(
        self,
        path: Path,
        media_type: str,
        spec: VariantSpec,
        *,
        on_start: Callable[[], None],
        share: str | None = None,
    ) -> RenderedImage:
        self.queued.set()
        await self.gate.wait()  # as if in the queue
        self.renders += 1
        return await self._pool.render(path, media_type, spec, on_start=on_start, share=share)

    async def edit(self, path: Path, media_type: str, edits: Sequence[Edit]) -> RenderedImage:
        return await self._pool.edit(path, media_type, edits)

    async def palette(self, path: Path, media_type: str) -> Sequence[Swatch]:
        return await self._pool.palette(path, media_type)

    async def aclose(self) -> None:
        await self._pool.aclose()


@pytest.fixture
def renderer() -> CountedRenderer:
    return CountedRenderer()


@pytest.fixture
async def counted(data: Path, renderer: CountedRenderer) -> AsyncIterator[MediaStore]:
    async with MediaStore(
        blobs=await LocalBlobStore.open(data),
        catalog=SqlCatalog(await Database.open(data / "catalog.sqlite3")),
        renderer=renderer,
    ) as opened:
        yield opened


async def put(store: MediaStore) -> MediaRecord:
    reference = await store.put(png_bytes(512, 300))
    return await store.record(reference.id)


async def test_a_thousand_who_ask_at_once_cost_one_rendering(
    counted: MediaStore, renderer: CountedRenderer
) -> None:
    """Fault 9."""
    record = await put(counted)
    names = set()

    async def ask() -> None:
        names.add((await counted.variant(record, SPEC)).digest)

    async with anyio.create_task_group() as tasks:
        for _ in range(1000):
            tasks.start_soon(ask)
    assert renderer.renders == 1
    assert len(names) == 1
    # Also for one who read the catalog before the variant was recorded, and asks after it.
    for late in (record, await counted.record(record.reference.id)):
        assert (await counted.variant(late, SPEC)).width == 256
    assert renderer.renders == 1


async def test_the_first_who_asks_may_leave_without_harm_to_the_others(
    counted: MediaStore, renderer: CountedRenderer
) -> None:
    """Fault 10."""
    record = await put(counted)
    renderer.gate = anyio.Event()
    got: list[int] = []

    async def follow() -> None:
        got.append((await counted.variant(record, SPEC)).width)

    async with anyio.create_task_group() as tasks:
        with anyio.CancelScope() as leader:
            async with anyio.create_task_group() as leading:
                leading.start_soon(counted.variant, record, SPEC)
                await renderer.queued.wait()
                for _ in range(3):
                    tasks.start_soon(follow)
                await anyio.wait_all_tasks_blocked()
                leader.cancel()
        assert leader.cancelled_caught
        renderer.gate.set()
    assert got == [256, 256, 256]
    assert renderer.renders == 1


async def test_queued_work_that_nobody_waits_for_is_dropped(
    counted: MediaStore, renderer: CountedRenderer
) -> None:
    """Fault 13, first half."""
    record = await put(counted)
    renderer.gate = anyio.Event()
    with anyio.move_on_after(0.1):
        await counted.variant(record, SPEC)
    await anyio.wait_all_tasks_blocked()
    renderer.gate.set()
    await anyio.wait_all_tasks_blocked()
    assert renderer.renders == 0
    assert (await counted.variant(record, SPEC)).width == 256  # and asking again begins anew
    assert renderer.renders == 1


async def test_a_rendering_that_has_begun_is_finished_and_kept(
    counted: MediaStore, renderer: CountedRenderer
) -> None:
    """Fault 13, second half."""
    record = await put(counted)
    began = anyio.Event()
    original = renderer.render

    async def watched(
        path: Path,
        media_type: str,
        spec: VariantSpec,
        *,
        on_start: Callable[[], None],
        share: str | None = None,
    ) -> RenderedImage:
        def started() -> None:
            on_start()
            began.set()

        return await original(path, media_type, spec, on_start=started, share=share)

    renderer.render = watched  # type: ignore[method-assign]
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(counted.variant, record, SPEC)
            await began.wait()
            scope.cancel()
    with anyio.fail_after(30):
        while SPEC.name not in (await counted.record(record.reference.id)).variants:  # noqa: ASYNC110
            await anyio.sleep(0.02)
    assert renderer.renders == 1


async def test_two_nodes_agree_on_one_variant(data: Path) -> None:
    """Fault 11: create-if-absent, and nothing is left of the one that came second."""
    async with AsyncExitStack() as stack:
        nodes = [
            await stack.enter_async_context(
                MediaStore(
                    blobs=await LocalBlobStore.open(data),
                    catalog=SqlCatalog(await Database.open(data / "catalog.sqlite3")),
                    renderer=CountedRenderer(),
                )
            )
            for _ in range(2)
        ]
        record = await put(nodes[0])
        digests = set()

        async def ask(node: MediaStore) -> None:
            digests.add((await node.variant(record, SPEC)).digest)

        async with anyio.create_task_group() as tasks:
            for node in nodes:
                tasks.start_soon(ask, node)
        assert len(digests) == 1
        assert {finding.state async for finding in nodes[0].verify()} == {"sound"}


async def test_a_failed_rendering_is_told_to_all_and_tried_again(
    counted: MediaStore, renderer: CountedRenderer
) -> None:
    record = await put(counted)
    original, refusals = renderer.render, 0

    async def refuse(*_: object, **__: object) -> RenderedImage:
        await anyio.sleep(0.05)
        raise OverloadedError

    renderer.render = refuse  # type: ignore[method-assign]

    async def ask() -> None:
        nonlocal refusals
        try:
            await counted.variant(record, SPEC)
        except OverloadedError:
            refusals += 1

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(ask)
    assert refusals == 5
    renderer.render = original  # type: ignore[method-assign]
    assert (await counted.variant(record, SPEC)).width == 256


@pytest.mark.parametrize("error", [UnprocessableMediaError, WorkerTimeoutError])
async def test_a_picture_that_hangs_its_decoder_is_remembered(
    counted: MediaStore, renderer: CountedRenderer, error: type[CoatcheckError]
) -> None:
    """Fault 15, second half; attack 15 likewise."""
    record = await put(counted)
    tries = 0

    async def hang(*_: object, **__: object) -> RenderedImage:
        nonlocal tries
        tries += 1
        raise error

    renderer.render = hang  # type: ignore[method-assign]
    for _ in range(3):
        with pytest.raises(error):
            await counted.variant(record, SPEC)
    assert tries == 1
    with pytest.raises(error):
        await counted.variant(record, VariantSpec(128, "webp"))
    assert tries == 2  # another size may do


async def test_an_original_that_is_deleted_meanwhile_leaves_no_variant(
    counted: MediaStore, renderer: CountedRenderer, data: Path
) -> None:
    record = await put(counted)
    renderer.gate = anyio.Event()
    async with anyio.create_task_group() as tasks:

        async def ask() -> None:
            with pytest.raises(NotFoundError):
                await counted.variant(record, SPEC)

        tasks.start_soon(ask)
        await renderer.queued.wait()
        path = next((data / "blobs").rglob(record.reference.digest.removeprefix("sha-256:")))
        content = path.read_bytes()
        await counted.delete(record.reference.id)
        path.write_bytes(content)  # as if the worker had opened it before
        renderer.gate.set()
    path.unlink()
    assert [finding async for finding in counted.verify()] == []


async def test_the_budget_for_variants_holds_and_thumbnails_do_not_count(data: Path) -> None:
    """Attack 25."""
    async with MediaStore(
        blobs=await LocalBlobStore.open(data),
        catalog=SqlCatalog(await Database.open(data / "catalog.sqlite3")),
        renderer=CountedRenderer(),
        variant_bytes=1,
    ) as store:
        record = await put(store)
        await store.variant(record, SPEC)
        with pytest.raises(VariantBudgetError):
            await store.variant(record, VariantSpec(128, "webp"))
        assert (await store.thumbnail(record.reference.id)).data
        record = await store.record(record.reference.id)
        assert (await store.variant(record, SPEC)).width == 256


async def test_what_is_no_image_has_no_variants(counted: MediaStore) -> None:
    reference = await counted.put(b"plain text")
    with pytest.raises(NotFoundError):
        await counted.variant(await counted.record(reference.id), SPEC)
