"""Messages in SQL: each is one JSON object in stored form."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    delete,
    exists,
    func,
    insert,
    select,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from coatcheck.errors import NotFoundError
from coatcheck.store import SharedDatabase, SharedTransaction
from coatcheck_chat.history.ports import MessageRecord, NewMessage, Opening
from coatcheck_chat.history.searching import fold
from coatcheck_chat.history.tables import conversations, messages, to_milliseconds


def visible_to(owner: str | None) -> ColumnElement[bool]:
    """Whether a conversation is not deleted, and the owner's where one is given."""
    own = true() if owner is None else conversations.c.owner == owner
    return conversations.c.deleted_at.is_(None) & own


class SqlConversationLog:
    """A `ConversationLog` in the store's database.

    Args:
        store: opened with `ChatHistory` as a participant.
    """

    def __init__(self, store: SharedDatabase) -> None:
        self._store = store

    async def read_messages(self, conversation_id: str) -> Sequence[Mapping[str, Any]] | None:
        """The messages of a conversation in order, or None where there is no such conversation."""
        statement = (
            select(messages.c.content)
            .where(messages.c.conversation_id == conversation_id)
            .order_by(messages.c.position)
        )
        async with self._store.snapshot() as connection:
            found = (await connection.scalars(statement)).all()
        # A conversation is made together with its first message: none without one.
        return found or None

    async def page_messages(
        self, conversation_id: str, *, owner: str | None, before: int | None, limit: int
    ) -> Sequence[MessageRecord] | None:
        """The last messages, or the last ones before a position, in order; see the port."""
        condition = true() if before is None else messages.c.position < before
        descending = messages.c.position.desc()
        found = await self._page(conversation_id, owner, condition, descending, limit)
        return None if found is None else found[::-1]

    async def next_messages(
        self, conversation_id: str, *, owner: str | None, after: int, limit: int
    ) -> Sequence[MessageRecord] | None:
        """The first messages after a position, in order; see the port."""
        condition = messages.c.position > after
        return await self._page(conversation_id, owner, condition, messages.c.position, limit)

    async def _page(
        self,
        conversation_id: str,
        owner: str | None,
        condition: ColumnElement[bool],
        order: ColumnElement[Any],
        limit: int,
    ) -> Sequence[MessageRecord] | None:
        found = select(exists().where(conversations.c.id == conversation_id, visible_to(owner)))
        page = (
            select(messages.c.position, messages.c.content)
            .where(messages.c.conversation_id == conversation_id, condition)
            .order_by(order)
            .limit(limit)
        )
        async with self._store.snapshot() as connection:
            if not await connection.scalar(found):
                return None
            rows = await connection.execute(page)
        return [MessageRecord(row.position, row.content) for row in rows]

    async def has_message(self, conversation_id: str, message_id: str) -> bool:
        """Whether the conversation holds a message with this ``id``."""
        async with self._store.snapshot() as connection:
            return await _find_message(connection, conversation_id, message_id) is not None

    async def owner_of(self, conversation_id: str) -> str | None:
        """Whose the conversation is; see the port."""
        async with self._store.snapshot() as connection:
            return await _owner_of(connection, conversation_id)

    async def append_message(
        self,
        conversation_id: str,
        message: NewMessage,
        *,
        at: datetime,
        opening: Opening | None = None,
    ) -> None:
        """Write a message at the end, in a conversation that is there or made; see the port."""
        now = to_milliseconds(at)
        async with self._store.transaction() as transaction:
            owner = await _open(transaction.connection, conversation_id, opening, now)
            if opening is not None:
                await transaction.require_media(message.media)
            await _write(transaction, conversation_id, owner, message, now)

    async def replace_messages(
        self, conversation_id: str, changes: Sequence[tuple[Mapping[str, Any], NewMessage]]
    ) -> Sequence[Mapping[str, Any] | None]:
        """Write other messages in the place of some, all in one transaction; see the port."""
        if not changes:
            return []
        kept: list[Mapping[str, Any] | None] = []
        async with self._store.transaction() as transaction:
            owner = await _owner_of(transaction.connection, conversation_id)
            for before, after in changes:
                current: Mapping[str, Any] | None = await transaction.connection.scalar(
                    select(messages.c.content).where(
                        messages.c.conversation_id == conversation_id,
                        messages.c.message_id == before["id"],
                    )
                )
                if current == before:
                    await _write(transaction, conversation_id, owner, after, 0)
                    current = after.content
                kept.append(current)
        return kept

    async def rewind(
        self,
        conversation_id: str,
        message_id: str,
        *,
        message: NewMessage | None = None,
        at: datetime,
    ) -> None:
        """Delete what follows the message with this id, and put `message` in its place if given."""
        now = to_milliseconds(at)
        in_conversation = messages.c.conversation_id == conversation_id
        position = (
            select(messages.c.position)
            .where(in_conversation, messages.c.message_id == message_id)
            .scalar_subquery()
        )
        # Without such a message there is no position, and nothing is greater than that.
        following = in_conversation & (messages.c.position > position)
        from_there = in_conversation & (messages.c.position >= position)
        async with self._store.transaction() as transaction:
            connection = transaction.connection
            owner = await _owner_of(connection, conversation_id)
            # What was uploaded for messages that go is to go with the conversation later.
            await transaction.adopt(
                conversation_id, select(messages.c.message_id).where(from_there), owner=owner
            )
            await transaction.release(
                conversation_id, select(messages.c.message_id).where(following)
            )
            await connection.execute(delete(messages).where(following))
            if message is not None:
                await transaction.require_media(message.media)
                await _write(transaction, conversation_id, owner, message, now)
            await connection.execute(
                update(conversations)
                .where(conversations.c.id == conversation_id)
                .values(updated_at=now)
            )


