"""One trip to a connection's thread for each statement, and no more rows in memory than that."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from coatcheck.storage.catalog.driver import _ROWS_AHEAD, _Connection, _Cursor, connect

pytestmark = pytest.mark.anyio

NUMBERS = text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)"
    " SELECT i FROM n WHERE :count > 0"
)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    path = tmp_path / "test.sqlite3"
    opened = create_async_engine(f"sqlite+aiosqlite:///{path}", async_creator=connect(path))
    yield opened
    await opened.dispose()


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[Callable[..., object]]:
    made: list[Callable[..., object]] = []
    execute = _Connection._execute

    async def counted(
        self: _Connection, function: Callable[..., Any], *arguments: Any, **options: Any
    ) -> Any:
        made.append(function)
        return await execute(self, function, *arguments, **options)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(_Connection, "_execute", counted)
    return made


async def test_a_statement_takes_one_trip(
    engine: AsyncEngine, trips: list[Callable[..., object]]
) -> None:
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
        trips.clear()
        rows = (await connection.execute(NUMBERS, {"count": 100})).scalars().all()
        assert rows == list(range(1, 101))
        assert len(trips) == 1


@pytest.mark.parametrize("count", [0, 1, _ROWS_AHEAD - 1, _ROWS_AHEAD, _ROWS_AHEAD + 1, 5000])
async def test_every_row_comes_once_and_in_order(engine: AsyncEngine, count: int) -> None:
    expected = list(range(1, count + 1))
    async with engine.connect() as connection:
        assert (await connection.execute(NUMBERS, {"count": count})).scalars().all() == expected
        streamed = await connection.stream(NUMBERS, {"count": count})
        assert [row.i async for row in streamed] == expected
        first = (await connection.execute(NUMBERS, {"count": count})).first()
        assert first == ((1,) if count else None)


async def test_a_stream_reads_on_only_when_it_is_asked_to(
    engine: AsyncEngine, trips: list[Callable[..., object]]
) -> None:
    async with engine.connect() as connection:
        async with connection.stream(NUMBERS, {"count": 10**9}) as streamed:
            assert [row.i async for row, _ in _some(streamed, 2500)] == list(range(1, 2501))
        assert len(trips) < 50
        # What was left of it is closed: the next statement is not in its way.
        assert await connection.scalar(text("SELECT 7")) == 7


async def _some(rows: Any, count: int) -> AsyncIterator[tuple[Any, int]]:
    number = 0
    async for row in rows:
        number += 1
        yield row, number
        if number == count:
            return


async def test_rows_that_were_changed_are_counted_and_errors_are_the_driver_s(
    engine: AsyncEngine,
) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE t (i INTEGER PRIMARY KEY)"))
        inserted = text("INSERT INTO t VALUES (:i)")
        await connection.execute(inserted, [{"i": number} for number in range(10)])
        removed = await connection.execute(text("DELETE FROM t WHERE i < 4"))
        assert removed.rowcount == 4
        returned = await connection.execute(text("DELETE FROM t WHERE i < 6 RETURNING i"))
        assert returned.scalars().all() == [4, 5]
        with pytest.raises(IntegrityError) as raised:
            await connection.execute(inserted, {"i": 9})
        assert isinstance(raised.value.orig, sqlite3.IntegrityError)
        assert await connection.scalar(text("SELECT count(*) FROM t")) == 4


async def test_rows_are_fetched_one_by_one_too(tmp_path: Path) -> None:
    connection = await connect(tmp_path / "test.sqlite3")()
    cursor: _Cursor = connection.cursor()  # type: ignore[assignment]
    await cursor.execute("SELECT 1 UNION SELECT 2")
    assert [await cursor.fetchone() for _ in range(3)] == [(1,), (2,), None]
    await cursor.close()
    await connection.close()
