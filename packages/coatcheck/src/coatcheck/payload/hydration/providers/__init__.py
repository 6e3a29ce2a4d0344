"""Message forms and the limits of vendors.

Four pairs have a name that `hydrate` accepts. Any other is a `Provider`, for example Claude behind
a gateway that accepts Chat Completions::

    Provider(form=OpenAIChat(), limits=ANTHROPIC_LIMITS)
"""

from typing import Final, Literal

from coatcheck.errors import InvalidInputError
from coatcheck.payload.hydration.limits import Inline, MediaLimits
from coatcheck.payload.hydration.places import Visitor
from coatcheck.payload.hydration.providers.anthropic import LIMITS as ANTHROPIC_LIMITS
from coatcheck.payload.hydration.providers.anthropic import Anthropic
from coatcheck.payload.hydration.providers.base import MessageForm, Provider
from coatcheck.payload.hydration.providers.bedrock import LIMITS as BEDROCK_LIMITS
from coatcheck.payload.hydration.providers.bedrock import BedrockConverse
from coatcheck.payload.hydration.providers.frameworks import Agno, AiSdkUi, Haystack, LlamaIndex
from coatcheck.payload.hydration.providers.gemini import LIMITS as GEMINI_LIMITS
from coatcheck.payload.hydration.providers.gemini import Gemini
from coatcheck.payload.hydration.providers.openai import LIMITS as OPENAI_LIMITS
from coatcheck.payload.hydration.providers.openai_chat import OpenAIChat
from coatcheck.payload.hydration.providers.openai_responses import LIMITS as RESPONSES_LIMITS
from coatcheck.payload.hydration.providers.openai_responses import OpenAIResponses

__all__ = [
    "ANTHROPIC_LIMITS",
    "BEDROCK_LIMITS",
    "GEMINI_LIMITS",
    "OPENAI_LIMITS",
    "RESPONSES_LIMITS",
    "Agno",
    "AiSdkUi",
    "Anthropic",
    "BedrockConverse",
    "Gemini",
    "Haystack",
    "Inline",
    "LlamaIndex",
    "MediaLimits",
    "MessageForm",
    "OpenAIChat",
    "OpenAIResponses",
    "Provider",
    "ProviderName",
    "Visitor",
    "estimate_tokens",
    "provider_named",
]

ProviderName = Literal["openai", "openai-responses", "anthropic", "gemini"]
"""``openai`` is Chat Completions, and every other server with this API."""

_PROVIDERS: Final[dict[str, Provider]] = {
    "openai": Provider(form=OpenAIChat(), limits=OPENAI_LIMITS),
    "openai-responses": Provider(form=OpenAIResponses(), limits=RESPONSES_LIMITS),
    "anthropic": Provider(form=Anthropic(), limits=ANTHROPIC_LIMITS),
    "gemini": Provider(form=Gemini(), limits=GEMINI_LIMITS),
}


def provider_named(provider: ProviderName | Provider) -> Provider:
    """Return the provider of this name; return a `Provider` unchanged.

    Args:
        provider: for example ``openai``.

    Raises:
        InvalidInputError: there is no provider of this name.
    """
    if isinstance(provider, Provider):
        return provider
    known = _PROVIDERS.get(provider)
    if known is None:
        raise InvalidInputError(f"provider is a Provider or one of {', '.join(_PROVIDERS)}.")
    return known


def estimate_tokens(provider: ProviderName | Provider, width: int, height: int) -> int:
    """Estimate the tokens that a vendor counts for a picture of this size.

    The provider's module has the formula and its source.

    Args:
        provider: its name, or a `Provider`.
        width: edge in pixels.
        height: edge in pixels.

    Raises:
        InvalidInputError: the provider is unknown, or the size is not a picture's.
    """
    if width < 1 or height < 1:
        raise InvalidInputError("A picture is at least one pixel wide and high.")
    return provider_named(provider).limits.estimate_tokens(width, height)
