"""Fault 4: a process is killed while it deletes; the next one finishes, nothing else is lost."""

import asyncio
import contextlib
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from coatcheck.media_part import media_part, ready
from coatcheck.opening import Backends, open_backends
from coatcheck.options import StoreOptions
from coatcheck.reference import MediaReference, MediaUrls
from coatcheck.storage import LocalBlobStore
from coatcheck.storage.catalog import releasing
from coatcheck_chat.history.conversations import Conversations
from coatcheck_chat.history.history import History
from coatcheck_chat.history.participant import ChatHistory
from coatcheck_chat.history.sql_directory import SqlConversationDirectory
from coatcheck_chat.history.sql_log import SqlConversationLog

KILLS = 25
PICTURES = 3


def open_chat(data: Path) -> AbstractAsyncContextManager[Backends]:
    return open_backends(StoreOptions(data=data), participants=[ChatHistory()])


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def say(
    backends: Backends, conversation: str, *references: MediaReference, owner: str | None = None
) -> None:
    history = History(SqlConversationLog(backends.store), backends.store, MediaUrls())
    parts = [media_part(one.id, ready(one.to_stored())) for one in references]
    message = {"id": str(uuid4()), "role": "user", "parts": parts}
    await history.append_or_edit(conversation, message, owner=owner)


async def delete_and_purge(backends: Backends, conversation: str) -> None:
    """Delete a conversation and go on as if the grace were over."""
    conversations = Conversations(
        SqlConversationDirectory(backends.store),
        backends.store,
        grace=timedelta(0),
        clock=lambda: datetime.now(UTC),
    )
    await conversations.delete(conversation, owner=None)
    await asyncio.sleep(0.002)
    await conversations.purge()
    await backends.store.sweep()


def blobs(data: Path) -> list[Path]:
    return [path for path in (data / "blobs").rglob("*") if path.is_file()]


# --- at exact points -----------------------------------------------------------------------------


def delete_until(point: str, data: str, conversation: str, erased: str | None = None) -> None:
    """Delete and purge the conversation, or erase an owner, and be killed at a point of it."""
    remove, release = LocalBlobStore.remove, releasing._release

    async def before_the_unlink(_store: LocalBlobStore, _digest: str) -> bool:
        die()
        return False

    async def after_an_unlink(store: LocalBlobStore, digest: str) -> bool:
        await remove(store, digest)
        die()
        return False

    async def before_the_commit(
        connection: AsyncConnection, digests: Sequence[str]
    ) -> Sequence[str]:
        unused = await release(connection, digests)
        die()
        return unused

    if point == "before the commit":
        releasing._release = before_the_commit
    elif point == "before the unlink":
        LocalBlobStore.remove = before_the_unlink  # type: ignore[assignment, method-assign]
    else:
        LocalBlobStore.remove = after_an_unlink  # type: ignore[assignment, method-assign]

    async def run() -> None:
        async with open_backends(
            StoreOptions(data=Path(data)), participants=[ChatHistory()]
        ) as backends:
            if erased is None:
                await delete_and_purge(backends, conversation)
            else:
                await backends.store.erase_owner(erased)

    asyncio.run(run())


@pytest.mark.parametrize("erased", [None, "anna"])
@pytest.mark.parametrize("point", ["before the commit", "before the unlink", "after an unlink"])
def test_a_deletion_that_is_killed_is_finished_by_whoever_opens_the_store_next(
    tmp_path: Path, point: str, erased: str | None
) -> None:
    conversation = str(uuid4())

    async def prepare() -> list[str]:
        async with open_backends(
            StoreOptions(data=tmp_path), participants=[ChatHistory()]
        ) as backends:
            pictures = [
                await backends.store.put(os.urandom(2000).hex().encode(), owner=erased)
                for _ in range(PICTURES)
            ]
            await say(backends, conversation, *pictures, owner=erased)
            return [picture.id for picture in pictures]

    identifiers = asyncio.run(prepare())
    assert len(blobs(tmp_path)) == PICTURES
    processes = multiprocessing.get_context("spawn")
    process = processes.Process(
        target=delete_until, args=(point, str(tmp_path), conversation, erased)
    )
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    left = {"before the commit": PICTURES, "before the unlink": PICTURES, "after an unlink": 2}
    assert len(blobs(tmp_path)) == left[point]

    async def check() -> None:
        async with open_backends(
            StoreOptions(data=tmp_path), participants=[ChatHistory()]
        ) as backends:
            if point == "before the commit":
                # All of it is there still, its media too: nothing was half deleted.
                for identifier in identifiers:
                    stream = await backends.store.open(identifier)
                    assert len(b"".join([chunk async for chunk in stream.chunks])) == 4000
                assert (
                    len(await SqlConversationLog(backends.store).read_messages(conversation) or [])
                    == 1
                )
                await delete_and_purge(backends, conversation)
            assert await SqlConversationLog(backends.store).read_messages(conversation) is None
            assert blobs(tmp_path) == []
            assert [finding async for finding in backends.store.verify()] == []

    asyncio.run(check())


