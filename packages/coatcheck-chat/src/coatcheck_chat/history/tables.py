"""The chat's schema. A migration brings every database to it, and a test proves the two equal.

Instants are milliseconds since 1970 UTC. No column holds a URL. Which media a message shows is in
the store's own table of holders.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("title", String(255), nullable=False),
    Column("folded_title", Text, nullable=False),
    Column("owner", String(255)),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Index(None, "updated_at", "id"),
    Index(None, "owner", "updated_at", "id"),
)

# Partial, or a list of what is not deleted would be read through it and sorted as a whole.
Index(
    "ix_conversations_deleted_at",
    conversations.c.deleted_at,
    sqlite_where=conversations.c.deleted_at.is_not(None),
    postgresql_where=conversations.c.deleted_at.is_not(None),
)

# In SQLite a virtual table, `message_index`, and three triggers index `folded` where FTS5 is there.
messages = Table(
    "messages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("conversation_id", ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("message_id", String(64), nullable=False),
    Column("content", JSON, nullable=False),
    Column("folded", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("conversation_id", "position"),
    UniqueConstraint("conversation_id", "message_id"),
)


def to_milliseconds(instant: datetime) -> int:
    """Milliseconds since 1970 UTC."""
    return round(instant.timestamp() * 1000)


def from_milliseconds(instant: int) -> datetime:
    """The inverse of `to_milliseconds`, in UTC."""
    return datetime.fromtimestamp(instant / 1000, UTC)
