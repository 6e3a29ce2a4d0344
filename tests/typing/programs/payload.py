"""Takes media out of payloads and puts it back."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any, assert_type

from coatcheck import (
    MediaStore,
    MediaUrls,
    ScrubFilter,
    for_model,
    for_storage,
    for_ui,
    hydrate,
    offload,
    offload_stream,
    offload_tool,
    restore,
    scrub,
)
from coatcheck.payload.offload import OffloadReport


async def there_and_back(store: MediaStore, payload: dict[str, Any]) -> None:
    offloaded, report = await offload(payload, store, form="ui", urls=MediaUrls(), owner="anna")
    assert_type(offloaded, Any)
    assert_type(report, OffloadReport)
    assert_type(report.found, int)
    restored, lost = await restore(offloaded, store, owner="anna")
    assert_type(restored, Any)
    assert_type(lost.restored, int)
    measured = await offload(payload, None)
    assert_type(measured.report, OffloadReport)


async def messages(store: MediaStore, history: list[dict[str, Any]]) -> list[Any]:
    assert_type(for_storage(history), Any)
    assert_type(for_ui(history, MediaUrls(), {"id"}), Any)
    assert_type(for_model(history), Any)
    hydrated = await hydrate(history, store, provider="anthropic", owner=None)
    assert_type(hydrated.messages, list[Any])
    assert_type(hydrated.report.tokens, int)
    return hydrated.messages


async def stream(store: MediaStore, chunks: AsyncIterator[str]) -> None:
    assert_type(offload_stream(chunks, store), AsyncGenerator[Any])
    async for chunk in offload_stream(chunks, store, on_report=print, form="stored"):
        assert_type(chunk, Any)


async def tools(store: MediaStore) -> None:
    @offload_tool(store)
    async def draw(prompt: str, *, width: int = 512) -> bytes:
        return prompt.encode() * width

    @offload_tool(lambda: store, form="ui", urls=MediaUrls())
    def plot(expression: str) -> bytes:
        return expression.encode()

    @offload_tool(store)
    async def drafts(prompt: str) -> AsyncIterator[bytes]:
        yield prompt.encode()

    @offload_tool(store)
    def frames(count: int) -> Iterator[bytes]:
        yield bytes(count)

    assert_type(await draw("the sea", width=9), Any)
    assert_type(await plot("x * x"), Any)
    assert_type(drafts("the sea"), AsyncGenerator[Any])
    assert_type(frames(3), AsyncGenerator[Any])


def logs() -> None:
    logging.getLogger().addFilter(ScrubFilter())
    assert_type(scrub({"a": b""}), Any)
