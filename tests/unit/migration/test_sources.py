"""Rows of a history: read in bounded batches, written all or none, named and backed up."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread

from coatcheck.errors import InvalidInputError, StorageError
from coatcheck.migration.batching import batched
from coatcheck.migration.log import MigrationLog
from coatcheck.migration.opening import log_path, open_source
from coatcheck.migration.rewrite import CHANGED_MEANWHILE, Walk, rewrite, scan
from coatcheck.migration.source import BatchLimits, Row, Source
from coatcheck.migration.verify import verify
from coatcheck.store import MediaStore
from tests.legacy import encoded, formatted
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

PICTURE = png_bytes(300, 200)
OTHER = png_bytes(300, 200, seed=1)
LEGACY = formatted({"imageData": encoded(PICTURE), "prompt": "sea"})
FIRST = formatted({"imageData": encoded(OTHER), "prompt": "sea"})


def database(path: Path, *statements: str, rows: Any = ()) -> Path:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO t VALUES ({marks})", rows)
    connection.commit()
    connection.close()
    return path


async def read(source: Source) -> list[list[Row]]:
    async with aclosing(source.batches()) as batches:
        return [list(rows) async for rows in batches]


def nothing(_: int) -> None:
    pass


def disturbed(source: Source, disturb: Callable[[], None]) -> Any:
    """A source that somebody else writes to between reading and writing."""

    class Disturbed:
        def __getattr__(self, name: str) -> Any:
            return getattr(source, name)

        async def write(self, *batch: Any) -> Any:
            await to_thread.run_sync(disturb)
            return await source.write(*batch)

    return Disturbed()


# --- SQLite --------------------------------------------------------------------------------------


async def test_only_text_is_read_and_a_batch_is_bounded(tmp_path: Path) -> None:
    rows = [(1, "a"), (2, None), (3, 7), (4, b"\xff\xfe"), (5, "b" * 100), (6, "c"), (7, "d")]
    path = database(tmp_path / "h.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, c)", rows=rows)
    source = await open_source(
        str(path), table="t", column="c", limits=BatchLimits(rows=4, size=50)
    )
    async with aclosing(source):
        batches = await read(source)
        assert await source.count() == 7
    # 4 rows are looked for at a time; the one of 100 bytes does not fit beside another.
    assert [[row.key for row in batch] for batch in batches] == [[1, 4], [5], [6], [7]]
    assert batches[0][1].value == b"\xff\xfe"


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, c TEXT)", None),
        ("CREATE TABLE t (id TEXT PRIMARY KEY, c JSON) WITHOUT ROWID", None),
        ("CREATE TABLE t (id, c)", None),
        ("CREATE TABLE t (id INT, c TEXT, PRIMARY KEY (id, c))", "rowid"),
        ("CREATE TABLE t (id INT UNIQUE, c BLOB)", "id"),
    ],
)
async def test_any_key_will_do(
    store: MediaStore, tmp_path: Path, table: str, key: str | None
) -> None:
    path = database(tmp_path / "h.db", table, rows=[(1, LEGACY), (2, "text"), (3, LEGACY)])
    log = MigrationLog(log_path(str(path)))
    source = await open_source(f"sqlite:///{path}", table="t", column="c", key=key)
    async with aclosing(source):
        summary = await rewrite(source, Walk(store), log, advance=nothing)
        assert (summary.rows, summary.changed, summary.images) == (3, 2, 2)
        findings = await verify(source, store, log, advance=nothing)
        # The same picture has the same reference in both rows.
        assert (findings.references, findings.originals, findings.broken) == (1, 2, [])


@pytest.mark.parametrize(
    ("statement", "options", "match"),
    [
        ("CREATE TABLE t (a INT, b INT, c TEXT, PRIMARY KEY (a, b))", {}, "composite key"),
        ("CREATE TABLE t (a TEXT, c TEXT)", {"key": "a"}, "not unique|empty"),
        ("CREATE TABLE t (a TEXT, c TEXT)", {"key": "x"}, "no column 'x'"),
        ("CREATE TABLE t (a TEXT, c TEXT)", {"column": "x"}, "no column 'x'"),
        (
            "CREATE TABLE t (a TEXT PRIMARY KEY, c TEXT) WITHOUT ROWID",
            {"key": "rowid"},
            "no rowid; name a column",
        ),
        ("CREATE TABLE t (a TEXT, c TEXT)", {"table": "x"}, "no table"),
        ("CREATE TABLE t (a TEXT, c TEXT)", {"table": 't" --'}, "no table"),
        ("CREATE TABLE t (a TEXT, c TEXT)", {"table": None}, "--table and --column"),
    ],
)
async def test_what_cannot_be_used_is_told(
    tmp_path: Path, statement: str, options: dict[str, Any], match: str
) -> None:
    path = database(tmp_path / "h.db", statement)
    if "key" in options and "WITHOUT" not in statement:
        database(path, rows=[(1, "a"), (1, "b")])
    with pytest.raises(InvalidInputError, match=match):
        await open_source(str(path), **({"table": "t", "column": "c"} | options))


async def test_names_may_hold_anything(store: MediaStore, tmp_path: Path) -> None:
    path = database(
        tmp_path / "h.db",
        """CREATE TABLE "my ""table'; --" ("the key" TEXT PRIMARY KEY NOT NULL, "a ""c" TEXT)""",
        f"""INSERT INTO "my ""table'; --" VALUES ('k''1', '{LEGACY}')""",
    )
    source = await open_source(str(path), table="my \"table'; --", column='a "c')
    async with aclosing(source):
        log = MigrationLog(tmp_path / "log")
        assert (await rewrite(source, Walk(store), log, advance=nothing)).changed == 1
        assert (await verify(source, store, log, advance=nothing)).broken == []


async def test_a_row_that_is_written_meanwhile_is_left_alone(
    store: MediaStore, tmp_path: Path
) -> None:
    path = database(
        tmp_path / "h.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, c TEXT)",
        rows=[(1, FIRST), (2, LEGACY)],
    )
    source = await open_source(str(path), table="t", column="c")

    def edit() -> None:
        database(path, "UPDATE t SET c = 'edited' WHERE id = 1")

    async with aclosing(source):
        log = MigrationLog(tmp_path / "log")
        summary = await rewrite(disturbed(source, edit), Walk(store), log, advance=nothing)
        ((first, second),) = await read(source)
    assert (summary.changed, summary.left) == (1, {CHANGED_MEANWHILE: 1})
    assert summary.after > len(FIRST)  # one of the two is what it was
    assert first.value == "edited"
    assert "media_reference" in str(second.value)
    # The picture of the other row, and its thumbnail.
    assert len([finding async for finding in store.verify()]) == 2


async def test_a_second_run_finds_nothing_to_do_and_leaves_no_backup(
    store: MediaStore, tmp_path: Path
) -> None:
    path = database(
        tmp_path / "h.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, c TEXT)", rows=[(1, LEGACY)]
    )
    for _ in range(2):
        source = await open_source(str(path), table="t", column="c")
        async with aclosing(source):
            await rewrite(source, Walk(store), MigrationLog(tmp_path / "log"), advance=nothing)
    assert [file.name for file in tmp_path.glob("*before*")] == ["h.db.before-coatcheck"]


async def test_a_second_run_begins_at_the_first_row(store: MediaStore, tmp_path: Path) -> None:
    path = database(
        tmp_path / "h.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, c TEXT)", rows=[(2, LEGACY)]
    )
    log = MigrationLog(tmp_path / "log")
    for rows in ([], [(1, FIRST)]):
        database(path, rows=rows)
        async with aclosing(await open_source(str(path), table="t", column="c")) as source:
            assert (await rewrite(source, Walk(store), log, advance=nothing)).changed == 1


# --- JSONL ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
@pytest.mark.parametrize("is_closed", [True, False])
async def test_lines_stay_what_they_were(
    store: MediaStore, tmp_path: Path, ending: bytes, is_closed: bool
) -> None:
    lines = [b'{"a" : 1.0}', b"", b"no JSON", LEGACY.encode(), b"\xff\xfe", b'{"b":2}']
    path = tmp_path / "h.jsonl"
    path.write_bytes(ending.join(lines) + (ending if is_closed else b""))
    path.chmod(0o640)
    before = path.read_bytes()
    source = await open_source(str(path), limits=BatchLimits(rows=2))
    async with aclosing(source):
        summary = await rewrite(
            source, Walk(store), MigrationLog(tmp_path / "log"), advance=nothing
        )
        assert (await source.count(), summary.changed) == (6, 1)
    after = path.read_bytes().split(ending)
    assert after[:3] == lines[:3]
    assert after[4:6] == lines[4:6]
    assert path.read_bytes().endswith(ending) is is_closed
    assert b"media_reference" in after[3]
    assert (tmp_path / "h.jsonl.before-coatcheck").read_bytes() == before
    assert path.stat().st_mode & 0o777 == 0o640
    assert not list(tmp_path.glob("*partial*"))


async def test_a_file_that_is_written_to_meanwhile_is_not_replaced(
    store: MediaStore, tmp_path: Path
) -> None:
    path = tmp_path / "h.jsonl"
    path.write_text(LEGACY + "\n", "utf-8")
    source = await open_source(str(path))

    def append() -> None:
        if "one more" not in path.read_text("utf-8"):
            with path.open("a") as file:
                file.write("one more\n")

    async with aclosing(source):
        with pytest.raises(InvalidInputError, match="written to meanwhile"):
            log = MigrationLog(tmp_path / "log")
            await rewrite(disturbed(source, append), Walk(store), log, advance=nothing)
    assert path.read_text("utf-8") == LEGACY + "\none more\n"
    again = await open_source(str(path))
    async with aclosing(again):
        await rewrite(again, Walk(store), MigrationLog(tmp_path / "log"), advance=nothing)
    assert path.read_text("utf-8").endswith("\none more\n")
    assert "imageData" not in path.read_text("utf-8")


# --- both ----------------------------------------------------------------------------------------


async def test_scanning_writes_nothing(store: MediaStore, tmp_path: Path) -> None:
    path = tmp_path / "h.jsonl"
    path.write_text(f"{LEGACY}\nplain\n", "utf-8")
    source = await open_source(str(path))
    async with aclosing(source):
        summary = await scan(source, Walk(store), advance=nothing)
    assert (summary.rows, summary.changed, summary.images) == (2, 1, 1)
    assert summary.before > 10 * summary.after
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["h.jsonl"]
    assert [finding async for finding in store.verify()] == []


async def test_verify_finds_what_is_gone_or_damaged(
    store: MediaStore, data: Path, tmp_path: Path
) -> None:
    path = tmp_path / "h.jsonl"
    lines = [formatted({"imageData": encoded(png_bytes(300, 200, i))}) for i in range(3)]
    path.write_text("\n".join(lines), "utf-8")
    log = MigrationLog(log_path(str(path)))
    source = await open_source(str(path))
    async with aclosing(source):
        await rewrite(source, Walk(store), log, advance=nothing)
        entries = list((await log.rows()).values())
        await store.delete(entries[0].references[0].id)
        name = entries[1].references[0].digest.removeprefix("sha-256:")
        blob = data / "blobs" / name[:2] / name[2:4] / name
        blob.write_bytes(blob.read_bytes()[:-1] + b"x")
        findings = await verify(source, store, log, advance=nothing)
    assert len(findings.broken) == 2
    assert findings.originals == 3


@pytest.mark.parametrize("source", ["{path}", "postgresql://127.0.0.1:1/none"])
async def test_only_sqlite_has_a_schema_to_trust(tmp_path: Path, source: str) -> None:
    path = tmp_path / "h.jsonl"
    path.write_text(LEGACY, "utf-8")
    with pytest.raises(InvalidInputError, match="--trust-schema is for SQLite"):
        await open_source(source.format(path=path), trust_schema=True)


@pytest.mark.parametrize("is_directory", [False, True])
async def test_a_history_that_is_not_there(tmp_path: Path, is_directory: bool) -> None:
    if is_directory:
        (tmp_path / "h").mkdir()
    with pytest.raises(InvalidInputError, match="cannot be read"):
        await open_source(str(tmp_path / "h"))
    with pytest.raises((InvalidInputError, StorageError)):
        await open_source(f"sqlite:///{tmp_path / 'h'}", table="t", column="c")


def test_postgresql_needs_its_driver() -> None:
    script = (
        "import sys; sys.modules['asyncpg'] = None\n"
        "from coatcheck.errors import ConfigurationError\n"
        "try: import coatcheck.migration.postgres\n"
        "except ConfigurationError as error: print(error.message)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "pip install 'coatcheck[postgresql]'" in done.stdout


def test_batches_are_bounded() -> None:
    assert list(batched([(1, 5), (2, 6), (3, 100), (4, 1)], 11)) == [[1, 2], [3], [4]]
    assert list(batched([], 11)) == []
