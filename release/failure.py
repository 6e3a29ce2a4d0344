"""The one error of this package."""


class CheckFailedError(Exception):
    """Something keeps a release from being made; the message says what to do about it."""
