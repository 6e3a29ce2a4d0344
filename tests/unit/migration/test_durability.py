"""A history is whole whatever happens: what is on disk before what, and a store that gives up."""

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from coatcheck.errors import StorageError
from coatcheck.migration.files import AllowedFiles
from coatcheck.migration.log import MigrationLog
from coatcheck.migration.opening import open_source
from coatcheck.migration.rewrite import Walk, rewrite
from coatcheck.migration.source import BatchLimits, Source
from coatcheck.migration.verify import verify
from coatcheck.opening import open_backends
from coatcheck.options import StoreOptions
from coatcheck.store import MediaStore
from tests.legacy import encoded, formatted, reference
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

PICTURES = [png_bytes(300, 200, seed) for seed in range(6)]
LINES = [formatted({"imageData": encoded(data), "prompt": "sea"}) for data in PICTURES]


def nothing(_: int) -> None:
    pass


def make(path: Path, lines: list[str] = LINES) -> None:
    if path.suffix == ".jsonl":
        path.write_text("".join(line + "\n" for line in lines), "utf-8")
        return
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, c TEXT)")
        connection.executemany("INSERT INTO t (c) VALUES (?)", [(line,) for line in lines])
    connection.close()


def read(path: Path) -> list[str]:
    if path.suffix == ".jsonl":
        return path.read_text("utf-8").splitlines()
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT c FROM t ORDER BY id").fetchall()
    connection.close()
    return [row[0] for row in rows]


async def opened(path: Path) -> Source:
    limits = BatchLimits(rows=2)
    if path.suffix == ".jsonl":
        return await open_source(str(path), limits=limits)
    return await open_source(str(path), table="t", column="c", limits=limits)


def log_of(path: Path) -> MigrationLog:
    return MigrationLog(path.with_name("log"))


async def run(path: Path, walk: Walk) -> int:
    async with aclosing(await opened(path)) as source:
        return (await rewrite(source, walk, log_of(path), advance=nothing)).changed


async def media(store: MediaStore) -> int:
    return len([finding async for finding in store.verify()])


# --- a power cut ---------------------------------------------------------------------------------


