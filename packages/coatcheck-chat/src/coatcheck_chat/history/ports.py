"""Where conversations live: what was said in each, and the list of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A message and its place in the conversation; places rise, and need not be consecutive.

    Attributes:
        position: its place.
        content: the message as it is stored.
    """

    position: int
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A message to keep.

    Attributes:
        content: the message as JSON, its references in stored form; its ``id`` names it.
        text: what a search looks through.
        media: ids of the media that it refers to.
    """

    content: Mapping[str, Any]
    text: str
    media: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a conversation is made with, where a message is its first one.

    Attributes:
        title: what the list of conversations shows.
        owner: whose it will be; None where clients are anonymous.
    """

    title: str
    owner: str | None


class ConversationLog(Protocol):
    """The messages of conversations, as JSON objects in stored form, in order."""

    async def read_messages(self, conversation_id: str) -> Sequence[Mapping[str, Any]] | None:
        """The messages of a conversation in order, or None where there is no such conversation.

        It asks neither whose it is nor whether it is deleted: a turn under way reads with this.

        Args:
            conversation_id: the conversation, by its id.
        """
        ...

    async def page_messages(
        self, conversation_id: str, *, owner: str | None, before: int | None, limit: int
    ) -> Sequence[MessageRecord] | None:
        """The last `limit` messages, or the last ones before a position, in order.

        Its cost does not grow with the length of the conversation.

        Args:
            conversation_id: which conversation.
            owner: whose it must be; None where clients are anonymous.
            before: the position that they come before; None for the end.
            limit: how many at most.

        Returns:
            None where the owner has no such conversation, or has deleted it.
        """
        ...

    async def next_messages(
        self, conversation_id: str, *, owner: str | None, after: int, limit: int
    ) -> Sequence[MessageRecord] | None:
        """The first `limit` messages after a position, in order; 0 comes before all of them.

        Args:
            conversation_id: the conversation, by its id.
            owner: whose it must be; None where clients are anonymous.
            after: the position that they come after; 0 for all.
            limit: how many at most.

        Returns:
            None as for `page_messages`.
        """
        ...

    async def has_message(self, conversation_id: str, message_id: str) -> bool:
        """Whether the conversation holds a message with this ``id``.

        Args:
            conversation_id: the conversation, by its id.
            message_id: the message, by its ``id``.
        """
        ...

    async def owner_of(self, conversation_id: str) -> str | None:
        """Whose the conversation is; None where it has no owner, or is not there.

        Args:
            conversation_id: the conversation, by its id.
        """
        ...

    async def append_message(
        self,
        conversation_id: str,
        message: NewMessage,
        *,
        at: datetime,
        opening: Opening | None = None,
    ) -> None:
        """Write a message at the end.

        A message whose ``id`` the conversation holds already replaces that one in its place.

        Args:
            conversation_id: which conversation.
            message: what is kept.
            at: when.
            opening: makes the conversation if it is new. If it is not, it must be the owner's and
                not deleted, and the media must all be there. Without an opening the conversation
                must have been made; deleted or not, what belongs to it is still written.

        Raises:
            NotFoundError: there is no such conversation, or no such media.
        """
        ...

    async def replace_messages(
        self, conversation_id: str, changes: Sequence[tuple[Mapping[str, Any], NewMessage]]
    ) -> Sequence[Mapping[str, Any] | None]:
        """Write other messages in the place of some, all in one transaction.

        No owner is asked for, and the conversation's place in the list stays.

        Args:
            conversation_id: where they are.
            changes: each message as it was read, and the one with the same ``id`` in its place. One
                that has been changed since is left as it is.

        Returns:
            For each what is kept now; None where it is gone.
        """
        ...

    async def rewind(
        self,
        conversation_id: str,
        message_id: str,
        *,
        message: NewMessage | None = None,
        at: datetime,
    ) -> None:
        """Delete what follows the message with this id, and put `message` in its place if given.

        Nothing is deleted where the conversation does not hold such a message.

        Args:
            conversation_id: the conversation, by its id.
            message_id: the message, by its ``id``.
            message: what takes its place; None for nothing.
            at: when that happens.

        Raises:
            NotFoundError: there is no such media as `message` refers to.
        """
        ...


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

    `owner` says whose they must be, and is None where clients are anonymous. What is deleted is not
    found but by what says so.
    """

    async def list_conversations(
        self, *, owner: str | None, before: ConversationCursor | None, limit: int
    ) -> Sequence[ConversationRecord]:
        """Conversations by when they were last written to, newest first.

        Args:
            owner: whose it must be; None where clients are anonymous.
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
        """Conversations whose title, or one of whose messages, has every term, in the same order.

        Terms match anywhere in a text once both are folded (`coatcheck_chat.history.searching`).

        Args:
            terms: what a title or a message must hold, all of them.
            owner: whose it must be; None where clients are anonymous.
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
            owner: whose it must be; None where clients are anonymous.
        """
        ...

    async def rename(
        self, conversation_id: str, title: str, *, owner: str | None
    ) -> ConversationRecord | None:
        """Give a conversation another title; its place in the list stays. None if there is none.

        Args:
            conversation_id: the conversation, by its id.
            title: the new title.
            owner: whose it must be; None where clients are anonymous.
        """
        ...

    async def mark_deleted(
        self, conversation_id: str, *, owner: str | None, at: datetime
    ) -> datetime | None:
        """Delete a conversation so that it can be restored.

        Args:
            conversation_id: the conversation, by its id.
            owner: whose it must be; None where clients are anonymous.
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
            owner: whose it must be; None where clients are anonymous.
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
