"""A small HTTP/1.1 client on bare sockets: it sends prepared requests and reads by Content-Length.

``python -m benchmarks.peers.client PORT CONNECTIONS SECONDS REQUEST_FILE`` is the load generator
where wrk is not to be had.
"""

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_BODYLESS = (204, 304)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """A connection that is kept alive from one request to the next."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> "Connection":
        """Connect to a loopback port."""
        streams = await asyncio.open_connection("127.0.0.1", port, limit=1024 * 1024)  # noqa: TID251 - loopback
        return cls(*streams)

    async def ask(self, request: bytes) -> Answer:
        """Send one request and read its answer."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").rstrip().split("\r\n")
        status = int(first.split()[1])
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        length = 0 if status in _BODYLESS else int(headers["content-length"])
        return Answer(status, headers, await self._reader.readexactly(length))

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


def prepare(path: str, headers: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a GET."""
    fields = {"Host": "127.0.0.1", **(headers or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")


def get(port: int, path: str, headers: Mapping[str, str] | None = None) -> Answer:
    """One request on a connection of its own."""

    async def ask() -> Answer:
        connection = await Connection.open(port)
        try:
            return await connection.ask(prepare(path, headers))
        finally:
            connection.close()

    return asyncio.run(ask())


async def generate(port: int, connections: int, seconds: float, request: bytes) -> tuple[int, int]:
    """Ask the same on several connections for a while; how many answers, and how many errors."""
    end = time.monotonic() + seconds

    async def repeat() -> tuple[int, int]:
        connection = await Connection.open(port)
        answers = errors = 0
        while time.monotonic() < end:
            answers += 1
            errors += (await connection.ask(request)).status >= 400
        connection.close()
        return answers, errors

    counts = await asyncio.gather(*(repeat() for _ in range(connections)))
    return sum(answers for answers, _ in counts), sum(errors for _, errors in counts)


def main() -> None:
    """Generate load and print what came of it as JSON."""
    port, connections, seconds, file = sys.argv[1:]
    request = Path(file).read_bytes()
    start = time.perf_counter()
    answers, errors = asyncio.run(
        generate(int(port), int(connections), float(seconds), request),
    )
    print(json.dumps([answers, errors, time.perf_counter() - start]))


if __name__ == "__main__":
    main()
