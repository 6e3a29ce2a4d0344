"""From what a command line says to a history."""

import re
from importlib import import_module
from pathlib import Path
from typing import Final

from anyio import to_thread

from coatcheck.errors import InvalidInputError
from coatcheck.migration.jsonl import JsonlSource
from coatcheck.migration.source import DEFAULT_LIMITS, BatchLimits, Source
from coatcheck.migration.sqlite import SqliteSource

_SQLITE: Final = re.compile(r"sqlite(?:\+aiosqlite)?:///(?P<path>.+)")
_POSTGRES: Final = re.compile(r"postgres(?:ql)?(?:\+asyncpg)?://")
_MAGIC: Final = b"SQLite format 3\0"


async def open_source(
    source: str,
    *,
    table: str | None = None,
    column: str | None = None,
    key: str | None = None,
    trust_schema: bool = False,
    limits: BatchLimits = DEFAULT_LIMITS,
) -> Source:
    """Open a history.

    Args:
        source: the path of a JSONL file or of a SQLite database, ``sqlite:///path``, or the URL of
            a PostgreSQL database.
        table: a table of the database.
        column: its column with the history.
        key: a column that names rows; found out where it is None.
        trust_schema: of a SQLite database; see `SqliteSource.open`.
        limits: of a batch.

    Raises:
        InvalidInputError: there is no such history, or the table or column is missing.
        ConfigurationError: the package for PostgreSQL is not installed.
        StorageError: it cannot be opened.
    """
    if _POSTGRES.match(source):
        _require_sqlite(trust_schema=trust_schema)
        # Only now, because asyncpg is an extra.
        postgres = await to_thread.run_sync(import_module, "coatcheck.migration.postgres")
        opened: Source = await postgres.PostgresSource.open(
            source, limits, **_named(table, column), key=key
        )
        return opened
    match = _SQLITE.fullmatch(source)
    path = Path(match["path"] if match else source)
    head = await to_thread.run_sync(_head, path)
    if match is not None or head == _MAGIC:
        return await SqliteSource.open(
            path, limits, **_named(table, column), key=key, trust_schema=trust_schema
        )
    _require_sqlite(trust_schema=trust_schema)
    if table is not None or column is not None or key is not None:
        raise InvalidInputError("--table, --column and --key are for databases; this is a file.")
    return JsonlSource(path, limits)


def log_path(source: str) -> Path:
    """Where the log of a migration is, unless another place is asked for: beside the history."""
    if _POSTGRES.match(source):
        name = re.sub(r"\W+", "-", source.rpartition("/")[2].partition("?")[0]) or "postgresql"
        return Path(f"{name}.coatcheck-log.jsonl")
    match = _SQLITE.fullmatch(source)
    path = Path(match["path"] if match else source)
    return path.with_name(path.name + ".coatcheck-log.jsonl")


def sqlite_path(source: str) -> Path | None:
    """The file of a source that is no URL of a server; None for one that is."""
    if _POSTGRES.match(source):
        return None
    match = _SQLITE.fullmatch(source)
    return Path(match["path"] if match else source)


def _named(table: str | None, column: str | None) -> dict[str, str]:
    if table is None or column is None:
        raise InvalidInputError("A database needs --table and --column: where the history is.")
    return {"table": table, "column": column}


def _require_sqlite(*, trust_schema: bool) -> None:
    if trust_schema:
        raise InvalidInputError("--trust-schema is for SQLite databases; this is none.")


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC))
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror}.") from error
