"""The list of conversations in SQL: paged, searched, renamed, deleted and purged."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from coatcheck.store import SharedDatabase
from coatcheck_chat.history.matching import has_index, holds_all, message_matches
from coatcheck_chat.history.ports import (
    ConversationCursor,
    ConversationMatch,
    ConversationRecord,
)
from coatcheck_chat.history.searching import fold
from coatcheck_chat.history.sql_log import visible_to
from coatcheck_chat.history.tables import (
    conversations,
    from_milliseconds,
    messages,
    to_milliseconds,
)


class SqlConversationDirectory:
    """A `ConversationDirectory` in the store's database.

    Args:
        store: opened with `ChatHistory` as a participant.
    """

    def __init__(self, store: SharedDatabase) -> None:
        self._store = store

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
        async with self._store.snapshot() as connection:
            return [_record(row) for row in await connection.execute(statement)]

    async def search(
        self,
        terms: Sequence[str],
        *,
        owner: str | None,
        before: ConversationCursor | None,
        limit: int,
    ) -> Sequence[ConversationMatch]:
        """Conversations whose title, or one of whose messages, has every term; see the port."""
        async with self._store.snapshot() as connection:
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
        async with self._store.snapshot() as connection:
            return await _find(connection, conversation_id, visible_to(owner))

    async def rename(
        self, conversation_id: str, title: str, *, owner: str | None
    ) -> ConversationRecord | None:
        """Give a conversation another title; its place in the list stays."""
        async with self._store.transaction() as transaction:
            connection = transaction.connection
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
        async with self._store.transaction() as transaction:
            connection = transaction.connection
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
        async with self._store.transaction() as transaction:
            connection = transaction.connection
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
        async with self._store.snapshot() as connection:
            return (await connection.scalars(statement)).all()

    async def purge(self, conversation_id: str, *, deleted_before: datetime) -> bool:
        """Forget a deleted conversation and the media that nothing else refers to; see the port."""
        async with self._store.transaction() as transaction:
            found = (
                await transaction.connection.execute(
                    select(conversations.c.owner).where(
                        conversations.c.id == conversation_id, _deleted_before(deleted_before)
                    )
                )
            ).one_or_none()
            if found is None:
                return False
            await transaction.forget_conversation(conversation_id, owner=found.owner)
        return True


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
