"""What any blob store must do. A new back end joins the list of `OPENERS` and nothing else."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from coatcheck.errors import DamagedBlobError, StorageError
from coatcheck.ports import BlobStore
from coatcheck.storage import LocalBlobStore

pytestmark = pytest.mark.anyio

OPENERS: dict[str, Callable[[Path], Awaitable[BlobStore]]] = {"local": LocalBlobStore.open}
CONTENT = bytes(range(256)) * 5000  # 1.28 MB: several chunks of every store


@pytest.fixture(params=list(OPENERS))
async def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BlobStore]:
    opened = await OPENERS[request.param](tmp_path / "blobs")
    yield opened
    await opened.aclose()


def digest_of(content: bytes) -> str:
    return f"sha-256:{hashlib.sha256(content).hexdigest()}"


async def publish(blobs: BlobStore, content: bytes) -> str:
    async with blobs.stage() as staged:
        await staged.write(content)
        await staged.seal()
        await blobs.publish(staged)
        return staged.digest


async def collect(blobs: BlobStore, digest: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in blobs.read(digest, start=start, end=end)])


async def test_what_is_published_reads_back_bit_for_bit(blobs: BlobStore) -> None:
    digest = await publish(blobs, CONTENT)
    assert digest == digest_of(CONTENT)
    assert await blobs.size(digest) == len(CONTENT)
    assert await collect(blobs, digest) == CONTENT


@pytest.mark.parametrize(
    ("start", "end"), [(0, 1), (0, 0), (5, 5), (1, 300_000), (262_144, 262_145), (1_279_999, None)]
)
async def test_a_range_is_a_slice(blobs: BlobStore, start: int, end: int | None) -> None:
    digest = await publish(blobs, CONTENT)
    assert await collect(blobs, digest, start, end) == CONTENT[start:end]


async def test_chunks_are_bounded(blobs: BlobStore) -> None:
    digest = await publish(blobs, CONTENT)
    assert max([len(chunk) async for chunk in blobs.read(digest)]) <= 1024 * 1024


async def test_content_written_in_pieces_is_hashed_and_counted_as_a_whole(
    blobs: BlobStore,
) -> None:
    async with blobs.stage() as staged:
        for start in range(0, len(CONTENT), 99_999):
            await staged.write(CONTENT[start : start + 99_999])
        assert (staged.size, staged.digest) == (len(CONTENT), digest_of(CONTENT))
        assert await anyio.Path(staged.path).read_bytes() == CONTENT


async def test_staged_bytes_are_invisible_until_published(blobs: BlobStore) -> None:
    async with blobs.stage() as staged:
        await staged.write(b"half")
        await staged.seal()
        assert await blobs.size(staged.digest) is None
        assert [digest async for digest in blobs.digests()] == []


async def test_staged_bytes_that_are_not_published_leave_nothing(
    blobs: BlobStore, tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ZeroDivisionError):
        async with blobs.stage() as staged:
            await staged.write(b"half")
            raise ZeroDivisionError
    with anyio.CancelScope() as scope:
        async with blobs.stage() as staged:
            await staged.write(b"half")
            scope.cancel()
            await anyio.sleep_forever()
    assert sorted(tmp_path.rglob("*")) == before


async def test_bytes_that_are_sealed_with_the_last_of_them_are_whole(blobs: BlobStore) -> None:
    async with blobs.stage() as staged, blobs.stage() as small:
        await staged.write(CONTENT[:1000])
        await staged.seal(CONTENT[1000:])
        await small.seal(b"all at once")
        assert (staged.size, small.size) == (len(CONTENT), len(b"all at once"))
        await blobs.publish(staged, small)
    assert await collect(blobs, digest_of(CONTENT)) == CONTENT
    assert await collect(blobs, digest_of(b"all at once")) == b"all at once"


async def test_a_digest_that_is_known_is_the_name_of_what_is_written(blobs: BlobStore) -> None:
    async with blobs.stage(digest=digest_of(CONTENT)) as staged:
        await staged.write(CONTENT)
        assert staged.digest == digest_of(CONTENT)
        await staged.seal()
        await blobs.publish(staged)
    assert await collect(blobs, digest_of(CONTENT)) == CONTENT


@pytest.mark.parametrize("pieces", [[CONTENT], [CONTENT[:70_000], b"", CONTENT[70_000:]]])
async def test_a_blob_holds_its_own_bytes_and_no_others(
    blobs: BlobStore, pieces: list[bytes]
) -> None:
    digest = digest_of(CONTENT)
    assert not await blobs.holds(digest, pieces)
    await publish(blobs, CONTENT)
    assert await blobs.holds(digest, pieces)
    assert not await blobs.holds(digest, [CONTENT[:-1]])
    assert not await blobs.holds(digest, [*pieces, b"x"])
    assert not await blobs.holds(digest, [CONTENT[:-1], b"x"])


async def test_the_same_content_is_stored_once(blobs: BlobStore) -> None:
    assert await publish(blobs, CONTENT) == await publish(blobs, CONTENT)
    assert [digest async for digest in blobs.digests()] == [digest_of(CONTENT)]


async def test_writers_of_the_same_content_do_not_disturb_each_other(blobs: BlobStore) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(publish, blobs, CONTENT)
    assert await collect(blobs, digest_of(CONTENT)) == CONTENT


async def test_every_digest_is_listed(blobs: BlobStore) -> None:
    contents = [str(number).encode() for number in range(20)]
    for content in contents:
        await publish(blobs, content)
    assert {digest async for digest in blobs.digests()} == set(map(digest_of, contents))


async def test_a_removed_blob_is_gone_and_removing_it_again_is_harmless(blobs: BlobStore) -> None:
    digest = await publish(blobs, b"short-lived")
    assert await blobs.remove(digest)
    assert not await blobs.remove(digest)
    assert await blobs.size(digest) is None
    with pytest.raises(DamagedBlobError):
        await collect(blobs, digest)


async def test_a_reader_under_way_is_not_given_wrong_bytes_by_a_removal(blobs: BlobStore) -> None:
    digest = await publish(blobs, CONTENT)
    reading = blobs.read(digest)
    received = await anext(reading)
    await blobs.remove(digest)
    try:
        received += b"".join([chunk async for chunk in reading])
    except DamagedBlobError:
        assert CONTENT.startswith(received)
    else:
        assert received == CONTENT


async def test_reading_past_the_end_is_damage_not_silence(blobs: BlobStore) -> None:
    digest = await publish(blobs, b"short")
    with pytest.raises(DamagedBlobError):
        await collect(blobs, digest, 0, 6)


@pytest.mark.parametrize(
    "name", ["", "../../etc/passwd", "sha-256:", "sha-256:" + "A" * 64, "sha-256:" + "../" * 21]
)
async def test_only_a_digest_names_a_blob(blobs: BlobStore, name: str) -> None:
    with pytest.raises(StorageError):
        await blobs.size(name)
    with pytest.raises(StorageError):
        await collect(blobs, name)
    with pytest.raises(StorageError):
        await blobs.remove(name)
