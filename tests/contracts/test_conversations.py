"""What any log and directory of conversations must do. A new back end joins `OPENERS`."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from coatcheck.errors import NotFoundError
from coatcheck.ports import BlobRecord, Catalog, NewMedia, VariantRecord
from coatcheck.storage.catalog import CachedCatalog, Database, SqlCatalog
from coatcheck_chat.history.participant import CHAT, ChatHistory
from coatcheck_chat.history.ports import (
    ConversationCursor,
    ConversationDirectory,
    ConversationLog,
    NewMessage,
    Opening,
)
from coatcheck_chat.history.searching import search_terms
from coatcheck_chat.history.sql_directory import SqlConversationDirectory
from coatcheck_chat.history.sql_log import SqlConversationLog

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = START + timedelta(days=1)


@dataclass
class Opened:
    """A back end, and what the tests do with it over and over."""

    log: ConversationLog
    directory: ConversationDirectory
    catalog: Catalog
    seconds: int = 0

    async def say(
        self,
        conversation: str,
        words: str = "hello",
        *,
        owner: str | None = None,
        identifier: str | None = None,
        media: frozenset[str] = frozenset(),
        opening: bool = True,
    ) -> str:
        """Append a message, one second after the one before; its id."""
        self.seconds += 1
        name = identifier or f"m{self.seconds}"
        await self.log.append_message(
            conversation,
            NewMessage(content={"id": name, "text": words}, text=words, media=media),
            at=START + timedelta(seconds=self.seconds),
            opening=Opening(title=words, owner=owner) if opening else None,
        )
        return name

    async def put(
        self, *, digest: str, conversation: str | None = None, owner: str | None = None
    ) -> str:
        """Record media whose thumbnail is of its own; its id."""
        new = NewMedia(id=str(uuid4()), created_at=START, owner=owner, conversation_id=conversation)
        async with self.catalog.transaction() as transaction:
            await transaction.add_blob(
                BlobRecord(digest=long(digest), size=10, media_type="image/png"),
                [
                    VariantRecord(
                        name="thumbnail",
                        digest=long(digest, "e"),
                        size=1,
                        media_type="image/webp",
                        width=1,
                        height=1,
                    )
                ],
            )
            record = await transaction.add_media(new, long(digest))
        return record.reference.id

    async def listed(self, owner: str | None = None) -> list[str]:
        found = await self.directory.list_conversations(owner=owner, before=None, limit=100)
        return [one.id for one in found]

    async def found(self, query: str, owner: str | None = None) -> dict[str, str | None]:
        """Which conversations a search finds, with the text of the message that matched."""
        matches = await self.directory.search(
            search_terms(query), owner=owner, before=None, limit=100
        )
        return {
            match.conversation.id: match.content["text"] if match.content else None
            for match in matches
        }

    async def marked(self) -> set[str]:
        return set(await self.catalog.tombstones(after="", limit=100))

    async def pictured(self, owner: str | None = None) -> dict[str, tuple[str | None, str | None]]:
        """The media that is listed, with the conversation and the message that show it."""
        found = await self.catalog.list_media(owner=owner, before=None, limit=100)
        return {one.reference.id: (one.conversation_id, one.holder) for one in found}


def long(letter: str, filler: str = "0") -> str:
    return f"sha-256:{letter}{filler * 63}"


async def open_sqlite(path: Path) -> Opened:
    database = await Database.open(path / "catalog.sqlite3", [CHAT])
    catalog = CachedCatalog(SqlCatalog(database, [ChatHistory()]))
    return Opened(SqlConversationLog(catalog), SqlConversationDirectory(catalog), catalog)


async def open_without_index(path: Path) -> Opened:
    """As where SQLite is built without FTS5: no table of the index, no triggers."""
    database = await Database.open(path / "catalog.sqlite3", [CHAT])
    async with database.write() as connection:
        for trigger in ("insert", "delete", "update"):
            await connection.execute(text(f"DROP TRIGGER message_index_{trigger}"))
        await connection.execute(text("DROP TABLE message_index"))
    await database.aclose()
    return await open_sqlite(path)


OPENERS: dict[str, Callable[[Path], Awaitable[Opened]]] = {
    "sqlite": open_sqlite,
    "sqlite without FTS5": open_without_index,
}


@pytest.fixture(params=list(OPENERS))
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opened]:
    back_end = await OPENERS[request.param](tmp_path)
    yield back_end
    await back_end.catalog.aclose()


def texts(messages: Any) -> list[str]:
    return [
        (message if isinstance(message, Mapping) else message.content)["text"]
        for message in messages
    ]


# --- messages ------------------------------------------------------------------------------------


async def test_messages_keep_their_order_and_a_known_id_its_place(opened: Opened) -> None:
    assert await opened.log.read_messages("a") is None
    for number in range(3):
        await opened.say("a", str(number), identifier=f"n{number}")
    await opened.say("b", "elsewhere", identifier="n0")
    await opened.say("a", "again", identifier="n1")
    assert texts(await opened.log.read_messages("a")) == ["0", "again", "2"]
    assert await opened.log.has_message("a", "n2")
    assert not await opened.log.has_message("b", "n2")
    assert await opened.listed() == ["a", "b"]
    found = await opened.directory.find_conversation("a", owner=None)
    assert found is not None
    assert (found.title, found.created_at) == ("0", START + timedelta(seconds=1))
    assert found.updated_at == START + timedelta(seconds=5)


async def test_messages_are_paged_from_the_end_and_from_the_beginning(opened: Opened) -> None:
    for number in range(7):
        await opened.say("a", str(number))
    page = await opened.log.page_messages("a", owner=None, before=None, limit=3)
    assert texts(page) == ["4", "5", "6"]
    assert page is not None
    older = await opened.log.page_messages("a", owner=None, before=page[0].position, limit=3)
    assert texts(older) == ["1", "2", "3"]
    assert older is not None
    oldest = await opened.log.page_messages("a", owner=None, before=older[0].position, limit=3)
    assert texts(oldest) == ["0"]
    assert oldest is not None
    assert await opened.log.page_messages("a", owner=None, before=oldest[0].position, limit=3) == []
    first = await opened.log.next_messages("a", owner=None, after=0, limit=4)
    assert texts(first) == ["0", "1", "2", "3"]
    assert first is not None
    rest = await opened.log.next_messages("a", owner=None, after=first[-1].position, limit=4)
    assert texts(rest) == ["4", "5", "6"]


async def test_an_answer_needs_its_conversation(opened: Opened) -> None:
    with pytest.raises(NotFoundError, match="no conversation"):
        await opened.say("a", opening=False)
    await opened.say("a", "question")
    await opened.say("a", "answer", opening=False)
    assert texts(await opened.log.read_messages("a")) == ["question", "answer"]


async def test_media_of_a_new_message_must_be_there(opened: Opened) -> None:
    there = await opened.put(digest="a")
    with pytest.raises(NotFoundError, match="no media"):
        await opened.say("a", media=frozenset({there, str(uuid4())}))
    assert await opened.log.read_messages("a") is None
    await opened.say("a", media=frozenset({there}))
    # What an answer refers to may be gone already: the message is kept as it was told.
    await opened.say("a", media=frozenset({str(uuid4())}), opening=False)


# --- owners --------------------------------------------------------------------------------------


async def test_each_owner_has_their_own_and_without_owners_all_are_seen(opened: Opened) -> None:
    await opened.say("a", "of ada", owner="ada")
    await opened.say("b", "of bob", owner="bob")
    await opened.say("n", "of nobody")
    assert await opened.listed() == ["n", "b", "a"]
    assert await opened.listed("ada") == ["a"]
    assert await opened.listed("eve") == []
    assert set(await opened.found("of", "bob")) == {"b"}
    assert set(await opened.found("of")) == {"a", "b", "n"}
    log, directory = opened.log, opened.directory
    for stranger, conversation in (("bob", "a"), ("ada", "b"), ("ada", "n"), ("", "n")):
        assert await log.page_messages(conversation, owner=stranger, before=None, limit=9) is None
        assert await log.next_messages(conversation, owner=stranger, after=0, limit=9) is None
        assert await directory.find_conversation(conversation, owner=stranger) is None
        assert await directory.rename(conversation, "mine", owner=stranger) is None
        assert await directory.mark_deleted(conversation, owner=stranger, at=LATER) is None
        assert await directory.restore(conversation, owner=stranger, deleted_after=START) is None
        with pytest.raises(NotFoundError, match="no conversation"):
            await opened.say(conversation, "mine", owner=stranger)
    assert await opened.listed() == ["n", "b", "a"]
    assert texts(await log.read_messages("a")) == ["of ada"]


async def test_a_renamed_conversation_keeps_its_place(opened: Opened) -> None:
    await opened.say("a", "first", owner="ada")
    await opened.say("b", "second", owner="ada")
    renamed = await opened.directory.rename("a", "Étude", owner="ada")
    assert renamed is not None
    assert (renamed.id, renamed.title) == ("a", "Étude")
    assert await opened.listed("ada") == ["b", "a"]
    assert await opened.found("etude") == {"a": None}
    await opened.say("a", "third", owner="ada")
    found = await opened.directory.find_conversation("a", owner="ada")
    assert found is not None
    assert found.title == "Étude"


async def test_the_list_is_paged_without_gaps_or_repetitions(opened: Opened) -> None:
    for number in range(5):
        await opened.say(f"c{number}")
    opened.seconds = 2  # two more of the very same instant as c2
    await opened.say("c2-twin")
    opened.seconds = 2
    await opened.say("c2-triplet")
    seen: list[str] = []
    cursor = None
    while True:
        page = await opened.directory.list_conversations(owner=None, before=cursor, limit=2)
        seen += [one.id for one in page]
        if len(page) < 2:
            break
        cursor = ConversationCursor(page[-1].updated_at, page[-1].id)
    assert seen == ["c4", "c3", "c2-twin", "c2-triplet", "c2", "c1", "c0"]


# --- search --------------------------------------------------------------------------------------


async def test_every_word_must_stand_in_the_title_or_in_one_message(opened: Opened) -> None:
    await opened.say("a", "Draw a LIGHTHOUSE at dusk")
    await opened.say("a", "make it darker", opening=False)
    await opened.say("b", "a house in the light of dawn")
    await opened.say("c", "nothing of the kind")
    assert await opened.found("lighthouse") == {"a": "Draw a LIGHTHOUSE at dusk"}
    assert set(await opened.found("house light")) == {"a", "b"}
    assert await opened.found("darker lighthouse") == {}
    assert await opened.found("dark") == {"a": "make it darker"}
    assert await opened.found("missing") == {}


async def test_the_newest_match_of_a_conversation_is_given(opened: Opened) -> None:
    for number in range(4):
        await opened.say("a", f"lamp {number}")
    await opened.say("a", "no more")
    assert await opened.found("lamp") == {"a": "lamp 3"}


async def test_what_is_found_is_paged_like_the_list(opened: Opened) -> None:
    for number in range(5):
        await opened.say(f"c{number}", "lamp")
    await opened.say("other", "dark")
    terms = search_terms("lamp")
    page = await opened.directory.search(terms, owner=None, before=None, limit=3)
    assert [match.conversation.id for match in page] == ["c4", "c3", "c2"]
    last = page[-1].conversation
    cursor = ConversationCursor(last.updated_at, last.id)
    rest = await opened.directory.search(terms, owner=None, before=cursor, limit=3)
    assert [match.conversation.id for match in rest] == ["c1", "c0"]


@pytest.mark.parametrize(
    ("said", "query", "matches"),
    [
        ("Das schöne Straßenfest", "STRASSE SCHON", True),
        ("un café à Évreux", "cafe evreux", True),
        ("灯台を描いて", "灯台", True),
        ("灯台を描いて", "台", True),
        ("灯台を描いて", "灯塔", False),
        ("Ωmega", "ωME", True),
        ("a\u0301", "á", True),
        ("100% of_it", "100%", True),
        ("100 of it", "100%", False),
        ("snake_case", "e_c", True),
        ("snakeXcase", "e_c", False),
        ('she said "hi" OR', 'OR "hi"', True),
        ("plain", "NOT plain*", False),
        ("c++ and f(x)", "c++ f(x)", True),
        ("ab", "ab", True),
        ("x" * 3000 + "needle", "xneedle", True),
        ("one\ntwo", "one two", True),
        ("nul\0byte \ud800", "nulbyte", True),
        ("emoji 😀 here", "😀", True),
    ],
)
async def test_a_search_folds_case_and_accents_and_takes_no_syntax(
    opened: Opened, said: str, query: str, matches: bool
) -> None:
    await opened.say("b", "something else")
    await opened.log.append_message(
        "a",
        NewMessage(content={"id": "m", "text": "kept"}, text=said, media=frozenset()),
        at=START,
        opening=Opening(title="title", owner=None),
    )
    assert await opened.found(query) == ({"a": "kept"} if matches else {})


async def test_the_search_knows_of_a_message_what_it_holds_now(opened: Opened) -> None:
    await opened.say("a", "title")
    await opened.say("a", "first words", identifier="m")
    assert set(await opened.found("first")) == {"a"}
    await opened.say("a", "other words", identifier="m")
    assert await opened.found("first") == {}
    assert set(await opened.found("other")) == {"a"}


# --- deletion ------------------------------------------------------------------------------------


async def test_what_is_deleted_is_out_of_sight_and_can_be_restored(opened: Opened) -> None:
    await opened.say("a", "words", owner="ada")
    assert await opened.directory.mark_deleted("a", owner="ada", at=LATER) == LATER
    again = LATER + timedelta(hours=1)
    assert await opened.directory.mark_deleted("a", owner="ada", at=again) == LATER
    assert await opened.listed("ada") == await opened.listed() == []
    assert await opened.found("words") == {}
    assert await opened.directory.find_conversation("a", owner="ada") is None
    assert await opened.directory.rename("a", "new", owner="ada") is None
    assert await opened.log.page_messages("a", owner="ada", before=None, limit=9) is None
    with pytest.raises(NotFoundError, match="no conversation"):
        await opened.say("a", "more", owner="ada")
    await opened.say("a", "an answer that was under way", opening=False)
    assert await opened.directory.restore("a", owner="ada", deleted_after=LATER) is None
    earlier = LATER - timedelta(milliseconds=1)
    restored = await opened.directory.restore("a", owner="ada", deleted_after=earlier)
    assert restored is not None
    assert (restored.id, restored.title) == ("a", "words")
    assert await opened.directory.restore("a", owner="ada", deleted_after=LATER) == restored
    assert texts(await opened.log.read_messages("a")) == ["words", "an answer that was under way"]
    assert set(await opened.found("words")) == {"a"}


async def test_a_deletion_is_taken_back_by_the_owner_alone(opened: Opened) -> None:
    await opened.say("a", "of ada", owner="ada")
    await opened.say("n", "of nobody")
    restore = opened.directory.restore
    for conversation, owner in (("a", "ada"), ("n", None)):
        await opened.directory.mark_deleted(conversation, owner=owner, at=LATER)
    for conversation, stranger in (("a", "bob"), ("a", ""), ("n", "bob"), ("n", "")):
        assert await restore(conversation, owner=stranger, deleted_after=START) is None
        assert await opened.listed() == await opened.listed("ada") == []
        assert await opened.directory.find_deleted(before=LATER, limit=9) == ["a", "n"]
    assert await restore("a", owner="ada", deleted_after=START) is not None
    assert await opened.listed() == ["a"]


async def test_what_is_unknown_can_be_neither_deleted_nor_restored_nor_purged(
    opened: Opened,
) -> None:
    assert await opened.directory.mark_deleted("x", owner=None, at=LATER) is None
    assert await opened.directory.restore("x", owner=None, deleted_after=START) is None
    assert not await opened.directory.purge("x", deleted_before=LATER)
    await opened.say("a")
    assert not await opened.directory.purge("a", deleted_before=LATER)
    assert await opened.directory.find_deleted(before=LATER, limit=9) == []


async def purge(opened: Opened, conversation: str) -> None:
    await opened.directory.mark_deleted(conversation, owner=None, at=LATER)
    assert await opened.directory.find_deleted(before=START, limit=9) == []
    assert not await opened.directory.purge(conversation, deleted_before=START)
    assert await opened.directory.find_deleted(before=LATER, limit=9) == [conversation]
    assert await opened.directory.purge(conversation, deleted_before=LATER)
    assert not await opened.directory.purge(conversation, deleted_before=LATER)


async def test_a_purged_conversation_takes_its_own_media_along(opened: Opened) -> None:
    made = await opened.put(digest="a", conversation="a")
    unseen = await opened.put(digest="b", conversation="a")
    uploaded = await opened.put(digest="c")
    apart = await opened.put(digest="d")
    await opened.say("a", "words", media=frozenset({made, uploaded}))
    await opened.say("b", "words")
    await purge(opened, "a")
    assert await opened.log.read_messages("a") is None
    assert await opened.listed() == ["b"]
    assert set(await opened.found("words")) == {"b"}
    for gone in (made, unseen, uploaded):
        assert await opened.catalog.find(gone) is None
    assert await opened.catalog.find(apart) is not None
    assert await opened.marked() == {long(x, y) for x in "abc" for y in "0e"}
    with pytest.raises(NotFoundError):
        await opened.say("a", "an answer that comes too late", opening=False)


async def test_media_that_another_conversation_shows_passes_to_it(opened: Opened) -> None:
    shared = await opened.put(digest="a", conversation="a")
    uploaded = await opened.put(digest="b")
    borrowed = await opened.put(digest="c", conversation="b")
    everything = frozenset({shared, uploaded, borrowed})
    await opened.say("a", media=everything)
    await opened.say("b", media=everything)
    await purge(opened, "a")
    for kept in everything:
        assert await opened.catalog.find(kept) is not None
    assert await opened.marked() == set()
    # A deletion that can be taken back counts as one that did not happen.
    await opened.say("c", media=everything)
    await opened.directory.mark_deleted("c", owner=None, at=LATER + timedelta(days=1))
    await purge(opened, "b")
    for kept in everything:
        assert await opened.catalog.find(kept) is not None
    assert await opened.directory.purge("c", deleted_before=LATER + timedelta(days=2))
    assert await opened.marked() == {long(x, y) for x in "abc" for y in "0e"}


async def test_31_media_never_passes_to_a_conversation_of_another_owner(opened: Opened) -> None:
    """A message may hold the id of anyone's media: a model writes what it was told to."""
    made = await opened.put(digest="a", conversation="b", owner="ada")
    uploaded = await opened.put(digest="b", owner="ada")
    kept = await opened.put(digest="c", conversation="b", owner="ada")
    everything = frozenset({made, uploaded, kept})
    await opened.say("a", owner="bob", media=everything)  # "a" comes before every other id
    await opened.say("b", owner="ada", media=everything)
    await opened.say("c", owner="ada", media=frozenset({kept}))
    await opened.directory.mark_deleted("b", owner="ada", at=LATER)
    assert (await opened.pictured("ada")).keys() == {kept}
    await opened.directory.purge("b", deleted_before=LATER)
    assert await opened.catalog.find(made) is None
    assert await opened.catalog.find(uploaded) is None
    passed = await opened.catalog.find(kept)
    assert passed is not None
    assert passed.conversation_id == "c"


