"""Where conversations live, and who answers them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRecord:
    """A conversation as the list shows it."""

    id: str
    title: str
    updated_at: datetime


class ConversationLog(Protocol):
    """Where conversations live: messages as JSON objects in stored form, in order."""

    async def list_conversations(self, *, limit: int) -> Sequence[ConversationRecord]:
        """The conversations written to last, newest first."""
        ...

    async def read_messages(self, conversation_id: str) -> Sequence[Mapping[str, Any]] | None:
        """The messages of a conversation in order, or None where there is no such conversation."""
        ...

    async def append_message(
        self, conversation_id: str, message: Mapping[str, Any], *, title: str, at: datetime
    ) -> None:
        """Write a message at the end; the conversation is made with `title` if it is new.

        A message whose ``id`` the conversation holds already replaces that one in its place.
        """
        ...

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
