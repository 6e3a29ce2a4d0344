"""An owner who is erased: media, conversations, messages, the search's index and the bytes."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from coatcheck.errors import InvalidInputError, NotFoundError, StorageError
from coatcheck.media_part import media_part, ready
from coatcheck.opening import Backends
from coatcheck.ports import ErasureReceipt
from coatcheck.reference import MediaReference, MediaUrls
from coatcheck_chat.history.conversations import Conversations
from coatcheck_chat.history.history import History
from coatcheck_chat.history.sql_directory import SqlConversationDirectory
from coatcheck_chat.history.sql_log import SqlConversationLog
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

NOTHING = ErasureReceipt(media=0, bytes=0, conversations=0, rows={"chat": 0})


@pytest.fixture
def history(backends: Backends) -> History:
    return History(SqlConversationLog(backends.store), backends.store, MediaUrls())


@pytest.fixture
def conversations(backends: Backends) -> Conversations:
    return Conversations(
        SqlConversationDirectory(backends.store),
        backends.store,
        grace=timedelta(minutes=10),
        clock=lambda: datetime.now(UTC),
    )


async def say(
    history: History, words: str, owner: str | None, *shown: MediaReference, again: str = ""
) -> str:
    """Say something in a new conversation, or in one that is there; its id."""
    conversation = again or str(uuid4())
    parts: list[dict[str, Any]] = [{"type": "text", "text": words}]
    parts += [media_part(one.id, ready(one.to_stored())) for one in shown]
    message = {"id": str(uuid4()), "role": "user", "parts": parts}
    await history.append_or_edit(conversation, message, owner=owner)
    return conversation


def blobs(data: Path) -> list[Path]:
    return [path for path in (data / "blobs").rglob("*") if path.is_file()]


def written(data: Path) -> str:
    """Every value of every table that is no index's own, as text."""
    with closing(sqlite3.connect(data / "catalog.sqlite3")) as database:
        tables = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%index_%'"
        ).fetchall()
        return "\n".join(
            str(row) for (name,) in tables for row in database.execute(f'SELECT * FROM "{name}"')
        )


async def test_nothing_of_an_owner_is_left_and_everything_of_others_is(
    backends: Backends, data: Path, history: History, conversations: Conversations
) -> None:
    store = backends.store
    shared, own = png_bytes(40, 30), png_bytes(20, 10)
    annas = [
        await store.put(own, owner="anna", display_name="zebra.png"),
        await store.put(shared, owner="anna"),
        await store.put(shared, owner="anna", alt="zebra"),
    ]
    bens = await store.put(shared, owner="ben")
    everybodys = await store.put(b"everybody's")
    kept = await say(history, "a lighthouse", "ben", bens)
    anonymous = await say(history, "for everybody", None, everybodys)
    first = await say(history, "a zebra", "anna", *annas[:2])
    await say(history, "the zebra again", "anna", annas[0], again=first)
    deleted = await say(history, "another zebra", "anna")
    await conversations.delete(deleted, owner="anna")
    for one in annas:
        assert (await store.record(one.id)).owner == "anna"  # read, so remembered
    assert await store.read(annas[0].id) == own

    receipt = await store.erase_owner("anna")
    assert receipt == ErasureReceipt(
        media=3, bytes=len(shared) + len(own), conversations=1, rows={"chat": 5}
    )
    for one in annas:
        with pytest.raises(NotFoundError):
            await store.record(one.id)
    left = written(data)
    for trace in ("anna", "zebra", first, deleted, *(one.id for one in annas)):
        assert trace not in left
    for owner, query in (("anna", ""), ("anna", "zebra"), ("ben", "zebra"), (None, "zebra")):
        page = await conversations.page(owner=owner, limit=9, query=query)
        assert page.conversations == []

    assert await store.read(bens.id) == shared
    assert (await store.thumbnail(bens.id)).data
    assert await store.read(everybodys.id) == b"everybody's"
    for owner, query in ((None, "everybody"), ("ben", "house")):
        (found,) = (await conversations.page(owner=owner, limit=9, query=query)).conversations
        assert found.conversation.id == (kept if owner else anonymous)
    # Two originals and the thumbnail of one: all that the others' references need.
    assert len(blobs(data)) == 3
    assert {finding.state async for finding in store.verify()} == {"sound"}
    assert await store.sweep() == 0
    assert await store.erase_owner("anna") == NOTHING


async def test_an_owner_who_comes_back_has_the_whole_quota(backends: Backends, data: Path) -> None:
    store = backends.store
    await store.put(b"first", owner="anna")
    await store.erase_owner("anna")
    catalog = store._catalog
    assert await catalog.owner_bytes("anna") == 0
    await store.put(b"again", owner="anna")
    assert await catalog.owner_bytes("anna") == 5
    assert len(blobs(data)) == 1


@pytest.mark.parametrize("owner", [None, 5, b"anna"])
async def test_what_is_no_owner_is_refused_and_nothing_is_erased(
    backends: Backends, history: History, owner: Any
) -> None:
    everybodys = await backends.store.put(b"everybody's")
    await say(history, "a lighthouse", None, everybodys)
    with pytest.raises(InvalidInputError, match=r"^The owner to erase is .*, not a name"):
        await backends.store.erase_owner(owner)
    assert await backends.store.read(everybodys.id) == b"everybody's"


async def test_an_owner_without_anything_is_erased_without_a_word(backends: Backends) -> None:
    everybodys = await backends.store.put(b"everybody's")
    for owner in ("", "=", "nobody", "a' OR 1=1 --"):
        assert await backends.store.erase_owner(owner) == NOTHING
    assert await backends.store.read(everybodys.id) == b"everybody's"


async def test_bytes_that_cannot_be_removed_keep_no_others_from_going(
    backends: Backends, data: Path
) -> None:
    store = backends.store
    for number in range(3):
        await store.put(b"%PDF-1." + str(number).encode(), owner="anna")
    first = min(blobs(data), key=lambda path: path.name)
    first.unlink()
    first.mkdir()  # cannot be unlinked, as on a disk that fails
    with pytest.raises(StorageError):
        await store.erase_owner("anna")
    assert await store.list_media(owner="anna") == []
    assert blobs(data) == []
    first.rmdir()
    assert await store.sweep() == 1
    assert await store.erase_owner("anna") == NOTHING
