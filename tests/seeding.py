"""Long conversations, written in one transaction: thousands of messages in the time of one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from coatcheck.storage.catalog import Database
from coatcheck.storage.catalog.tables import holders
from coatcheck_chat.history.participant import CHAT
from coatcheck_chat.history.searching import fold, message_text, referenced_media
from coatcheck_chat.history.tables import conversations, messages


async def seed(
    database: Database,
    conversation_id: str,
    said: Sequence[Mapping[str, Any]],
    *,
    title: str = "A long conversation",
    owner: str | None = None,
    at: int = 1_700_000_000_000,
) -> None:
    """Write a conversation whose messages are `said`, in stored form; `at` in milliseconds."""
    rows = [
        {
            "conversation_id": conversation_id,
            "position": position,
            "message_id": message["id"],
            "content": message,
            "folded": fold(message_text(message)),
            "created_at": at,
        }
        for position, message in enumerate(said, 1)
    ]
    async with database.write() as connection:
        await connection.execute(
            insert(conversations).values(
                id=conversation_id,
                title=title,
                folded_title=fold(title),
                owner=owner,
                created_at=at,
                updated_at=at,
            )
        )
        await connection.execute(insert(messages), rows)
        held = [
            {
                "conversation_id": conversation_id,
                "holder": message["id"],
                "media_id": media_id,
                "owner": owner,
            }
            for message in said
            for media_id in referenced_media(message)
        ]
        if held:
            await connection.execute(insert(holders), held)


async def seed_data(
    data: Path, conversation_id: str, said: Sequence[Mapping[str, Any]], **options: Any
) -> None:
    """Likewise in the catalog of a data directory."""
    database = await Database.open(data / "catalog.sqlite3", [CHAT])
    try:
        await seed(database, conversation_id, said, **options)
    finally:
        await database.aclose()
