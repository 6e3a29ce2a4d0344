"""Errors as answers: RFC 9457 ``application/problem+json`` with a stable ``code``."""

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
"""What a client that met a busy server is asked to wait."""

_FOREIGN: Final[dict[int, type[CoatcheckError]]] = {404: NotFoundError, 405: MethodNotAllowedError}


class ProblemResponse(Response):
    """A `CoatcheckError` as an answer that no cache keeps."""

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
        if isinstance(error, InvalidRangeError) and error.size is not None:
            headers["content-range"] = f"bytes */{error.size}"
        super().__init__(msgspec.json.encode(body), error.status, headers)


async def answer_error(_request: Request, error: Exception) -> Response:
    """Starlette's exception handler for `CoatcheckError`, its own errors and anything else."""
    if isinstance(error, CoatcheckError):
        return ProblemResponse(error)
    if isinstance(error, HTTPException):
        known = _FOREIGN.get(error.status_code, InvalidInputError)
        response = ProblemResponse(known())
        response.headers.update(error.headers or {})
        return response
    return ProblemResponse(CoatcheckError())  # Starlette goes on to log what it was


EXCEPTION_HANDLERS: Final[
    dict[int | type[Exception], Callable[[Request, Exception], Coroutine[Any, Any, Response]]]
] = {
    CoatcheckError: answer_error,
    HTTPException: answer_error,
    Exception: answer_error,
}
"""For the ``exception_handlers`` of a Starlette or FastAPI application."""
