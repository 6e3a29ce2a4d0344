"""Around a provider that costs money: so many pictures a day, and no more."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from coatcheck_chat.budget import DailyBudget
from coatcheck_chat.providers.image import Draft, ImageProvider, WrappingProvider


class BudgetedProvider(WrappingProvider):
    """Asks the provider while the budget lasts. A picture is paid for whether or not it succeeds.

    Args:
        inner: the provider.
        budget: counts pictures; several providers may share it.
    """

    def __init__(self, inner: ImageProvider, budget: DailyBudget) -> None:
        super().__init__(inner)
        self._budget = budget

    async def around(self, ask: Callable[[], AsyncGenerator[Draft]]) -> AsyncGenerator[Draft]:
        """The provider's drafts.

        Args:
            ask: asks the provider.

        Raises:
            BudgetSpentError: no more pictures are made today.
        """
        async with aclosing(ask()) as drafts:
            self._budget.spend()
            async for draft in drafts:
                yield draft
