"""The error tree of Coatcheck.

    CoatcheckError                     coatcheck_error         500
    ├─ NotFoundError                   not_found               404
    ├─ UnauthorizedError               unauthorized            401
    ├─ ForbiddenError                  forbidden               403
    │  └─ ExpiredUrlError              expired                 403
    ├─ InvalidInputError               invalid_input           400
    │  ├─ EmptyMediaError              empty_media             400
    │  ├─ MediaTooLargeError           media_too_large         413
    │  ├─ QuotaExceededError           quota_exceeded          413
    │  ├─ UnsupportedMediaError        unsupported_media_type  415
    │  └─ UnprocessableMediaError      unprocessable_media     422
    │     └─ PixelBudgetError          pixel_budget_exceeded   422
    ├─ InvalidRangeError               range_not_satisfiable   416
    ├─ MethodNotAllowedError           method_not_allowed      405
    ├─ SlowReaderError                 slow_reader             408
    ├─ PreconditionFailedError         precondition_failed     412
    ├─ VariantBudgetError              variant_budget_exceeded 429
    ├─ UploadTimeoutError              upload_timeout          408
    ├─ OverloadedError                 overloaded              503
    ├─ NotReadyError                   not_ready               503
    ├─ StorageError                    storage_failed          503
    │  ├─ StorageFullError             storage_full            507
    │  ├─ DataInUseError               data_in_use             503
    │  └─ DamagedBlobError             damaged_blob            500
    ├─ WorkerError                     worker_failed           500
    │  ├─ WorkerCrashError             worker_crashed          500
    │  └─ WorkerTimeoutError           worker_timeout          503
    ├─ FetchError                      fetch_failed            502
    │  └─ FetchRefusedError            fetch_refused           403
    ├─ RateLimitError                  rate_limited            429
    ├─ TooManySocketsError             too_many_sockets        429
    └─ ConfigurationError              configuration_error     500

A class's ``code`` is stable: clients and logs rely on it. Its docstring is the default message, and
``status`` is the HTTP status of the answer. A message never contains bytes of the media, a
file-system path or a secret, so clients may see it.
"""

from collections.abc import Iterator
from inspect import getdoc
from typing import ClassVar

__all__ = [
    "CoatcheckError",
    "ConfigurationError",
    "DamagedBlobError",
    "DataInUseError",
    "EmptyMediaError",
    "ExpiredUrlError",
    "FetchError",
    "FetchRefusedError",
    "ForbiddenError",
    "InvalidInputError",
    "InvalidRangeError",
    "MediaTooLargeError",
    "MethodNotAllowedError",
    "NotFoundError",
    "NotReadyError",
    "OverloadedError",
    "PixelBudgetError",
    "PreconditionFailedError",
    "QuotaExceededError",
    "RateLimitError",
    "SlowReaderError",
    "StorageError",
    "StorageFullError",
    "TooManySocketsError",
    "UnauthorizedError",
    "UnprocessableMediaError",
    "UnsupportedMediaError",
    "UploadTimeoutError",
    "VariantBudgetError",
    "WorkerCrashError",
    "WorkerError",
    "WorkerTimeoutError",
]


class CoatcheckError(Exception):
    """Something went wrong in Coatcheck.

    Args:
        message: says what went wrong and what to do, without bytes, paths and secrets; by default
            the first paragraph of the class's docstring.
    """

    code: ClassVar[str] = "coatcheck_error"
    status: ClassVar[int] = 500

    def __init__(self, message: str | None = None) -> None:
        first_paragraph = (getdoc(type(self)) or "").partition("\n\n")[0]
        self.message = message or " ".join(first_paragraph.split()) or self.code
        super().__init__(self.message)


class NotFoundError(CoatcheckError):
    """There is nothing with this id."""

    code = "not_found"
    status = 404


class UnauthorizedError(CoatcheckError):
    """The request is not authenticated, or its credentials are not valid."""

    code = "unauthorized"
    status = 401


class ForbiddenError(CoatcheckError):
    """The link is not signed, or is no longer valid."""

    code = "forbidden"
    status = 403


class ExpiredUrlError(ForbiddenError):
    """The link was valid once and has expired."""

    code = "expired"


