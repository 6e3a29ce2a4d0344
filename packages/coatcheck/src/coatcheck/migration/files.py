"""Pictures that histories name by path: read from one directory that the operator allows."""

import hashlib
import os
import re
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, Final, Self
from urllib.parse import unquote, urlsplit

from anyio import to_thread

from coatcheck.errors import InvalidInputError, NotFoundError, UnprocessableMediaError
from coatcheck.legacy.modern import WantedFile
from coatcheck.reference import MediaReference
from coatcheck.store import MediaStore

_CHUNK: Final = 256 * 1024
_HASHES: Final = {32: "md5", 40: "sha1", 64: "sha256"}
_CHECKSUM: Final = re.compile(r"(?:[a-z0-9-]+:)?(?P<hex>[0-9a-f]+)", re.IGNORECASE)


class AllowedFiles:
    """Stores files of one directory, and of no other.

    What a history says is not believed: links and ``..`` are followed first, then the file must
    still be inside of the directory, and a regular file. `open` makes one.
    """

    def __init__(self, root: str, store: MediaStore, owner: str | None) -> None:
        self._root = root
        self._store = store
        self._owner = owner

    @classmethod
    async def open(cls, directory: Path, store: MediaStore, *, owner: str | None = None) -> Self:
        """Allow a directory.

        Args:
            directory: where the pictures are.
            store: where they go.
            owner: whom they belong to.

        Raises:
            InvalidInputError: it is no directory.
        """
        root = await to_thread.run_sync(os.path.realpath, directory)
        if not await to_thread.run_sync(os.path.isdir, root):
            raise InvalidInputError("What --files names is no directory.")
        return cls(root, store, owner)

    async def read(self, wanted: WantedFile) -> MediaReference:
        """Store a file.

        Raises:
            NotFoundError: there is no such file in the directory.
            UnprocessableMediaError: it is not the one that the history means.
            CoatcheckError: what `MediaStore.put` raises.
        """
        file = await to_thread.run_sync(self._first, wanted.names)
        with file:
            if not await to_thread.run_sync(_is_right, file, wanted.checksum):
                raise UnprocessableMediaError("The file is not the one that the checksum is of.")
            return await self._store.put(
                _chunks(file),
                display_name=Path(file.name).name,
                alt=wanted.alt,
                media_type="image/*",
                owner=self._owner,
            )

    def _first(self, names: tuple[str, ...]) -> BinaryIO:
        for name in names:
            file = self._open(name)
            if file is not None:
                return file
        raise NotFoundError("There is no such file in the directory.")

    def _open(self, name: str) -> BinaryIO | None:
        try:
            path = os.path.realpath(Path(self._root) / _path_of(name))
            if os.path.commonpath([self._root, path]) != self._root:
                return None
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError):  # a name that is none, or too long for one, has a NUL in it
            return None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return None
        return _named(descriptor, path)


def _path_of(name: str) -> str:
    if not name.lower().startswith("file:"):
        return name
    parts = urlsplit(name)
    if parts.netloc not in {"", "localhost"}:
        raise ValueError("The file is on another host.")
    return unquote(parts.path)


def _named(descriptor: int, path: str) -> BinaryIO:
    return open(path, "rb", opener=lambda *_: descriptor)


def _is_right(file: BinaryIO, checksum: str | None) -> bool:
    match = _CHECKSUM.fullmatch(checksum or "")
    algorithm = _HASHES.get(len(match["hex"])) if match else None
    if match is None or algorithm is None:
        return True  # nothing is said that could be compared
    digest = hashlib.new(algorithm, usedforsecurity=False)
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest() == match["hex"].lower()


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    while chunk := await to_thread.run_sync(file.read, _CHUNK):
        yield chunk
