"""Every row of media and chat, as JSON Lines: of one owner, and of all into another database."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import Table, insert

from coatcheck.media_part import media_part, ready
from coatcheck.opening import Backends, open_backends
from coatcheck.options import StoreOptions
from coatcheck.ports import ExportedRow
from coatcheck.reference import MediaReference, MediaUrls
from coatcheck.storage.catalog.tables import metadata as media_tables
from coatcheck.store import MediaStore
from coatcheck_chat.history.history import History
from coatcheck_chat.history.participant import ChatHistory
from coatcheck_chat.history.sql_log import SqlConversationLog
from coatcheck_chat.history.tables import metadata as chat_tables
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

TABLES: dict[tuple[str, str], Table] = {
    (schema, name): table
    for schema, metadata in (("media", media_tables), ("chat", chat_tables))
    for name, table in metadata.tables.items()
}


async def say(backends: Backends, words: str, owner: str | None, shown: MediaReference) -> None:
    history = History(SqlConversationLog(backends.store), backends.store, MediaUrls())
    parts = [{"type": "text", "text": words}, media_part(shown.id, ready(shown.to_stored()))]
    message = {"id": str(uuid4()), "role": "user", "parts": parts}
    await history.append_or_edit(str(uuid4()), message, owner=owner)


async def export(store: MediaStore, owner: str | None = None) -> bytes:
    """JSON Lines, as a command would write them."""
    async with store.export_rows(owner=owner) as rows:
        return msgspec.json.Encoder().encode_lines([row async for row in rows])


def read(lines: bytes) -> list[ExportedRow]:
    return msgspec.json.Decoder(ExportedRow).decode_lines(lines)


async def test_an_owner_s_export_has_what_an_erasure_takes(backends: Backends) -> None:
    store = backends.store
    shared = png_bytes()
    for owner in ("anna", "ben"):
        await say(backends, f"the sea of {owner}", owner, await store.put(shared, owner=owner))
    annas = read(await export(store, "anna"))
    counted: dict[str, int] = {}
    for row in annas:
        counted[row.table] = counted.get(row.table, 0) + 1
    assert counted == {
        "blobs": 1,
        "variants": 1,
        "owners": 1,
        "media": 1,
        "holders": 1,
        "conversations": 1,
        "messages": 1,
    }
    (message,) = [row.values["content"] for row in annas if row.table == "messages"]
    assert message["parts"][0]["text"] == "the sea of anna"
    assert b"ben" not in await export(store, "anna")
    receipt = await store.erase_owner("anna")
    assert (receipt.media, receipt.rows) == (counted["media"], {"chat": 2})
    assert await export(store, "anna") == b""
    assert len(read(await export(store, "ben"))) == len(annas)


async def test_all_rows_in_their_order_make_the_same_database_anew(
    backends: Backends, tmp_path: Path
) -> None:
    for owner in ("anna", None):
        picture = await backends.store.put(png_bytes(), owner=owner)
        await say(backends, "the sea", owner, picture)
    await backends.store.put(b"everybody's")
    lines = await export(backends.store)
    copied = StoreOptions(data=tmp_path / "copy")
    async with open_backends(copied, participants=[ChatHistory()]) as other:
        async with other.store.transaction() as transaction:
            for row in read(lines):  # foreign keys are on: each row finds what it refers to
                values: dict[str, Any] = dict(row.values)
                table = TABLES[row.schema, row.table]
                await transaction.connection.execute(insert(table).values(values))
        assert await export(other.store) == lines
        assert await other.store.list_media(owner="anna") != []
