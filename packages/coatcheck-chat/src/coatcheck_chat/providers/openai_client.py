"""The OpenAI SDK: its client, its exceptions, its streams."""

import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

import openai
from openai import AsyncOpenAI, AsyncStream

from coatcheck.errors import ConfigurationError
from coatcheck.store import extension_for
from coatcheck_chat.errors import GenerationError, ProviderTimeoutError, ProviderUnavailableError
from coatcheck_chat.providers.answers import failed, moderated, refusal, wait_of
from coatcheck_chat.providers.image import SourceImage

MAX_PREVIEWS: Final = 3
"""Partial images of one picture that may be asked for (``partial_images``)."""

File = tuple[str, bytes, str]
"""Name, content and type."""

# Codes of both APIs and of Azure's endpoint.
_MODERATION: Final = frozenset(
    {
        "moderation_blocked",
        "content_policy_violation",
        "image_content_policy_violation",
        "content_filter",
        "contentFilter",
        "bio_policy",
        "misalignment_policy_violation",
    }
)
_PASSING: Final = frozenset({"server_error", "rate_limit_exceeded", "vector_store_timeout"})
_USED_UP: Final = "insufficient_quota"  # with status 429, though no waiting helps
# What the SDK raises over an answer whose shape it does not expect.
_MALFORMED: Final = (ValueError, TypeError, AttributeError, LookupError)

_Event = TypeVar("_Event")


def connect(*, base_url: str | None = None, api_key: str | None = None) -> AsyncOpenAI:
    """A client of OpenAI, or of an endpoint that speaks its protocol.

    It asks once: for more tries, put a `RetryingProvider` around the provider. Making it
    reads files, certificates for example; that belongs before the event loop or in a thread.

    Args:
        base_url: such as ``https://host/v1``. Without one, the SDK's environment variables say
            where OpenAI is and with which key.
        api_key: of the endpoint at `base_url`. OpenAI's own key is never sent there.

    Raises:
        ConfigurationError: there is no key, or the URL cannot be used.
    """
    try:
        if base_url is None:
            return AsyncOpenAI(max_retries=0)
        client = AsyncOpenAI(base_url=base_url, api_key=api_key or "none", max_retries=0)
    except Exception as error:  # the SDK's own and whatever its HTTP client says of a URL
        raise ConfigurationError(f"OpenAI's client cannot be made: {error}") from error
    client.organization = client.project = None  # what the environment says of them is OpenAI's
    return client


@contextmanager
def translated(maker: str) -> Iterator[None]:
    """Turn what the SDK raises into `GenerationError` and its children."""
    try:
        yield
    except openai.OpenAIError as error:
        raise _translate(error, maker) from error
    except _MALFORMED as error:
        raise GenerationError(f"{maker} answered in a form that is not understood.") from error


async def events(stream: AsyncStream[_Event], maker: str) -> AsyncGenerator[_Event]:
    """The events of a stream. Closing the generator closes the connection."""
    async with stream:
        received = aiter(stream)
        while True:
            with translated(maker):
                try:
                    event = await anext(received)
                except StopAsyncIteration:
                    return
            yield event


def files_of(sources: Sequence[SourceImage]) -> File | list[File]:
    """Sources as files of a form: a single one by itself, as every endpoint takes it."""
    files = [
        (f"source-{number}{extension_for(source.media_type)}", source.data, source.media_type)
        for number, source in enumerate(sources, 1)
    ]
    return files[0] if len(files) == 1 else files


def picture_in(answer: object) -> tuple[object, object]:
    """The base64 and the URL in an answer of the Images API; each is None if it is missing."""
    images = getattr(answer, "data", None)
    image = images[0] if isinstance(images, list) and images else None
    return getattr(image, "b64_json", None), getattr(image, "url", None)


def failure(code: object, message: object, maker: str) -> GenerationError:
    """The error that a code means where an answer has no HTTP status of its own."""
    if code in _MODERATION:
        return moderated(message, maker)
    if code in _PASSING:
        return ProviderUnavailableError(f"{maker} cannot draw now ({code}).")
    return failed(message, maker)


def _translate(error: openai.OpenAIError, maker: str) -> GenerationError:
    code = error.code if isinstance(error, openai.APIError) else None
    if code in _MODERATION or isinstance(error, openai.ContentFilterFinishReasonError):
        return moderated(_message(error), maker)
    if isinstance(error, openai.APITimeoutError):
        return ProviderTimeoutError(f"{maker} took too long to answer.")
    if isinstance(error, openai.APIConnectionError):
        return ProviderUnavailableError(f"{maker} cannot be reached.")
    if isinstance(error, openai.APIStatusError) and code != _USED_UP:
        wait = wait_of(error.response.headers, now=time.time())
        return refusal(error.status_code, _message(error), maker, wait)
    return failure(code, _message(error), maker)


def _message(error: openai.OpenAIError) -> object:
    """The provider's message alone: the SDK's own message repeats the whole body."""
    if isinstance(error, openai.APIStatusError):
        return error.body.get("message") if isinstance(error.body, dict) else None
    return str(error)
