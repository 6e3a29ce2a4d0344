"""Around a provider that costs money: so many pictures a day, and no more."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from coatcheck_chat.budget import DailyBudget
from coatcheck_chat.providers.image import Capabilities, Draft, ImageProvider, ImageRequest


class BudgetedProvider:
    """Asks the provider while the budget lasts. A picture is paid for whether or not it succeeds.

    Args:
        inner: the provider.
        budget: counts pictures; several providers may share it.
    """

    def __init__(self, inner: ImageProvider, budget: DailyBudget) -> None:
        self._inner = inner
        self._budget = budget

    @property
    def model(self) -> str:
        """The provider's."""
        return self._inner.model

    @property
    def capabilities(self) -> Capabilities:
        """The provider's."""
        return self._inner.capabilities

    def generate(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        """As the provider does; see `ImageProvider.generate`.

        Raises:
            BudgetSpentError: no more pictures are made today.
        """
        return self._counted(self._inner.generate(request))

    def edit(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        """As the provider does; see `ImageProvider.edit`.

        Raises:
            BudgetSpentError: no more pictures are made today.
        """
        return self._counted(self._inner.edit(request))

    async def _counted(self, drafts: AsyncGenerator[Draft]) -> AsyncGenerator[Draft]:
        async with aclosing(drafts):
            self._budget.spend()
            async for draft in drafts:
                yield draft
