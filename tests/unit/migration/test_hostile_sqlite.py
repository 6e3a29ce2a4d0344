"""A SQLite database from a stranger: what its schema runs, and what it cannot."""

import sqlite3
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from coatcheck.errors import InvalidInputError, StorageError, StorageFullError
from coatcheck.migration.log import MigrationLog
from coatcheck.migration.opening import open_source
from coatcheck.migration.rewrite import Walk, rewrite, scan
from coatcheck.migration.verify import verify
from coatcheck.store import MediaStore
from tests.legacy import encoded, formatted
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

LEGACY = formatted({"imageData": encoded(png_bytes(300, 200)), "prompt": "sea"})


def nothing(_: int) -> None:
    pass


@pytest.fixture
def called() -> Iterator[list[str]]:
    """Calls of `harm`, a function that every connection of this process has from now on.

    An application that registers functions, or a build of SQLite that has some with effects.
    """
    calls: list[str] = []
    real = sqlite3.connect

    def harm(value: Any) -> Any:
        calls.append("called")
        return value

    def connect(*args: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = real(*args, **options)
        connection.create_function("harm", 1, harm, deterministic=True)
        return connection

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sqlite3, "connect", connect)
        yield calls


def make(path: Path, *statements: str) -> Path:
    connection = sqlite3.connect(path)
    connection.executescript(";".join(statements))
    connection.close()
    return path


def log_of(path: Path) -> MigrationLog:
    return MigrationLog(path.with_name("log"))


async def run(path: Path, store: MediaStore, **names: Any) -> int:
    names = {"table": "t", "column": "c"} | names
    async with aclosing(await open_source(str(path), **names)) as source:
        summary = await rewrite(source, Walk(store), log_of(path), advance=nothing)
        findings = await verify(source, store, log_of(path), advance=nothing)
        assert findings.broken == []
        return summary.changed


TABLE = "CREATE TABLE t (id INTEGER PRIMARY KEY, c TEXT, n INT)"
ROW = f"INSERT INTO t (id, c) VALUES (1, '{LEGACY}')"


@pytest.mark.parametrize(
    "schema",
    [
        [TABLE, ROW, "CREATE TRIGGER s AFTER UPDATE ON t BEGIN SELECT harm(new.c); END"],
        [TABLE, ROW, "CREATE TRIGGER s BEFORE UPDATE OF c ON t WHEN harm(1) BEGIN SELECT 1; END"],
        [TABLE, ROW, "CREATE INDEX i ON t (harm(c))"],
        [TABLE, ROW, "CREATE INDEX i ON t (c) WHERE harm(n) IS NULL"],
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, c TEXT CHECK (harm(c) IS NOT NULL))", ROW],
        ["CREATE TABLE t (id INTEGER PRIMARY KEY, c TEXT, g AS (harm(c)) STORED)", ROW],
        [
            TABLE,
            ROW,
            "CREATE VIEW v AS SELECT harm(1) AS x",
            "CREATE TRIGGER s AFTER UPDATE ON t BEGIN SELECT x FROM v; END",
        ],
    ],
    ids=["trigger", "condition", "index", "partial", "check", "generated", "view"],
)
async def test_functions_in_the_schema_are_not_called(
    store: MediaStore, tmp_path: Path, called: list[str], schema: list[str]
) -> None:
    path = make(tmp_path / "h.db", *schema)
    called.clear()  # made by the attacker, on a machine of theirs
    with pytest.raises(InvalidInputError, match=r"unsafe use of harm.*--trust-schema"):
        await run(path, store)
    assert called == []
    # Nothing was stored, and nothing is left beside the history.
    assert [finding async for finding in store.verify()] == []
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["h.db"]
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT c FROM t").fetchall() == [(LEGACY,)]
    connection.close()


async def test_they_are_called_where_the_schema_is_trusted(
    store: MediaStore, tmp_path: Path, called: list[str]
) -> None:
    trigger = "CREATE TRIGGER s AFTER UPDATE ON t BEGIN SELECT harm(new.c); END"
    path = make(tmp_path / "h.db", TABLE, ROW, trigger)
    assert await run(path, store, trust_schema=True) == 1
    assert called == ["called"]


@pytest.mark.parametrize("names", [{"key": "i"}, {"column": "i"}])
async def test_a_computed_column_is_neither_key_nor_history(
    store: MediaStore, tmp_path: Path, names: dict[str, str]
) -> None:
    path = make(tmp_path / "h.db", "CREATE TABLE t (c TEXT, i AS (lower(c)))")
    with pytest.raises(InvalidInputError, match="no column 'i'"):
        await run(path, store, **names)


async def test_a_function_that_is_not_here_stops_it_before_anything_is_stored(
    store: MediaStore, tmp_path: Path
) -> None:
    trigger = "CREATE TRIGGER s AFTER UPDATE ON t BEGIN SELECT theirs(new.c); END"
    path = make(tmp_path / "h.db", TABLE, ROW, trigger)
    with pytest.raises(StorageError, match="no such function: theirs"):
        await run(path, store)
    assert [finding async for finding in store.verify()] == []


async def test_the_backup_is_read_as_carefully(
    store: MediaStore, tmp_path: Path, called: list[str]
) -> None:
    path = make(tmp_path / "h.db", TABLE, ROW)
    assert await run(path, store) == 1
    backup = path.with_name("h.db.before-coatcheck")
    make(
        backup,
        "ALTER TABLE t RENAME TO u",
        "CREATE VIEW t AS SELECT id, harm(c) AS c FROM u",
    )
    called.clear()
    async with aclosing(await open_source(str(path), table="t", column="c")) as source:
        with pytest.raises(InvalidInputError, match="unsafe use of harm"):
            await verify(source, store, log_of(path), advance=nothing)
    assert called == []


