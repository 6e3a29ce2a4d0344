"""Conversations as a whole: pages, titles, deletions that end, and what is left of them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import anyio
import pytest

from coatcheck.errors import InvalidInputError, NotFoundError, StorageError
from coatcheck.media_part import media_part, ready
from coatcheck.opening import Backends
from coatcheck.ports import CatalogTransaction
from coatcheck.reference import MediaReference, MediaUrls
from coatcheck_chat.history.conversations import MAX_QUERY, Conversations
from coatcheck_chat.history.history import History
from coatcheck_chat.history.sql_directory import SqlConversationDirectory
from coatcheck_chat.history.sql_log import SqlConversationLog
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

GRACE = timedelta(minutes=10)


class Clock:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def conversations(backends: Backends, clock: Clock) -> Conversations:
    return Conversations(
        SqlConversationDirectory(backends.store), backends.store, grace=GRACE, clock=clock
    )


@pytest.fixture
def history(backends: Backends, clock: Clock) -> History:
    return History(SqlConversationLog(backends.store), backends.store, MediaUrls(), clock)


async def say(
    history: History,
    words: str,
    *references: MediaReference,
    conversation: str | None = None,
    owner: str | None = None,
) -> str:
    """Say something, with pictures or without; the conversation's id."""
    identifier = conversation or str(uuid4())
    parts = [{"type": "text", "text": words}]
    parts += [media_part(one.id, ready(one.to_stored())) for one in references]
    message = {"id": str(uuid4()), "role": "user", "parts": parts}
    await history.append_or_edit(identifier, message, owner=owner)
    return identifier


async def listed(
    conversations: Conversations, owner: str | None = None, query: str = ""
) -> list[str]:
    page = await conversations.page(owner=owner, limit=50, query=query)
    return [one.conversation.id for one in page.conversations]


async def test_pages_of_the_list_follow_each_other(
    conversations: Conversations, history: History
) -> None:
    made = [await say(history, f"number {number}") for number in range(5)]
    for query in ("", "number"):
        first = await conversations.page(owner=None, limit=2, query=query)
        second = await conversations.page(owner=None, limit=2, query=query, before=first.before)
        third = await conversations.page(owner=None, limit=2, query=query, before=second.before)
        assert third.before is None
        seen = [
            one.conversation.id for page in (first, second, third) for one in page.conversations
        ]
        assert seen == made[::-1]


@pytest.mark.parametrize("before", ["", "x", "-", "1-", "٣-x", "9" * 15 + "-x", "1-" + "x" * 65])
async def test_a_place_that_no_page_gave_is_refused(
    conversations: Conversations, before: str
) -> None:
    with pytest.raises(InvalidInputError, match="before"):
        await conversations.page(owner=None, limit=2, before=before)


async def test_what_is_found_comes_with_its_message_and_its_surroundings(
    conversations: Conversations, history: History
) -> None:
    found = await say(history, "Draw a lighthouse")
    await say(history, "Another thing")
    page = await conversations.page(owner=None, limit=9, query="HOUSE")
    (one,) = page.conversations
    assert one.conversation.id == found
    assert one.message_id is not None
    assert one.snippet == [{"text": "Draw a light"}, {"text": "house", "match": True}]
    await conversations.rename(found, "Towers", owner=None)
    (one,) = (await conversations.page(owner=None, limit=9, query="tower")).conversations
    assert (one.message_id, one.snippet) == (None, ())
    assert await listed(conversations, query="nothing of it") == []
    assert len(await listed(conversations, query=" \u200b ")) == 2
    with pytest.raises(InvalidInputError):
        await conversations.page(owner=None, limit=9, query="x" * (MAX_QUERY + 1))


async def test_a_title_is_one_clean_line(conversations: Conversations, history: History) -> None:
    conversation = await say(history, "hello")
    renamed = await conversations.rename(conversation, "  My\n\u202etowers\0 ", owner=None)
    assert renamed.title == "My towers"
    assert len((await conversations.rename(conversation, "x" * 999, owner=None)).title) <= 120
    for nothing in ("", " \n", "\u200b"):
        with pytest.raises(InvalidInputError):
            await conversations.rename(conversation, nothing, owner=None)


