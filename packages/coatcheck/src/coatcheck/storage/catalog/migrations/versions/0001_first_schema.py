"""The first schema: blobs, variants, media, owners, tombstones, holders."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables, but for those that a database of the single schema has already."""
    if not sa.inspect(op.get_bind()).has_table("media"):
        _make_media()
    op.create_table(
        "holders",
        sa.Column("conversation_id", sa.String(length=36), nullable=False),
        sa.Column("holder", sa.String(length=255), nullable=False),
        sa.Column("media_id", sa.String(length=36), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("conversation_id", "holder", "media_id", name=op.f("pk_holders")),
    )
    op.create_index(op.f("ix_holders_media_id"), "holders", ["media_id"], unique=False)


def _make_media() -> None:
    op.create_table(
        "blobs",
        sa.Column("digest", sa.String(length=72), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=127), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("frames", sa.Integer(), nullable=True),
        sa.Column("placeholder", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_blobs")),
    )
    op.create_table(
        "variants",
        sa.Column("source", sa.String(length=72), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=72), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=127), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source"], ["blobs.digest"], name=op.f("fk_variants_source"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("source", "name", name=op.f("pk_variants")),
    )
    op.create_index(op.f("ix_variants_digest"), "variants", ["digest"], unique=False)
    op.create_table(
        "media",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.String(length=72), nullable=False),
        sa.Column("display_name", sa.String(length=255), nullable=True),
        sa.Column("alt", sa.String(length=1000), nullable=True),
        sa.Column("owner", sa.String(length=255), nullable=True),
        sa.Column("conversation_id", sa.String(length=36), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["digest"], ["blobs.digest"], name=op.f("fk_media_digest"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media")),
    )
    op.create_index(op.f("ix_media_digest_owner"), "media", ["digest", "owner"], unique=False)
    op.create_index(op.f("ix_media_conversation_id"), "media", ["conversation_id"], unique=False)
    op.create_index(
        op.f("ix_media_owner_created_at_id"), "media", ["owner", "created_at", "id"], unique=False
    )
    op.create_table(
        "owners",
        sa.Column("owner", sa.String(length=256), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_owners")),
    )
    op.create_table(
        "tombstones",
        sa.Column("digest", sa.String(length=72), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_tombstones")),
    )
