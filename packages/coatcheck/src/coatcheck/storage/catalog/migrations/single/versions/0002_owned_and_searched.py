"""Conversations get an owner, a deletion that can be taken back, and a search.

Conversations that are there already belong to nobody: in open mode everyone has them still, under
access control no one does. Like every migration this one keeps to itself how it reads messages.
"""

import sqlite3
import unicodedata
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_BATCH = 500
_MAX_TEXT = 50_000
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

INSERT INTO message_index(message_index) VALUES ('rebuild');
"""


def upgrade() -> None:
    """Add the columns and tables, and fill them from the messages."""
    op.create_table(
        "tombstones",
        sa.Column("digest", sa.String(length=72), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_tombstones")),
    )
    _upgrade_conversations()
    _upgrade_messages()
    op.create_table(
        "message_media",
        sa.Column("message", sa.Integer(), nullable=False),
        sa.Column("media_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["message"],
            ["messages.id"],
            name=op.f("fk_message_media_message"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("message", "media_id", name=op.f("pk_message_media")),
    )
    op.create_index(op.f("ix_message_media_media_id"), "message_media", ["media_id"], unique=False)
    connection = op.get_bind()
    _fill(connection)
    _create_index(connection)


def _upgrade_conversations() -> None:
    op.add_column(
        "conversations", sa.Column("folded_title", sa.Text(), nullable=False, server_default="")
    )
    op.add_column("conversations", sa.Column("owner", sa.String(length=255), nullable=True))
    op.add_column("conversations", sa.Column("deleted_at", sa.BigInteger(), nullable=True))
    op.drop_index(op.f("ix_conversations_updated_at"), "conversations")
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


def _upgrade_messages() -> None:
    """Give the messages a key of their own, which SQLite cannot add to a table that is there."""
    names = "conversation_id, position, message_id, content, created_at"
    op.execute(f"CREATE TABLE kept_messages AS SELECT {names} FROM messages")  # noqa: S608 - names of columns
    op.drop_table("messages")
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
    op.execute(
        f"INSERT INTO messages ({names}, folded) SELECT {names}, '' FROM kept_messages"  # noqa: S608 - names of columns
    )
    op.drop_table("kept_messages")


def _create_index(connection: sa.Connection) -> None:
    """Index the messages where SQLite can; a search scans them elsewhere."""
    if connection.dialect.name != "sqlite" or sqlite3.sqlite_version_info < _TRIGRAMS_SINCE:
        return
    if connection.scalar(sa.text("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'")):
        for statement in _INDEX.strip().split("\n\n"):
            connection.exec_driver_sql(statement)


def _fill(connection: sa.Connection) -> None:
    conversations = sa.table(
        "conversations", sa.column("id"), sa.column("title"), sa.column("folded_title")
    )
    for row in connection.execute(sa.select(conversations.c.id, conversations.c.title)).all():
        connection.execute(
            conversations.update()
            .where(conversations.c.id == row.id)
            .values(folded_title=_fold(row.title))
        )
    messages = sa.table(
        "messages", sa.column("id"), sa.column("content", sa.JSON), sa.column("folded")
    )
    links = sa.table("message_media", sa.column("message"), sa.column("media_id"))
    last = 0
    while True:
        page = (
            sa.select(messages.c.id, messages.c.content)
            .where(messages.c.id > last)
            .order_by(messages.c.id)
            .limit(_BATCH)
        )
        rows = connection.execute(page).all()
        for row in rows:
            found = list(_walk(row.content))
            text = "\n".join(dict.fromkeys(said for said, _ in found if said))[:_MAX_TEXT]
            connection.execute(
                messages.update().where(messages.c.id == row.id).values(folded=_fold(text))
            )
            media = {media_id for _, media_id in found if media_id}
            if media:
                connection.execute(
                    links.insert(), [{"message": row.id, "media_id": one} for one in media]
                )
            last = row.id
        if len(rows) < _BATCH:
            return


def _walk(value: Any, depth: int = 0) -> Iterator[tuple[str | None, str | None]]:
    """Each text worth a search, and each id of media, wherever they stand in a message."""
    if depth > 64:  # noqa: PLR2004 - no payload that was kept nests deeper
        return
    if isinstance(value, list):
        for item in value:
            yield from _walk(item, depth + 1)
    elif isinstance(value, dict):
        if value.get("type") == "media_reference" and isinstance(value.get("id"), str):
            yield None, value["id"]
        for name in ("text", "prompt", "expression", "alt", "displayName"):
            if isinstance(value.get(name), str) and value.get("type") != "reasoning":
                yield value[name], None
        for member in value.values():
            yield from _walk(member, depth + 1)


def _fold(text: str) -> str:
    """Text without case, accents and what cannot be seen, as a search compares it."""
    return "".join(
        character if character.isspace() else _fold_character(character) for character in text
    )


def _fold_character(character: str) -> str:
    return "".join(
        part
        for part in unicodedata.normalize("NFKD", character).casefold()
        if unicodedata.category(part)[0] not in "MC"
    )
