"""Fault 12: a client that takes nothing costs one chunk of memory, and not for ever."""

from collections.abc import AsyncGenerator
from typing import Any

import anyio
import pytest

from coatcheck.delivery import media
from coatcheck.delivery.access import OpenAccess
from coatcheck.delivery.media import MediaEndpoint
from coatcheck.errors import SlowReaderError
from coatcheck.store import MediaStore

pytestmark = pytest.mark.anyio


async def receive() -> Any:
    await anyio.sleep_forever()


async def test_a_client_that_takes_nothing_is_read_ahead_for_by_one_chunk_and_then_cut_off(
    store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "SLOW_READER_SECONDS", 0.2)
    reference = await store.put(b"%PDF-" + bytes(5_000_000))
    read = 0
    whole = store.read_blob

    async def counted(*arguments: Any, **options: Any) -> AsyncGenerator[bytes]:
        nonlocal read
        async for chunk in whole(*arguments, **options):
            read += 1
            yield chunk

    monkeypatch.setattr(store, "read_blob", counted)
    sent: list[int] = []

    async def send(message: Any) -> None:
        if len(sent) == 2:
            await anyio.sleep_forever()  # the client's window is full
        if "body" in message:
            sent.append(len(message["body"]))

    scope = {
        "type": "http",
        "method": "GET",
        "headers": [],
        "query_string": b"",
        "path_params": {"id": reference.id},
    }
    with anyio.fail_after(10), pytest.raises(SlowReaderError):
        await MediaEndpoint(store, OpenAccess())(scope, receive, send)
    assert read == 3  # two sent, one in hand
    assert max(sent) <= 1024 * 1024
