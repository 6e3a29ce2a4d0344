"""The database behind the catalog and its participants: engine, transactions and errors."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Self

import msgspec
from anyio import CancelScope, to_thread
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from coatcheck.errors import StorageError, StorageFullError
from coatcheck.ports import Schema
from coatcheck.storage.catalog.driver import connect
from coatcheck.storage.catalog.migrating import check_apart, migrate
from coatcheck.storage.catalog.schema import MEDIA

BUSY_TIMEOUT_SECONDS: Final = 10
"""How long a writer waits for another process's transaction before it gives up."""

_WRITES: Final = "coatcheck_writes"


class Database:
    """A SQLite file in WAL mode whose commits survive a power cut.

    Reads run beside each other and beside the one writer. Write transactions queue up within the
    process and take SQLite's write lock from their first statement, so that none of them fails in
    the middle because another process wrote meanwhile. Both are short and not interrupted by a
    cancellation, which would leave a connection in an unknown state.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writer = asyncio.Lock()
        self._writing: asyncio.Task[Any] | None = None

    @classmethod
    async def open(cls, path: Path, schemas: Sequence[Schema] = ()) -> Self:
        """Open the file, making it or bringing its schemas up to date.

        Args:
            path: the file.
            schemas: what it holds besides the store's own schema.

        Raises:
            StorageError: the file cannot be opened, or is of a newer version of Coatcheck.
            ConfigurationError: two schemas have the same name, or a table of the same name.
        """
        every = (MEDIA, *schemas)
        check_apart(every)
        with translated():
            engine = await to_thread.run_sync(_open_engine, path, every)
        return cls(engine)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection whose statements see one state of the database."""
        with translated(), CancelScope(shield=True):
            async with self._engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A write transaction: commits unless an exception leaves its context.

        Raises:
            StorageError: this task has one open already, for whose end it would wait for ever.
        """
        task = asyncio.current_task()
        if self._writing is task:
            raise StorageError(
                "A write transaction is open in this task already. Within transaction() use what it"
                " gives; call the store's own methods that write before or after it."
            )
        with translated():
            async with self._writer:
                self._writing = task
                try:
                    with CancelScope(shield=True):
                        async with self._engine.connect() as connection:
                            await connection.execution_options(**{_WRITES: True})
                            async with connection.begin():
                                yield connection
                finally:
                    self._writing = None

    async def aclose(self) -> None:
        """Close every connection."""
        with translated():
            await self._engine.dispose()


def _open_engine(path: Path, schemas: Sequence[Schema]) -> AsyncEngine:
    _migrate(path, schemas)
    # A message of an old history may have megabytes: they are parsed on the event loop.
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}",
        async_creator=connect(path),
        json_deserializer=msgspec.json.decode,
    )
    _prepare(engine.sync_engine)
    return engine


def _prepare(engine: Engine) -> None:
    """Set up each connection, and say BEGIN ourselves: the driver's own comes too late."""

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")  # NORMAL loses acknowledged commits in WAL mode
        cursor.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone stops at the drive's cache
        cursor.execute("PRAGMA checkpoint_fullfsync = ON")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(path: Path, schemas: Sequence[Schema]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}", execution_options={_WRITES: True})
    _prepare(engine)
    try:
        # One write transaction: a second process that starts meanwhile waits, then finds it done.
        with engine.begin() as connection:
            migrate(connection, schemas)
    finally:
        engine.dispose()


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn what SQLAlchemy, Alembic and SQLite raise into the project's own errors."""
    try:
        yield
    except DBAPIError as error:
        # The driver's text alone: SQLAlchemy's own repeats the statement and its parameters.
        reason = str(error.orig)
        if "full" in reason:
            raise StorageFullError from error
        raise StorageError(f"The catalog failed: {reason}.") from error
    except SQLAlchemyError as error:
        raise StorageError(f"The catalog failed: {type(error).__name__}.") from error
    except OSError as error:
        raise StorageError(f"The catalog cannot be opened: {error.strerror}.") from error
