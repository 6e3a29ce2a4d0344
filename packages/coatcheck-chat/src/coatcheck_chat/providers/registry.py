"""From settings to image providers: the one place that knows what stands behind each name.

::

    procedural                            paints offline
    openai:MODEL                          OpenAI's Images API
    openai-responses:MODEL                a model of OpenAI's Responses API with its image tool
    gemini:MODEL                          a Gemini model that answers with pictures
    compatible:MODEL@https://host/v1      an endpoint that speaks OpenAI's Images API

OpenAI's may end in ``?quality=low``, or what else the model knows.
"""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, Protocol

from coatcheck.errors import ConfigurationError
from coatcheck.store import Fetcher
from coatcheck.workers import WorkerPool
from coatcheck_chat.budget import DailyBudget
from coatcheck_chat.providers.budgeted import BudgetedProvider
from coatcheck_chat.providers.fallback import FallbackProvider
from coatcheck_chat.providers.image import ImageProvider
from coatcheck_chat.providers.procedural import ProceduralProvider
from coatcheck_chat.providers.retrying import RetryingProvider, RetryLimits
from coatcheck_chat.settings import Settings

_PROCEDURAL: Final = "procedural"
_OPENAI: Final = re.compile(
    r"(?P<api>openai|openai-responses):(?P<model>[^\s?]+)(?:\?quality=(?P<quality>[a-z]+))?"
)
_GEMINI: Final = re.compile(r"gemini:(?P<model>[^\s?]+)")
_COMPATIBLE: Final = re.compile(r"compatible:(?P<model>\S+)@(?P<url>https?://\S+)")
_CHOICES: Final = (
    "procedural, openai:MODEL, openai-responses:MODEL, gemini:MODEL and"
    " compatible:MODEL@https://host/v1"
)


class _Connected(ImageProvider, Protocol):
    """A provider that holds connections."""

    async def aclose(self) -> None: ...


_Connect = Callable[[Fetcher], _Connected]


class Imagery:
    """The image providers that an installation has chosen.

    It is made before anything is opened, so that a wrong name or a missing key ends the start.

    Args:
        settings: what the installation decides.

    Raises:
        ConfigurationError: a name is unknown, or its key or its package is missing.
    """

    def __init__(self, settings: Settings) -> None:
        names = [name.strip() for name in settings.providers.split(",") if name.strip()]
        if not names:
            raise ConfigurationError(f"COATCHECK_PROVIDERS names none of {_CHOICES}.")
        try:
            # None stands for the painter, which needs no connection.
            self._connects = [
                None if name == _PROCEDURAL else _prepare(name, settings) for name in names
            ]
        except ImportError as error:
            raise ConfigurationError(
                f"COATCHECK_PROVIDERS needs '{error.name}'. Install it with:"
                " pip install coatcheck-chat"
            ) from error
        except ConfigurationError as error:
            raise ConfigurationError(f"COATCHECK_PROVIDERS: {error.message}") from error
        self._budget = DailyBudget(settings.paid_pictures) if settings.paid_pictures else None
        self._limits = RetryLimits(seconds=settings.provider_seconds, tries=settings.provider_tries)

    @asynccontextmanager
    async def open(self, painters: WorkerPool, fetcher: Fetcher) -> AsyncIterator[ImageProvider]:
        """All of them behind one, for as long as the context lasts. It can be opened once.

        Args:
            painters: offers the task ``paint``.
            fetcher: fetches pictures that are answered as URLs.
        """
        providers: list[ImageProvider] = []
        async with AsyncExitStack() as stack:
            for connect in self._connects:
                if connect is None:
                    providers.append(ProceduralProvider(painters))
                    continue
                provider = connect(fetcher)
                stack.push_async_callback(provider.aclose)
                retrying = RetryingProvider(provider, self._limits)
                providers.append(
                    retrying if self._budget is None else BudgetedProvider(retrying, self._budget)
                )
            yield _in_order(providers)


def _in_order(providers: Sequence[ImageProvider]) -> ImageProvider:
    return providers[0] if len(providers) == 1 else FallbackProvider(providers)


def _prepare(name: str, settings: Settings) -> _Connect:
    """Return a function that connects to the named provider. Its SDK is imported only here."""
    if match := _OPENAI.fullmatch(name):
        return _prepare_openai(match["api"], match["model"], match["quality"] or "auto")
    if match := _GEMINI.fullmatch(name):
        from coatcheck_chat.providers.gemini import GeminiImages  # noqa: PLC0415 - google-genai

        gemini = GeminiImages.connect(match["model"])
        return lambda _fetcher: gemini
    if match := _COMPATIBLE.fullmatch(name):
        return _prepare_compatible(match["model"], match["url"], settings)
    raise ConfigurationError(f"{name} is no provider; there are {_CHOICES}.")


def _prepare_openai(api: str, model: str, quality: str) -> _Connect:
    from coatcheck_chat.providers.openai_client import connect  # noqa: PLC0415 - openai
    from coatcheck_chat.providers.openai_images import OpenAIImages  # noqa: PLC0415 - likewise
    from coatcheck_chat.providers.openai_responses import (  # noqa: PLC0415 - likewise
        OpenAIResponses,
    )

    make = OpenAIImages if api == "openai" else OpenAIResponses
    provider = make(connect(), model, quality=quality)
    return lambda _fetcher: provider


def _prepare_compatible(model: str, url: str, settings: Settings) -> _Connect:
    from coatcheck_chat.providers.compatible import CompatibleImages  # noqa: PLC0415 - openai
    from coatcheck_chat.providers.openai_client import connect  # noqa: PLC0415 - likewise

    client = connect(base_url=url, api_key=settings.provider_key.get_secret_value())
    return lambda fetcher: CompatibleImages(
        client, model, fetcher=fetcher, max_bytes=settings.max_bytes
    )