# --- at random points ----------------------------------------------------------------------------


def live(data: str, seed: int, told: Connection) -> None:
    """Make conversations with media of their own and shared, and delete most of them, forever."""

    async def run() -> None:
        rng = random.Random(seed)
        async with open_backends(
            StoreOptions(data=Path(data)), participants=[ChatHistory()]
        ) as backends:
            told.send(None)  # ready
            shared = await backends.store.put(rng.randbytes(500).hex().encode())
            keeper = str(uuid4())
            await say(backends, keeper, shared)
            told.send(("made", keeper, shared))
            while True:
                conversation = str(uuid4())
                own = await backends.store.put(rng.randbytes(500).hex().encode())
                await say(backends, conversation, own, shared)
                told.send(("made", conversation, own))
                if rng.random() < 0.8:
                    told.send(("deleting", conversation, own))
                    await delete_and_purge(backends, conversation)
                    told.send(("deleted", conversation, own))

    asyncio.run(run())


@dataclass
class Fates:
    """What is known of each conversation from outside: its one picture of its own."""

    kept: dict[str, MediaReference] = field(default_factory=dict)
    deleted: dict[str, MediaReference] = field(default_factory=dict)
    uncertain: dict[str, MediaReference] = field(default_factory=dict)

    def hear(self, event: str, conversation: str, media: MediaReference) -> None:
        if event == "made":
            self.kept[conversation] = media
        elif event == "deleting":
            self.uncertain[conversation] = self.kept.pop(conversation)
        else:
            self.deleted[conversation] = self.uncertain.pop(conversation)


def live_and_die(data: Path, seed: int, seconds: float, fates: Fates) -> None:
    processes = multiprocessing.get_context("forkserver")
    # Forked from a clean server that has the modules loaded already: many starts in seconds.
    processes.set_forkserver_preload(["coatcheck.opening", "coatcheck_chat.history.conversations"])
    receiver, sender = processes.Pipe(duplex=False)
    process = processes.Process(target=live, args=(str(data), seed, sender))
    process.start()
    sender.close()
    assert receiver.poll(60), "the process did not start"
    receiver.recv()
    time.sleep(seconds)
    process.kill()
    process.join()
    with contextlib.suppress(EOFError):
        while True:
            fates.hear(*receiver.recv())


@pytest.mark.timeout(240)
def test_what_was_not_deleted_survives_every_kill_and_what_was_leaves_no_bytes(
    tmp_path: Path,
) -> None:
    rng, fates = random.Random(20261124), Fates()
    for seed in range(KILLS):
        live_and_die(tmp_path, seed, rng.uniform(0.05, 0.4), fates)
    assert len(fates.kept) > KILLS
    assert len(fates.deleted) > KILLS

    async def check() -> None:
        async with open_backends(
            StoreOptions(data=tmp_path), participants=[ChatHistory()]
        ) as backends:
            for conversation, media in fates.kept.items():
                assert await SqlConversationLog(backends.store).read_messages(conversation)
                stream = await backends.store.open(media.id)
                assert len(b"".join([chunk async for chunk in stream.chunks])) == media.size
            for conversation in fates.deleted:
                assert await SqlConversationLog(backends.store).read_messages(conversation) is None
            for conversation in fates.uncertain:  # old or new, both are right
                if await SqlConversationLog(backends.store).read_messages(conversation):
                    await delete_and_purge(backends, conversation)
            states = {one.digest: one.state async for one in backends.store.verify()}
            assert set(states.values()) <= {"sound", "orphan"}  # a killed put leaves an orphan
            gone = [*fates.deleted.values(), *fates.uncertain.values()]
            assert states.keys().isdisjoint(media.digest for media in gone)

    asyncio.run(check())
