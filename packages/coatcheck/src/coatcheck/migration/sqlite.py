"""A history in a column of a SQLite table, rewritten in its place."""

import sqlite3
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

import aiosqlite
from anyio import CancelScope, to_thread

from coatcheck.durable import sync_directory, sync_file
from coatcheck.errors import InvalidInputError, StorageError, StorageFullError
from coatcheck.migration.batching import batched
from coatcheck.migration.disk import free_name
from coatcheck.migration.disk import translated as translated_files
from coatcheck.migration.quoting import quoted
from coatcheck.migration.source import BatchLimits, Checkpoint, Key, Row

ROWID: Final = "rowid"

_BUSY_SECONDS: Final = 30
_UNSAFE: Final = "unsafe use of"
_PRAGMAS: Final = (
    # A database may come from a stranger: its pages are checked before they are believed.
    "PRAGMA cell_size_check = ON",
    # The log says that a batch is written: then it has to be, after a power cut too.
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",
    "PRAGMA checkpoint_fullfsync = ON",
)


class SqliteSource:
    """A `Source` in a column of a table; `open` makes one."""

    def __init__(
        self,
        connection: aiosqlite.Connection,
        path: Path,
        limits: BatchLimits,
        *,
        table: str,
        column: str,
        key: str,
        trust_schema: bool,
    ) -> None:
        self._connection = connection
        self._path = path
        self._limits = limits
        self._trust_schema = trust_schema
        self._table, self._column, self._key = quoted(table), quoted(column), quoted(key)
        if key == ROWID:
            self._key = ROWID
        self._backup: Path | None = None  # made in this run
        self._changed = False

    @classmethod
    async def open(
        cls,
        path: Path,
        limits: BatchLimits,
        *,
        table: str,
        column: str,
        key: str | None,
        trust_schema: bool = False,
    ) -> Self:
        """Open a database that is there.

        Args:
            path: the file.
            limits: of a batch.
            table: a table of it.
            column: one of its columns, with JSON or other text.
            key: a column that names rows; by default the primary key, else ``rowid``.
            trust_schema: whether triggers, views, generated columns and indexes of the database may
                use any function and virtual table. They run when rows are read and written; without
                it they are limited to what SQLite knows to be harmless.

        Raises:
            InvalidInputError: there is no such table or column, or nothing that names its rows; or
                the schema uses what it may not.
            StorageError: the file cannot be opened.
        """
        with translated():
            connection = await _connect(path, "rw", trust_schema=trust_schema)
            try:
                named = await _key_of(connection, table, column, key)
                source = cls(
                    connection,
                    path,
                    limits,
                    table=table,
                    column=column,
                    key=named,
                    trust_schema=trust_schema,
                )
                # Compiled, not run: what it sets off is refused before anything is stored.
                await connection.execute_fetchall(f"EXPLAIN {source._update}", (None, None, None))
            except BaseException:
                await connection.close()
                raise
        return source

    async def count(self) -> int:
        """How many rows there are."""
        ((count,),) = await self._all(f"SELECT count(*) FROM {self._table}")  # noqa: S608 - quoted
        return int(count)

    async def size(self) -> int:
        """Bytes of the database."""
        ((pages,),) = await self._all("PRAGMA page_count")
        ((size,),) = await self._all("PRAGMA page_size")
        return int(pages * size)

    async def batches(self, after: Key | None = None) -> AsyncGenerator[Sequence[Row]]:
        """Rows in the order of their keys; see `Source`."""
        key, column = self._key, self._column
        last = after
        while True:
            condition = "" if last is None else f"AND {key} > ?"
            lengths = await self._all(
                f"SELECT {key}, length(CAST({column} AS BLOB)) FROM {self._table}"  # noqa: S608 - quoted
                f" WHERE typeof({column}) IN ('text', 'blob') {condition} ORDER BY {key} LIMIT ?",
                *([] if last is None else [last]),
                self._limits.rows,
            )
            for keys in batched(map(tuple, lengths), self._limits.size):
                marks = ", ".join("?" * len(keys))
                found = await self._all(
                    f"SELECT {key}, {column} FROM {self._table}"  # noqa: S608 - quoted
                    f" WHERE {key} IN ({marks}) ORDER BY {key}",
                    *keys,
                )
                rows = [Row(*row) for row in found if isinstance(row[1], str | bytes)]
                if rows:
                    yield rows
            if len(lengths) < self._limits.rows:
                return
            last = lengths[-1][0]

    async def begin(self, backup: str | None, checkpoint: Checkpoint | None) -> tuple[str, bool]:
        """Copy the database with SQLite's backup API; see `Source`."""
        if backup is not None and await to_thread.run_sync(Path(backup).exists):
            return backup, checkpoint is not None
        with translated(), translated_files("The history cannot be backed up"):
            name = await to_thread.run_sync(free_name, self._path)
            partial = name.with_name(name.name + ".partial")
            await to_thread.run_sync(lambda: partial.unlink(missing_ok=True))
            copy = await aiosqlite.connect(partial)
            try:
                await self._connection.backup(copy, pages=1000)
            finally:
                await copy.close()
            await to_thread.run_sync(_publish, partial, name)
        self._backup = name
        return str(name), False

    async def write(self, rows: Sequence[Row], changes: Mapping[Key, str | bytes]) -> Sequence[Key]:
        """Change the rows in one transaction, those that are as they were read; see `Source`."""
        if not changes:
            return []
        written: list[Key] = []
        with translated(), CancelScope(shield=True):
            await self._connection.execute("BEGIN IMMEDIATE")
            try:
                for row in rows:
                    if row.key in changes:
                        parameters = (changes[row.key], row.key, row.value)
                        cursor = await self._connection.execute(self._update, parameters)
                        if cursor.rowcount == 1:
                            written.append(row.key)
                        await cursor.close()
                await self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    await self._connection.execute("ROLLBACK")
                raise
        self._changed = self._changed or bool(written)
        return written

    async def position(self) -> int:
        """0: rows are changed in their place."""
        return 0

    async def finish(self, *, compact: bool) -> None:
        """Return free space with ``VACUUM``, which rewrites the file; see `Source`."""
        if self._backup is not None and not self._changed:
            await to_thread.run_sync(self._backup.unlink)
        elif compact:
            with CancelScope(shield=True):
                await self._all("VACUUM")
                await self._all("PRAGMA wal_checkpoint(TRUNCATE)")

    async def original(self, backup: str, key: Key) -> str | bytes | None:
        """A row of the backup; see `Source`."""
        if not await to_thread.run_sync(Path(backup).exists):
            return None
        with translated():
            connection = await _connect(Path(backup), "ro", trust_schema=self._trust_schema)
            try:
                found = list(
                    await connection.execute_fetchall(
                        f"SELECT {self._column} FROM {self._table} WHERE {self._key} = ?",  # noqa: S608
                        (key,),
                    )
                )
            finally:
                await connection.close()
        return found[0][0] if found else None

    @property
    def _update(self) -> str:
        return (
            f"UPDATE {self._table} SET {self._column} = ?"  # noqa: S608 - quoted
            f" WHERE {self._key} = ? AND {self._column} IS ?"
        )

    async def aclose(self) -> None:
        """Close the connection."""
        await self._connection.close()

    async def _all(self, statement: str, *parameters: Any) -> list[Any]:
        with translated():
            return list(await self._connection.execute_fetchall(statement, parameters))