async def test_another_owners_conversation_is_one_that_there_is_not(
    conversations: Conversations, history: History
) -> None:
    annas = await say(history, "hello", owner="anna")
    for attempt in (
        conversations.find(annas, owner="bert"),
        conversations.rename(annas, "mine", owner="bert"),
        conversations.delete(annas, owner="bert"),
        conversations.restore(annas, owner="bert"),
    ):
        with pytest.raises(NotFoundError) as caught:
            await attempt
        assert caught.value.message == "There is no conversation under this id."
    assert await listed(conversations, "bert") == []
    assert await listed(conversations, "anna") == [annas]


async def test_another_owner_cannot_take_a_deletion_back(
    conversations: Conversations, history: History
) -> None:
    annas = await say(history, "hello", owner="anna")
    await conversations.delete(annas, owner="anna")
    with pytest.raises(NotFoundError) as caught:
        await conversations.restore(annas, owner="bert")
    assert caught.value.status == 404
    assert await listed(conversations, "anna") == await listed(conversations) == []
    with pytest.raises(NotFoundError):
        await conversations.find(annas, owner="anna")
    assert (await conversations.restore(annas, owner="anna")).id == annas


async def test_a_deletion_can_be_taken_back_while_the_grace_lasts(
    conversations: Conversations, history: History, clock: Clock
) -> None:
    conversation = await say(history, "hello")
    until = await conversations.delete(conversation, owner=None)
    assert until == clock.now + GRACE
    assert await conversations.delete(conversation, owner=None) == until
    assert await listed(conversations) == []
    with pytest.raises(NotFoundError):
        await conversations.find(conversation, owner=None)
    assert await conversations.purge() == 0
    restored = await conversations.restore(conversation, owner=None)
    assert (await conversations.find(conversation, owner=None)) == restored
    assert await listed(conversations) == [conversation]
    until = await conversations.delete(conversation, owner=None)
    clock.now = until
    with pytest.raises(NotFoundError):
        await conversations.restore(conversation, owner=None)
    assert await conversations.purge() == 1
    assert await conversations.purge() == 0
    with pytest.raises(NotFoundError):
        await conversations.delete(conversation, owner=None)


async def test_the_bytes_of_what_is_purged_are_freed_but_for_what_is_shown_elsewhere(
    conversations: Conversations, history: History, backends: Backends, clock: Clock, data: Path
) -> None:
    store = backends.store
    alone = await store.put(png_bytes(seed=1))
    shared = await store.put(png_bytes(seed=2))
    same = await store.put(png_bytes(seed=1), owner=None)
    first = await say(history, "two pictures", alone, shared)
    await say(history, "one of them", shared)
    assert len(blobs(data)) == 4
    clock.now = await conversations.delete(first, owner=None)
    assert await conversations.purge() == 1
    # Another reference to the very same content keeps its bytes.
    assert await store.sweep() == 0
    await store.delete(same.id)
    assert len(blobs(data)) == 2
    assert (await store.thumbnail(shared.id)).data
    assert {finding.state async for finding in store.verify()} == {"sound"}


def blobs(data: Path) -> list[Path]:
    return [path for path in (data / "blobs").rglob("*") if path.is_file()]


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(20):
        while not condition():  # noqa: ASYNC110 - a directory has no event
            await anyio.sleep(0.005)


async def test_the_house_is_kept_in_rounds_and_bytes_go_a_round_after_their_rows(
    conversations: Conversations, history: History, backends: Backends, clock: Clock, data: Path
) -> None:
    picture = await backends.store.put(png_bytes())
    clock.now = await conversations.delete(await say(history, "look", picture), owner=None)
    rounds: list[int] = []
    purge = conversations.purge

    async def counted() -> int:
        rounds.append(await purge())
        return rounds[-1]

    conversations.purge = counted  # type: ignore[method-assign]
    for number, (purged, left) in enumerate([(1, 2), (0, 0)], 1):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: conversations.keep_house(every=3600))
            await until(lambda number=number: len(rounds) == number)  # type: ignore[misc]
            tasks.cancel_scope.cancel()
        assert rounds[-1] == purged
        assert len(blobs(data)) == left


