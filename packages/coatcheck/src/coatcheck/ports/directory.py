"""The list of conversations: what is shown of each, and where the list is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRecord:
    """A conversation as the list shows it.

    Attributes:
        id: its id, a UUIDv4.
        title: what the list shows.
        created_at: when it began.
        updated_at: when it was last written to.
    """

    id: str
    title: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ConversationCursor:
    """A place in the list of conversations: what comes after it was written to earlier.

    Attributes:
        updated_at: when the last conversation before it was written to.
        id: that conversation's id.
    """

    updated_at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class ConversationMatch:
    """A conversation that a search found, with its newest message that matches.

    `content` is None where the title alone matches.

    Attributes:
        conversation: its record.
        content: the message; None where the title alone matches.
    """

    conversation: ConversationRecord
    content: Mapping[str, Any] | None


class ConversationDirectory(Protocol):
    """Which conversations there are, and what becomes of them.

    `owner` says whose they must be, and is None where nobody is told apart. What is deleted is not
    found but by what says so.
    """

    async def list_conversations(
        self, *, owner: str | None, before: ConversationCursor | None, limit: int
    ) -> Sequence[ConversationRecord]:
        """Conversations by when they were last written to, newest first.

        Args:
            owner: whose it must be; None where nobody is told apart.
            before: what comes after this place in the list; None for its beginning.
            limit: how many at most.
        """
        ...

    async def search(
        self,
        terms: Sequence[str],
        *,
        owner: str | None,
        before: ConversationCursor | None,
        limit: int,
    ) -> Sequence[ConversationMatch]:
        """Those whose title holds every term, or one of whose messages does, in the same order.

        Terms match anywhere in a text once both are folded (`coatcheck.folding`).

        Args:
            terms: what a title or a message must hold, all of them.
            owner: whose it must be; None where nobody is told apart.
            before: what comes after this place in the list; None for its beginning.
            limit: how many at most.
        """
        ...

    async def find_conversation(
        self, conversation_id: str, *, owner: str | None
    ) -> ConversationRecord | None:
        """The record of a conversation, or None.

        Args:
            conversation_id: the conversation, by its id.
            owner: whose it must be; None where nobody is told apart.
        """
        ...

    async def rename(
        self, conversation_id: str, title: str, *, owner: str | None
    ) -> ConversationRecord | None:
        """Give a conversation another title; its place in the list stays. None if there is none.

        Args:
            conversation_id: the conversation, by its id.
            title: the new title.
            owner: whose it must be; None where nobody is told apart.
        """
        ...

    async def mark_deleted(
        self, conversation_id: str, *, owner: str | None, at: datetime
    ) -> datetime | None:
        """Delete a conversation so that it can be restored.

        Args:
            conversation_id: the conversation, by its id.
            owner: whose it must be; None where nobody is told apart.
            at: when it is deleted.

        Returns:
            When it was deleted: `at`, or earlier if it was deleted already. None if there is none.
        """
        ...

    async def restore(
        self, conversation_id: str, *, owner: str | None, deleted_after: datetime
    ) -> ConversationRecord | None:
        """Take a deletion back, unless it came before `deleted_after`; None if there is nothing.

        A conversation that is not deleted is restored already.

        Args:
            conversation_id: the conversation, by its id.
            owner: whose it must be; None where nobody is told apart.
            deleted_after: the instant before which a deletion is final.
        """
        ...

    async def find_deleted(self, *, before: datetime, limit: int) -> Sequence[str]:
        """Conversations of anyone that were deleted before an instant.

        Args:
            before: the instant.
            limit: how many at most.
        """
        ...

    async def purge(self, conversation_id: str, *, deleted_before: datetime) -> bool:
        """Forget a deleted conversation and the media that nothing else refers to, all at once.

        Its own media goes, and so does media of no conversation that its messages refer to; media
        that a message of another conversation refers to passes to that one. Bytes that no row uses
        any more get a tombstone (`Catalog.tombstones`).

        Args:
            conversation_id: the conversation, by its id.
            deleted_before: only if it was deleted before this instant.

        Returns:
            False where no such conversation was deleted before the instant.
        """
        ...