async def test_what_was_uploaded_for_messages_that_were_replaced_goes_as_well(
    opened: Opened,
) -> None:
    edited, after, bobs = (
        await opened.put(digest="a"),
        await opened.put(digest="b"),
        await opened.put(digest="c", owner="bob"),
    )
    first = await opened.say("a", media=frozenset({edited}))
    await opened.say("a", media=frozenset({after, bobs}))
    words = NewMessage(content={"id": first}, text="", media=frozenset())
    await opened.log.rewind("a", first, message=words, at=LATER)
    await purge(opened, "a")
    assert await opened.catalog.find(edited) is None
    assert await opened.catalog.find(after) is None
    assert await opened.catalog.find(bobs) is not None


async def test_media_of_other_conversations_and_of_other_owners_stays(opened: Opened) -> None:
    others = await opened.put(digest="a", conversation="b")
    bobs = await opened.put(digest="b", owner="bob")
    await opened.say("a", owner="ada", media=frozenset({others, bobs}))
    await purge(opened, "a")
    assert await opened.catalog.find(others) is not None
    assert await opened.catalog.find(bobs) is not None


async def test_a_content_that_another_reference_keeps_gets_no_tombstone(opened: Opened) -> None:
    first = await opened.put(digest="a", conversation="a")
    second = await opened.put(digest="a", conversation="b")
    await opened.say("a", media=frozenset({first}))
    await opened.say("b", media=frozenset({second}))
    await purge(opened, "a")
    assert await opened.marked() == set()
    assert (await opened.catalog.find_blob(long("a"))) is not None
    await purge(opened, "b")
    assert await opened.marked() == {long("a"), long("a", "e")}


