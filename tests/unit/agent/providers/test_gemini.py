"""Every exception of google-genai and of its HTTP client becomes one of ours."""

import inspect
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest
from google.auth import exceptions as auth
from google.genai import errors

from coatcheck_chat.errors import GenerationError, ProviderTimeoutError, ProviderUnavailableError
from coatcheck_chat.providers.gemini import _translated

REQUEST: Final = httpx.Request("POST", "https://api.example/")

# What each class means for us. A class that the SDK gains has to be added here.
MEANINGS: Final[dict[str, type[GenerationError]]] = {
    "APIError": GenerationError,
    "ClientError": GenerationError,
    "ServerError": ProviderUnavailableError,
    "UnknownFunctionCallArgumentError": GenerationError,
    "UnsupportedFunctionError": GenerationError,
    "FunctionInvocationError": GenerationError,
    "UnknownApiResponseError": GenerationError,
    "ContinuationInterruptedError": ProviderUnavailableError,
}
CODES: Final = {"APIError": 302, "ClientError": 404, "ServerError": 503}


def classes() -> dict[str, type[Exception]]:
    return {
        name: kind
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, Exception)
        and kind.__module__ == errors.__name__
        and not issubclass(kind, Warning)
    }


def below(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for child in kind.__subclasses__():
        yield from below(child)


def translate(error: Exception) -> GenerationError:
    with pytest.raises(GenerationError) as caught, _translated("painter"):
        raise error
    assert caught.value.__cause__ is error
    assert caught.value.message.startswith("painter ")
    return caught.value


def test_every_exception_has_a_meaning() -> None:
    assert set(classes()) == set(MEANINGS)


@pytest.mark.parametrize("name", MEANINGS)
def test_an_exception_is_translated(name: str) -> None:
    kind: type[Any] = classes()[name]
    error = kind(CODES[name], {"error": {"message": "said"}}) if name in CODES else kind("said")
    assert type(translate(error)) is MEANINGS[name]


@pytest.mark.parametrize(
    "kind",
    [*below(httpx.HTTPError), *below(httpx.StreamError), httpx.InvalidURL, httpx.CookieConflict],
)
def test_what_the_http_client_raises_is_translated(kind: type[Any]) -> None:
    wanted = inspect.signature(kind.__init__).parameters
    values = {
        "message": "said",
        "request": REQUEST,
        "response": httpx.Response(500, request=REQUEST),
    }
    error = kind(**{name: values[name] for name in wanted if name in values})
    found = type(translate(error))
    if issubclass(kind, httpx.TimeoutException):
        assert found is ProviderTimeoutError
    elif issubclass(kind, httpx.HTTPError):
        assert found is ProviderUnavailableError
    else:
        assert found is GenerationError


def test_every_exception_of_the_http_client_is_known() -> None:
    """Nothing that httpx exports as an exception lies outside the trees above."""
    roots = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, httpx.CookieConflict)
    exported = [getattr(httpx, name) for name in httpx.__all__]
    kinds = [kind for kind in exported if inspect.isclass(kind) and issubclass(kind, Exception)]
    assert [kind for kind in kinds if not issubclass(kind, roots)] == []


@pytest.mark.parametrize("kind", list(below(auth.GoogleAuthError)))
def test_missing_access_is_told(kind: type[Exception]) -> None:
    assert "Google gives no access" in translate(kind("said")).message
