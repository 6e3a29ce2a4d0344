"""Blobs as files, crash-safe.

::

    root/staging/{uuid}.part     bytes on their way in, locked by the process that writes them
    root/blobs/9f/86/9f86d08…    published bytes, two levels of fan-out by digest

A blob appears by fsync of the file, rename within the same file system and fsync of the directory,
so that it is whole or absent after a crash at any point, and stays after a power cut once
acknowledged (Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014). Blobs that appear
together are renamed first; then their directories are synced, each once, all at the same time.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import stat
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, Final, Self
from uuid import uuid4

from anyio import CancelScope, to_thread

from coatcheck.durable import sync_directory, sync_file
from coatcheck.errors import DamagedBlobError, StorageError, StorageFullError
from coatcheck.ports import StagedBlob
from coatcheck.reference import is_digest

CHUNK_BYTES: Final = 128 * 1024
"""Bytes read at a time: what one slow reader holds in memory."""

_COMPARED_BYTES: Final = 64 * 1024  # at a time: bytes are compared at once, views one by one
_STALE_SECONDS: Final = 60.0
_SYNCED_AT_ONCE: Final = 8  # three blobs have up to seven directories
_NOWAIT: Final[int | None] = getattr(os, "RWF_NOWAIT", None)
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class LocalBlobStore:
    """A `BlobStore` in a directory of a local file system (POSIX).

    Args:
        root: the directory; made when missing. Several processes may share it.
    """

    def __init__(self, root: Path) -> None:
        self._blobs = root / "blobs"
        self._staging = root / "staging"
        self._syncing = ThreadPoolExecutor(_SYNCED_AT_ONCE, "coatcheck-sync")

    @classmethod
    async def open(cls, root: Path) -> Self:
        """Make the directories and sweep what a killed process left half-written.

        Raises:
            StorageError: the directory cannot be made or written.
        """
        store = cls(root)
        with _translated():
            await to_thread.run_sync(store._prepare)
        return store

    async def aclose(self) -> None:
        """Stop the threads that sync directories; they start with the first `publish`."""
        await to_thread.run_sync(self._syncing.shutdown)

    @asynccontextmanager
    async def stage(self, *, digest: str | None = None) -> AsyncIterator["_StagedFile"]:
        """Begin to take bytes in. Leaving the context without `publish` leaves nothing behind."""
        staged = _StagedFile(self._staging, digest)
        try:
            yield staged
        finally:
            if staged.is_begun:
                with _translated(), CancelScope(shield=True):
                    await to_thread.run_sync(staged.discard)

    async def publish(self, *staged: StagedBlob) -> None:
        """Rename sealed files to the places of their digests, and sync every directory once."""

        def move() -> None:
            changed: set[Path] = set()
            for one in staged:
                if not isinstance(one, _StagedFile):
                    raise StorageError("A blob is published by the store that staged it.")
                target = _fan_out(self._blobs, one.digest)
                if not target.parent.is_dir():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    changed |= {target.parent.parent, self._blobs}
                # Renamed over a blob that is there already: another process may have renamed its
                # copy without having come to the directory's fsync yet, and a rotten copy is mended
                # so.
                one.move(target)
                changed.add(target.parent)
            # At the same time: a disk takes as long for many flushes at once as for one.
            for _ in self._syncing.map(sync_directory, changed):
                pass  # what fails raises here

        with _translated():
            await to_thread.run_sync(move)

    async def holds(self, digest: str, content: Sequence[bytes]) -> bool:
        """Whether the blob is there and consists of exactly these bytes."""
        path = self._path(digest)

        def compare() -> bool:
            try:
                file = _open_regular(path)
            except DamagedBlobError:
                return False
            try:
                return file.size == sum(map(len, content)) and _consists_of(file, content)
            finally:
                os.close(file.descriptor)

        with _translated():
            return await to_thread.run_sync(compare)

    async def local_path(self, digest: str, *, size: int) -> tuple[Path, str] | None:
        """The directory of blobs and the blob's path in it; None unless `size` bytes lie there."""
        if await self.size(digest) != size:
            return None
        return self._blobs.absolute(), str(self._path(digest).relative_to(self._blobs))

    async def size(self, digest: str) -> int | None:
        """The length of the blob in bytes, or None where there is none."""
        path = self._path(digest)

        def measure() -> int | None:
            try:
                status = path.lstat()
            except FileNotFoundError:
                return None
            return status.st_size if stat.S_ISREG(status.st_mode) else None

        with _translated():
            return await to_thread.run_sync(measure)

    @asynccontextmanager
    async def local_file(self, digest: str) -> AsyncIterator[Path]:
        """The blob's own file.

        Raises:
            DamagedBlobError: the blob is missing.
        """
        if await self.size(digest) is None:
            raise DamagedBlobError("A stored blob is missing.")
        yield self._path(digest)

    async def read(
        self, digest: str, *, start: int = 0, end: int | None = None
    ) -> AsyncGenerator[bytes]:
        """The bytes from `start` up to but without `end`, `CHUNK_BYTES` at a time.

        Raises:
            DamagedBlobError: the blob is missing or ends before `end`.
        """
        path = self._path(digest)
        with _translated():
            file = await to_thread.run_sync(_open_regular, path)
        try:
            stop = file.size if end is None else end
            position = start
            while position < stop:
                length = min(CHUNK_BYTES, stop - position)
                chunk = _read_cached(file.descriptor, length, position)
                if chunk is None:
                    with _translated():
                        chunk = await to_thread.run_sync(
                            os.pread, file.descriptor, length, position
                        )
                if not chunk:
                    raise DamagedBlobError("A stored blob ends before its recorded length.")
                position += len(chunk)
                yield chunk
        finally:
            os.close(file.descriptor)

    async def remove(self, digest: str) -> bool:
        """Forget the blob; False where there was none. Repeating it is harmless."""
        path = self._path(digest)

        def unlink() -> bool:
            try:
                path.unlink()
            except FileNotFoundError:
                return False
            sync_directory(path.parent)
            return True

        with _translated():
            return await to_thread.run_sync(unlink)

    async def digests(self) -> AsyncGenerator[str]:
        """Every digest that is stored, in order."""
        with _translated():
            folders = await to_thread.run_sync(lambda: sorted(self._blobs.glob("??/??")))
        for folder in folders:
            with _translated():
                names = await to_thread.run_sync(_names, folder)
            for name in names:
                digest = f"sha-256:{name}"
                if is_digest(digest):
                    yield digest

    def _path(self, digest: str) -> Path:
        # Only 64 hexadecimal digits become part of a path: no name from outside can climb out.
        if not is_digest(digest):
            raise StorageError("A blob is named by its digest and nothing else.")
        return _fan_out(self._blobs, digest)

    def _prepare(self) -> None:
        for directory in (self._blobs, self._staging):
            directory.mkdir(parents=True, exist_ok=True)
        sync_directory(self._blobs.parent)
        for path in self._staging.glob("*.part"):
            with contextlib.suppress(FileNotFoundError):
                _sweep(path)


