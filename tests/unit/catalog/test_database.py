"""The schema's migrations, SQLite's settings, and the errors at the seam."""

import json
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from coatcheck.errors import NotFoundError, StorageError, StorageFullError
from coatcheck.opening import open_store
from coatcheck.ports import NewMedia, Schema
from coatcheck.storage.catalog import Database, SqlCatalog, migrations
from coatcheck.storage.catalog.database import translated
from coatcheck.storage.catalog.schema import MEDIA
from coatcheck_chat.history.participant import CHAT, ChatHistory
from coatcheck_chat.history.sql_directory import SqlConversationDirectory
from coatcheck_chat.history.sql_log import SqlConversationLog

pytestmark = pytest.mark.anyio


SINGLE = Path(migrations.__file__).parent / "single" / "versions"


def differences(path: Path) -> list[object]:
    """What the tables of both schemas and those of a database do not have in common."""

    def is_ours(_object: object, name: str | None, *_: object) -> bool:
        # The index is a virtual table of SQLite with tables of its own behind it.
        return name is None or not name.startswith(("message_index", "alembic_version"))

    engine = create_engine(f"sqlite:///{path}")
    both = MetaData()
    for schema in (MEDIA, CHAT):
        for table in schema.metadata.tables.values():
            table.to_metadata(both)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": is_ours})
        found: list[object] = compare_metadata(context, both)
    engine.dispose()
    return found