async def _owner_of(connection: AsyncConnection, conversation_id: str) -> str | None:
    statement = select(conversations.c.owner).where(conversations.c.id == conversation_id)
    owner: str | None = await connection.scalar(statement)
    return owner


async def _open(
    connection: AsyncConnection, conversation_id: str, opening: Opening | None, now: int
) -> str | None:
    """Make the conversation, or see that it may be written to; whose it is."""
    written = (
        update(conversations)
        .where(conversations.c.id == conversation_id)
        .values(updated_at=now)
        .returning(conversations.c.owner, conversations.c.deleted_at)
    )
    known = (await connection.execute(written)).one_or_none()
    if known is None and opening is not None:
        await connection.execute(
            insert(conversations).values(
                id=conversation_id,
                title=opening.title,
                folded_title=fold(opening.title),
                owner=opening.owner,
                created_at=now,
                updated_at=now,
            )
        )
        return opening.owner
    foreign = (
        opening is not None
        and known is not None
        and (known.deleted_at is not None or opening.owner not in {None, known.owner})
    )
    if known is None or foreign:  # the transaction takes the new time back
        raise NotFoundError("There is no conversation under this id.")
    owner: str | None = known.owner
    return owner


async def _write(
    transaction: SharedTransaction,
    conversation_id: str,
    owner: str | None,
    message: NewMessage,
    now: int,
) -> None:
    connection = transaction.connection
    message_id = message.content["id"]
    written = {"content": dict(message.content), "folded": fold(message.text)}
    row = await _find_message(connection, conversation_id, message_id)
    if row is None:
        following = select(func.coalesce(func.max(messages.c.position), 0) + 1).where(
            messages.c.conversation_id == conversation_id
        )
        await connection.execute(
            insert(messages).values(
                conversation_id=conversation_id,
                position=following.scalar_subquery(),
                message_id=message_id,
                created_at=now,
                **written,
            )
        )
    else:
        await connection.execute(update(messages).where(messages.c.id == row).values(**written))
        await transaction.release(conversation_id, [message_id])
    await transaction.hold(conversation_id, message_id, message.media, owner=owner)


async def _find_message(
    connection: AsyncConnection, conversation_id: str, message_id: str
) -> int | None:
    statement = select(messages.c.id).where(
        messages.c.conversation_id == conversation_id, messages.c.message_id == message_id
    )
    found: int | None = await connection.scalar(statement)
    return found
