"""How rows are read: what a column holds, as the ports' own types."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row

from coatcheck.reference import MediaReference


def to_reference(row: Row[Any]) -> MediaReference:
    """The reference in a row with the columns of media and of its blob."""
    is_opaque = row.opaque_type is not None
    return MediaReference(
        id=row.id,
        mime_type=row.opaque_type if is_opaque else row.media_type,
        size=row.size,
        digest=row.digest,
        # The same bytes may have been looked at for another reference.
        width=None if is_opaque else row.width,
        height=None if is_opaque else row.height,
        display_name=row.display_name,
        placeholder=None if is_opaque else row.placeholder,
        alt=row.alt,
        opaque=is_opaque,
    )


def to_milliseconds(instant: datetime) -> int:
    """Milliseconds since 1970 UTC."""
    return round(instant.timestamp() * 1000)


def from_milliseconds(instant: int) -> datetime:
    """The inverse of `to_milliseconds`, in UTC."""
    return datetime.fromtimestamp(instant / 1000, UTC)
