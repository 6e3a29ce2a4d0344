"""Media may be opaque: its type is what its sender said."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column."""
    op.add_column("media", sa.Column("opaque_type", sa.String(length=127), nullable=True))
