"""A proxy that makes loopback as slow as a network: ``python -m benchmarks.network``.

It forwards bytes of TCP connections, and so HTTP and WebSockets alike. In each direction all
connections share one link: a token bucket limits its rate, and what has passed it arrives one delay
later. A new connection waits one round trip for its handshake. Loss, TCP's slow start and the delay
of name resolution are left out.
"""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.peers.processes import free_port, started

_PIECE: Final = 8 * 1024  # bytes that take their turn on a link: 3 ms at 20 Mbit/s
_BURST_SECONDS: Final = 0.005  # what a timer that fires late may catch up with
_WAITING: Final = 256  # pieces of a connection that are under way


@dataclass(frozen=True, slots=True)
class Network:
    """A link between two hosts.

    Attributes:
        rate: bits per second, in each direction.
        delay: seconds one way; a round trip takes twice as long.
    """

    rate: float
    delay: float

    def __str__(self) -> str:
        return f"{self.rate / 1e6:g} Mbit/s, {2 * self.delay * 1000:g} ms"


BROADBAND: Final = Network(rate=20e6, delay=0.02)
"""20 Mbit/s with a round trip of 40 ms."""


class _Bucket:
    """Lets bytes of all connections pass at a link's rate, in the order in which they ask."""

    def __init__(self, rate: float) -> None:
        self._rate = rate / 8
        self._next = 0.0

    async def take(self, size: int) -> None:
        """Wait until `size` bytes have passed."""
        now = asyncio.get_running_loop().time()
        self._next = max(self._next, now - _BURST_SECONDS) + size / self._rate
        if self._next > now:
            await asyncio.sleep(self._next - now)


@asynccontextmanager
async def serve(network: Network, target: int, port: int = 0) -> AsyncIterator[int]:
    """Forward connections to a loopback port as long as the context lasts.

    Args:
        network: how slow it is.
        target: the port of the server behind.
        port: where to listen on loopback; 0 for any that is free.

    Yields:
        The port on which it listens.
    """
    up, down = _Bucket(network.rate), _Bucket(network.rate)
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", target)  # noqa: TID251 - loopback
        except OSError:
            writer.close()
            return
        try:
            await asyncio.sleep(2 * network.delay)  # the handshake
            async with asyncio.TaskGroup() as ways:
                ways.create_task(_forward(reader, back, up, network.delay))
                ways.create_task(_forward(there, writer, down, network.delay))
        except* OSError:
            pass  # one side has hung up: so does the other, below
        finally:
            writer.close()
            back.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(talk(reader, writer))
        talks.add(task)
        task.add_done_callback(talks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", port)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def _forward(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, bucket: _Bucket, delay: float
) -> None:
    """Forward until the source ends, then end the sink's input."""
    loop = asyncio.get_running_loop()
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_WAITING)

    async def deliver() -> None:
        while True:
            due, piece = await under_way.get()
            await asyncio.sleep(due - loop.time())
            if not piece:
                break
            sink.write(piece)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()

    async with asyncio.TaskGroup() as group:
        group.create_task(deliver())
        while True:
            piece = await source.read(_PIECE)
            await bucket.take(len(piece))
            await under_way.put((loop.time() + delay, piece))
            if not piece:
                break


@contextmanager
def proxy(network: Network, target: int, log: Path) -> Iterator[int]:
    """A proxy in a process of its own, as its port.

    Args:
        network: how slow it is.
        target: the loopback port of the server behind.
        log: for what it writes.

    Raises:
        UnavailableError: it does not start.
    """
    port = free_port()
    link = ("--rate", str(network.rate), "--delay", str(network.delay))
    command = (sys.executable, "-m", "benchmarks.network", str(target), "--port", str(port), *link)
    environment = {"PYTHONPATH": str(Path(__file__).parents[1])}
    with started(command, port=port, log=log, environment=environment):
        yield port


async def _run(network: Network, target: int, port: int) -> None:
    async with serve(network, target, port) as listening:
        print(f"http://127.0.0.1:{listening} is port {target} over {network}")
        await asyncio.Event().wait()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.network")
    parser.add_argument("target", type=int, help="loopback port of the server behind")
    parser.add_argument("--port", type=int, default=0, help="where to listen")
    parser.add_argument("--rate", type=float, default=BROADBAND.rate, help="bits per second")
    parser.add_argument("--delay", type=float, default=BROADBAND.delay, help="seconds, one way")
    arguments = parser.parse_args()
    network = Network(arguments.rate, arguments.delay)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(network, arguments.target, arguments.port))


if __name__ == "__main__":
    main()
