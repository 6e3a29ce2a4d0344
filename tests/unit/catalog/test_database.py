"""The schema's migrations, SQLite's settings, and the errors at the seam."""

import json
import sqlite3
from pathlib import Path

import anyio
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from coatcheck.errors import StorageError, StorageFullError
from coatcheck.storage.catalog import (
    Database,
    SqlCatalog,
    SqlConversationDirectory,
    SqlConversationLog,
    migrations,
)
from coatcheck.storage.catalog.database import SCHEMA_REVISION, translated
from coatcheck.storage.catalog.tables import metadata

pytestmark = pytest.mark.anyio


async def test_the_migrations_lead_to_the_schema_of_the_tables(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "catalog.sqlite3")
    await database.aclose()
    engine = create_engine(f"sqlite:///{tmp_path / 'catalog.sqlite3'}")

    def is_ours(_object: object, name: str | None, *_: object) -> bool:
        # The index is a virtual table of SQLite with tables of its own behind it.
        return name is None or not name.startswith("message_index")

    def differences() -> list[object]:
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"include_object": is_ours})
            found: list[object] = compare_metadata(context, metadata)
            return found

    assert await anyio.to_thread.run_sync(differences) == []
    engine.dispose()


async def test_what_the_first_schema_held_is_owned_by_nobody_and_found(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite3"
    reference = {"type": "media_reference", "version": 1, "id": "9188cc90", "alt": "The Sea"}
    messages: list[dict[str, object]] = [
        {"id": "u1", "role": "user", "parts": [{"type": "text", "text": "Draw a Lighthouse"}]},
        {
            "id": "a1",
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "text": "a secret thought"},
                {
                    "type": "tool-generate_image",
                    "input": {"prompt": "a tower"},
                    "output": {"data": {"imageReference": reference}},
                },
                {"type": "data-media", "data": {"state": "ready", "reference": reference}},
            ],
        },
    ]

    def write() -> None:
        engine = create_engine(f"sqlite:///{path}")
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "0001")
            connection.execute(text("INSERT INTO conversations VALUES ('c1', 'Élan', 1000, 2000)"))
            for position, message in enumerate(messages, 1):
                connection.execute(
                    text("INSERT INTO messages VALUES ('c1', :position, :id, :content, 1500)"),
                    {"position": position, "id": message["id"], "content": json.dumps(message)},
                )
        engine.dispose()

    await anyio.to_thread.run_sync(write)
    database = await Database.open(path)
    log, directory = SqlConversationLog(database), SqlConversationDirectory(database)
    assert await log.read_messages("c1") == messages
    page = await log.page_messages("c1", owner=None, before=None, limit=1)
    assert page is not None
    assert [record.content["id"] for record in page] == ["a1"]
    assert await log.page_messages("c1", owner="ada", before=None, limit=1) is None

    async def found(*terms: str) -> list[str | None]:
        matches = await directory.search(terms, owner=None, before=None, limit=9)
        return [match.content["id"] if match.content else None for match in matches]

    assert await found("lighthouse") == ["u1"]
    assert await found("tower", "sea") == ["a1"]
    assert await found("elan") == [None]
    assert await found("secret") == []
    async with database.read() as connection:
        links = (await connection.execute(text("SELECT media_id FROM message_media"))).scalars()
        assert links.all() == ["9188cc90"]
    await database.aclose()


async def test_the_bytes_of_owners_are_counted_from_the_media_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite3"
    owned = [("a", "ada"), ("a", "ada"), ("b", "ada"), ("a", None), ("c", None), ("b", "")]

    def write() -> None:
        engine = create_engine(f"sqlite:///{path}")
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "0003")
            for digest, size in (("a", 1), ("b", 20), ("c", 300), ("unowned", 4000)):
                connection.execute(
                    text(
                        "INSERT INTO blobs (digest, size, media_type) VALUES (:digest, :size, '')"
                    ),
                    {"digest": digest, "size": size},
                )
            for number, (digest, owner) in enumerate(owned):
                connection.execute(
                    text(
                        "INSERT INTO media (id, digest, owner, created_at)"
                        " VALUES (:id, :digest, :owner, 1)"
                    ),
                    {"id": str(number), "digest": digest, "owner": owner},
                )
        engine.dispose()

    await anyio.to_thread.run_sync(write)
    catalog = SqlCatalog(await Database.open(path))
    assert await catalog.owner_bytes("ada") == 21
    assert await catalog.owner_bytes(None) == 301
    assert await catalog.owner_bytes("") == 20
    for number in range(len(owned)):
        async with catalog.transaction() as transaction:
            await transaction.remove_media(str(number))
    for owner in ("ada", None, ""):
        assert await catalog.owner_bytes(owner) == 0
    await catalog.aclose()


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
