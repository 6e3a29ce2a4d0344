"""The errors of the chat, below `coatcheck.errors.CoatcheckError`.

    CoatcheckError                     coatcheck_error         500
    ├─ GenerationError                 generation_failed       502
    │  ├─ ModerationError              moderation_refused      422
    │  └─ ProviderUnavailableError     provider_unavailable    503
    │     └─ ProviderTimeoutError      provider_timeout        504
    ├─ ResponderError                  responder_failed        502
    ├─ CancelledTurnError              cancelled               499
    ├─ TurnInProgressError             turn_in_progress        409
    ├─ ProtocolError                   protocol_error          400
    │  └─ UnsupportedVersionError      unsupported_version     400
    ├─ BudgetSpentError                budget_spent            429
    └─ StreamExpiredError              stream_expired          410

What is said of the library's errors holds for these: the code is stable, the docstring is the
default message, and ``status`` is the HTTP status.
"""

from coatcheck.errors import CoatcheckError


class GenerationError(CoatcheckError):
    """The picture could not be made."""

    code = "generation_failed"
    status = 502


class ModerationError(GenerationError):
    """The image provider refuses this prompt or picture by its content policy."""

    code = "moderation_refused"
    status = 422


class ProviderUnavailableError(GenerationError):
    """The image provider cannot be reached or is too busy; it may be soon.

    Args:
        message: as of `CoatcheckError`.
        retry_after: seconds after which the provider asks to be tried again; None where it does not
            say.
    """

    code = "provider_unavailable"
    status = 503

    def __init__(self, message: str | None = None, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds until it wants to be asked again, where it says


class ProviderTimeoutError(ProviderUnavailableError):
    """The image provider took too long."""

    code = "provider_timeout"
    status = 504


class ResponderError(CoatcheckError):
    """The model could not answer."""

    code = "responder_failed"
    status = 502


class CancelledTurnError(CoatcheckError):
    """The answer was stopped."""

    code = "cancelled"
    status = 499


class TurnInProgressError(CoatcheckError):
    """This conversation is still answering the previous message."""

    code = "turn_in_progress"
    status = 409


class ProtocolError(CoatcheckError):
    """The frame does not follow the chat protocol."""

    code = "protocol_error"
    status = 400


class UnsupportedVersionError(ProtocolError):
    """The frame is of a version of the chat protocol that this server does not speak."""

    code = "unsupported_version"
    status = 400


class BudgetSpentError(CoatcheckError):
    """What this server spends on models and pictures in a day is spent; try again tomorrow."""

    code = "budget_spent"
    status = 429


class StreamExpiredError(CoatcheckError):
    """The missed part of the stream is no longer in memory; read the conversation again."""

    code = "stream_expired"
    status = 410
