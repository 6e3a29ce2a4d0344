"""Media can be listed by owner, newest first."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the index that a page of the list is read from."""
    op.create_index(
        op.f("ix_media_owner_created_at_id"), "media", ["owner", "created_at", "id"], unique=False
    )
