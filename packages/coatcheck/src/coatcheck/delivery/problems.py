"""Answer errors as RFC 9457 ``application/problem+json`` with a stable ``code``."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from coatcheck.errors import (
    CoatcheckError,
    InvalidInputError,
    InvalidRangeError,
    MethodNotAllowedError,
    NotFoundError,
)

RETRY_AFTER_SECONDS: Final = 1
"""How many seconds a client of a busy server should wait."""

ERROR_CODE: Final = "coatcheck.error_code"
"""The key in a request's scope for the code of the error in its answer."""

_FOREIGN: Final[dict[int, type[CoatcheckError]]] = {404: NotFoundError, 405: MethodNotAllowedError}


class ProblemResponse(Response):
    """Answers a `CoatcheckError`; no cache stores the answer.

    Args:
        error: what went wrong.
    """

    media_type = "application/problem+json"

    def __init__(self, error: CoatcheckError) -> None:
        body = {
            "type": "about:blank",
            "title": HTTPStatus(error.status).phrase,
            "status": error.status,
            "code": error.code,
            "detail": error.message,
        }
        headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
        if error.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
            headers["retry-after"] = str(RETRY_AFTER_SECONDS)
        if error.status == HTTPStatus.REQUEST_TIMEOUT:
            headers["connection"] = "close"  # or the slow sender goes on; RFC 9110 (15.5.9)
        if error.status == HTTPStatus.UNAUTHORIZED:
            # RFC 9110 (15.5.2) wants a challenge. Browsers know no such scheme.
            headers["www-authenticate"] = 'Cookie realm="coatcheck"'
        if isinstance(error, InvalidRangeError) and error.size is not None:
            headers["content-range"] = f"bytes */{error.size}"
        super().__init__(msgspec.json.encode(body), error.status, headers)


async def answer_error(request: Request, error: Exception) -> Response:
    """Handle `CoatcheckError`, Starlette's own errors and any other exception in Starlette."""
    if isinstance(error, CoatcheckError):
        told = error
    elif isinstance(error, HTTPException):
        told = _FOREIGN.get(error.status_code, InvalidInputError)()
    else:
        told = CoatcheckError()  # Starlette goes on to log what it was
    request.scope[ERROR_CODE] = told.code
    response = ProblemResponse(told)
    if isinstance(error, HTTPException):
        response.headers.update(error.headers or {})
    return response


EXCEPTION_HANDLERS: Final[
    dict[int | type[Exception], Callable[[Request, Exception], Coroutine[Any, Any, Response]]]
] = {
    CoatcheckError: answer_error,
    HTTPException: answer_error,
    Exception: answer_error,
}
"""For the ``exception_handlers`` of a Starlette or FastAPI application."""
