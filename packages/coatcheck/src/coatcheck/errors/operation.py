"""What the server lacks or what fails in it."""

from coatcheck.errors.base import CoatcheckError


class VariantBudgetError(CoatcheckError):
    """No more renditions are stored; the original and what is rendered already can be had."""

    code = "variant_budget_exceeded"
    status = 429


class OverloadedError(CoatcheckError):
    """The server has more work than it takes on; try again shortly."""

    code = "overloaded"
    status = 503


class NotReadyError(CoatcheckError):
    """A part of the server does not work as it should."""

    code = "not_ready"
    status = 503


class StorageError(CoatcheckError):
    """The storage did not answer as it should."""

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
    """Stored bytes are missing or differ from what was handed in."""

    code = "damaged_blob"
    status = 500


class WorkerError(CoatcheckError):
    """A worker process failed."""

    code = "worker_failed"


class WorkerCrashError(WorkerError):
    """A worker process died at its task."""

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
    """Nothing is fetched from this URL."""

    code = "fetch_refused"
    status = 403


class ConfigurationError(CoatcheckError):
    """A setting is missing or wrong."""

    code = "configuration_error"
