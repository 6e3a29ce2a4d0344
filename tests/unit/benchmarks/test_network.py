"""The proxy is as slow as the network that it stands for, and changes nothing that it forwards."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from benchmarks.network import Network, serve
from benchmarks.peers.processes import free_port
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from tests.serving import serving

pytestmark = pytest.mark.anyio

FAST = Network(rate=80e6, delay=0.0)
SLOW = Network(rate=8e6, delay=0.0)
FAR = Network(rate=800e6, delay=0.05)
BODY = bytes(range(256)) * 2_000  # 512,000 bytes: half a second at 8 Mbit/s


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A server that answers HTTP and a WebSocket."""

    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        async for message in socket.iter_bytes():
            await socket.send_bytes(message)

    async def answer(request: Request) -> Response:
        return Response(BODY if request.method == "GET" else str(len(await request.body())))

    routes = [
        Route("/", answer, methods=["GET", "POST"]),
        WebSocketRoute("/socket", echo),
    ]
    async with serving(Starlette(routes=routes)) as host:
        yield int(host.rpartition(":")[2])


async def seconds(action: Callable[[], Awaitable[object]]) -> float:
    """The least of three times: a busy machine makes a transfer slower, and never faster."""
    found = []
    for _ in range(3):
        start = time.perf_counter()
        await action()
        found.append(time.perf_counter() - start)
    return min(found)


def transfer(network: Network, size: int) -> float:
    """Seconds that so many bytes take at least."""
    return size * 8 / network.rate


async def test_a_body_takes_as_long_as_the_rate_says(port: int) -> None:
    async with httpx.AsyncClient() as client:

        async def fetch(one: int) -> None:
            assert (await client.get(f"http://127.0.0.1:{one}/")).content == BODY

        plain = await seconds(lambda: fetch(port))
        async with serve(SLOW, port) as slow, serve(FAST, port) as fast:
            slowly = await seconds(lambda: fetch(slow))
            faster = await seconds(lambda: fetch(fast))
    assert slowly > 0.9 * transfer(SLOW, len(BODY))
    assert slowly > 2 * max(plain, faster)


async def test_connections_share_the_link(port: int) -> None:
    async with (
        serve(SLOW, port) as slow,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{slow}") as client,
    ):
        both = await seconds(lambda: asyncio.gather(client.get("/"), client.get("/")))
    assert both > 0.9 * transfer(SLOW, 2 * len(BODY))


async def test_the_ways_do_not_share_it(port: int) -> None:
    async with (
        serve(SLOW, port) as slow,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{slow}") as client,
    ):
        one = await seconds(lambda: client.get("/"))
        both = await seconds(
            lambda: asyncio.gather(client.get("/"), client.post("/", content=BODY))
        )
    assert both < 1.8 * one  # twice as long if they did


async def test_a_message_over_a_websocket_takes_a_round_trip(port: int) -> None:
    async def talk(one: int) -> tuple[float, float]:
        opening = time.perf_counter()
        async with connect(f"ws://127.0.0.1:{one}/socket") as socket:
            opened = time.perf_counter()
            await socket.send(b"hello")
            assert await socket.recv() == b"hello"
            return opened - opening, time.perf_counter() - opened

    _, plain = min([await talk(port) for _ in range(3)], key=lambda times: times[1])
    async with serve(FAR, port) as far:
        slow = await talk(far)
    assert slow[0] > 0.9 * 4 * FAR.delay  # of the connection, and of the request that upgrades it
    assert slow[1] > 0.9 * 2 * FAR.delay
    assert slow[1] > 3 * plain


async def test_a_connection_ends_where_there_is_no_server() -> None:
    async with serve(FAST, free_port()) as fast:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            async with httpx.AsyncClient() as client:
                await client.get(f"http://127.0.0.1:{fast}/")


async def test_connections_end_with_the_proxy(port: int) -> None:
    async with serve(FAST, port) as fast:
        socket = await connect(f"ws://127.0.0.1:{fast}/socket")
        await socket.send(b"hello")
        assert await socket.recv() == b"hello"
    with pytest.raises(ConnectionClosedError):
        await socket.recv()
