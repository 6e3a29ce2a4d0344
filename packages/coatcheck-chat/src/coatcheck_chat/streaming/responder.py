"""Who answers a conversation."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol


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
            owner: whom the media made in this turn belongs to; None where clients are anonymous.

        Returns:
            A context with AI SDK UI message chunks, references in UI form. Media may be inline: the
            turn takes it out. Leaving the context ends the turn.
        """
        ...