class _StagedFile:
    """A file in the staging directory, locked while its writer lives. The first write makes it."""

    def __init__(self, staging: Path, digest: str | None) -> None:
        self.path = staging / f"{uuid4()}.part"
        self.size = 0
        self._digest = digest
        self._hash = hashlib.sha256()
        self._file: BinaryIO | None = None
        self.is_begun = False  # and neither published nor discarded

    @property
    def digest(self) -> str:
        return self._digest or f"sha-256:{self._hash.hexdigest()}"

    async def write(self, chunk: bytes) -> None:
        self.is_begun = True
        with _translated():
            await to_thread.run_sync(self._append, chunk)
        self.size += len(chunk)

    async def seal(self, last: bytes = b"") -> None:
        def append_and_sync() -> None:
            sync_file(self._append(last).fileno())

        self.is_begun = True
        with _translated():
            await to_thread.run_sync(append_and_sync)
        self.size += len(last)

    def move(self, target: Path) -> None:
        self.path.rename(target)
        self._close()

    def discard(self) -> None:
        self._close()
        self.path.unlink(missing_ok=True)

    def _close(self) -> None:
        self.is_begun = False
        if self._file is not None:
            self._file.close()
            self._file = None

    def _append(self, chunk: bytes) -> BinaryIO:
        file = self._file
        if file is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            file = self._file = os.fdopen(os.open(self.path, flags, 0o600), "wb", buffering=0)
            fcntl.flock(file, fcntl.LOCK_EX)
        rest = memoryview(chunk)
        while rest:
            rest = rest[file.write(rest) :]
        if self._digest is None:
            self._hash.update(chunk)
        return file


class _OpenFile:
    __slots__ = ("descriptor", "size")

    def __init__(self, descriptor: int, size: int) -> None:
        self.descriptor = descriptor
        self.size = size


def _read_cached(descriptor: int, length: int, position: int) -> bytes | None:
    """Bytes that the kernel holds in memory, or None where reading them would block.

    The way to a thread and back costs more than copying a chunk out of the page cache, and the
    files that are read most are the ones that lie there (RWF_NOWAIT, Linux 4.14).
    """
    if _NOWAIT is None:
        return None
    buffer = bytearray(length)
    try:
        count = os.preadv(descriptor, [buffer], position, _NOWAIT)
    except OSError:  # it would block, or this file system cannot tell: the thread finds out
        return None
    return bytes(memoryview(buffer)[:count]) if count < length else bytes(buffer)


def _consists_of(file: _OpenFile, content: Sequence[bytes]) -> bool:
    position = 0
    for piece in content:
        for start in range(0, len(piece), _COMPARED_BYTES):
            expected = piece[start : start + _COMPARED_BYTES]
            if os.pread(file.descriptor, len(expected), position) != expected:
                return False
            position += len(expected)
    return True


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _open_regular(path: Path) -> _OpenFile:
    # O_NOFOLLOW and the check of the mode: a link planted in the store is not followed.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ELOOP, errno.EMLINK}:
            raise DamagedBlobError("A stored blob is missing.") from error
        raise
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise DamagedBlobError("A stored blob is no regular file.")
    return _OpenFile(descriptor, status.st_size)


def _fan_out(blobs: Path, digest: str) -> Path:
    name = digest.removeprefix("sha-256:")
    return blobs / name[:2] / name[2:4] / name


def _sweep(path: Path) -> None:
    """Remove a staged file whose writer is gone; its lock ended with the process."""
    # A file this young may belong to a writer that has not come to lock it yet.
    if time.time() - path.lstat().st_mtime < _STALE_SECONDS:
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    except BlockingIOError:
        pass  # its writer lives
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn what the operating system raises into the project's own errors, without paths."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFullError from error
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise StorageError(f"The local storage failed: {reason}.") from error