@contextmanager
def recorded(directory: Path) -> Iterator[list[str]]:
    """What happens to the files of a directory, in order: syncs, renames, links, committed rows."""
    steps: list[str] = []
    real_fsync, real_replace, real_link = os.fsync, Path.replace, os.link
    real_connect = sqlite3.connect

    def name(target: str | Path) -> str | None:
        path = Path(target)
        if path == directory:
            return "directory"
        return path.name if path.parent == directory else None

    def fsync(descriptor: int) -> None:
        found = name(os.readlink(f"/proc/self/fd/{descriptor}"))  # noqa: PTH115 - a link of /proc
        if found is not None:
            steps.append(f"sync {found}")
        real_fsync(descriptor)

    def replace(source: Path, target: Path) -> Path:
        steps.append(f"rename {name(source)} {name(target)}")
        return real_replace(source, target)

    def link(source: Path, target: Path) -> None:
        steps.append(f"link {name(target)}")
        real_link(source, target)

    def connect(database: Any, *args: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = real_connect(database, *args, **options)
        if f"{directory}/" in str(database) and "catalog" not in str(database):
            connection.set_trace_callback(
                lambda statement: (
                    steps.append(statement)
                    if statement in {"BEGIN IMMEDIATE", "COMMIT", "VACUUM"}
                    else None
                )
            )
        return connection

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        patched.setattr(os, "link", link)
        patched.setattr(Path, "replace", replace)
        patched.setattr(sqlite3, "connect", connect)
        yield steps


async def test_a_file_the_log_is_on_disk_before_the_lines(
    store: MediaStore, tmp_path: Path
) -> None:
    directory = tmp_path / "history"
    directory.mkdir()
    path = directory / "h.jsonl"
    make(path, LINES[:3])
    with recorded(directory) as steps:
        await run(path, Walk(store))
    partial, backup = "h.jsonl.coatcheck-partial", "h.jsonl.before-coatcheck"
    batch = ["sync log", f"sync {partial}", "sync log"]  # the rows' entries, lines, the checkpoint
    assert steps == [
        *(f"link {backup}", "sync directory"),
        *("sync log", "sync directory"),  # the log is new
        *batch,
        *batch,
        *(f"sync {partial}", f"rename {partial} h.jsonl", "sync directory"),
        "sync log",
    ]


async def test_a_database_the_log_is_on_disk_before_the_rows(
    store: MediaStore, tmp_path: Path
) -> None:
    directory = tmp_path / "history"
    directory.mkdir()
    path = directory / "h.db"
    make(path, LINES[:3])
    with recorded(directory) as steps:
        await run(path, Walk(store))
    backup = "h.db.before-coatcheck"
    batch = ["sync log", "BEGIN IMMEDIATE", "COMMIT", "sync log"]
    assert steps == [
        *(f"sync {backup}.partial", f"rename {backup}.partial {backup}", "sync directory"),
        *("sync log", "sync directory"),
        *batch,
        *batch,
        *("VACUUM", "sync log"),
    ]


async def test_a_copy_of_the_original_is_on_disk_where_there_are_no_hard_links(
    store: MediaStore, tmp_path: Path
) -> None:
    directory = tmp_path / "history"
    directory.mkdir()
    path = directory / "h.jsonl"
    make(path)
    before = path.read_bytes()

    def refuse(_source: Path, _target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    with recorded(directory) as steps, pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "link", refuse)
        await run(path, Walk(store))
    assert steps[:2] == ["sync h.jsonl.before-coatcheck", "sync directory"]
    assert path.with_name("h.jsonl.before-coatcheck").read_bytes() == before


async def test_a_database_syncs_each_commit_whatever_it_was_set_to(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    make(path)
    async with aclosing(await opened(path)) as source:
        held = source._connection  # type: ignore[attr-defined] # a connection's settings are seen from inside only
        values = {
            name: next(iter(await held.execute_fetchall(f"PRAGMA {name}")))[0]
            for name in ("synchronous", "fullfsync", "checkpoint_fullfsync")
        }
    assert values == {"synchronous": 2, "fullfsync": 1, "checkpoint_fullfsync": 1}


async def test_half_a_line_of_the_log_is_passed_over(store: MediaStore, tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    make(path, LINES[:2])
    log = log_of(path)
    await log.begin("earlier")
    await log.end()
    with log.path.open("ab") as file:
        file.write(b'{"row": 9, "bef')  # the power went
    assert await run(path, Walk(store)) == 2
    assert await log.unfinished() is None
    assert {key: Path(entry.backup).name for key, entry in (await log.rows()).items()} == {
        1: "h.db.before-coatcheck",
        2: "h.db.before-coatcheck",
    }


async def test_a_new_file_that_lost_its_end_is_begun_anew(
    store: MediaStore, data: Path, tmp_path: Path
) -> None:
    path = tmp_path / "h.jsonl"
    make(path)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", _FullAfter(10, data))
        with pytest.raises(StorageError):
            await run(path, Walk(store))
    partial = path.with_name("h.jsonl.coatcheck-partial")
    unfinished = await log_of(path).unfinished()
    assert unfinished is not None
    assert unfinished.checkpoint is not None
    assert unfinished.checkpoint.position == partial.stat().st_size
    os.truncate(partial, 100)  # a disk that said too early that it had it
    assert await run(path, Walk(store)) == 6
    assert all("media_reference" in row for row in read(path))


# --- a store that does not take a picture ---------------------------------------------------------


class _FullAfter:
    """A disk that is full after some syncs of blobs."""

    def __init__(self, puts: int, blobs: Path) -> None:
        self._left = puts
        self._blobs = str(blobs)
        self._real = os.fsync

    def __call__(self, descriptor: int) -> None:
        target = os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115 - a link of /proc
        if target.startswith(self._blobs) and target.endswith(".part"):
            if self._left == 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            self._left -= 1
        self._real(descriptor)


@pytest.mark.parametrize("name", ["h.jsonl", "h.db"])
async def test_a_full_store_leaves_the_batch_and_a_rerun_completes(
    store: MediaStore, data: Path, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    make(path)
    with pytest.MonkeyPatch.context() as patched:
        # Each picture has a thumbnail: the second batch's second picture finds the disk full.
        patched.setattr(os, "fsync", _FullAfter(6, data))
        with pytest.raises(StorageError, match=r"storage_full.*run this again"):
            await run(path, Walk(store))
    rows = read(path)
    if name == "h.db":
        assert all("media_reference" in row for row in rows[:2])
    assert rows[2:] == LINES[2:]
    assert list(await log_of(path).rows()) == [1, 2]
    # What the batch had stored already is forgotten: two pictures, two thumbnails.
    assert await media(store) == 4
    assert await run(path, Walk(store)) == 4
    assert all("media_reference" in row for row in read(path))
    async with aclosing(await opened(path)) as source:
        findings = await verify(source, store, log_of(path), advance=nothing)
    assert (findings.references, findings.originals, findings.broken) == (6, 6, [])
    assert await media(store) == 12


async def test_a_quota_that_is_used_up_leaves_the_batch_and_a_rerun_completes(
    data: Path, tmp_path: Path
) -> None:
    path = tmp_path / "h.db"
    make(path)
    room = sum(map(len, PICTURES[:3])) + 1
    async with open_backends(StoreOptions(data=data, owner_bytes=room)) as backends:
        for _ in range(2):  # again: nothing that was given up counts
            with pytest.raises(StorageError, match="quota_exceeded"):
                await run(path, Walk(backends.store))
            assert read(path)[2:] == LINES[2:]
            assert await media(backends.store) == 4
    async with open_backends(StoreOptions(data=data)) as backends:
        assert await run(path, Walk(backends.store)) == 4
    assert all("media_reference" in row for row in read(path))


async def test_a_file_that_the_store_has_no_room_for_stops_it_too(
    store: MediaStore, data: Path, tmp_path: Path
) -> None:
    """A thumbnail that is kept for want of room would pass for the picture."""
    (tmp_path / "lighthouse.png").write_bytes(PICTURES[0])
    path = tmp_path / "h.jsonl"
    thumbnail = png_bytes(32, 24)
    line = formatted({"imageReference": reference(thumbnail), "prompt": "sea"})
    make(path, [line])
    files = await AllowedFiles.open(tmp_path, store)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", _FullAfter(2, data))  # the thumbnail and its own
        with pytest.raises(StorageError, match="file_storage_full"):
            await run(path, Walk(store, read_file=files.read))
    assert read(path) == [line]
    assert await media(store) == 0
    assert await run(path, Walk(store, read_file=files.read)) == 1
    assert "legacyReference" not in path.read_text("utf-8")


async def test_what_cannot_even_be_forgotten_is_told_as_the_first_failure(
    store: MediaStore, data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "h.jsonl"
    make(path)
    full = _FullAfter(2, data)

    def fsync(descriptor: int) -> None:
        try:
            full(descriptor)
        except OSError:
            shutil.rmtree(data / "blobs")  # and now nothing works any more
            (data / "blobs").write_bytes(b"")
            raise

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        # Files are synced beside each other: another one may find the directory gone.
        with pytest.raises(StorageError, match=r"storage_(full|failed).*run this again"):
            await run(path, Walk(store))
    assert "nothing refers to stays in the store" in caplog.text
    assert read(path) == LINES
