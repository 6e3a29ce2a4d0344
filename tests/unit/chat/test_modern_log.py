"""Conversations with legacy messages are rewritten when they are read."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from coatcheck.errors import NotFoundError, StorageError
from coatcheck.opening import Backends
from coatcheck.reference import MediaUrls
from coatcheck.storage.catalog import Database, SqlCatalog
from coatcheck.storage.catalog.tables import holders
from coatcheck_chat.history.history import History
from coatcheck_chat.history.participant import CHAT
from coatcheck_chat.history.ports import NewMessage
from coatcheck_chat.history.sql_log import SqlConversationLog
from coatcheck_chat.history.tables import conversations, messages
from tests.legacy import encoded, formatted, text_message, tool_message
from tests.media import png_bytes
from tests.seeding import seed

pytestmark = pytest.mark.anyio

URLS = MediaUrls()
CONVERSATION = "9188cc90-b172-47e9-b493-4e22175bd478"
OWNER = "user-1"


def picture(index: int = 0) -> bytes:
    return png_bytes(300, 200, index)


def legacy(index: int) -> dict[str, Any]:
    output = formatted({"imageData": encoded(picture(index)), "prompt": f"sea {index}"})
    return tool_message(f"m{index}", output)


@pytest.fixture
async def database(data: Path, backends: Backends) -> Any:
    database = await Database.open(data / "catalog.sqlite3", [CHAT])
    yield database
    await database.aclose()


async def rows(database: Database) -> list[dict[str, Any]]:
    async with database.read() as connection:
        return list(await connection.scalars(select(messages.c.content).order_by(messages.c.id)))


async def media_of_messages(database: Database) -> set[str]:
    async with database.read() as connection:
        return set(await connection.scalars(select(holders.c.media_id)))


async def test_reading_shows_the_pictures_and_stores_today_s_form(
    backends: Backends, database: Database
) -> None:
    said = [
        legacy(0),
        text_message("u", f"![sea](data:image/png;base64,{encoded(picture(1))})", "user"),
        text_message("a", f"![sea](data:image/png;base64,{encoded(picture(2))})"),
        text_message("b", "hello"),
    ]
    await seed(database, CONVERSATION, said, owner=OWNER, at=7)
    history = History(SqlConversationLog(backends.store), backends.store, URLS)
    page = await history.page(CONVERSATION, owner=OWNER, limit=50)
    shown = [message["parts"][0] for message in page.messages]
    assert shown[0]["output"]["data"]["imageReference"]["url"].startswith("/api/media/image/")
    assert shown[1]["data"]["reference"]["url"].startswith("/api/media/image/")
    assert shown[2]["text"].startswith("![sea](/api/media/image/")
    kept = await rows(database)
    text = json.dumps(kept)
    assert len(text) < 3000
    assert "/api/" not in text
    assert kept[3] == said[3]
    ids = await media_of_messages(database)
    assert len(ids) == 2  # the link in the text is its conversation's by where it belongs
    for reference_id in ids:
        record = await backends.store.record(reference_id)
        assert (record.owner, record.conversation_id) == (OWNER, CONVERSATION)
        content = b"".join([c async for c in (await backends.store.open(reference_id)).chunks])
        assert content in {picture(0), picture(1)}
    async with database.read() as connection:
        assert await connection.scalar(select(conversations.c.updated_at)) == 7
    assert await history.stored(CONVERSATION) == kept
    assert [message async for message in history.read(CONVERSATION, owner=OWNER)] == kept
    assert await rows(database) == kept  # nothing is rewritten twice


async def test_two_who_read_at_once_see_the_same_and_leave_nothing(
    backends: Backends, database: Database
) -> None:
    await seed(database, CONVERSATION, [legacy(index) for index in range(3)])
    history = History(SqlConversationLog(backends.store), backends.store, URLS)
    first, second = await asyncio.gather(history.stored(CONVERSATION), history.stored(CONVERSATION))
    assert first == second == await rows(database)
    media = await media_of_messages(database)
    findings = [finding async for finding in backends.store.verify()]
    assert {finding.state for finding in findings} == {"sound"}
    assert len(media) == 3
    assert len(findings) == 6  # each with its thumbnail


class Failing(SqlConversationLog):
    """The power fails before the messages are written back."""

    async def replace_messages(
        self,
        conversation_id: str,  # noqa: ARG002 - the port's
        changes: Sequence[tuple[Mapping[str, Any], NewMessage]],  # noqa: ARG002 - likewise
    ) -> Sequence[Mapping[str, Any] | None]:
        raise StorageError


async def test_a_crash_in_between_leaves_the_messages_as_they_were(
    backends: Backends, database: Database
) -> None:
    said = [legacy(index) for index in range(2)]
    await seed(database, CONVERSATION, said)
    broken = History(Failing(SqlCatalog(database)), backends.store, URLS)
    with pytest.raises(StorageError):
        await broken.stored(CONVERSATION)
    assert await rows(database) == said
    whole = await History(SqlConversationLog(backends.store), backends.store, URLS).stored(
        CONVERSATION
    )
    assert await rows(database) == whole != said


async def test_what_cannot_be_stored_stays_in_the_row_and_is_cut_out_of_what_is_shown(
    backends: Backends, database: Database
) -> None:
    cut = encoded(picture())[:6000]
    said = [tool_message("m", {"imageData": cut, "prompt": "sea"})]
    await seed(database, CONVERSATION, said)
    history = History(SqlConversationLog(backends.store), backends.store, URLS)
    shown = json.dumps(await history.stored(CONVERSATION))
    assert "left out" in shown
    assert cut[:100] not in shown
    assert await rows(database) == said


async def test_a_message_that_changed_meanwhile_is_left_alone(
    backends: Backends, database: Database
) -> None:
    await seed(database, CONVERSATION, [legacy(0)])
    log = SqlConversationLog(SqlCatalog(database))
    other = text_message("m0", "edited")
    (now, gone) = await log.replace_messages(
        CONVERSATION,
        [
            (other, NewMessage(content=other, text="", media=frozenset())),
            ({"id": "absent"}, NewMessage(content=other, text="", media=frozenset())),
        ],
    )
    assert now == legacy(0)
    assert gone is None
    assert await log.owner_of("absent") is None


class Overtaken(SqlConversationLog):
    """Somebody else edits the messages right before they are written back."""

    async def replace_messages(
        self, conversation_id: str, changes: Sequence[tuple[Mapping[str, Any], NewMessage]]
    ) -> Sequence[Mapping[str, Any] | None]:
        edits = []
        for before, _ in changes:
            edited = text_message(before["id"], "edited")
            edits.append((before, NewMessage(content=edited, text="", media=frozenset())))
        await super().replace_messages(conversation_id, edits)
        return await super().replace_messages(conversation_id, changes)


async def test_what_was_stored_for_a_message_that_changed_meanwhile_is_deleted_again(
    backends: Backends, database: Database
) -> None:
    await seed(database, CONVERSATION, [legacy(0), legacy(1)], owner=OWNER)
    history = History(Overtaken(SqlCatalog(database)), backends.store, URLS)
    shown = await history.stored(CONVERSATION)
    assert [message["parts"][0]["text"] for message in shown] == ["edited", "edited"]
    assert await backends.store.list_media(owner=OWNER) == []
    assert [finding async for finding in backends.store.verify()] == []


async def test_a_text_of_megabytes_holds_nobody_up(backends: Backends, database: Database) -> None:
    noise = png_bytes(64, 48) + hashlib.sha256(b"").digest() * 100_000  # bytes after a PNG's end
    output = "✅ **Success**: " + json.dumps(
        {"imageData": base64.b64encode(noise).decode(), "prompt": "sea"}
    )
    await seed(database, CONVERSATION, [tool_message("m", output)])
    history = History(SqlConversationLog(backends.store), backends.store, URLS)
    longest = 0.0
    done = asyncio.Event()

    async def watch() -> None:
        nonlocal longest
        loop = asyncio.get_running_loop()
        last = loop.time()
        while not done.is_set():
            await asyncio.sleep(0)
            now = loop.time()
            longest, last = max(longest, now - last), now

    watching = asyncio.create_task(watch())
    (message,) = await history.stored(CONVERSATION)
    done.set()
    await watching
    kept = message["parts"][0]["output"]["data"]["imageReference"]
    assert kept["size"] == len(noise)
    # Parsing the row, which has 4 MB, is the longest step.
    assert longest < 0.25


async def test_a_deleted_conversation_is_not_found(backends: Backends, database: Database) -> None:
    await seed(database, CONVERSATION, [legacy(0)], owner=OWNER)
    history = History(SqlConversationLog(backends.store), backends.store, URLS)
    with pytest.raises(NotFoundError):
        await history.page(CONVERSATION, owner="someone else", limit=5)
    assert await rows(database) == [legacy(0)]
