"""The store's own schema. A migration brings every database to it, and a test proves the two equal.

Instants are milliseconds since 1970 UTC, sizes are bytes, edges are pixels, digests are
``sha-256:`` and 64 hexadecimal digits. No column holds a URL.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
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
    # See `rows.reuse_key`; NULL for a reference that is not reused.
    Column("reuse_key", String(64)),
    # The type that opaque bytes were put with; NULL where it is the blob's. One content may be put
    # both ways, so it stands here.
    Column("opaque_type", String(127)),
    Index(None, "reuse_key", unique=True),
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

# Random bytes that all who share the database use, such as the key that signs URLs.
secrets = Table(
    "secrets",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", LargeBinary(32), nullable=False),
)

# Bytes that no row uses any more and that may still be there. A deletion is done once its
# tombstones are gone.
tombstones = Table(
    "tombstones",
    metadata,
    Column("digest", String(72), primary_key=True),
)

# What shows which media, such as a message of a conversation. No foreign key to media: deleting
# media leaves what showed it.
holders = Table(
    "holders",
    metadata,
    Column("conversation_id", String(36), primary_key=True),
    Column("holder", String(255), primary_key=True),
    Column("media_id", String(36), primary_key=True),
    Column("owner", String(255)),
    Index(None, "media_id"),
)
