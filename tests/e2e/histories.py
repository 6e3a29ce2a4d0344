"""Conversations that were had before the page is opened."""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import anyio

from coatcheck.media_part import media_part, ready
from coatcheck.opening import open_backends
from coatcheck.options import StoreOptions
from tests.e2e.conftest import Server
from tests.media import png_bytes
from tests.seeding import seed_data

MESSAGES = 2000
IMAGES = 300


def apart(work: Callable[[], Awaitable[None]]) -> None:
    """Run asynchronous work beside Playwright's own event loop."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(anyio.run, work).result()


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def said(number: int, *parts: dict[str, Any]) -> dict[str, Any]:
    role = "assistant" if number % 2 else "user"
    return {"id": f"m{number}", "role": role, "parts": list(parts)}


def tell(server: Server, *words: str) -> str:
    """Write a conversation; its id."""
    return tell_all(server, words[0], [said(number, text(one)) for number, one in enumerate(words)])


def tell_all(server: Server, title: str, messages: list[dict[str, Any]]) -> str:
    """Likewise, of messages in stored form."""
    conversation = str(uuid4())

    async def write() -> None:
        await seed_data(server.data, conversation, messages, title=title)

    apart(write)
    return conversation


def tell_at_length(server: Server) -> str:
    """Write a conversation of 2,000 messages, 300 of them with a picture."""
    messages: list[dict[str, Any]] = []

    async def make() -> None:
        async with open_backends(StoreOptions(data=server.data)) as backends:
            pictures = [
                await backends.store.put(png_bytes(320, 240, seed=seed), alt=f"picture {seed}")
                for seed in range(30)
            ]
        for number in range(MESSAGES):
            parts = [text(f"Message {number}. " + "The lamp is lit. " * (number % 5))]
            if number % 20 < IMAGES * 20 // MESSAGES:
                picture = pictures[number % 30]
                parts.insert(0, media_part(picture.id, ready(picture.to_stored())))
            messages.append(said(number, *parts))
        messages[700]["parts"].append(text("The heron stands in the reeds."))

    apart(make)
    return tell_all(server, "A long conversation", messages)
