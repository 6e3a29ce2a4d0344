"""A history in a column of a PostgreSQL table, rewritten in its place."""

import re
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Self

from anyio import CancelScope

from coatcheck.errors import ConfigurationError, InvalidInputError, StorageError, StorageFullError
from coatcheck.migration.batching import batched
from coatcheck.migration.quoting import quoted
from coatcheck.migration.source import BatchLimits, Checkpoint, Key, Row

try:
    import asyncpg
except ImportError as error:
    raise ConfigurationError(
        "A history in PostgreSQL needs 'asyncpg'."
        " Install it with: pip install 'coatcheck[postgresql]'"
    ) from error

_DRIVER: Final = re.compile(r"^postgres(?:ql)?(?:\+asyncpg)?://")
_TYPES: Final = frozenset({"text", "character varying", "json", "jsonb", "character"})
_DISK_FULL: Final = "53100"

_COLUMNS: Final = """
    SELECT attname AS name, format_type(atttypid, NULL) AS type,
           format_type(atttypid, atttypmod) AS full_type
    FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
"""
# Columns of unique indexes without a condition that have one column; the primary key's first.
_UNIQUE: Final = """
    SELECT attname AS name, indisprimary AS is_primary, indnkeyatts AS width,
           attnotnull AS is_filled
    FROM pg_index
    JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
    WHERE indrelid = to_regclass($1) AND indisunique AND indpred IS NULL AND indisvalid
    ORDER BY indisprimary DESC, attnum
"""


class PostgresSource:
    """A `Source` in a column of a table; `open` makes one.

    Before a row is changed, its original goes into a table of its own, in the same transaction.
    """

    def __init__(
        self,
        connection: Any,
        limits: BatchLimits,
        *,
        table: str,
        column: tuple[str, str],
        key: tuple[str, str],
    ) -> None:
        self._connection = connection
        self._limits = limits
        self._name = table
        self._table = qualified(table)
        self._column, self._type = quoted(column[0]), column[1]
        self._key, self._key_type = quoted(key[0]), key[1]
        self._backup = ""
        self._is_new_backup = False
        self._changed = False

    @classmethod
    async def open(
        cls, url: str, limits: BatchLimits, *, table: str, column: str, key: str | None
    ) -> Self:
        """Connect to a database.

        Args:
            url: ``postgresql://…``.
            limits: of a batch.
            table: a table, perhaps with its schema: ``chat.messages``.
            column: one of its columns, of a type of text or JSON.
            key: a unique column; by default the primary key.

        Raises:
            InvalidInputError: there is no such table or column, or nothing that names its rows.
            StorageError: the server does not answer.
        """
        with translated():
            connection = await asyncpg.connect(_DRIVER.sub("postgresql://", url))
            try:
                types = await _types(connection, table)
                named = await _key_of(connection, table, key)
                _require_columns(types, table, column, named)
            except BaseException:
                await connection.close()
                raise
        return cls(
            connection,
            limits,
            table=table,
            column=(column, types[column][1]),
            key=(named, types[named][1]),
        )

    async def count(self) -> int:
        """How many rows there are."""
        return int((await self._all(f"SELECT count(*) FROM {self._table}"))[0][0])  # noqa: S608 - quoted

    async def size(self) -> int:
        """Bytes of the table with its indexes and what is stored beside it."""
        found = await self._all("SELECT pg_total_relation_size(to_regclass($1))", self._table)
        return int(found[0][0])

    async def batches(self, after: Key | None = None) -> AsyncGenerator[Sequence[Row]]:
        """Rows in the order of their keys; see `Source`."""
        key, column = self._key, self._column
        last: Any = None
        if after is not None:
            last = (await self._all(f"SELECT $1::text::{self._key_type}", str(after)))[0][0]
        while True:
            condition = "" if last is None else f"AND {key} > $1"
            lengths = await self._all(
                f"SELECT {key}, octet_length({column}::text) FROM {self._table}"  # noqa: S608 - quoted
                f" WHERE {column} IS NOT NULL {condition} ORDER BY {key} LIMIT {self._limits.rows}",
                *([] if last is None else [last]),
            )
            for keys in batched(map(tuple, lengths), self._limits.size):
                found = await self._all(
                    f"SELECT {key}, {column}::text FROM {self._table}"  # noqa: S608 - quoted
                    f" WHERE {key} = ANY ($1) AND {column} IS NOT NULL ORDER BY {key}",
                    keys,
                )
                if found:
                    yield [Row(_key(row[0]), row[1]) for row in found]
            if len(lengths) < self._limits.rows:
                return
            last = lengths[-1][0]

    async def begin(self, backup: str | None, checkpoint: Checkpoint | None) -> tuple[str, bool]:
        """Make the table for originals; see `Source`."""
        if backup is not None and await self._exists(backup):
            self._backup = backup
            return backup, checkpoint is not None
        number = 1
        while await self._exists(name := f"{self._name}_before_coatcheck_{number}"):
            number += 1
        await self._all(
            f"CREATE TABLE {qualified(name)} (key {self._key_type} PRIMARY KEY, value {self._type})"
        )
        self._backup, self._is_new_backup = name, True
        return name, False

    async def write(self, rows: Sequence[Row], changes: Mapping[Key, str | bytes]) -> Sequence[Key]:
        """Keep the originals and change the rows in one transaction; see `Source`."""
        keep = (
            f"INSERT INTO {qualified(self._backup)} SELECT {self._key}, {self._column}"  # noqa: S608
            f" FROM {self._table} WHERE {self._key} = $1::text::{self._key_type}"
            f" AND {self._column}::text = $2 ON CONFLICT DO NOTHING"
        )
        change = (
            f"UPDATE {self._table} SET {self._column} = $3::text::{self._type}"  # noqa: S608
            f" WHERE {self._key} = $1::text::{self._key_type} AND {self._column}::text = $2"
        )
        written: list[Key] = []
        with translated(), CancelScope(shield=True):
            async with self._connection.transaction():
                for row in rows:
                    if row.key in changes:
                        about = (str(row.key), row.value)
                        await self._connection.execute(keep, *about)
                        done = await self._connection.execute(change, *about, changes[row.key])
                        if done == "UPDATE 1":
                            written.append(row.key)
        self._changed = self._changed or bool(written)
        return written

    async def position(self) -> int:
        """0: rows are changed in their place."""
        return 0

    async def finish(self, *, compact: bool) -> None:
        """Make the room usable again with ``VACUUM``; see `Source`.

        It does not lock the table. ``VACUUM FULL`` does, and gives the room back to the disk: that
        is for the operator of the database to decide.
        """
        if self._is_new_backup and not self._changed:
            await self._all(f"DROP TABLE {qualified(self._backup)}")
        if self._changed and compact:
            with CancelScope(shield=True):
                await self._all(f"VACUUM (ANALYZE) {self._table}")

    async def original(self, backup: str, key: Key) -> str | None:
        """A row as it was; see `Source`."""
        if not await self._exists(backup):
            return None
        found = await self._all(
            f"SELECT value::text FROM {qualified(backup)}"  # noqa: S608 - quoted
            f" WHERE key = $1::text::{self._key_type}",
            str(key),
        )
        return str(found[0][0]) if found else None

    async def aclose(self) -> None:
        """Close the connection."""
        with translated():
            await self._connection.close()

    async def _exists(self, table: str) -> bool:
        found = await self._all("SELECT to_regclass($1) IS NOT NULL", qualified(table))
        return bool(found[0][0])

    async def _all(self, statement: str, *parameters: Any) -> list[Any]:
        with translated():
            return list(await self._connection.fetch(statement, *parameters))


