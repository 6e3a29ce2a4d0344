"""Faults 1 to 3: a process that puts is killed at random moments; nothing acknowledged is lost."""

import asyncio
import hashlib
import multiprocessing
import random
import time
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import uuid4

import pytest

from coatcheck.opening import open_store
from tests.media import png_bytes
from tests.reading import assert_reads_back

KILLS = 50


def put_forever(data: str, seed: int, acknowledged: Connection) -> None:
    """Put texts, files of several chunks and images until killed; report each returned id."""

    async def run() -> None:
        rng = random.Random(seed)
        async with open_store(data) as store:
            acknowledged.send(None)  # ready
            while True:
                kind = rng.randrange(4)
                if kind == 0:
                    # Wide enough for a second rendition beside the thumbnail.
                    content = png_bytes(640, 400, seed=rng.randrange(20))
                elif kind == 1:
                    content = b"%PDF-" + rng.randbytes(600_000)
                else:
                    content = str(rng.randrange(50)).encode() * rng.randrange(1, 400)
                reference = await store.put(content)
                acknowledged.send((reference.id, hashlib.sha256(content).hexdigest()))
                if kind == 3:  # deletions of shared content in between
                    await store.delete(reference.id)
                    acknowledged.send((reference.id, None))

    asyncio.run(run())


@pytest.mark.timeout(240)
def test_nothing_acknowledged_is_lost_when_the_putting_process_is_killed(tmp_path: Path) -> None:
    # Forked from a clean server that has the modules loaded already: 50 starts in seconds.
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["coatcheck.opening", "tests.media"])
    rng = random.Random(20261122)
    data = str(tmp_path / "data")
    kept: dict[str, str] = {}
    removed: set[str] = set()
    for kill in range(KILLS):
        receiver, sender = processes.Pipe(duplex=False)
        process = processes.Process(target=put_forever, args=(data, kill, sender))
        process.start()
        sender.close()
        assert receiver.poll(60), "the putting process did not start"
        receiver.recv()
        time.sleep(rng.uniform(0.0, 0.4))
        process.kill()
        process.join()
        last_deleted = None
        while True:
            try:
                identifier, digest = receiver.recv()
            except EOFError:
                break
            if digest is None:
                kept.pop(identifier, None)
                removed.add(identifier)
            else:
                kept[identifier] = digest
                last_deleted = identifier
        if last_deleted is not None:
            # Its deletion may have been under way, unacknowledged: old or new, both are right.
            kept.pop(last_deleted, None)
    assert len(kept) > KILLS

    async def check() -> None:
        async with open_store(data) as store:
            await assert_reads_back(store, kept)
            states = {finding.state async for finding in store.verify()}
            assert states <= {"sound", "orphan"}
            # The store goes on as if nothing had happened.
            again = await store.put(png_bytes(96, 64, seed=str(uuid4()).__hash__()))
            await store.delete(again.id)

    asyncio.run(check())
