"""The commands of ``docs/how-to/back-up.md``, typed while other processes put and delete."""

import asyncio
import hashlib
import multiprocessing
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from coatcheck.opening import open_store
from tests.docs.blocks import ROOT, blocks_of
from tests.docs.shell import Shell, shell_in
from tests.media import png_bytes
from tests.reading import assert_reads_back

PAGE: Final = ROOT / "docs" / "how-to" / "back-up.md"
BEFORE: Final = 60
WRITERS: Final = 2
# Copying these takes so long that the writers come in between: a wrong order is noticed.
BULK: Final = 40
BULK_BYTES: Final = 4 * 1024 * 1024


def write_forever(data: str, seed: int, told: Connection, *, deletes: bool) -> None:
    """Put until killed, and delete some of it again; report each id."""

    async def run() -> None:
        rng = random.Random(seed)
        mine = []
        async with open_store(data) as store:
            while True:
                if rng.random() < 0.2:
                    content = png_bytes(96, 64, rng.randrange(10**6))
                else:
                    content = rng.randbytes(9).hex().encode() * rng.randrange(1, 4000)
                reference = await store.put(content)
                mine.append(reference.id)
                told.send((reference.id, hashlib.sha256(content).hexdigest()))
                if deletes and rng.random() < 0.4:
                    identifier = mine.pop(rng.randrange(len(mine)))
                    told.send((identifier, None))
                    await store.delete(identifier)

    asyncio.run(run())


@dataclass
class Writers:
    """What they have told so far: digests by id, and which ids they began to delete."""

    receiver: Connection
    put: dict[str, str] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)

    def listen(self, *, until: int = 0) -> None:
        while self.receiver.poll(60 if len(self.put) < until else 0):
            identifier, digest = self.receiver.recv()
            if digest is None:
                self.deleted.add(identifier)
            else:
                self.put[identifier] = digest
        assert len(self.put) >= until, "the writers do not write"


@contextmanager
def writing(data: Path, *, deletes: bool) -> Iterator[Writers]:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["coatcheck.opening", "tests.media"])
    receiver, sender = processes.Pipe(duplex=False)
    running = []
    for seed in range(WRITERS):
        arguments = {"data": str(data), "seed": seed, "told": sender, "deletes": deletes}
        process = processes.Process(target=write_forever, kwargs=arguments)
        process.start()
        running.append(process)
    writers = Writers(receiver)
    try:
        writers.listen(until=BEFORE)
        yield writers
        writers.listen(until=len(writers.put) + 1)  # they have not stopped
    finally:
        for process in running:
            process.kill()
            process.join()
    writers.listen()


def type_page(shell: Shell, *, blocks: slice) -> None:
    """The page's file, and these of its commands."""
    found = blocks_of(PAGE)
    for block in found:
        if "file" in block.marks:
            shell.write(block)
    for block in [block for block in found if block.language == "console"][blocks]:
        shell.run(block)


async def fill(data: Path) -> None:
    async with open_store(data) as store:
        for number in range(BULK):
            await store.put(f"{number}\n".encode() + b"a" * BULK_BYTES)


async def read_back(data: Path, expected: dict[str, str]) -> None:
    async with open_store(data) as store:
        await assert_reads_back(store, expected)


def test_the_page_works_while_others_put(tmp_path: Path) -> None:
    data, place = tmp_path / "data", tmp_path / "typed"
    place.mkdir()
    asyncio.run(fill(data))
    with writing(data, deletes=False) as writers:
        before = dict(writers.put)
        with shell_in(place, COATCHECK_DATA=str(data), ID=next(iter(before))) as shell:
            type_page(shell, blocks=slice(None))
    assert (place / "copy.png").exists()
    asyncio.run(read_back(place / "restored", before))


def test_nothing_but_what_was_deleted_is_missing(tmp_path: Path) -> None:
    data, place = tmp_path / "data", tmp_path / "typed"
    place.mkdir()
    asyncio.run(fill(data))
    with writing(data, deletes=True) as writers:
        before = dict(writers.put)
        with shell_in(place, COATCHECK_DATA=str(data)) as shell:
            type_page(shell, blocks=slice(0, 1))
    kept = {i: digest for i, digest in before.items() if i not in writers.deleted}
    assert len(kept) > BEFORE // 4
    asyncio.run(read_back(place / "backup", kept))
