"""The first schema: conversations and messages, with an index of what is searched."""

import sqlite3

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TRIGRAMS_SINCE = (3, 34)

# External content: the index holds no text of its own. The triggers keep it in step inside whatever
# transaction changes a message, a deletion that cascades included.
_INDEX = """
CREATE VIRTUAL TABLE message_index
    USING fts5(folded, content='messages', content_rowid='id', tokenize='trigram case_sensitive 1');

CREATE TRIGGER message_index_insert AFTER INSERT ON messages BEGIN
    INSERT INTO message_index(rowid, folded) VALUES (new.id, new.folded);
END;

CREATE TRIGGER message_index_delete AFTER DELETE ON messages BEGIN
    INSERT INTO message_index(message_index, rowid, folded) VALUES ('delete', old.id, old.folded);
END;

CREATE TRIGGER message_index_update AFTER UPDATE OF folded ON messages BEGIN
    INSERT INTO message_index(message_index, rowid, folded) VALUES ('delete', old.id, old.folded);
    INSERT INTO message_index(rowid, folded) VALUES (new.id, new.folded);
END;
"""

_HOLD = """
INSERT INTO holders (conversation_id, holder, media_id, owner)
SELECT messages.conversation_id, messages.message_id, message_media.media_id, conversations.owner
FROM message_media
JOIN messages ON messages.id = message_media.message
JOIN conversations ON conversations.id = messages.conversation_id
"""


def upgrade() -> None:
    """Make the tables, or take over those of the single schema that media and chat once shared."""
    connection = op.get_bind()
    if sa.inspect(connection).has_table("message_media"):
        op.execute(_HOLD)
        op.drop_table("message_media")
        return
    _make_tables()
    _create_index(connection)


def _make_tables() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("folded_title", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
    )
    op.create_index(
        op.f("ix_conversations_updated_at_id"), "conversations", ["updated_at", "id"], unique=False
    )
    op.create_index(
        op.f("ix_conversations_owner_updated_at_id"),
        "conversations",
        ["owner", "updated_at", "id"],
        unique=False,
    )
    deleted = sa.text("deleted_at IS NOT NULL")
    op.create_index(
        "ix_conversations_deleted_at",
        "conversations",
        ["deleted_at"],
        unique=False,
        sqlite_where=deleted,
        postgresql_where=deleted,
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(length=64), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name=op.f("fk_messages_conversation_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint(
            "conversation_id", "position", name=op.f("uq_messages_conversation_id_position")
        ),
        sa.UniqueConstraint(
            "conversation_id", "message_id", name=op.f("uq_messages_conversation_id_message_id")
        ),
    )


def _create_index(connection: sa.Connection) -> None:
    """Index the messages where SQLite can; a search scans them elsewhere."""
    if connection.dialect.name != "sqlite" or sqlite3.sqlite_version_info < _TRIGRAMS_SINCE:
        return
    if connection.scalar(sa.text("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'")):
        for statement in _INDEX.strip().split("\n\n"):
            connection.exec_driver_sql(statement)
