"""The bytes of owners: whatever is done, the number that is kept is the sum over the media."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from coatcheck.errors import NotFoundError
from coatcheck.ports import BlobRecord, NewMedia
from coatcheck.storage.catalog import Database, SqlCatalog
from coatcheck_chat.history.participant import CHAT, ChatHistory
from coatcheck_chat.history.ports import NewMessage, Opening
from coatcheck_chat.history.sql_directory import SqlConversationDirectory
from coatcheck_chat.history.sql_log import SqlConversationLog

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OWNERS = (None, "", "ada", "bob")
TALKS = (None, "a", "b", "c")

SUMS = text(
    "SELECT owner, sum(size) AS size FROM (SELECT DISTINCT owner, digest FROM media) AS owned"
    " JOIN blobs ON blobs.digest = owned.digest GROUP BY owner"
)

OPERATIONS = st.one_of(
    st.tuples(
        st.sampled_from(["put", "put", "fail"]),
        st.fixed_dictionaries(
            {
                "owner": st.sampled_from(OWNERS),
                "content": st.integers(1, 4),
                "talk": st.sampled_from(TALKS),
            }
        ),
    ),
    st.tuples(st.just("remove"), st.fixed_dictionaries({"which": st.integers(0, 9)})),
    st.tuples(
        st.sampled_from(["say", "rewind"]),
        st.fixed_dictionaries({"talk": st.sampled_from(TALKS[1:]), "which": st.integers(0, 9)}),
    ),
    st.tuples(st.just("purge"), st.fixed_dictionaries({"talk": st.sampled_from(TALKS[1:])})),
)
"""What is done, and to what; each list of the property's input is done at once."""


class Owned:
    """A catalog with conversations, and what changes the media in it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.catalog = SqlCatalog(database, [ChatHistory()])
        self.log = SqlConversationLog(self.catalog)
        self.directory = SqlConversationDirectory(self.catalog)
        self.ids: list[str] = []

    async def put(self, *, owner: str | None, content: int, talk: str | None) -> None:
        new = NewMedia(id=str(uuid4()), created_at=NOW, owner=owner, conversation_id=talk)
        digest = f"sha-256:{content:064x}"
        async with self.catalog.transaction() as transaction:
            blob = BlobRecord(digest=digest, size=10**content, media_type="text/plain")
            await transaction.add_blob(blob, [])
            await transaction.add_media(new, digest)
        self.ids.append(new.id)

    async def fail(self, *, owner: str | None, content: int, talk: str | None) -> None:
        """A put and a removal that are taken back together."""
        digest = f"sha-256:{content:064x}"
        new = NewMedia(id=str(uuid4()), created_at=NOW, owner=owner, conversation_id=talk)
        with suppress(ZeroDivisionError):
            async with self.catalog.transaction() as transaction:
                blob = BlobRecord(digest=digest, size=10**content, media_type="text/plain")
                await transaction.add_blob(blob, [])
                await transaction.add_media(new, digest)
                for reference_id in self.ids:
                    await transaction.remove_media(reference_id)
                raise ZeroDivisionError

    async def remove(self, *, which: int) -> None:
        for reference_id in self.ids[which : which + 1]:
            async with self.catalog.transaction() as transaction:
                await transaction.remove_media(reference_id)

    async def say(self, *, talk: str, which: int) -> None:
        message = NewMessage(
            content={"id": str(uuid4())}, text="", media=frozenset(self.ids[which : which + 1])
        )
        with suppress(NotFoundError):  # the media has been removed
            await self.log.append_message(
                talk, message, at=NOW, opening=Opening(title="t", owner=None)
            )

    async def rewind(self, *, talk: str, which: int) -> None:
        messages = await self.log.read_messages(talk) or []
        for message in messages[which : which + 1]:
            await self.log.rewind(talk, message["id"], at=NOW)

    async def purge(self, *, talk: str) -> None:
        await self.directory.mark_deleted(talk, owner=None, at=NOW)
        await self.directory.purge(talk, deleted_before=NOW + timedelta(seconds=1))

    async def kept_and_summed(self) -> tuple[Mapping[str | None, int], Mapping[str | None, int]]:
        async with self.database.read() as connection:
            summed = {row.owner: row.size for row in await connection.execute(SUMS)}
            rows = await connection.scalar(text("SELECT count(*) FROM owners"))
        assert rows == len(summed)  # an owner without media has no row
        kept = {owner: await self.catalog.owner_bytes(owner) for owner in OWNERS}
        return {owner: size for owner, size in kept.items() if size}, summed


async def check(steps: list[list[tuple[str, dict[str, Any]]]], directory: Path) -> None:
    owned = Owned(await Database.open(directory / "catalog.sqlite3", [CHAT]))
    try:
        for step in steps:
            async with anyio.create_task_group() as tasks:
                for name, arguments in step:
                    tasks.start_soon(lambda n=name, a=arguments: getattr(owned, n)(**a))  # type: ignore[misc]
            kept, summed = await owned.kept_and_summed()
            assert kept == summed
    finally:
        await owned.catalog.aclose()


@settings(max_examples=25)
@given(st.lists(st.lists(OPERATIONS, min_size=1, max_size=4), min_size=3, max_size=12))
def test_the_bytes_of_owners_are_the_sum_whatever_is_done_and_at_once(
    steps: list[list[tuple[str, dict[str, Any]]]],
) -> None:
    with TemporaryDirectory() as directory:
        anyio.run(check, steps, Path(directory))
