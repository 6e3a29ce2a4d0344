"""A history in a JSONL file, one document a line, which is rewritten and then replaced."""

import os
import shutil
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from anyio import to_thread

from coatcheck.durable import sync_directory, sync_file
from coatcheck.errors import InvalidInputError, StorageError
from coatcheck.migration.disk import free_name, translated
from coatcheck.migration.source import BatchLimits, Checkpoint, Key, Row

_ENDINGS: Final = b"\r\n"
_PARTIAL: Final = ".coatcheck-partial"


class JsonlSource:
    """A `Source` in a JSONL file; the number of a line, from 1 on, is its key.

    A line that is no JSON is a text. The original stays beside the file.
    """

    def __init__(self, path: Path, limits: BatchLimits) -> None:
        self._path = path
        self._limits = limits
        self._partial = path.with_name(path.name + _PARTIAL)
        self._endings: dict[Key, bytes] = {}
        self._target: BinaryIO | None = None
        self._stamp: tuple[int, int] | None = None
        self._changed = False
        self._backup: Path | None = None  # made in this run

    async def count(self) -> int:
        """How many lines there are."""

        def count() -> int:
            with self._path.open("rb") as file:
                blocks = iter(lambda: file.read(1024 * 1024), b"")
                total, last = 0, b"\n"
                for block in blocks:
                    total, last = total + block.count(b"\n"), block[-1:]
                return total + (last != b"\n")

        with translated("The history cannot be read"):
            return await to_thread.run_sync(count)

    async def size(self) -> int:
        """Bytes of the file."""
        with translated("The history cannot be read"):
            return (await to_thread.run_sync(self._path.stat)).st_size

    async def batches(self, after: Key | None = None) -> AsyncGenerator[Sequence[Row]]:
        """Lines in order; see `Source`."""
        first = 1 if after is None else int(after) + 1
        with translated("The history cannot be read"):
            file = await to_thread.run_sync(self._path.open, "rb")
            try:
                await to_thread.run_sync(_skip, file, first - 1)
                number = first
                while lines := await to_thread.run_sync(_read_lines, file, self._limits):
                    rows = []
                    self._endings.clear()
                    for line in lines:
                        text = line.rstrip(_ENDINGS)
                        self._endings[number] = line[len(text) :]
                        rows.append(Row(number, text))
                        number += 1
                    yield rows
            finally:
                file.close()

    async def begin(self, backup: str | None, checkpoint: Checkpoint | None) -> tuple[str, bool]:
        """Keep the original under a second name, and open the new file; see `Source`."""
        with translated("The history cannot be backed up"):
            return await to_thread.run_sync(self._begin, backup, checkpoint)

    def _begin(self, backup: str | None, checkpoint: Checkpoint | None) -> tuple[str, bool]:
        stat = self._path.stat()
        self._stamp = stat.st_size, stat.st_mtime_ns
        original = Path(backup) if backup is not None else None
        if original is None or not _is_copy(original, self._path):
            # The last run ended right after it put its file in place, or this is the first.
            original, checkpoint = free_name(self._path), None
            self._backup = original
            _keep(self._path, original)
            sync_directory(self._path.parent)
        written = self._partial.stat().st_size if self._partial.exists() else 0
        is_good = (
            checkpoint is not None
            and checkpoint.position <= written
            and self._partial.stat().st_mtime_ns >= stat.st_mtime_ns
        )
        if self._target is not None:
            self._target.close()
        self._target = self._partial.open("r+b" if written else "wb")
        self._target.truncate(checkpoint.position if checkpoint is not None and is_good else 0)
        self._target.seek(0, os.SEEK_END)
        self._changed = is_good
        return str(original), is_good

    async def write(self, rows: Sequence[Row], changes: Mapping[Key, str | bytes]) -> Sequence[Key]:
        """Append the lines to the new file; see `Source`."""
        with translated("The new history cannot be written"):
            await to_thread.run_sync(self._write, rows, changes)
        self._changed = self._changed or bool(changes)
        return list(changes)

    def _write(self, rows: Sequence[Row], changes: Mapping[Key, str | bytes]) -> None:
        target = self._opened()
        for row in rows:
            line = changes.get(row.key, row.value)
            target.write(line.encode() if isinstance(line, str) else line)
            target.write(self._endings[row.key])
        target.flush()
        sync_file(target.fileno())

    async def position(self) -> int:
        """Bytes of the new file."""
        return self._opened().tell()

    async def finish(self, *, compact: bool) -> None:  # noqa: ARG002 - a new file has no holes
        """Put the new file in the old one's place; see `Source`.

        Raises:
            InvalidInputError: the old one was written to meanwhile; running again begins anew.
        """
        with translated("The new history cannot be put in place"):
            await to_thread.run_sync(self._finish)

    def _finish(self) -> None:
        target, self._target = self._opened(), None
        with target:
            self._publish(target)

    def _publish(self, target: BinaryIO) -> None:
        stat = self._path.stat()
        if (stat.st_size, stat.st_mtime_ns) != self._stamp:
            self._partial.unlink()
            raise InvalidInputError(
                "The history was written to meanwhile. Stop what writes to it and run this again."
            )
        if not self._changed:
            self._partial.unlink()
            if self._backup is not None:
                self._backup.unlink()
            return
        shutil.copymode(self._path, self._partial)
        with suppress(PermissionError):
            os.chown(self._partial, stat.st_uid, stat.st_gid)
        sync_file(target.fileno())  # whose it is, and what it lacks where no batch was written
        self._partial.replace(self._path)
        sync_directory(self._path.parent)

    async def original(self, backup: str, key: Key) -> bytes | None:
        """A line of the original; see `Source`."""

        def read() -> bytes | None:
            path = Path(backup)
            if not path.exists():
                return None
            with path.open("rb") as file:
                _skip(file, int(key) - 1)
                return file.readline().rstrip(_ENDINGS) or None

        with translated("The backup cannot be read"):
            return await to_thread.run_sync(read)

    async def aclose(self) -> None:
        """Close the new file."""
        if self._target is not None:
            await to_thread.run_sync(self._target.close)

    def _opened(self) -> BinaryIO:
        if self._target is None:
            raise StorageError("The history is not being rewritten.")
        return self._target


def _keep(path: Path, original: Path) -> None:
    """Give a file a second name, or copy it."""
    try:
        os.link(path, original)
    except OSError:  # a file system without hard links
        shutil.copy2(path, original)
        with original.open("rb") as file:
            sync_file(file.fileno())


def _is_copy(original: Path, path: Path) -> bool:
    if not original.exists():
        return False
    one, other = original.stat(), path.stat()
    return os.path.samestat(one, other) or (
        (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)
    )


def _skip(file: BinaryIO, lines: int) -> None:
    for _ in range(lines):
        if not file.readline():
            return


def _read_lines(file: BinaryIO, limits: BatchLimits) -> list[bytes]:
    lines: list[bytes] = []
    size = 0
    while size < limits.size and len(lines) < limits.rows and (line := file.readline()):
        lines.append(line)
        size += len(line)
    return lines