async def test_a_round_that_fails_is_tried_again(
    conversations: Conversations,
    history: History,
    backends: Backends,
    clock: Clock,
    data: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    picture = await backends.store.put(b"%PDF-1.7")
    clock.now = await conversations.delete(await say(history, "look", picture), owner=None)
    await conversations.purge()
    (blob,) = blobs(data)
    # A directory in the file's place cannot be unlinked, as on a disk that fails.
    await anyio.Path(blob).rename(blob.with_suffix(".away"))
    await anyio.Path(blob).mkdir()
    with pytest.raises(StorageError):
        await backends.store.sweep()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: conversations.keep_house(every=0.02))
        await until(lambda: "still there" in caplog.text)
        await anyio.Path(blob).rmdir()
        await anyio.Path(blob.with_suffix(".away")).rename(blob)
        await until(lambda: not blobs(data))
        tasks.cancel_scope.cancel()


async def test_a_message_and_a_purge_at_once_leave_no_reference_without_its_media(
    conversations: Conversations, history: History, backends: Backends, clock: Clock
) -> None:
    """Either the message comes first and keeps the picture, or it is refused."""
    kept = refused = 0
    for number in range(12):
        picture = await backends.store.put(png_bytes(seed=number))
        first = await say(history, "look", picture)
        clock.now = await conversations.delete(first, owner=None)
        second = str(uuid4())
        outcome: list[bool] = []

        async def show(
            picture: MediaReference = picture, to: str = second, outcome: list[bool] = outcome
        ) -> None:
            try:
                await say(history, "again", picture, conversation=to)
            except NotFoundError:
                outcome.append(False)
            else:
                outcome.append(True)

        async with anyio.create_task_group() as tasks:
            for task in (show, conversations.purge)[:: 1 if number % 2 else -1]:
                tasks.start_soon(task)
        await backends.store.sweep()
        if outcome == [True]:
            kept += 1
            stream = await backends.store.open(picture.id)
            assert b"".join([chunk async for chunk in stream.chunks]) == png_bytes(seed=number)
        else:
            refused += 1
            assert list(await history.stored(second)) == []
    assert kept
    assert refused


async def test_a_deletion_that_is_interrupted_is_finished_by_the_next_sweep(
    backends: Backends, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 4: rows are gone, the bytes are not."""
    store = backends.store
    picture = await store.put(png_bytes())
    transaction = store._removal._catalog.transaction
    entered = 0

    @asynccontextmanager
    async def interrupted() -> AsyncIterator[CatalogTransaction]:
        nonlocal entered
        entered += 1
        if entered > 1:
            raise StorageError("The power is gone.")
        async with transaction() as inner:
            yield inner

    with monkeypatch.context() as patch:
        patch.setattr(store._removal._catalog, "transaction", interrupted)
        with pytest.raises(StorageError, match="power"):
            await store.delete(picture.id)
    with pytest.raises(NotFoundError):
        await store.get(picture.id)
    assert len(blobs(data)) == 2
    assert await store.sweep() == 2
    assert await store.sweep() == 0
    assert blobs(data) == []


async def test_content_that_comes_back_before_the_sweep_stays(
    backends: Backends, history: History, conversations: Conversations, clock: Clock
) -> None:
    picture = await backends.store.put(png_bytes())
    clock.now = await conversations.delete(await say(history, "look", picture), owner=None)
    await conversations.purge()
    again = await backends.store.put(png_bytes())
    assert await backends.store.sweep() == 2
    assert (await backends.store.thumbnail(again.id)).data
    assert {finding.state async for finding in backends.store.verify()} == {"sound"}