class InvalidInputError(CoatcheckError):
    """The request is not valid."""

    code = "invalid_input"
    status = 400


class EmptyMediaError(InvalidInputError):
    """The media is empty."""

    code = "empty_media"


class MediaTooLargeError(InvalidInputError):
    """The media is larger than this server accepts."""

    code = "media_too_large"
    status = 413


class QuotaExceededError(InvalidInputError):
    """The owner of this media has no space left; delete some media first."""

    code = "quota_exceeded"
    status = 413


class UnsupportedMediaError(InvalidInputError):
    """This media type is not accepted."""

    code = "unsupported_media_type"
    status = 415


class UnprocessableMediaError(InvalidInputError):
    """The media is damaged or cut short."""

    code = "unprocessable_media"
    status = 422


class PixelBudgetError(UnprocessableMediaError):
    """The image has more pixels than this server decodes."""

    code = "pixel_budget_exceeded"


class InvalidRangeError(CoatcheckError):
    """The requested range lies outside the media.

    Args:
        message: as for `CoatcheckError`.
        size: the length of the media in bytes, if it is known.
    """

    code = "range_not_satisfiable"
    status = 416

    def __init__(self, message: str | None = None, *, size: int | None = None) -> None:
        super().__init__(message)
        self.size = size


class MethodNotAllowedError(CoatcheckError):
    """The resource does not support this method."""

    code = "method_not_allowed"
    status = 405


class SlowReaderError(CoatcheckError):
    """The client did not read the answer for too long."""

    code = "slow_reader"
    status = 408


class PreconditionFailedError(CoatcheckError):
    """The media does not match the conditions of the request."""

    code = "precondition_failed"
    status = 412


class UploadTimeoutError(CoatcheckError):
    """The upload took too long."""

    code = "upload_timeout"
    status = 408


class RateLimitError(CoatcheckError):
    """Too many messages or uploads in a short time; wait a moment."""

    code = "rate_limited"
    status = 429


class TooManySocketsError(CoatcheckError):
    """Too many connections are open already; close one."""

    code = "too_many_sockets"
    status = 429


class VariantBudgetError(CoatcheckError):
    """No room is left for new variants; request the original or an existing variant."""

    code = "variant_budget_exceeded"
    status = 429


class OverloadedError(CoatcheckError):
    """The server is overloaded; try again shortly."""

    code = "overloaded"
    status = 503


class NotReadyError(CoatcheckError):
    """A part of the server does not work."""

    code = "not_ready"
    status = 503


class StorageError(CoatcheckError):
    """The storage failed."""

    code = "storage_failed"
    status = 503


class StorageFullError(StorageError):
    """The storage is full."""

    code = "storage_full"
    status = 507


class DataInUseError(StorageError):
    """Another chat server uses this data directory: stop it, or set COATCHECK_DATA to another."""

    code = "data_in_use"
    status = 503


class DamagedBlobError(StorageError):
    """Stored bytes are missing or differ from the original."""

    code = "damaged_blob"
    status = 500


class WorkerError(CoatcheckError):
    """A worker process failed."""

    code = "worker_failed"


class WorkerCrashError(WorkerError):
    """A worker process died during its task."""

    code = "worker_crashed"


class WorkerTimeoutError(WorkerError):
    """A worker process took too long and was stopped."""

    code = "worker_timeout"
    status = 503


class FetchError(CoatcheckError):
    """The media could not be fetched from its URL."""

    code = "fetch_failed"
    status = 502


class FetchRefusedError(FetchError):
    """This URL may not be fetched."""

    code = "fetch_refused"
    status = 403


class ConfigurationError(CoatcheckError):
    """A setting is missing or wrong."""

    code = "configuration_error"


def error_classes(root: type[CoatcheckError] = CoatcheckError) -> Iterator[type[CoatcheckError]]:
    """Every class of the tree, `root` first."""
    yield root
    for child in root.__subclasses__():
        yield from error_classes(child)


def error_for(code: str, message: str) -> CoatcheckError | None:
    """Build the error with this `code`, as another process reported it; None for an unknown code.

    Args:
        code: the stable code.
        message: the other process's message.
    """
    return next((kind(message) for kind in error_classes() if kind.code == code), None)
