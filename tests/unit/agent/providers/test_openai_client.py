"""Every exception of the OpenAI SDK becomes one of ours."""

import inspect
from typing import Any, Final

import httpx2
import openai
import pytest

from coatcheck_chat.errors import (
    GenerationError,
    ModerationError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from coatcheck_chat.providers.openai_client import translated

REQUEST: Final = httpx2.Request("POST", "https://api.example/v1/images/generations")

# What each class means for us. A class that the SDK gains has to be added here.
MEANINGS: Final[dict[str, type[GenerationError]]] = {
    "OpenAIError": GenerationError,
    "APIError": GenerationError,
    "APIResponseValidationError": GenerationError,
    "APIStatusError": GenerationError,
    "APIConnectionError": ProviderUnavailableError,
    "APITimeoutError": ProviderTimeoutError,
    "BadRequestError": GenerationError,
    "AuthenticationError": GenerationError,
    "OAuthError": GenerationError,
    "PermissionDeniedError": GenerationError,
    "NotFoundError": GenerationError,
    "ConflictError": ProviderUnavailableError,
    "UnprocessableEntityError": GenerationError,
    "RateLimitError": ProviderUnavailableError,
    "InternalServerError": ProviderUnavailableError,
    "LengthFinishReasonError": GenerationError,
    "ContentFilterFinishReasonError": ModerationError,
    "InvalidWebhookSignatureError": GenerationError,
    "SubjectTokenProviderError": GenerationError,
    "WebSocketConnectionClosedError": GenerationError,
    "WebSocketQueueFullError": GenerationError,
}
STATUSES: Final = {
    "APIStatusError": 418,
    "BadRequestError": 400,
    "AuthenticationError": 401,
    "OAuthError": 401,
    "PermissionDeniedError": 403,
    "NotFoundError": 404,
    "ConflictError": 409,
    "UnprocessableEntityError": 422,
    "RateLimitError": 429,
    "InternalServerError": 500,
}


def classes() -> dict[str, type[Exception]]:
    return {
        name: kind
        for name, kind in inspect.getmembers(openai._exceptions, inspect.isclass)
        if issubclass(kind, Exception) and kind.__module__.startswith("openai")
    }


def raised(kind: type[Any]) -> Exception:
    """An exception of this class with whatever its constructor needs."""
    values = {
        "message": "said",
        "request": REQUEST,
        "body": {"message": "said", "code": None},
        "response": httpx2.Response(STATUSES.get(kind.__name__, 200), request=REQUEST),
        "completion": openai.types.chat.ChatCompletion.construct(usage=None),
        "unsent_messages": [],
    }
    wanted = inspect.signature(kind.__init__).parameters
    made: Exception = kind(**{name: values[name] for name in wanted if name in values})
    return made


def test_every_exception_has_a_meaning() -> None:
    assert set(classes()) == set(MEANINGS)


@pytest.mark.parametrize("name", MEANINGS)
def test_an_exception_is_translated(name: str) -> None:
    error = raised(classes()[name])
    with pytest.raises(GenerationError) as caught, translated("painter"):
        raise error
    assert type(caught.value) is MEANINGS[name]
    assert caught.value.__cause__ is error
    assert caught.value.message.startswith("painter ")


@pytest.mark.parametrize("error", [ValueError(), TypeError(), AttributeError(), KeyError("x")])
def test_a_shape_that_the_sdk_does_not_expect_is_translated(error: Exception) -> None:
    with (
        pytest.raises(GenerationError, match="in a form that is not understood"),
        translated("painter"),
    ):
        raise error
