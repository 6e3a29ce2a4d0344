"""The chat's part in the store's database."""

from pathlib import Path
from typing import Final

from sqlalchemy import ColumnElement, SelectBase, Subquery, Table, delete, exists, func, select

from coatcheck.store import Schema, SharedTransaction
from coatcheck_chat.history.tables import conversations, messages, metadata

CHAT: Final = Schema(
    name="chat",
    metadata=metadata,
    migrations=Path(__file__).parent / "migrations" / "versions",
    revision="0001",
)
"""Conversations and their messages."""


class ChatHistory:
    """A `coatcheck.ports.Participant`: the store is opened with it, or it has no table of the chat.

    A message is a holder of the media that it shows, under its id.
    """

    schema: Final = CHAT

    def is_withdrawn(self, conversation_id: ColumnElement[str]) -> ColumnElement[bool]:
        """SQL: whether a conversation is deleted and can be restored, or is to be purged."""
        return exists().where(
            conversations.c.id == conversation_id, conversations.c.deleted_at.is_not(None)
        )

    def select_places(self, held: Subquery) -> SelectBase:
        """SQL: the first message that shows each media, in a conversation that is not deleted."""
        first = (
            select(held.c.media_id, func.min(messages.c.id).label("message"))
            .join_from(
                held,
                messages,
                (messages.c.conversation_id == held.c.conversation_id)
                & (messages.c.message_id == held.c.holder),
            )
            .join(conversations)
            .where(conversations.c.deleted_at.is_(None))
            .group_by(held.c.media_id)
            .subquery("first")
        )
        return select(
            first.c.media_id, messages.c.conversation_id, messages.c.message_id.label("holder")
        ).join_from(first, messages, messages.c.id == first.c.message)

    async def forget_conversation(
        self, transaction: SharedTransaction, conversation_id: str
    ) -> None:
        """Delete the conversation, and its messages with it."""
        await transaction.connection.execute(
            delete(conversations).where(conversations.c.id == conversation_id)
        )

    def is_owned(self, table: Table, owner: str) -> ColumnElement[bool]:
        """SQL: whether a conversation, or the one of a message, is the owner's."""
        if table is conversations:
            return conversations.c.owner == owner
        return messages.c.conversation_id.in_(_of(owner))

    async def erase_owner(self, transaction: SharedTransaction, owner: str) -> int:
        """Delete the owner's conversations and their messages; how many rows these were."""
        # Messages by a statement of their own, or the cascade would not count them.
        said = await transaction.connection.execute(
            delete(messages).where(messages.c.conversation_id.in_(_of(owner)))
        )
        begun = await transaction.connection.execute(
            delete(conversations).where(conversations.c.owner == owner)
        )
        return said.rowcount + begun.rowcount


def _of(owner: str) -> SelectBase:
    return select(conversations.c.id).where(conversations.c.owner == owner)
