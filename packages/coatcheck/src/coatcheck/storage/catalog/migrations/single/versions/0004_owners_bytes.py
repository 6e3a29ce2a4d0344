"""The bytes of each owner are kept as a number, and no longer summed at each put."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_FILL = """
INSERT INTO owners (owner, bytes)
SELECT owned.owner, sum(blobs.size)
FROM (
    SELECT DISTINCT CASE WHEN owner IS NULL THEN '' ELSE '=' || owner END AS owner, digest
    FROM media
) AS owned
JOIN blobs ON blobs.digest = owned.digest
GROUP BY owned.owner
"""


def upgrade() -> None:
    """Add the table, fill it from the media, and let the index of digests lead to owners."""
    op.create_table(
        "owners",
        sa.Column("owner", sa.String(length=256), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_owners")),
    )
    op.execute(_FILL)
    op.drop_index(op.f("ix_media_digest"), "media")
    op.create_index(op.f("ix_media_digest_owner"), "media", ["digest", "owner"], unique=False)
