"""A migration that is killed at random moments and run again ends as one that nobody disturbed."""

import asyncio
import base64
import hashlib
import json
import multiprocessing
import random
import re
import signal
import sqlite3
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import pytest

from coatcheck.migration.log import MigrationLog
from coatcheck.migration.opening import log_path, open_source
from coatcheck.migration.rewrite import Walk, rewrite
from coatcheck.migration.source import BatchLimits, Source
from coatcheck.migration.verify import verify
from coatcheck.opening import open_store
from tests.media import png_bytes

KILLS: Final = 24
ROWS: Final = 20

# Ids are drawn at random: what is compared is a history with each picture's digest in their place.
ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def picture(index: int) -> bytes:
    return png_bytes(300, 200, index)


def legacy(index: int) -> str:
    data = base64.b64encode(picture(index)).decode()
    shapes: list[object] = [
        {"output": "✅ **Success**: " + json.dumps({"imageData": data, "prompt": f"sea {index}"})},
        {"output": {"success": True, "data": {"image_data": data, "prompt": "sea"}}},
        {"text": f"Look: ![sea](data:image/png;base64,{data})"},
        {"text": "nothing to see"},
    ]
    return json.dumps(shapes[index % len(shapes)], ensure_ascii=False)


def make_sqlite(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE chat (id INTEGER PRIMARY KEY, content TEXT)")
        rows = [(legacy(index),) for index in range(ROWS)]
        connection.executemany("INSERT INTO chat (content) VALUES (?)", rows)
    connection.close()


def make_jsonl(path: Path) -> None:
    path.write_text("".join(legacy(index) + "\n" for index in range(ROWS)), "utf-8")


def read_sqlite(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT content FROM chat ORDER BY id").fetchall()
    connection.close()
    return [row[0] for row in rows]


def read_jsonl(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def run(data: str, path: str, began: Connection) -> None:
    """What ``coatcheck migrate PATH rewrite`` does, in small batches."""

    async def rewriting() -> None:
        async with open_store(data) as store:
            source = await opened(Path(path))
            began.send(None)
            await rewrite(source, Walk(store), log_of(Path(path)), advance=lambda _: None)
            await source.aclose()

    asyncio.run(rewriting())


async def opened(path: Path) -> Source:
    limits = BatchLimits(rows=2)
    if path.suffix == ".jsonl":
        return await open_source(str(path), limits=limits)
    return await open_source(str(path), table="chat", column="content", limits=limits)


def log_of(path: Path) -> MigrationLog:
    return MigrationLog(log_path(str(path)))


async def check(data: Path, path: Path) -> None:
    async with open_store(data) as store:
        source = await opened(path)
        findings = await verify(source, store, log_of(path), advance=lambda _: None)
        await source.aclose()
    assert (findings.broken, findings.inline) == ([], 0)
    assert findings.originals >= ROWS * 3 // 4


def normalized(rows: list[str], digests: dict[str, str]) -> list[str]:
    return [ID.sub(lambda match: digests[match[0]], row) for row in rows]


async def digests_of(data: Path, rows: list[str]) -> dict[str, str]:
    """The digest of what is really stored under each id in a history."""
    digests = {}
    async with open_store(data) as store:
        for identifier in {found for row in rows for found in ID.findall(row)}:
            stream = await store.open(identifier)
            content = b"".join([chunk async for chunk in stream.chunks])
            digests[identifier] = hashlib.sha256(content).hexdigest()
        assert {finding.state async for finding in store.verify()} <= {"sound", "orphan"}
    return digests


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", ["db", "jsonl"])
def test_a_migration_that_is_killed_and_run_again_ends_the_same(tmp_path: Path, kind: str) -> None:
    # Forked from a clean server that has the modules loaded already.
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.faults.test_migrate_kill"])
    make = make_sqlite if kind == "db" else make_jsonl
    read = read_sqlite if kind == "db" else read_jsonl
    rng = random.Random(20261124)

    def migrate(data: Path, history: Path, *, seconds: float | None) -> bool:
        """Whether the process was killed before it was done."""
        receiver, sender = processes.Pipe(duplex=False)
        process = processes.Process(target=run, args=(str(data), str(history), sender))
        process.start()
        sender.close()
        assert receiver.poll(60), "the migration did not start"
        process.join(seconds)
        process.kill()
        process.join()
        assert process.exitcode in {0, -signal.SIGKILL}
        return process.exitcode != 0

    undisturbed = tmp_path / f"undisturbed.{kind}"
    make(undisturbed)
    began = time.monotonic()
    migrate(tmp_path / "one", undisturbed, seconds=None)
    seconds = time.monotonic() - began
    expected = normalized(
        read(undisturbed), asyncio.run(digests_of(tmp_path / "one", read(undisturbed)))
    )
    pictures = {hashlib.sha256(picture(i)).hexdigest() for i in range(ROWS) if i % 4 != 3}
    assert pictures <= set(re.findall(r"[0-9a-f]{64}", "".join(expected)))

    kills = round_ = 0
    while kills < KILLS:
        history, data = tmp_path / f"{round_}.{kind}", tmp_path / f"data-{round_}"
        round_ += 1
        make(history)
        original = read(history)
        # Killed again and again, until a run is left in peace by chance.
        while migrate(data, history, seconds=rng.uniform(0.0, 0.6) * seconds):
            kills += 1
            between = normalized_or_old(data, read(history), original)
            assert all(
                row in {old, new} for row, old, new in zip(between, original, expected, strict=True)
            )
            if kills >= KILLS:
                migrate(data, history, seconds=None)
                break
        rows = read(history)
        assert normalized(rows, asyncio.run(digests_of(data, rows))) == expected
        asyncio.run(check(data, history))


def normalized_or_old(data: Path, rows: list[str], original: list[str]) -> list[str]:
    if rows == original:
        return rows
    return normalized(rows, asyncio.run(digests_of(data, rows)))