async def test_a_replaced_message_refers_to_what_it_holds_now(opened: Opened) -> None:
    before = await opened.put(digest="a")
    after = await opened.put(digest="b")
    await opened.say("a", identifier="m", media=frozenset({before}))
    await opened.say("a", identifier="m", media=frozenset({after}))
    await purge(opened, "a")
    assert await opened.catalog.find(before) is not None
    assert await opened.catalog.find(after) is None


async def test_a_message_that_is_gone_keeps_no_media(opened: Opened) -> None:
    made = await opened.put(digest="a", conversation="b")
    first = await opened.say("a")
    await opened.say("a", media=frozenset({made}))
    await opened.say("b", media=frozenset({made}))
    await opened.log.rewind("a", first, at=LATER)
    await purge(opened, "b")
    assert await opened.catalog.find(made) is None


async def test_listed_media_leads_to_the_message_that_first_shows_it(opened: Opened) -> None:
    made = await opened.put(digest="a", conversation="a", owner="ada")
    uploaded = await opened.put(digest="b", owner="ada")
    unsaid = await opened.put(digest="c", owner="ada")
    bare = await opened.put(digest="d", conversation="a", owner="ada")
    first = await opened.say("a", owner="ada", media=frozenset({made}))
    await opened.say("a", owner="ada", media=frozenset({made, uploaded}))
    await opened.say("b", owner="ada", media=frozenset({made, uploaded}))
    # Another's message may hold an id that its author was told; it is no place of Ada's.
    await opened.say("c", owner="bob", media=frozenset({unsaid}))
    assert await opened.pictured("ada") == {
        made: ("a", first),
        uploaded: ("a", "m2"),
        unsaid: (None, None),
        bare: ("a", None),
    }
    assert await opened.pictured("bob") == {}


