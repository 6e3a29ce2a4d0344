"""The message formats and limits of model providers, one module each."""

from typing import Final, Literal

from coatcheck.errors import InvalidInputError
from coatcheck.payload.hydration.providers.anthropic import Anthropic
from coatcheck.payload.hydration.providers.base import Provider
from coatcheck.payload.hydration.providers.gemini import Gemini
from coatcheck.payload.hydration.providers.openai_chat import OpenAIChat
from coatcheck.payload.hydration.providers.openai_responses import OpenAIResponses

__all__ = ["Provider", "ProviderName", "estimate_tokens", "provider_named"]

ProviderName = Literal["openai", "openai-responses", "anthropic", "gemini"]
"""``openai`` is Chat Completions, and every other server that speaks it."""

_PROVIDERS: Final[dict[str, Provider]] = {
    "openai": OpenAIChat(),
    "openai-responses": OpenAIResponses(),
    "anthropic": Anthropic(),
    "gemini": Gemini(),
}


def provider_named(name: str) -> Provider:
    """The provider of this name.

    Args:
        name: for example ``openai``.

    Raises:
        InvalidInputError: there is none.
    """
    provider = _PROVIDERS.get(name)
    if provider is None:
        raise InvalidInputError(f"provider is one of {', '.join(_PROVIDERS)}.")
    return provider


def estimate_tokens(provider: ProviderName, width: int, height: int) -> int:
    """What a provider counts for a picture of this size in pixels; see its class for the formula.

    Args:
        provider: its name.
        width: edge in pixels.
        height: edge in pixels.

    Raises:
        InvalidInputError: there is no such provider, or no such picture.
    """
    if width < 1 or height < 1:
        raise InvalidInputError("A picture is at least one pixel wide and high.")
    return provider_named(provider).estimate_tokens(width, height)
