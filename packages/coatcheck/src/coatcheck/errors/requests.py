"""What is asked for, and who asks, and how."""

from coatcheck.errors.base import CoatcheckError


class NotFoundError(CoatcheckError):
    """There is nothing under this id."""

    code = "not_found"
    status = 404


class UnauthorizedError(CoatcheckError):
    """The request does not say who makes it, or not in a way that is believed."""

    code = "unauthorized"
    status = 401


class ForbiddenError(CoatcheckError):
    """The link is not signed, or is not good any more."""

    code = "forbidden"
    status = 403


class InvalidInputError(CoatcheckError):
    """The request cannot be understood."""

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
    """There is no room left for the owner of this media; deleting some makes room."""

    code = "quota_exceeded"
    status = 413


class UnsupportedMediaError(InvalidInputError):
    """The media is of no type that is accepted here."""

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
        message: as of `CoatcheckError`.
        size: the length of the media in bytes, where it is known.
    """

    code = "range_not_satisfiable"
    status = 416

    def __init__(self, message: str | None = None, *, size: int | None = None) -> None:
        super().__init__(message)
        self.size = size


class MethodNotAllowedError(CoatcheckError):
    """The resource does not know this method."""

    code = "method_not_allowed"
    status = 405


class SlowReaderError(CoatcheckError):
    """The client took nothing of an answer for too long."""

    code = "slow_reader"
    status = 408


class PreconditionFailedError(CoatcheckError):
    """The media is not the one that the request was made for."""

    code = "precondition_failed"
    status = 412


class UploadTimeoutError(CoatcheckError):
    """The upload took too long."""

    code = "upload_timeout"
    status = 408
