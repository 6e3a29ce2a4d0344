"""Instants as the chat's tables have them: milliseconds since 1970 UTC."""

from datetime import UTC, datetime


def to_milliseconds(instant: datetime) -> int:
    """Milliseconds since 1970 UTC."""
    return round(instant.timestamp() * 1000)


def from_milliseconds(instant: int) -> datetime:
    """The inverse of `to_milliseconds`, in UTC."""
    return datetime.fromtimestamp(instant / 1000, UTC)