async def test_what_goes_with_a_deleted_conversation_is_not_listed_meanwhile(
    opened: Opened,
) -> None:
    """A deletion takes out of sight at once exactly what the purge is going to forget."""
    made = await opened.put(digest="a", conversation="a")
    uploaded = await opened.put(digest="b")
    kept = await opened.put(digest="c", conversation="a")
    shared = await opened.put(digest="d")
    twice = await opened.put(digest="e")
    unsaid = await opened.put(digest="f", conversation="a")
    other = await opened.put(digest="0", conversation="b")
    await opened.say("a", media=frozenset({made, uploaded, kept, shared, twice, other}))
    await opened.say("b", media=frozenset({kept, shared}))
    await opened.say("c", media=frozenset({twice}))
    everything = {made, uploaded, kept, shared, twice, unsaid, other}
    assert (await opened.pictured()).keys() == everything

    await opened.directory.mark_deleted("a", owner=None, at=LATER)
    left = await opened.pictured()
    assert left == {
        kept: ("b", "m2"),
        shared: ("b", "m2"),
        twice: ("c", "m3"),
        other: ("b", None),
    }
    await opened.directory.restore("a", owner=None, deleted_after=START)
    assert (await opened.pictured()).keys() == everything

    await purge(opened, "a")
    assert await opened.pictured() == left
    # The same where two that are deleted are all that shows it.
    await opened.directory.mark_deleted("b", owner=None, at=LATER)
    await opened.directory.mark_deleted("c", owner=None, at=LATER)
    assert await opened.pictured() == {}


