"""The provider `gemini`: Google's models that answer with pictures, through google-genai."""

import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

import httpx
from google.auth.exceptions import GoogleAuthError
from google.genai import Client, errors, types

from coatcheck.errors import ConfigurationError
from coatcheck_chat.errors import GenerationError, ProviderTimeoutError, ProviderUnavailableError
from coatcheck_chat.providers.answers import (
    check_picture,
    cut_short,
    failed,
    moderated,
    refusal,
    wait_of,
    words_only,
)
from coatcheck_chat.providers.image import Capabilities, Draft, ImageRequest, sources_of

# Pixels of gemini-2.5-flash-image for each ratio; later models differ by a few
# (https://ai.google.dev/gemini-api/docs/image-generation).
_RATIOS: Final = {
    (1024, 1024): "1:1",
    (832, 1248): "2:3",
    (1248, 832): "3:2",
    (864, 1184): "3:4",
    (1184, 864): "4:3",
    (768, 1344): "9:16",
    (1344, 768): "16:9",
    (1536, 672): "21:9",
}
_SECONDS: Final = 600.0
_CONNECT_SECONDS: Final = 5.0

# Reasons to stop that concern what is said or shown.
_MODERATION: Final = frozenset(
    {
        types.FinishReason.SAFETY,
        types.FinishReason.RECITATION,
        types.FinishReason.BLOCKLIST,
        types.FinishReason.PROHIBITED_CONTENT,
        types.FinishReason.SPII,
        types.FinishReason.IMAGE_SAFETY,
        types.FinishReason.IMAGE_PROHIBITED_CONTENT,
        types.FinishReason.IMAGE_RECITATION,
    }
)
_RETRY_INFO: Final = "type.googleapis.com/google.rpc.RetryInfo"
# What the SDK and its HTTP client raise over an answer whose shape they do not expect.
_MALFORMED: Final = (
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    httpx.InvalidURL,
    httpx.StreamError,
    httpx.CookieConflict,
)


class GeminiImages:
    """Draws with a Gemini model that answers with pictures; an `ImageProvider`.

    It shows no drafts: the SDK's streams cannot be closed before their end.

    Args:
        client: the SDK's client.
        http: the HTTP client that it uses. Both are closed with the provider.
        model: such as ``gemini-2.5-flash-image``.
    """

    capabilities = Capabilities(edits=True, sizes=tuple(_RATIOS))

    def __init__(self, client: Client, http: httpx.AsyncClient, model: str) -> None:
        self.model = model
        self._client = client
        self._http = http

    @classmethod
    def connect(cls, model: str) -> Self:
        """A provider with a client that asks once, where and with the key that the SDK finds.

        Making it reads files; that belongs before the event loop or in a thread.

        Args:
            model: its name at Google.

        Raises:
            ConfigurationError: there is no key.
        """
        # Left to itself, the SDK takes whichever HTTP library it finds and hands on its exceptions.
        http = httpx.AsyncClient(
            follow_redirects=True, event_hooks={"request": [_limit_connecting]}
        )
        options = types.HttpOptions(httpx_async_client=http, timeout=round(_SECONDS * 1000))
        try:
            client = Client(http_options=options)
        except (ValueError, GoogleAuthError) as error:
            raise ConfigurationError(f"Gemini's client cannot be made: {error}") from error
        return cls(client, http, model)

    def generate(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        """The picture; see `ImageProvider.generate`."""
        return self._draw(request, [])

    def edit(self, request: ImageRequest) -> AsyncGenerator[Draft]:
        """As `generate`, with the sources beside the prompt; see `ImageProvider.edit`."""
        parts = [
            types.Part.from_bytes(data=source.data, mime_type=source.media_type)
            for source in sources_of(request)
        ]
        return self._draw(request, parts)

    async def aclose(self) -> None:
        """Close the connections."""
        self._client.close()  # the half of the SDK that is not asynchronous, never used
        await self._http.aclose()

    async def _draw(
        self, request: ImageRequest, sources: list[types.Part]
    ) -> AsyncGenerator[Draft]:
        ratio = _RATIOS[self.capabilities.nearest(request.width, request.height)]
        parts = [*sources, types.Part.from_text(text=request.prompt)]
        with _translated(self.model):
            answer = await self._client.aio.models.generate_content(
                model=self.model,
                contents=types.Content(role="user", parts=parts),
                config=types.GenerateContentConfig(
                    response_modalities=["TEXT", "IMAGE"],  # the text says why there is no image
                    image_config=types.ImageConfig(aspect_ratio=ratio),
                    seed=request.seed,
                ),
            )
        yield Draft(data=_picture_in(answer, self.model), progress=1.0)


def _picture_in(answer: types.GenerateContentResponse, maker: str) -> bytes:
    """The picture in an answer.

    Raises:
        GenerationError: there is none; the message says why.
    """
    feedback = answer.prompt_feedback
    if feedback and feedback.block_reason:
        reason = feedback.block_reason_message or feedback.block_reason.value
        raise moderated(reason, maker)
    candidate = answer.candidates[0] if answer.candidates else types.Candidate()
    parts = (candidate.content and candidate.content.parts) or []
    finished = [part for part in parts if not part.thought]  # thoughts are what it only tried
    for part in finished:
        if part.inline_data is not None:
            return check_picture(part.inline_data.data or b"", maker)
    stopped = candidate.finish_reason
    if stopped in _MODERATION:
        raise moderated(candidate.finish_message or stopped.value, maker)
    if words := " ".join(part.text or "" for part in finished).strip():
        raise words_only(words, maker)
    raise failed(f"it stopped with {stopped.value}" if stopped else None, maker)


async def _limit_connecting(request: httpx.Request) -> None:
    # The SDK sets one limit for everything, and a picture may take minutes.
    request.extensions["timeout"]["connect"] = _CONNECT_SECONDS


@contextmanager
def _translated(maker: str) -> Iterator[None]:
    """Turn what the SDK and its HTTP client raise into `GenerationError` and its children."""
    try:
        yield
    except errors.APIError as error:
        raise _translate(error, maker) from error
    except httpx.TimeoutException as error:
        raise ProviderTimeoutError(f"{maker} took too long to answer.") from error
    except httpx.HTTPError as error:
        raise ProviderUnavailableError(f"{maker} cannot be reached.") from error
    except errors.ContinuationInterruptedError as error:
        raise cut_short(maker) from error
    except GoogleAuthError as error:
        raise GenerationError(f"{maker} cannot be used: Google gives no access.") from error
    except _MALFORMED as error:
        raise GenerationError(f"{maker} answered in a form that is not understood.") from error


def _translate(error: errors.APIError, maker: str) -> GenerationError:
    wait = _asked_wait(error.details)
    if wait is None:
        headers = getattr(error.response, "headers", None) or {}
        wait = wait_of(headers, now=time.time())
    return refusal(int(error.code or 0), error.message, maker, wait)


def _asked_wait(details: Any) -> float | None:
    """Seconds in the ``RetryInfo`` of an error, which Google sends instead of a header."""
    try:
        delays = {info["@type"]: info.get("retryDelay") for info in details["error"]["details"]}
        return float(delays[_RETRY_INFO].removesuffix("s"))
    except (LookupError, TypeError, AttributeError, ValueError):
        return None
