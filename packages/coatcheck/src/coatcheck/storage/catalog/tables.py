"""The schema. A migration brings every database to it, and a test proves the two equal.

Instants are milliseconds since 1970 UTC, sizes are bytes, edges are pixels, digests are
``sha-256:`` and 64 hexadecimal digits. No column holds a URL.
"""

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

blobs = Table(
    "blobs",
    metadata,
    Column("digest", String(72), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("media_type", String(127), nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("frames", Integer),
    Column("placeholder", String(40)),
)

variants = Table(
    "variants",
    metadata,
    Column("source", ForeignKey("blobs.digest", ondelete="CASCADE"), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("digest", String(72), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("media_type", String(127), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Index(None, "digest"),
)

media = Table(
    "media",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("digest", ForeignKey("blobs.digest", ondelete="RESTRICT"), nullable=False),
    Column("display_name", String(255)),
    Column("alt", String(1000)),
    Column("owner", String(255)),
    Column("conversation_id", String(36)),
    Column("created_at", BigInteger, nullable=False),
    Index(None, "digest", "owner"),
    Index(None, "conversation_id"),
    Index(None, "owner", "created_at", "id"),
)

# What the media of each owner occupy, each content counted once; see `usage`. The owner has a
# prefix, so that media without an owner has a row as well.
owners = Table(
    "owners",
    metadata,
    Column("owner", String(256), primary_key=True),
    Column("bytes", BigInteger, nullable=False),
)

# Bytes that no row uses any more and that may still be there. A deletion is done once its
# tombstones are gone.
tombstones = Table(
    "tombstones",
    metadata,
    Column("digest", String(72), primary_key=True),
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

# Which message refers to which media. No foreign key to media: deleting media leaves the message.
message_media = Table(
    "message_media",
    metadata,
    Column("message", ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
    Column("media_id", String(36), primary_key=True),
    Index(None, "media_id"),
)
