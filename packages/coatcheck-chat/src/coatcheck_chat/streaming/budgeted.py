"""Around a responder whose model costs money: so many turns a day, and no more."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from coatcheck_chat.budget import DailyBudget
from coatcheck_chat.streaming.responder import Responder


class BudgetedResponder:
    """Answers while the budget lasts; a `Responder`.

    Args:
        inner: who answers.
        budget: counts turns.
    """

    def __init__(self, inner: Responder, budget: DailyBudget) -> None:
        self._inner = inner
        self._budget = budget

    @asynccontextmanager
    async def respond(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        conversation_id: str,
        message_id: str,
        owner: str | None,
    ) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """One turn; see `Responder.respond`.

        Raises:
            BudgetSpentError: the model is asked no more today.
        """
        self._budget.spend()
        responding = self._inner.respond(
            messages, conversation_id=conversation_id, message_id=message_id, owner=owner
        )
        async with responding as chunks:
            yield chunks
