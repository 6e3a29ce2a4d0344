"""Variants: rendered once, for however many, whoever leaves."""

import dataclasses
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest

from coatcheck.edits import Edit
from coatcheck.errors import (
    CoatcheckError,
    NotFoundError,
    OverloadedError,
    StorageFullError,
    UnprocessableMediaError,
    VariantBudgetError,
    WorkerTimeoutError,
)
from coatcheck.imaging import ImagingPool
from coatcheck.ports import ImageFacts, MediaRecord, RenderedImage, Swatch
from coatcheck.reference import MediaReference
from coatcheck.storage import LocalBlobStore
from coatcheck.storage.catalog import Database, SqlCatalog
from coatcheck.storage.local import _StagedFile
from coatcheck.store import MediaStore
from coatcheck.store.renditions import (
    _MAX_CONDEMNED,
    CONDEMNED_SECONDS,
    Condemned,
    share_of,
)
from coatcheck.variants import PREPARED, VariantSpec
from coatcheck.workers import WorkerLimits
from tests.media import gif_frames, image_bytes, png_bytes

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

    @property
    def has_time(self) -> bool:
        return self._pool.has_time

    async def warm(self) -> None:
        await self._pool.warm()

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


@pytest.mark.parametrize("error", [UnprocessableMediaError, WorkerTimeoutError])
async def test_an_upload_that_hangs_its_decoder_is_remembered(
    counted: MediaStore,
    renderer: CountedRenderer,
    error: type[CoatcheckError],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Fault 15 and attack 15: whoever uploads it, under whatever name."""
    tries = 0
    original = renderer.inspect

    async def hang(*_: object, **__: object) -> ImageFacts:
        nonlocal tries
        tries += 1
        raise error("of this picture")

    renderer.inspect = hang  # type: ignore[method-assign]
    for owner in ("anna", "bert", None):
        with pytest.raises(error, match="of this picture"):
            await counted.put(png_bytes(), owner=owner, display_name=f"{owner}.png")
    assert tries == 1
    with pytest.raises(error):
        await counted.put(png_bytes(seed=1))
    assert tries == 2  # other bytes may do
    renderer.inspect = original  # type: ignore[method-assign]
    with pytest.raises(error):
        await counted.put(png_bytes())
    later = time.monotonic() + CONDEMNED_SECONDS
    monkeypatch.setattr(counted._admission._condemned._found, "_clock", lambda: later)
    assert (await counted.put(png_bytes())).width == 64  # it is tried again after a while


async def test_an_upload_that_finds_no_worker_is_not_remembered(
    counted: MediaStore, renderer: CountedRenderer
) -> None:
    original = renderer.inspect

    async def refuse(*_: object, **__: object) -> ImageFacts:
        raise OverloadedError

    renderer.inspect = refuse  # type: ignore[method-assign]
    with pytest.raises(OverloadedError):
        await counted.put(png_bytes())
    renderer.inspect = original  # type: ignore[method-assign]
    assert (await counted.put(png_bytes())).width == 64


async def test_a_limited_number_of_pictures_is_remembered() -> None:
    condemned = Condemned()
    for number in range(_MAX_CONDEMNED + 1):
        with pytest.raises(UnprocessableMediaError), condemned.remembering(str(number), "inspect"):
            raise UnprocessableMediaError
    condemned.check("0", "inspect")  # the oldest is forgotten
    for number in (1, _MAX_CONDEMNED):
        with pytest.raises(UnprocessableMediaError):
            condemned.check(str(number), "inspect")


async def test_a_variant_that_another_node_recorded_first_is_the_only_one_kept(
    counted: MediaStore, renderer: CountedRenderer, data: Path
) -> None:
    """Fault 11: two versions of an encoder write other bytes for one variant."""
    record = await put(counted)
    original = renderer.render

    async def second(*arguments: Any, **keywords: Any) -> RenderedImage:
        image = await original(*arguments, **keywords)
        async with MediaStore(
            blobs=await LocalBlobStore.open(data),
            catalog=SqlCatalog(await Database.open(data / "catalog.sqlite3")),
            renderer=CountedRenderer(),
        ) as other:
            await other.variant(record, SPEC)
        return dataclasses.replace(image, data=image.data + b"of another version")

    renderer.render = second  # type: ignore[method-assign]
    kept = await counted.variant(record, SPEC)
    names = {path.name for path in (data / "blobs").rglob("*") if path.is_file()}
    digests = {record.reference.digest, kept.digest, record.variants["thumbnail"].digest}
    assert names == {digest.removeprefix("sha-256:") for digest in digests}
    assert {finding.state async for finding in counted.verify()} == {"sound"}


async def test_one_owner_cannot_keep_the_others_from_their_variants(data: Path) -> None:
    """Anna has taken every place that one owner may have, and bert is served."""
    served: list[str] = []
    refused: list[str] = []
    async with MediaStore(
        blobs=await LocalBlobStore.open(data),
        catalog=SqlCatalog(await Database.open(data / "catalog.sqlite3")),
        renderer=ImagingPool(
            max_pixels=50_000_000, limits=WorkerLimits(processes=2), max_renditions_waiting=12
        ),
    ) as store:
        references: dict[str, MediaReference] = {}

        async def upload(owner: str, content: bytes) -> None:
            references[owner] = await store.put(content, owner=owner)

        async with anyio.create_task_group() as tasks:  # together, so that both workers run already
            tasks.start_soon(upload, "anna", image_bytes("jpeg", 4000, 3000))
            tasks.start_soon(upload, "bert", image_bytes("jpeg", 2000, 1500))

        async def ask(owner: str, spec: VariantSpec) -> None:
            record = await store.record(references[owner].id)
            try:
                await store.variant(record, spec)
                served.append(owner)
            except OverloadedError:
                refused.append(owner)

        async with anyio.create_task_group() as tasks:
            for width in (512, 768, 1024, 1536, 2048):
                for kind in ("webp", "avif", "jpeg", "png"):
                    tasks.start_soon(ask, "anna", VariantSpec(width, kind))
            while not refused:  # noqa: ASYNC110 - until anna has every place that she may have
                await anyio.sleep(0.001)
            before = len(served)
            tasks.start_soon(ask, "bert", SPEC)
    assert set(refused) == {"anna"}
    # The other worker is free for it, for anna never holds both; her own go on beside it.
    assert served.index("bert") < before + 3
    assert len(served) > before + 5


async def test_nobodys_pictures_take_turns_by_their_content(data: Path) -> None:
    assert share_of("anna", "sha-256:1") == share_of("anna", "sha-256:2")
    assert share_of("anna", "sha-256:1") != share_of("bert", "sha-256:1")
    assert share_of(None, "sha-256:1") != share_of(None, "sha-256:2")


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


def stored(data: Path) -> set[str]:
    """The names of all stored files, half-written ones among them."""
    return {
        path.name for path in data.rglob("*") if path.is_file() and path.suffix in {"", ".part"}
    }


async def test_a_put_prepares_the_width_for_pages_and_a_deletion_takes_it_away(
    counted: MediaStore, renderer: CountedRenderer, data: Path
) -> None:
    record = await counted.record((await counted.put(png_bytes(1024, 600))).id)
    prepared = await counted.variant(record, PREPARED)
    assert renderer.renders == 0
    assert (prepared.width, prepared.height, prepared.media_type) == (512, 300, "image/webp")
    digests = {record.reference.digest, record.variants["thumbnail"].digest, prepared.digest}
    assert {f.digest: f.state async for f in counted.verify()} == dict.fromkeys(digests, "sound")
    await counted.delete(record.reference.id)
    assert stored(data) == set()


async def test_content_that_was_opaque_is_prepared_when_it_becomes_a_picture(
    counted: MediaStore, renderer: CountedRenderer
) -> None:
    await counted.put(png_bytes(1024, 600), kind="opaque", media_type="application/x-secret")
    record = await counted.record((await counted.put(png_bytes(1024, 600))).id)
    assert (await counted.variant(record, PREPARED)).width == 512
    assert renderer.renders == 0


async def test_what_was_put_without_a_prepared_width_has_it_on_request(
    counted: MediaStore, renderer: CountedRenderer
) -> None:
    """An animation, here; also what an older release has put."""
    record = await counted.record((await counted.put(gif_frames(3, 1600, 900))).id)
    assert PREPARED.name not in record.variants
    assert (await counted.variant(record, PREPARED)).width == 512
    assert renderer.renders == 1


async def test_a_wide_picture_that_is_refused_leaves_nothing(
    counted: MediaStore, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = png_bytes(1024, 600)
    with pytest.raises(UnprocessableMediaError):
        await counted.put(content[: len(content) * 9 // 10])
    assert stored(data) == set()

    seal, seals = _StagedFile.seal, 0

    async def fill(staged: _StagedFile, last: bytes = b"") -> None:
        nonlocal seals
        seals += 1
        if seals == 3:  # the last of the three files
            raise StorageFullError
        await seal(staged, last)

    monkeypatch.setattr(_StagedFile, "seal", fill)
    with pytest.raises(StorageFullError):
        await counted.put(content)
    assert seals == 3
    assert stored(data) == set()
    assert [finding async for finding in counted.verify()] == []


async def test_prepared_widths_do_not_use_up_the_budget_for_variants(data: Path) -> None:
    async with MediaStore(
        blobs=await LocalBlobStore.open(data),
        catalog=SqlCatalog(await Database.open(data / "catalog.sqlite3")),
        renderer=CountedRenderer(),
        variant_bytes=1,
    ) as store:
        record = await store.record((await store.put(png_bytes(1024, 600))).id)
        assert PREPARED.name in record.variants
        assert (await store.variant(record, SPEC)).width == 256
        with pytest.raises(VariantBudgetError):
            await store.variant(record, VariantSpec(1024, "webp"))
        again = await store.record((await store.put(png_bytes(1024, 600, seed=1))).id)
        assert (await store.variant(again, PREPARED)).width == 512  # puts go on


async def test_what_is_no_image_has_no_variants(counted: MediaStore) -> None:
    reference = await counted.put(b"plain text")
    with pytest.raises(NotFoundError):
        await counted.variant(await counted.record(reference.id), SPEC)