def upgrade_single(connection: Connection, revision: str) -> None:
    """Make the database that an earlier version made, with one schema for media and chat."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(SINGLE))
    config.attributes["connection"] = connection
    config.attributes["metadata"] = MetaData()
    config.attributes["version_table"] = "alembic_version"
    command.upgrade(config, revision)


async def test_the_migrations_lead_to_the_schemas_of_the_tables(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite3"
    database = await Database.open(path, [CHAT])
    await database.aclose()
    assert await anyio.to_thread.run_sync(differences, path) == []


async def test_the_library_by_itself_makes_no_table_of_the_chat(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "catalog.sqlite3")
    async with database.read() as connection:
        names = set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))
    assert names == {*MEDIA.metadata.tables, MEDIA.version_table}
    await database.aclose()


def rows_of(path: Path, *names: str) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(path)) as connection:
        return {
            name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in names
        }


@pytest.mark.parametrize("alone_first", [False, True])
async def test_a_database_of_the_single_schema_keeps_every_row(
    tmp_path: Path, *, alone_first: bool
) -> None:
    path = tmp_path / "catalog.sqlite3"
    kept = ("blobs", "variants", "media", "owners", "tombstones", "conversations", "messages")
    script = """
        INSERT INTO blobs VALUES ('d1', 5, 'a/a', 1, 1, 1, 'x'), ('d2', 6, 'a/b', 1, 1, 1, 'y');
        INSERT INTO variants VALUES ('d1', 'thumbnail', 'd3', 1, 'image/webp', 1, 1);
        INSERT INTO media VALUES ('m1', 'd1', 'n', 'a', 'ada', 'c1', 1), ('m2', 'd2', '', '', NULL,
            NULL, 2);
        INSERT INTO owners VALUES ('=ada', 5), ('', 6);
        INSERT INTO tombstones VALUES ('d9');
        INSERT INTO conversations VALUES ('c1', 'T', 1, 2, 't', 'ada', NULL), ('c2', 'U', 1, 2, 'u',
            NULL, 9);
        INSERT INTO messages VALUES (7, 'c1', 1, 'u1', '{"id": "u1"}', 'a lamp', 3),
            (8, 'c1', 2, 'a1', '{"id": "a1"}', 'a tower', 4), (9, 'c2', 1, 'u2', '{"id": "u2"}',
            'a heron', 5);
        INSERT INTO message_media VALUES (7, 'm1'), (8, 'm1'), (9, 'm2'), (9, 'gone');
    """

    def write() -> None:
        engine = create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            upgrade_single(connection, "head")
        engine.dispose()
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(script)

    await anyio.to_thread.run_sync(write)
    before = rows_of(path, *kept)
    # None of them is opaque or reused.
    before["media"] = [(*row, None, None) for row in before["media"]]
    if alone_first:  # as `coatcheck verify` opens it, which has no part of the chat
        database = await Database.open(path)
        await database.aclose()
    for _ in range(2):
        database = await Database.open(path, [CHAT])
        await database.aclose()
    assert rows_of(path, *kept) == before
    assert rows_of(path, "holders")["holders"] == [
        ("c1", "a1", "m1", "ada"),
        ("c1", "u1", "m1", "ada"),
        ("c2", "u2", "gone", None),
        ("c2", "u2", "m2", None),
    ]
    assert await anyio.to_thread.run_sync(differences, path) == []
    catalog = SqlCatalog(await Database.open(path, [CHAT]), [ChatHistory()])
    (listed,) = await catalog.list_media(owner="ada", before=None, limit=9)
    assert (listed.reference.id, listed.holder) == ("m1", "u1")
    assert await catalog.list_media(owner=None, before=None, limit=9) == []
    found = await SqlConversationDirectory(catalog).search(
        ("tower",), owner=None, before=None, limit=9
    )
    assert [one.content for one in found] == [{"id": "a1"}]
    await catalog.aclose()


async def test_a_database_of_the_first_revision_keeps_its_media_and_reuses_new_ones(
    tmp_path: Path,
) -> None:
    path = tmp_path / "catalog.sqlite3"

    def write() -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", str(MEDIA.migrations))
        engine = create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            config.attributes["metadata"] = MetaData()
            config.attributes["version_table"] = MEDIA.version_table
            command.upgrade(config, "0001")
            connection.execute(text("INSERT INTO blobs VALUES ('d1', 5, 'a/a', 1, 1, 1, 'x')"))
            for one in ("m1", "m2"):
                statement = "INSERT INTO media VALUES (:id, 'd1', 'n', 'a', 'ada', NULL, 1)"
                connection.execute(text(statement), {"id": one})
            connection.execute(text("INSERT INTO owners VALUES ('=ada', 5)"))
        engine.dispose()

    await anyio.to_thread.run_sync(write)
    catalog = SqlCatalog(await Database.open(path))
    new = NewMedia(id="m3", created_at=datetime.now(UTC), owner="ada", reuse=True)
    for _ in range(2):
        async with catalog.transaction() as transaction:
            assert (await transaction.add_media(new, "d1")).reference.id == "m3"
    assert set(await catalog.find_many(["m1", "m2", "m3"])) == {"m1", "m2", "m3"}
    assert await catalog.owner_bytes("ada") == 5
    await catalog.aclose()


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
        with engine.begin() as connection:
            upgrade_single(connection, "0001")
            connection.execute(text("INSERT INTO conversations VALUES ('c1', 'Élan', 1000, 2000)"))
            for position, message in enumerate(messages, 1):
                connection.execute(
                    text("INSERT INTO messages VALUES ('c1', :position, :id, :content, 1500)"),
                    {"position": position, "id": message["id"], "content": json.dumps(message)},
                )
        engine.dispose()

    await anyio.to_thread.run_sync(write)
    database = await Database.open(path, [CHAT])
    catalog = SqlCatalog(database)
    log, directory = SqlConversationLog(catalog), SqlConversationDirectory(catalog)
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
        links = (await connection.execute(text("SELECT media_id FROM holders"))).scalars()
        assert links.all() == ["9188cc90"]
    await database.aclose()


async def test_the_bytes_of_owners_are_counted_from_the_media_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite3"
    owned = [("a", "ada"), ("a", "ada"), ("b", "ada"), ("a", None), ("c", None), ("b", "")]

    def write() -> None:
        engine = create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            upgrade_single(connection, "0003")
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


@pytest.mark.parametrize("schema", [MEDIA, CHAT], ids=lambda schema: schema.name)
async def test_the_named_revision_is_the_newest_migration(schema: Schema) -> None:
    script = ScriptDirectory(
        str(Path(migrations.__file__).parent), version_locations=[str(schema.migrations)]
    )
    assert script.get_current_head() == schema.revision


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
    for table in ("alembic_version", MEDIA.version_table, CHAT.version_table):
        newer = tmp_path / f"{table}.sqlite3"
        with sqlite3.connect(newer) as connection:
            connection.execute(f"CREATE TABLE {table} (version_num VARCHAR(32) NOT NULL)")
            connection.execute(f"INSERT INTO {table} VALUES ('9999')")
        connection.close()
        with pytest.raises(StorageError, match="newer version"):
            await Database.open(newer, [CHAT])


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


async def test_a_transaction_within_a_transaction_is_refused_and_nothing_is_kept(
    tmp_path: Path,
) -> None:
    async with open_store(tmp_path) as store:
        with anyio.fail_after(20):
            with pytest.raises(StorageError, match="open in this task already"):
                async with store.transaction() as transaction:
                    await transaction.hold("c", "m", [], owner=None)
                    await store.put(b"a text")
            assert list(await store.list_media()) == []
            reference = await store.put(b"a text")  # the next one is a transaction like any other
            async with anyio.create_task_group() as tasks, store.transaction():
                tasks.start_soon(store.delete, reference.id)  # another task waits for its turn
            with pytest.raises(NotFoundError):
                await store.get(reference.id)


APPLICATION = """
import asyncio, logging, sys
logging.basicConfig(level=logging.INFO, stream=sys.stdout)
from coatcheck import open_store

async def main():
    async with open_store(sys.argv[1]):
        pass
    logging.getLogger("alembic.runtime.migration").info("of the application")

asyncio.run(main())
"""


async def test_opening_writes_nothing_into_the_log_of_the_application(tmp_path: Path) -> None:
    # A process of its own: some of it is said when Alembic is imported.
    done = await anyio.run_process([sys.executable, "-c", APPLICATION, str(tmp_path)])
    assert done.stdout.decode() == "INFO:alembic.runtime.migration:of the application\n"