async def _connect(path: Path, mode: str, *, trust_schema: bool) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(
        _uri(path, mode),
        uri=True,
        isolation_level=None,
        timeout=_BUSY_SECONDS,
    )
    connection.text_factory = _text
    try:
        # Before anything reads the schema.
        await connection.execute_fetchall(f"PRAGMA trusted_schema = {int(trust_schema)}")
        for pragma in _PRAGMAS:
            await connection.execute_fetchall(pragma)
    except BaseException:
        await connection.close()
        raise
    return connection


async def _key_of(
    connection: aiosqlite.Connection, table: str, column: str, key: str | None
) -> str:
    kind = list(
        await connection.execute_fetchall(
            "SELECT type, sql FROM sqlite_master WHERE name = ?", (table,)
        )
    )
    if not kind or kind[0][0] != "table":
        raise InvalidInputError(f"There is no table {table!r} in the database.")
    columns = list(await connection.execute_fetchall(f"PRAGMA table_info({quoted(table)})"))
    names = [row[1] for row in columns]
    if column not in names:
        raise InvalidInputError(f"{table!r} has no column {column!r}; it has {', '.join(names)}.")
    primary = [row[1] for row in columns if row[5]]
    if key is not None:
        if key != ROWID and key not in names:
            raise InvalidInputError(f"{table!r} has no column {key!r}; it has {', '.join(names)}.")
        await _require_unique(connection, table, key)
        return key
    if len(primary) > 1:
        raise InvalidInputError(
            f"{table!r} has a composite key ({', '.join(primary)}); name one column that is unique"
            " with --key, such as rowid."
        )
    name = primary[0] if primary else ROWID
    await _require_unique(connection, table, name)
    return name


async def _require_unique(connection: aiosqlite.Connection, table: str, key: str) -> None:
    name = ROWID if key == ROWID else quoted(key)
    try:
        found = list(
            await connection.execute_fetchall(
                f"SELECT count(*), count({name}), count(DISTINCT {name}) FROM {quoted(table)}"  # noqa: S608
            )
        )
    except sqlite3.OperationalError as error:
        if "no such column" not in str(error):
            raise
        raise InvalidInputError(
            f"{table!r} has no rowid; name a column that is unique with --key."
        ) from error
    if len(set(found[0])) > 1:
        raise InvalidInputError(
            f"{key!r} does not name every row of {table!r}: some are empty or not unique."
            " Name another column with --key, such as rowid."
        )


def _uri(path: Path, mode: str) -> str:
    """SQLite's name for a file that is not to be made."""
    return f"{path.absolute().as_uri()}?mode={mode}"


def _text(data: bytes) -> str | bytes:
    """A text that is no UTF-8, which SQLite does not mind, stays bytes."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _publish(partial: Path, name: Path) -> None:
    with partial.open("rb") as file:
        sync_file(file.fileno())
    partial.replace(name)
    sync_directory(name.parent)


@contextmanager
def translated() -> Iterator[None]:
    """Turn what SQLite raises into the project's own errors."""
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            raise StorageFullError from error
        if _UNSAFE in str(error):
            raise InvalidInputError(
                "A trigger, view, index or generated column of the database uses what SQLite does"
                f" not know to be harmless ({error}). If the database is your own, run this again"
                " with --trust-schema."
            ) from error
        raise StorageError(f"The database failed: {error}.") from error