async def test_a_user_s_own_triggers_and_indexes_go_on_working(
    store: MediaStore, tmp_path: Path
) -> None:
    path = make(
        tmp_path / "h.db",
        TABLE,
        "CREATE TABLE edits (id INT, at TEXT)",
        "CREATE TRIGGER a AFTER UPDATE ON t BEGIN"
        " UPDATE t SET n = length(new.c) WHERE id = new.id;"
        " INSERT INTO edits VALUES (new.id, datetime('now')); END",
        "CREATE INDEX i ON t (lower(substr(c, 1, 20)))",
        ROW,
    )
    assert await run(path, store) == 1
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT n = length(c) FROM t").fetchall() == [(1,)]
    assert connection.execute("SELECT id FROM edits").fetchall() == [(1,)]
    connection.close()


async def test_a_search_index_that_triggers_keep_goes_on_working(
    store: MediaStore, tmp_path: Path
) -> None:
    """FTS5 is known to be harmless to newer versions of SQLite only."""
    path = make(
        tmp_path / "h.db",
        TABLE,
        "CREATE VIRTUAL TABLE found USING fts5(c, content='t', content_rowid='id')",
        "CREATE TRIGGER a AFTER INSERT ON t BEGIN"
        " INSERT INTO found (rowid, c) VALUES (new.id, new.c); END",
        "CREATE TRIGGER b AFTER UPDATE ON t BEGIN"
        " INSERT INTO found (found, rowid, c) VALUES ('delete', old.id, old.c);"
        " INSERT INTO found (rowid, c) VALUES (new.id, new.c); END",
        ROW,
    )
    assert await run(path, store, trust_schema=True) == 1
    connection = sqlite3.connect(path)
    search = "SELECT rowid FROM found WHERE found MATCH ?"
    assert connection.execute(search, ('"media_reference"',)).fetchall() == [(1,)]
    assert connection.execute(search, ("imageData",)).fetchall() == []
    connection.close()


async def test_a_trigger_that_refuses_is_told_and_changes_nothing(
    store: MediaStore, tmp_path: Path
) -> None:
    refusal = "CREATE TRIGGER s BEFORE UPDATE ON t BEGIN SELECT RAISE(ABORT, 'is full of it'); END"
    path = make(tmp_path / "h.db", TABLE, ROW, refusal)
    with pytest.raises(StorageError, match="is full of it") as caught:
        await run(path, store)
    assert not isinstance(caught.value, StorageFullError)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT c FROM t").fetchall() == [(LEGACY,)]
    connection.close()


async def test_a_batch_of_which_one_row_is_refused_stays_whole(
    store: MediaStore, tmp_path: Path
) -> None:
    refusal = "SELECT RAISE(ABORT, 'not this one')"
    path = make(
        tmp_path / "h.db",
        TABLE,
        ROW,
        ROW.replace("(1,", "(2,"),
        f"CREATE TRIGGER s BEFORE UPDATE ON t WHEN new.id = 2 BEGIN {refusal}; END",
    )
    with pytest.raises(StorageError, match="not this one"):
        await run(path, store)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT c FROM t").fetchall() == [(LEGACY,), (LEGACY,)]
    connection.close()


async def test_a_database_that_is_full_is_told_as_that(store: MediaStore, tmp_path: Path) -> None:
    growing = (
        "CREATE TRIGGER s AFTER UPDATE ON t BEGIN INSERT INTO t (c) VALUES (zeroblob(9e6)); END"
    )
    path = make(tmp_path / "h.db", TABLE, ROW, growing)
    async with aclosing(await open_source(str(path), table="t", column="c")) as source:
        await source._all("PRAGMA max_page_count = 1000")  # type: ignore[attr-defined] # a small disk
        with pytest.raises(StorageFullError):
            await rewrite(source, Walk(store), log_of(path), advance=nothing)


@pytest.mark.parametrize(
    ("table", "column", "key"),
    [
        ("a]b`c'd", 'e"f;--', "[g]"),
        ("select", "from", "where"),
        ("t", "rowid2", "oid2"),
        ("\N{PILE OF POO}%s{0}?1", ":c", "@k"),
    ],
)
async def test_names_are_quoted_in_every_statement(
    store: MediaStore, tmp_path: Path, table: str, column: str, key: str
) -> None:
    def name(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    path = make(
        tmp_path / "h.db",
        f"CREATE TABLE {name(table)} ({name(key)} TEXT PRIMARY KEY NOT NULL, {name(column)} TEXT)",
        f"INSERT INTO {name(table)} VALUES ('k', '{LEGACY}')",
    )
    assert await run(path, store, table=table, column=column, key=key) == 1


@pytest.mark.parametrize(
    "kind", ["VIEW v AS SELECT * FROM t", "TRIGGER v AFTER UPDATE ON t BEGIN SELECT 1; END"]
)
async def test_only_a_table_is_a_history(tmp_path: Path, kind: str) -> None:
    path = make(tmp_path / "h.db", TABLE, f"CREATE {kind}")
    with pytest.raises(InvalidInputError, match="no table 'v'"):
        await open_source(str(path), table="v", column="c")


async def test_a_damaged_database_is_one_error(store: MediaStore, tmp_path: Path) -> None:
    path = make(tmp_path / "h.db", TABLE, ROW)
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(byte ^ 0x55 for byte in content[4096:])
    path.write_bytes(content)
    with pytest.raises(StorageError):
        async with aclosing(await open_source(str(path), table="t", column="c")) as source:
            await scan(source, Walk(store), advance=nothing)
