"""Conversations in SQL: each message is one JSON object in stored form."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from coatcheck.catalog.database import Database
from coatcheck.catalog.sql import from_milliseconds, to_milliseconds
from coatcheck.catalog.tables import conversations, messages
from coatcheck.ports import ConversationRecord


class SqlConversationLog:
    """A `ConversationLog` in a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_conversations(self, *, limit: int) -> Sequence[ConversationRecord]:
        """The conversations written to last, newest first."""
        statement = (
            select(conversations)
            .order_by(conversations.c.updated_at.desc(), conversations.c.id)
            .limit(limit)
        )
        async with self._database.read() as connection:
            return [
                ConversationRecord(
                    id=row.id, title=row.title, updated_at=from_milliseconds(row.updated_at)
                )
                for row in await connection.execute(statement)
            ]

    async def read_messages(self, conversation_id: str) -> Sequence[Mapping[str, Any]] | None:
        """The messages of a conversation in order, or None where there is no such conversation."""
        statement = (
            select(messages.c.content)
            .where(messages.c.conversation_id == conversation_id)
            .order_by(messages.c.position)
        )
        async with self._database.read() as connection:
            found = (await connection.scalars(statement)).all()
        # A conversation is made together with its first message: none without one.
        return found or None

    async def append_message(
        self, conversation_id: str, message: Mapping[str, Any], *, title: str, at: datetime
    ) -> None:
        """Write a message at the end; the conversation is made with `title` if it is new.

        A message whose ``id`` the conversation holds already replaces that one in its place.
        """
        now = to_milliseconds(at)
        last = select(func.coalesce(func.max(messages.c.position), 0)).where(
            messages.c.conversation_id == conversation_id
        )
        async with self._database.write() as connection:
            await connection.execute(
                insert_or(conversations)
                .values(id=conversation_id, title=title, created_at=now, updated_at=now)
                .on_conflict_do_nothing()
            )
            await connection.execute(
                update(conversations)
                .where(conversations.c.id == conversation_id)
                .values(updated_at=now)
            )
            await connection.execute(
                insert_or(messages)
                .values(
                    conversation_id=conversation_id,
                    position=(await connection.scalar(last) or 0) + 1,
                    message_id=message["id"],
                    content=dict(message),
                    created_at=now,
                )
                .on_conflict_do_update(
                    index_elements=["conversation_id", "message_id"],
                    set_={"content": dict(message)},
                )
            )

    async def rewind(
        self,
        conversation_id: str,
        message_id: str,
        *,
        message: Mapping[str, Any] | None = None,
        at: datetime,
    ) -> None:
        """Delete what follows the message with this id, and put `message` in its place if given.

        Nothing happens where the conversation does not hold such a message.
        """
        in_conversation = messages.c.conversation_id == conversation_id
        this_one = in_conversation & (messages.c.message_id == message_id)
        position = select(messages.c.position).where(this_one).scalar_subquery()
        async with self._database.write() as connection:
            # Without such a message there is no position, and nothing is greater than that.
            await connection.execute(
                delete(messages).where(in_conversation & (messages.c.position > position))
            )
            if message is not None:
                await connection.execute(
                    update(messages).where(this_one).values(content=dict(message))
                )
            await connection.execute(
                update(conversations)
                .where(conversations.c.id == conversation_id)
                .values(updated_at=to_milliseconds(at))
            )
