"""The list of conversations in SQL: paged, searched, renamed, deleted and purged."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    delete,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from coatcheck.folding import fold
from coatcheck.ports import ConversationCursor, ConversationMatch, ConversationRecord
from coatcheck.storage.catalog.conversations import visible_to
from coatcheck.storage.catalog.database import Database
from coatcheck.storage.catalog.releasing import release
from coatcheck.storage.catalog.rows import from_milliseconds, to_milliseconds
from coatcheck.storage.catalog.search import has_index, holds_all, message_matches
from coatcheck.storage.catalog.tables import conversations, media, message_media, messages
from coatcheck.storage.catalog.usage import count_out


class SqlConversationDirectory:
    """A `ConversationDirectory` in a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_conversations(
        self, *, owner: str | None, before: ConversationCursor | None, limit: int
    ) -> Sequence[ConversationRecord]:
        """Conversations by when they were last written to, newest first."""
        statement = (
            select(conversations)
            .where(visible_to(owner), _older_than(before))
            .order_by(conversations.c.updated_at.desc(), conversations.c.id.desc())
            .limit(limit)
        )
        async with self._database.read() as connection:
            return [_record(row) for row in await connection.execute(statement)]

    async def search(
        self,
        terms: Sequence[str],
        *,
        owner: str | None,
        before: ConversationCursor | None,
        limit: int,
    ) -> Sequence[ConversationMatch]:
        """Those whose title holds every term, or one of whose messages does; see the port."""
        async with self._database.read() as connection:
            hits = (
                select(messages.c.conversation_id, func.max(messages.c.position).label("position"))
                .where(
                    messages.c.conversation_id.in_(
                        select(conversations.c.id).where(visible_to(owner))
                    ),
                    message_matches(terms, indexed=await has_index(connection)),
                )
                .group_by(messages.c.conversation_id)
                .cte("hits")
            )
            statement = (
                select(conversations, messages.c.content)
                .outerjoin_from(conversations, hits, hits.c.conversation_id == conversations.c.id)
                .outerjoin(
                    messages,
                    (messages.c.conversation_id == hits.c.conversation_id)
                    & (messages.c.position == hits.c.position),
                )
                .where(
                    visible_to(owner),
                    _older_than(before),
                    or_(
                        hits.c.position.is_not(None),
                        holds_all(conversations.c.folded_title, terms),
                    ),
                )
                .order_by(conversations.c.updated_at.desc(), conversations.c.id.desc())
                .limit(limit)
            )
            return [
                ConversationMatch(_record(row), row.content)
                for row in await connection.execute(statement)
            ]

    async def find_conversation(
        self, conversation_id: str, *, owner: str | None
    ) -> ConversationRecord | None:
        """The record of a conversation, or None."""
        async with self._database.read() as connection:
            return await _find(connection, conversation_id, visible_to(owner))

    async def rename(
        self, conversation_id: str, title: str, *, owner: str | None
    ) -> ConversationRecord | None:
        """Give a conversation another title; its place in the list stays."""
        async with self._database.write() as connection:
            await connection.execute(
                update(conversations)
                .where(conversations.c.id == conversation_id, visible_to(owner))
                .values(title=title, folded_title=fold(title))
            )
            return await _find(connection, conversation_id, visible_to(owner))

    async def mark_deleted(
        self, conversation_id: str, *, owner: str | None, at: datetime
    ) -> datetime | None:
        """Delete a conversation so that it can be restored; see the port."""
        async with self._database.write() as connection:
            deleted_at = await connection.scalar(
                update(conversations)
                .where(conversations.c.id == conversation_id, _own(owner))
                .values(deleted_at=func.coalesce(conversations.c.deleted_at, to_milliseconds(at)))
                .returning(conversations.c.deleted_at)
            )
        return None if deleted_at is None else from_milliseconds(deleted_at)

    async def restore(
        self, conversation_id: str, *, owner: str | None, deleted_after: datetime
    ) -> ConversationRecord | None:
        """Take a deletion back, unless it came before `deleted_after`."""
        async with self._database.write() as connection:
            await connection.execute(
                update(conversations)
                .where(
                    conversations.c.id == conversation_id,
                    _own(owner),
                    conversations.c.deleted_at > to_milliseconds(deleted_after),
                )
                .values(deleted_at=None)
            )
            return await _find(connection, conversation_id, visible_to(owner))

    async def find_deleted(self, *, before: datetime, limit: int) -> Sequence[str]:
        """Conversations of anyone that were deleted before an instant."""
        statement = select(conversations.c.id).where(_deleted_before(before)).limit(limit)
        async with self._database.read() as connection:
            return (await connection.scalars(statement)).all()

    async def purge(self, conversation_id: str, *, deleted_before: datetime) -> bool:
        """Forget a deleted conversation and the media that nothing else refers to; see the port."""
        async with self._database.write() as connection:
            found = (
                await connection.execute(
                    select(conversations.c.owner).where(
                        conversations.c.id == conversation_id, _deleted_before(deleted_before)
                    )
                )
            ).one_or_none()
            if found is None:
                return False
            await _hand_over(connection, conversation_id)
            digests = await _remove_media(connection, conversation_id, found.owner)
            await connection.execute(
                delete(conversations).where(conversations.c.id == conversation_id)
            )
            await release(connection, digests)
        return True


