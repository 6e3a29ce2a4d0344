"""Around several providers: the next one draws where one cannot."""

import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from coatcheck.errors import InvalidInputError, OverloadedError
from coatcheck_chat.errors import BudgetSpentError, GenerationError, ModerationError
from coatcheck_chat.providers.image import Capabilities, Draft, ImageProvider, ImageRequest

_log: Final = logging.getLogger(__name__)


class FallbackProvider:
    """Asks one provider after the other until one has a picture.

    A prompt that one refuses by its content policy is not handed to the next. Nor is one whose
    drafts were shown already: what the user has seen is not taken back for another picture.

    Args:
        providers: in the order in which they are asked.

    Raises:
        InvalidInputError: there are none.
    """

    def __init__(self, providers: Sequence[ImageProvider]) -> None:
        if not providers:
            raise InvalidInputError("A fallback needs a provider.")
        self._providers = tuple(providers)

    @property
    def model(self) -> str:
        """The first provider's. Who drew a picture stands in `Draft.model`."""
        return self._providers[0].model

    @property
    def capabilities(self) -> Capabilities:
        """The first provider's; it edits if any does."""
        edits = any(provider.capabilities.edits for provider in self._providers)
        return replace(self._providers[0].capabilities, edits=edits)

    def generate(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        """The drafts of the first provider that has a picture; see `ImageProvider.generate`."""
        return self._first(self._providers, lambda provider: provider.generate(request))

    def edit(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        """As `generate`, of the providers that can edit; see `ImageProvider.edit`."""
        editors = [provider for provider in self._providers if provider.capabilities.edits]
        # None can: the first one says so.
        return self._first(editors or self._providers[:1], lambda provider: provider.edit(request))

    async def _first(
        self,
        providers: Sequence[ImageProvider],
        ask: Callable[[ImageProvider], AsyncGenerator[Draft]],
    ) -> AsyncGenerator[Draft]:
        for provider in providers:
            shown = False
            try:
                async with aclosing(ask(provider)) as drafts:
                    async for draft in drafts:
                        yield replace(draft, model=draft.model or provider.model)
                        shown = True
            except ModerationError:
                raise
            except (BudgetSpentError, GenerationError, OverloadedError) as error:
                if shown or provider is providers[-1]:
                    raise
                _log.warning("%s The next provider is asked.", error.message)
            else:
                return
