"""A server on loopback that keeps what a client's SDK sends, and refuses it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

REFUSAL = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
)


@dataclass(slots=True)
class Recorder:
    """Where it listens, and the JSON bodies that came."""

    url: str
    bodies: list[Any] = field(default_factory=list)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        headers = dict(
            line.lower().split(": ", 1) for line in head.decode().splitlines() if ": " in line
        )
        self.bodies.append(json.loads(await reader.readexactly(int(headers["content-length"]))))
        writer.write(REFUSAL)
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def recording() -> AsyncIterator[Recorder]:
    """Serve on a free port of 127.0.0.1."""
    recorder = Recorder("")
    server = await asyncio.start_server(recorder._answer, "127.0.0.1")
    async with server:
        recorder.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield recorder
