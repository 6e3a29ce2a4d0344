"""The error tree of Coatcheck.

    CoatcheckError                     coatcheck_error         500
    ├─ NotFoundError                   not_found               404
    ├─ UnauthorizedError               unauthorized            401
    ├─ ForbiddenError                  forbidden               403
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
    ├─ GenerationError                 generation_failed       502
    │  ├─ ModerationError              moderation_refused      422
    │  └─ ProviderUnavailableError     provider_unavailable    503
    │     └─ ProviderTimeoutError      provider_timeout        504
    ├─ ResponderError                  responder_failed        502
    ├─ CancelledTurnError              cancelled               499
    ├─ TurnInProgressError             turn_in_progress        409
    ├─ ProtocolError                   protocol_error          400
    │  └─ UnsupportedVersionError      unsupported_version     400
    ├─ RateLimitError                  rate_limited            429
    ├─ TooManySocketsError             too_many_sockets        429
    ├─ BudgetSpentError                budget_spent            429
    ├─ StreamExpiredError              stream_expired          410
    └─ ConfigurationError              configuration_error     500

A class's ``code`` is stable: clients and logs rely on it. Its docstring is the default message, and
``status`` is the HTTP status that the delivery answers with. A message never contains bytes of the
media, a file-system path or a secret, so that it may be shown to a client.
"""

from coatcheck.errors.base import (
    CoatcheckError,
    error_classes,
    error_for,
)
from coatcheck.errors.conversations import (
    BudgetSpentError,
    CancelledTurnError,
    GenerationError,
    ModerationError,
    ProtocolError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    RateLimitError,
    ResponderError,
    StreamExpiredError,
    TooManySocketsError,
    TurnInProgressError,
    UnsupportedVersionError,
)
from coatcheck.errors.operation import (
    ConfigurationError,
    DamagedBlobError,
    DataInUseError,
    FetchError,
    FetchRefusedError,
    NotReadyError,
    OverloadedError,
    StorageError,
    StorageFullError,
    VariantBudgetError,
    WorkerCrashError,
    WorkerError,
    WorkerTimeoutError,
)
from coatcheck.errors.requests import (
    EmptyMediaError,
    ForbiddenError,
    InvalidInputError,
    InvalidRangeError,
    MediaTooLargeError,
    MethodNotAllowedError,
    NotFoundError,
    PixelBudgetError,
    PreconditionFailedError,
    QuotaExceededError,
    SlowReaderError,
    UnauthorizedError,
    UnprocessableMediaError,
    UnsupportedMediaError,
    UploadTimeoutError,
)

__all__ = [
    "BudgetSpentError",
    "CancelledTurnError",
    "CoatcheckError",
    "ConfigurationError",
    "DamagedBlobError",
    "DataInUseError",
    "EmptyMediaError",
    "FetchError",
    "FetchRefusedError",
    "ForbiddenError",
    "GenerationError",
    "InvalidInputError",
    "InvalidRangeError",
    "MediaTooLargeError",
    "MethodNotAllowedError",
    "ModerationError",
    "NotFoundError",
    "NotReadyError",
    "OverloadedError",
    "PixelBudgetError",
    "PreconditionFailedError",
    "ProtocolError",
    "ProviderTimeoutError",
    "ProviderUnavailableError",
    "QuotaExceededError",
    "RateLimitError",
    "ResponderError",
    "SlowReaderError",
    "StorageError",
    "StorageFullError",
    "StreamExpiredError",
    "TooManySocketsError",
    "TurnInProgressError",
    "UnauthorizedError",
    "UnprocessableMediaError",
    "UnsupportedMediaError",
    "UnsupportedVersionError",
    "UploadTimeoutError",
    "VariantBudgetError",
    "WorkerCrashError",
    "WorkerError",
    "WorkerTimeoutError",
    "error_classes",
    "error_for",
]
