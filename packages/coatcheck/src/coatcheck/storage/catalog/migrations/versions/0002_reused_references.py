"""References are reused by a key of their own, and secrets are shared."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column and its index, and the table of secrets."""
    op.add_column("media", sa.Column("reuse_key", sa.String(length=64), nullable=True))
    op.create_index(op.f("ix_media_reuse_key"), "media", ["reuse_key"], unique=True)
    op.create_table(
        "secrets",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_secrets")),
    )
