"""A history in a real PostgreSQL server."""

import base64
import hashlib
import json
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from blockbuster import BlockBuster

from coatcheck.errors import InvalidInputError, StorageError
from coatcheck.migration.log import MigrationLog
from coatcheck.migration.opening import open_source
from coatcheck.migration.rewrite import Walk, rewrite, scan
from coatcheck.migration.verify import verify
from coatcheck.store import MediaStore
from tests.legacy import formatted
from tests.media import png_bytes

with warnings.catch_warnings():  # where no XDG_RUNTIME_DIR is, it is content with another place
    warnings.simplefilter("ignore")
    import pgserver

pytestmark = pytest.mark.anyio

TABLE = 'chat"s'


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    # As root the server runs as another user, who cannot enter pytest's own directories.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        server = pgserver.get_server(Path(directory) / "data")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@pytest.fixture(autouse=True)
def _asyncpg_may_read_its_password_file(_no_blocking_calls: BlockBuster) -> None:
    for name in ("os.stat", "os.path.abspath"):
        _no_blocking_calls.functions[name].can_block_in(
            "asyncpg/connect_utils.py", "_parse_connect_dsn_and_args"
        )


@pytest.fixture
async def database(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    yield connection
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await connection.close()


def picture(index: int) -> bytes:
    return png_bytes(400, 300, index)


def legacy(index: int) -> str:
    data = base64.b64encode(picture(index)).decode()
    return json.dumps({"output": formatted({"imageData": data, "prompt": "x"})})


@pytest.mark.parametrize("kind", ["text", "json", "jsonb", "varchar"])
@pytest.mark.parametrize("key", ["uuid", "bigint", "text"])
async def test_a_table_is_rewritten(
    database: Any, url: str, store: MediaStore, tmp_path: Path, kind: str, key: str
) -> None:
    await database.execute(f'CREATE TABLE "chat""s" ("i d" {key} PRIMARY KEY, content {kind})')
    for index in range(4):
        name = f"00000000-0000-0000-0000-00000000000{index}"
        value = {"uuid": name, "bigint": str(index), "text": name}[key]
        await database.execute(
            f'INSERT INTO "chat""s" VALUES ($1::text::{key}, $2::text::{kind})',
            value,
            legacy(index),
        )
    await database.execute(
        f'INSERT INTO "chat""s" VALUES ($1::text::{key}, NULL)',
        {"uuid": "10000000-0000-0000-0000-000000000000"}.get(key, "9"),
    )
    log = MigrationLog(tmp_path / "log.jsonl")
    source = await open_source(url, table=TABLE, column="content", key=None)
    try:
        scanned = await scan(source, Walk(store), advance=lambda _: None)
        assert (scanned.rows, scanned.images) == (4, 4)
        summary = await rewrite(source, Walk(store), log, advance=lambda _: None)
        assert (summary.changed, dict(summary.left)) == (4, {})
        findings = await verify(source, store, log, advance=lambda _: None)
        assert (findings.references, findings.originals, findings.broken) == (4, 4, [])
        rows = await database.fetch('SELECT content::text FROM "chat""s" WHERE content IS NOT NULL')
        kept = [json.loads(row[0])["output"]["data"]["imageReference"]["digest"] for row in rows]
        expected = {f"sha-256:{hashlib.sha256(picture(i)).hexdigest()}" for i in range(4)}
        assert set(kept) == expected
        again = await rewrite(source, Walk(store), log, advance=lambda _: None)
        assert again.changed == 0
        backups = await database.fetch("SELECT 1 FROM pg_class WHERE relname LIKE '%before_c%1'")
        assert len(backups) == 1  # none is left by a run that changes nothing
    finally:
        await source.aclose()


async def test_a_row_that_is_written_meanwhile_is_left_alone(
    database: Any, url: str, store: MediaStore, tmp_path: Path
) -> None:
    await database.execute("CREATE TABLE t (id int PRIMARY KEY, c text)")
    for index in range(2):
        await database.execute("INSERT INTO t VALUES ($1, $2)", index, legacy(index))
    source = await open_source(url, table="t", column="c")
    try:
        walk = Walk(store)
        await source.begin(None, None)
        async with aclosing(source.batches()) as batches:
            async for rows in batches:
                changes = {row.key: row.after for row in await walk.batch(rows)}
                await database.execute("UPDATE t SET c = 'edited' WHERE id = 0")
                assert await source.write(rows, changes) == [1]
        found = await database.fetch("SELECT c FROM t ORDER BY id")
        assert found[0][0] == "edited"
        assert "media_reference" in found[1][0]
        kept = await database.fetch("SELECT key, value FROM t_before_coatcheck_1")
        assert [tuple(row) for row in kept] == [(1, legacy(1))]
    finally:
        await source.aclose()


async def test_a_batch_of_which_one_row_is_refused_stays_whole(
    database: Any, url: str, store: MediaStore, tmp_path: Path
) -> None:
    await database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, c text, CHECK (id < 1 OR c LIKE '%imageData%'))"
    )
    for index in range(2):
        await database.execute("INSERT INTO t VALUES ($1, $2)", index, legacy(index))
    source = await open_source(url, table="t", column="c")
    try:
        with pytest.raises(StorageError, match="check constraint"):
            log = MigrationLog(tmp_path / "log")
            await rewrite(source, Walk(store), log, advance=lambda _: None)
        found = await database.fetch("SELECT c FROM t ORDER BY id")
        assert [row[0] for row in found] == [legacy(0), legacy(1)]
        assert await database.fetch("SELECT 1 FROM t_before_coatcheck_1") == []
    finally:
        await source.aclose()


async def test_what_cannot_be_used_is_told(database: Any, url: str) -> None:
    await database.execute("CREATE TABLE pair (a int, b int, c text, PRIMARY KEY (a, b))")
    await database.execute("CREATE TABLE single (a int PRIMARY KEY, c int)")
    for table, column, match in [
        ("pair", "c", "composite"),
        ("absent", "c", "no table"),
        ("single", "x", "no column"),
        ("single", "c", "not of text"),
    ]:
        with pytest.raises(InvalidInputError, match=match):
            await open_source(url, table=table, column=column, key=None)
    with pytest.raises(StorageError):
        await open_source("postgresql://127.0.0.1:1/none", table="a", column="b", key=None)
