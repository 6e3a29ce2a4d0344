"""What only files on a disk can get wrong."""

import fcntl
import os
import subprocess
import sys
import textwrap
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import pytest

from coatcheck.errors import DamagedBlobError, StorageError
from coatcheck.storage import LocalBlobStore

pytestmark = pytest.mark.anyio


@pytest.fixture
async def blobs(tmp_path: Path) -> LocalBlobStore:
    return await LocalBlobStore.open(tmp_path)


async def publish(blobs: LocalBlobStore, content: bytes) -> str:
    async with blobs.stage() as staged:
        await staged.write(content)
        await staged.seal()
        await blobs.publish(staged)
        return staged.digest


def blob_path(root: Path, digest: str) -> Path:
    name = digest.removeprefix("sha-256:")
    return root / "blobs" / name[:2] / name[2:4] / name


async def test_a_blob_lies_two_levels_deep_under_its_digest(
    blobs: LocalBlobStore, tmp_path: Path
) -> None:
    digest = await publish(blobs, b"here")
    assert blob_path(tmp_path, digest).read_bytes() == b"here"
    assert list((tmp_path / "staging").iterdir()) == []


async def test_the_file_is_synced_before_its_name_and_the_directory_after(
    blobs: LocalBlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 2: what is acknowledged survives a power cut."""
    steps: list[str] = []
    real_fsync, real_rename = os.fsync, Path.rename

    def fsync(descriptor: int) -> None:
        is_directory = os.path.isdir(f"/proc/self/fd/{descriptor}")  # noqa: PTH112 - a link of /proc
        target = os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115 - likewise
        steps.append(f"sync directory {Path(target).name}" if is_directory else "sync file")
        real_fsync(descriptor)

    def rename(source: Path, target: Path) -> Path:
        steps.append("rename")
        return real_rename(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", rename)
    digest = await publish(blobs, b"durable")
    outer, inner = digest[8:10], digest[10:12]
    # The new directories' own names are made durable too: each in the directory above it.
    assert steps[:2] == ["sync file", "rename"]
    # At the same time, and so in any order.
    assert sorted(steps[2:]) == sorted(
        [f"sync directory {inner}", f"sync directory {outer}", "sync directory blobs"]
    )
    steps.clear()
    await publish(blobs, b"durable")
    assert steps == ["sync file", "rename", f"sync directory {inner}"]
    assert blob_path(tmp_path, digest).is_file()


async def test_blobs_that_are_published_together_sync_each_directory_once(
    blobs: LocalBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str | Path] = []
    real_rename = Path.rename

    def rename(source: Path, target: Path) -> Path:
        steps.append("rename")
        return real_rename(source, target)

    monkeypatch.setattr("coatcheck.storage.local.sync_directory", steps.append)
    monkeypatch.setattr(Path, "rename", rename)
    async with AsyncExitStack() as stack:
        staged = [await stack.enter_async_context(blobs.stage()) for _ in range(3)]
        for number, one in enumerate(staged):
            await one.seal(str(number).encode())
        await blobs.publish(*staged)
    assert steps[:3] == ["rename"] * 3
    assert len(steps[3:]) == len(set(steps[3:]))
    folders = {blob_path(Path(), one.digest).parent for one in staged}
    synced = {Path(*Path(step).parts[-3:]) for step in steps[3:]}
    assert folders <= synced
    assert [digest async for digest in blobs.digests()] == sorted(one.digest for one in staged)


async def test_putting_the_same_content_again_mends_a_damaged_blob(
    blobs: LocalBlobStore, tmp_path: Path
) -> None:
    digest = await publish(blobs, b"sound")
    path = blob_path(tmp_path, digest)
    path.write_bytes(b"rotten")
    await publish(blobs, b"sound")
    assert b"".join([chunk async for chunk in blobs.read(digest)]) == b"sound"


async def test_a_link_planted_in_the_store_is_not_followed(
    blobs: LocalBlobStore, tmp_path: Path
) -> None:
    """Attack 4."""
    digest = await publish(blobs, b"public")
    path = blob_path(tmp_path, digest)
    secret = tmp_path / "secret"
    await anyio.Path(secret).write_bytes(b"secret")
    await anyio.Path(path).unlink()
    await anyio.Path(path).symlink_to(secret)
    assert await blobs.size(digest) is None
    with pytest.raises(DamagedBlobError):
        await anext(blobs.read(digest))


async def test_what_a_killed_writer_left_is_swept_and_what_a_living_one_writes_is_not(
    tmp_path: Path,
) -> None:
    blobs = await LocalBlobStore.open(tmp_path)
    orphan, locked, young = (tmp_path / "staging" / f"{name}.part" for name in "abc")
    for path in (orphan, locked, young):
        path.write_bytes(b"half")
    for path in (orphan, locked):
        os.utime(path, (1, 1))
    with locked.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        await LocalBlobStore.open(tmp_path)
        assert not orphan.exists()
        assert locked.exists()
        assert young.exists()
    await LocalBlobStore.open(tmp_path)
    assert not locked.exists()
    await blobs.aclose()


async def test_a_file_is_locked_for_as_long_as_it_is_staged(blobs: LocalBlobStore) -> None:
    """The lock says that its writer lives: however old the file is, no sweep takes it."""
    async with blobs.stage() as staged:
        await staged.write(b"half")
        with staged.path.open("rb") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


async def test_a_directory_that_cannot_be_made_is_told_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError) as caught:
        await LocalBlobStore.open(tmp_path / "file" / "data")
    assert str(tmp_path) not in caught.value.message


def test_a_full_disk_is_told_as_such_leaves_nothing_and_reads_go_on(tmp_path: Path) -> None:
    """Fault 5, with the kernel's own refusal: a limit on file size stands for the full disk."""
    script = textwrap.dedent(
        """
        import asyncio, resource, signal, sys
        from pathlib import Path
        from coatcheck.storage import LocalBlobStore
        from coatcheck.errors import StorageFullError

        async def main(root):
            blobs = await LocalBlobStore.open(root)
            async with blobs.stage() as staged:
                await staged.write(b"small")
                await staged.seal()
                await blobs.publish(staged)
                kept = staged.digest
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
            try:
                async with blobs.stage() as staged:
                    for _ in range(10):
                        await staged.write(bytes(50_000))
            except StorageFullError as error:
                print(error.status, list((root / "staging").iterdir()))
            print(b"".join([chunk async for chunk in blobs.read(kept)]))

        asyncio.run(main(Path(sys.argv[1])))
        """
    )
    result = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines() == ["507 []", "b'small'"]
