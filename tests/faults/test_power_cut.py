"""Fault 2: the power is cut at every step of a put, with its parts beside each other.

What a disk may lose then is taken away: bytes of files that were not synced, and names in
directories that were not. Rows count as kept once they were committed.
"""

import asyncio
import itertools
import multiprocessing
import os
import shutil
import signal
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from coatcheck.opening import open_store
from tests.media import png_bytes

CONTENT = png_bytes(640, 400)  # wide enough for a second rendition beside the thumbnail


class Disk:
    """What reached the disk, and the moment at which the power is cut.

    Args:
        root: the blobs; what lies elsewhere, such as the catalog, is left alone.
        cut_at: before which step; steps are syncs, renames and new directories.
    """

    def __init__(self, root: Path, cut_at: int) -> None:
        self._root = root
        self._left = cut_at
        self._lock = threading.Lock()
        self._synced: set[int] = set()
        self._renamed: list[tuple[Path, Path]] = []
        self._made: list[Path] = []

    def watch(self) -> None:
        fsync, rename, mkdir = os.fsync, Path.rename, os.mkdir

        def watched_fsync(descriptor: int) -> None:
            self._step()
            fsync(descriptor)
            with self._lock:
                self._keep(descriptor)

        def watched_rename(source: Path, target: Path) -> Path:
            self._step()
            with self._lock:
                self._renamed.append((source, target))
                return rename(source, target)

        def watched_mkdir(path: Any, *arguments: Any, **options: Any) -> None:
            self._step()
            with self._lock:
                mkdir(path, *arguments, **options)
                self._made.append(Path(path))

        for owner, name, watched in (
            (os, "fsync", watched_fsync),
            (Path, "rename", watched_rename),
            (os, "mkdir", watched_mkdir),
        ):
            setattr(owner, name, watched)

    def cut(self) -> None:
        for source, target in self._renamed:
            os.rename(target, source)  # noqa: PTH104 - not the one that is watched
        for made in self._made:
            shutil.rmtree(made, ignore_errors=True)
        for path in self._root.rglob("*"):
            if path.is_file() and path.stat().st_ino not in self._synced:
                os.truncate(path, path.stat().st_size // 2)
        os.kill(os.getpid(), signal.SIGKILL)

    def _step(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self.cut()

    def _keep(self, descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.is_dir():
            self._renamed = [one for one in self._renamed if one[1].parent != path]
            self._made = [one for one in self._made if one.parent != path]
        else:
            self._synced.add(os.fstat(descriptor).st_ino)


def put_once(data: str, cut_at: int, acknowledged: Connection) -> None:
    """Put a picture; report its id, then lose what was not synced."""

    async def run() -> None:
        async with open_store(data) as store:
            disk = Disk(Path(data) / "blobs", cut_at)
            disk.watch()
            acknowledged.send((await store.put(CONTENT)).id)
            disk.cut()

    asyncio.run(run())


async def read_back(data: str, acknowledged: str | None) -> None:
    async with open_store(data) as store:
        kept = [one.reference.id for one in await store.list_media()]
        assert acknowledged is None or kept == [acknowledged]
        for reference_id in kept:  # never a row without its bytes, nor torn ones
            assert await store.read(reference_id) == CONTENT
            assert (await store.thumbnail(reference_id)).width == 256
        assert {finding.state async for finding in store.verify()} <= {"sound", "orphan"}


async def make_empty(data: Path) -> None:
    async with open_store(data):
        pass


@pytest.mark.timeout(240)
def test_a_power_cut_at_any_step_of_a_put_leaves_all_of_it_or_nothing(tmp_path: Path) -> None:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["coatcheck.opening", "tests.media"])
    asyncio.run(make_empty(tmp_path / "empty"))
    for cut_at in itertools.count(1):
        data = str(shutil.copytree(tmp_path / "empty", tmp_path / str(cut_at)))
        receiver, sender = processes.Pipe(duplex=False)
        process = processes.Process(target=put_once, args=(data, cut_at, sender))
        process.start()
        sender.close()
        try:
            acknowledged = receiver.recv()
        except EOFError:
            acknowledged = None
        process.join()
        assert process.exitcode == -signal.SIGKILL
        asyncio.run(read_back(data, acknowledged))
        if acknowledged is not None:
            break
    assert cut_at > 12  # three files were synced and renamed, and their directories synced