async def test_a_purge_frees_the_bytes_of_each_owner_whose_media_goes(opened: Opened) -> None:
    await opened.put(digest="a", conversation="a", owner="ada")
    await opened.put(digest="b", conversation="a", owner="bob")
    uploaded = await opened.put(digest="c", owner="ada")
    await opened.put(digest="a", owner="bob")
    await opened.put(digest="b", owner="bob")
    await opened.put(digest="d", conversation="b", owner="ada")
    await opened.say("a", owner="ada", media=frozenset({uploaded}))
    assert await opened.catalog.owner_bytes("ada") == 30
    assert await opened.catalog.owner_bytes("bob") == 20
    await purge(opened, "a")
    assert await opened.catalog.owner_bytes("ada") == 10
    assert await opened.catalog.owner_bytes("bob") == 20


async def test_hundreds_of_media_go_at_once(opened: Opened) -> None:
    ids = []
    async with opened.catalog.transaction() as transaction:
        for number in range(300):
            new = NewMedia(id=str(uuid4()), created_at=START, conversation_id="a")
            digest = f"sha-256:{number:064x}"
            blob = BlobRecord(digest=digest, size=10, media_type="text/plain")
            await transaction.add_blob(blob, [])
            ids.append((await transaction.add_media(new, digest)).reference.id)
    await opened.say("a", media=frozenset(ids))
    await purge(opened, "a")
    assert len(await opened.catalog.tombstones(after="", limit=1000)) == 300
    assert await opened.catalog.owner_bytes(None) == 0
