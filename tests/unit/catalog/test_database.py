"""The schema's migrations, SQLite's settings, and the errors at the seam."""

import sqlite3
from pathlib import Path

import anyio
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from coatcheck.catalog import Database, SqlConversationLog, migrations
from coatcheck.catalog.database import SCHEMA_REVISION, translated
from coatcheck.catalog.tables import metadata
from coatcheck.errors import StorageError, StorageFullError

pytestmark = pytest.mark.anyio


async def test_the_migrations_lead_to_the_schema_of_the_tables(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "catalog.sqlite3")
    await database.aclose()
    engine = create_engine(f"sqlite:///{tmp_path / 'catalog.sqlite3'}")

    def differences() -> list[object]:
        with engine.connect() as connection:
            found: list[object] = compare_metadata(MigrationContext.configure(connection), metadata)
            return found

    assert await anyio.to_thread.run_sync(differences) == []
    engine.dispose()


async def test_the_named_revision_is_the_newest_migration() -> None:
    script = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert script.get_current_head() == SCHEMA_REVISION


async def test_a_commit_survives_a_power_cut_and_readers_do_not_block(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "catalog.sqlite3")
    async with database.read() as connection:
        assert await connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert await connection.scalar(text("PRAGMA synchronous")) == 2  # FULL
        assert await connection.scalar(text("PRAGMA foreign_keys")) == 1
        assert await connection.scalar(text("PRAGMA busy_timeout")) == 10_000
    await database.aclose()


async def test_opening_again_and_at_once_is_harmless(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite3"

    async def open_and_close() -> None:
        database = await Database.open(path)
        await database.aclose()

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(open_and_close)
    await open_and_close()


async def test_a_file_that_is_no_database_and_a_newer_schema_are_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.sqlite3"
    broken.write_bytes(b"no database at all, but rather long" * 100)
    with pytest.raises(StorageError, match="not a database"):
        await Database.open(broken)
    newer = tmp_path / "newer.sqlite3"
    with sqlite3.connect(newer) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    connection.close()
    with pytest.raises(StorageError, match="newer version"):
        await Database.open(newer)


async def test_a_failure_of_sql_is_an_error_of_the_tree_and_repeats_no_parameters(
    tmp_path: Path,
) -> None:
    database = await Database.open(tmp_path / "catalog.sqlite3")
    with pytest.raises(StorageError) as caught:
        async with database.write() as connection:
            await connection.execute(
                text("INSERT INTO missing VALUES (:secret)"), {"secret": "confidential"}
            )
    assert "confidential" not in caught.value.message
    await database.aclose()


def test_every_foreign_error_is_translated() -> None:
    with pytest.raises(StorageError), translated():
        raise SQLAlchemyError("anything")
    with pytest.raises(StorageError), translated():
        raise OSError(13, "Permission denied")
    with pytest.raises(StorageFullError), translated():
        from sqlalchemy.exc import OperationalError  # noqa: PLC0415 - beside its use

        raise OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))


async def test_messages_keep_their_order_and_a_known_id_is_replaced_in_place(
    tmp_path: Path,
) -> None:
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415 - for this test alone

    database = await Database.open(tmp_path / "catalog.sqlite3")
    log = SqlConversationLog(database)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert await log.read_messages("a") is None
    for number in range(3):
        await log.append_message(
            "a",
            {"id": f"m{number}", "text": str(number)},
            title=f"title {number}",
            at=start + timedelta(seconds=number),
        )
    await log.append_message("b", {"id": "m0"}, title="b", at=start + timedelta(seconds=1))
    await log.append_message(
        "a", {"id": "m1", "text": "again"}, title="x", at=start + timedelta(seconds=9)
    )
    messages = await log.read_messages("a")
    assert messages is not None
    assert [message["text"] for message in messages] == ["0", "again", "2"]
    listed = await log.list_conversations(limit=10)
    assert [(one.id, one.title) for one in listed] == [("a", "title 0"), ("b", "b")]
    assert len(await log.list_conversations(limit=1)) == 1
    await database.aclose()