def qualified(table: str) -> str:
    """A table's name in SQL, perhaps with its schema before a full stop."""
    return ".".join(quoted(part) for part in table.split(".", 1))


def _key(value: Any) -> Key:
    return value if isinstance(value, int | str) else str(value)


async def _types(connection: Any, table: str) -> dict[str, tuple[str, str]]:
    found = await connection.fetch(_COLUMNS, qualified(table))
    if not found:
        raise InvalidInputError(f"There is no table {table!r} in the database.")
    return {row["name"]: (row["type"], row["full_type"]) for row in found}


def _require_columns(
    types: Mapping[str, tuple[str, str]], table: str, column: str, key: str
) -> None:
    for name in (column, key):
        if name not in types:
            raise InvalidInputError(f"{table!r} has no column {name!r}; it has {', '.join(types)}.")
    if types[column][0] not in _TYPES:
        raise InvalidInputError(
            f"{column!r} is of the type {types[column][0]}, not of text or JSON."
        )


async def _key_of(connection: Any, table: str, key: str | None) -> str:
    indexes = await connection.fetch(_UNIQUE, qualified(table))
    single = [row["name"] for row in indexes if row["width"] == 1 and row["is_filled"]]
    if key is not None:
        if key not in single:
            raise InvalidInputError(
                f"{key!r} does not name every row of {table!r}: it is not unique and NOT NULL."
            )
        return key
    primary = [row["name"] for row in indexes if row["is_primary"]]
    if len(primary) > 1:
        raise InvalidInputError(
            f"{table!r} has a composite key ({', '.join(primary)}); name one column that is unique"
            " with --key."
        )
    if not primary:
        raise InvalidInputError(
            f"{table!r} has no primary key; name a column that is unique with --key."
        )
    return str(primary[0])


@contextmanager
def translated() -> Iterator[None]:
    """Turn what asyncpg raises into the project's own errors."""
    try:
        yield
    except asyncpg.PostgresError as error:
        if error.sqlstate == _DISK_FULL:
            raise StorageFullError from error
        raise StorageError(f"The database failed: {error}.") from error
    except (asyncpg.InterfaceError, OSError) as error:
        raise StorageError(f"The database does not answer: {error}.") from error
