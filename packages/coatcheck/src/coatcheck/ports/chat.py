"""Where conversations live, and who answers them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
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
        owner: whose it will be; None where nobody is told apart.
    """

    title: str
    owner: str | None


class ConversationLog(Protocol):
    """What was said: messages as JSON objects in stored form, in order."""

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
            owner: whose it must be; None where nobody is told apart.
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
            owner: whose it must be; None where nobody is told apart.
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
        """Whose the conversation is; None where it is nobody's, or is not there.

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

        Nobody is told apart, and the conversation is not written to last by this.

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


class Responder(Protocol):
    """Answers a conversation: the seam between the chat and whichever agent drives it."""

    def respond(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        conversation_id: str,
        message_id: str,
        owner: str | None,
    ) -> AbstractAsyncContextManager[AsyncIterator[dict[str, Any]]]:
        """One turn.

        Args:
            messages: the conversation in stored form, the new user message last.
            conversation_id: what the media made in this turn belongs to.
            message_id: the id of the message that the turn makes.
            owner: whom the media made in this turn belongs to; None where nobody is told apart.

        Returns:
            A context with AI SDK UI message chunks, media in UI form. Leaving it ends the turn.
        """
        ...