async def _hand_over(connection: AsyncConnection, conversation_id: str) -> None:
    """Let media that other conversations of its owner show belong to one of them."""
    heir = (
        select(func.min(messages.c.conversation_id))
        .join_from(message_media, messages)
        .join(conversations)
        .where(_shown_beside(conversation_id))
        .scalar_subquery()
    )
    await connection.execute(
        update(media)
        .where(media.c.conversation_id == conversation_id, heir.is_not(None))
        .values(conversation_id=heir)
    )


def _shown_beside(conversation_id: str) -> ColumnElement[bool]:
    """Whether a message of another conversation shows the media, one of the same owner.

    A message of anyone else may hold an id that its author was told, and gains nothing by it.
    """
    return and_(
        message_media.c.media_id == media.c.id,
        messages.c.conversation_id != conversation_id,
        conversations.c.owner.is_not_distinct_from(media.c.owner),
    )


async def _remove_media(
    connection: AsyncConnection, conversation_id: str, owner: str | None
) -> set[str]:
    """Forget what belongs to the conversation, and what was uploaded for it; the digests."""
    shown = (
        select(message_media.c.media_id)
        .join_from(message_media, messages)
        .where(messages.c.conversation_id == conversation_id)
    )
    elsewhere = (
        select(literal(1))
        .join_from(message_media, messages)
        .join(conversations)
        .where(_shown_beside(conversation_id))
        .exists()
    )
    uploaded = (
        media.c.conversation_id.is_(None)
        & media.c.owner.is_not_distinct_from(owner)
        & media.c.id.in_(shown)
        & ~elsewhere
    )
    gone: set[tuple[str | None, str]] = set()
    for condition in (media.c.conversation_id == conversation_id, uploaded):
        removed = delete(media).where(condition).returning(media.c.owner, media.c.digest)
        gone.update((row.owner, row.digest) for row in await connection.execute(removed))
    await count_out(connection, gone)
    return {digest for _, digest in gone}


async def _find(
    connection: AsyncConnection, conversation_id: str, condition: ColumnElement[bool]
) -> ConversationRecord | None:
    statement = select(conversations).where(conversations.c.id == conversation_id, condition)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else _record(row)


def _own(owner: str | None) -> ColumnElement[bool]:
    return true() if owner is None else conversations.c.owner == owner


def _older_than(cursor: ConversationCursor | None) -> ColumnElement[bool]:
    if cursor is None:
        return true()
    place = tuple_(conversations.c.updated_at, conversations.c.id)
    return place < tuple_(literal(to_milliseconds(cursor.updated_at)), literal(cursor.id))


def _deleted_before(instant: datetime) -> ColumnElement[bool]:
    return conversations.c.deleted_at <= to_milliseconds(instant)


def _record(row: Row[Any]) -> ConversationRecord:
    return ConversationRecord(
        id=row.id,
        title=row.title,
        created_at=from_milliseconds(row.created_at),
        updated_at=from_milliseconds(row.updated_at),
    )
