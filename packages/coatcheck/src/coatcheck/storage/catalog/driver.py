"""aiosqlite with one trip to a connection's thread for each statement, where it takes four.

aiosqlite makes a cursor, executes, fetches and closes the cursor in four trips. A trip costs about
as much processor time as a short statement, and all that a put runs are short.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final

import aiosqlite

_ROWS_AHEAD: Final = 1000
"""Rows that come along with the statement; a statement with more of them is read on by trips."""


def connect(path: Path) -> Callable[..., Awaitable[aiosqlite.Connection]]:
    """Return what opens connections to the file at `path`, for SQLAlchemy's ``async_creator``."""

    async def open_connection(*_arguments: object, **_options: object) -> aiosqlite.Connection:
        # Cursors are allocated on the event loop; what they do, they do in the connection's thread.
        connector = partial(sqlite3.connect, path, check_same_thread=False)
        connection = _Connection(connector, _ROWS_AHEAD)
        # A process that ends without closing its store ends nevertheless.
        connection._thread.daemon = True  # noqa: SLF001 - as SQLAlchemy does for its own
        return await connection

    return open_connection


class _Connection(aiosqlite.Connection):
    def cursor(self) -> Any:  # SQLAlchemy enters what this returns; no trip is needed for that
        return _Cursor(self, self._conn.cursor())


class _Cursor(aiosqlite.Cursor):
    """Executes and fetches in one trip, if there are at most `_ROWS_AHEAD` rows."""

    def __init__(self, connection: aiosqlite.Connection, cursor: sqlite3.Cursor) -> None:
        super().__init__(connection, cursor)
        self._ahead: list[Any] = []
        self._is_over = False

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> "_Cursor":
        parameters = () if parameters is None else parameters
        await self._execute(self._run, sql, parameters)  # type: ignore[no-untyped-call]
        return self

    async def fetchall(self) -> list[Any]:
        rows, self._ahead = self._ahead, []
        return rows if self._is_over else [*rows, *await super().fetchall()]

    async def fetchmany(self, size: int | None = None) -> Iterable[Any]:
        count = self.arraysize if size is None else size
        if self._ahead or self._is_over:
            rows, self._ahead = self._ahead[:count], self._ahead[count:]
            return rows
        return await super().fetchmany(count)

    async def fetchone(self) -> Any:
        return next(iter(await self.fetchmany(1)), None)

    async def close(self) -> None:
        if not self._is_over:
            await super().close()

    def _run(self, sql: str, parameters: Any) -> None:
        self._cursor.execute(sql, parameters)
        self._ahead = self._cursor.fetchmany(_ROWS_AHEAD)
        # With its last row read, a statement holds nothing more.
        self._is_over = len(self._ahead) < _ROWS_AHEAD
