"""How rows are read: what a column holds, as the ports' own types."""

import hashlib
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row

from coatcheck.ports import NewMedia
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


def reuse_key(new: NewMedia, digest: str) -> str:
    """What no two reused references share: a hash of the content, the owner and the conversation.

    It tells no owner from the empty one, which a unique index over the columns would not: to SQL no
    NULL is equal to another. Each text goes in with its length, so that none runs into the next.
    """
    key = hashlib.sha256()
    opaque = () if new.opaque_type is None else (new.opaque_type,)
    for text in (digest, new.owner, new.conversation_id, *opaque):
        data = b"" if text is None else text.encode("utf-8", "surrogatepass")
        key.update(b"-" if text is None else b"%d:" % len(data))
        key.update(data)
    return key.hexdigest()


def to_milliseconds(instant: datetime) -> int:
    """Milliseconds since 1970 UTC."""
    return round(instant.timestamp() * 1000)


def from_milliseconds(instant: int) -> datetime:
    """The inverse of `to_milliseconds`, in UTC."""
    return datetime.fromtimestamp(instant / 1000, UTC)
