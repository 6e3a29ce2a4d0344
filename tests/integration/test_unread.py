"""Clients that read nothing of what is sent to them: their connections end, with what they hold."""

import itertools
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import anyio
import anyio.lowlevel
import pytest
from anyio import to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from coatcheck.delivery import media_app
from coatcheck.server.process import ApplicationServer, listen
from coatcheck.server.settings import Settings
from coatcheck.store import MediaStore
from tests.serving import serving

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="connections are looked up in /proc"),
]

SOON: Final = 1.0
"""How long a client may read nothing in these tests, in seconds."""

MEBIBYTE: Final = 1024 * 1024
PATIENCE: Final = 30.0
HANDSHAKE: Final = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


async def events(_: Request) -> Response:
    """Server-sent events without an end."""

    async def endless() -> AsyncIterator[bytes]:
        while True:
            await anyio.lowlevel.checkpoint()
            yield b"data: %s\n\n" % (b"x" * 8192)

    return StreamingResponse(endless(), media_type="text/event-stream")


async def deltas(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text("x" * 8192)
    except WebSocketDisconnect:
        pass


async def at_once(_: Request) -> Response:
    """More than the system's buffers take, in one piece, after which the server closes."""
    return Response(b"x" * 32 * MEBIBYTE, headers={"connection": "close"})


@contextmanager
def asking(
    address: str, path: str, headers: str = "", *, room: int = 4096
) -> Iterator[socket.socket]:
    """A client that asks, and its system has so much room for what it has not read."""
    host, _, port = address.partition(":")
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        client.connect((host, int(port)))
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
        yield client


def unsent(client: socket.socket) -> int | None:
    """Bytes that the system holds for the client; None when the server's side is gone."""
    ours, theirs = client.getpeername()[1], client.getsockname()[1]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, queues, *_ = line.split()
        if [int(end.rpartition(":")[2], 16) for end in (local, remote)] == [ours, theirs]:
            return int(queues.partition(":")[0], 16)
    return None


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(PATIENCE):
        while not condition():  # noqa: ASYNC110 - neither the system nor uvicorn has an event
            await anyio.sleep(0.01)


async def fills(client: socket.socket) -> None:
    """Return when the system holds bytes that the client does not take."""
    await until(lambda: bool(unsent(client)))


async def is_gone(client: socket.socket) -> None:
    await until(lambda: unsent(client) is None)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        pytest.param("/events", "", id="events"),
        pytest.param("/ws", HANDSHAKE, id="websocket"),
        pytest.param("/once", "", id="closed-by-the-server"),
    ],
)
async def test_attack_30_a_client_that_reads_nothing_is_disconnected(
    path: str, headers: str
) -> None:
    app = Starlette(
        routes=[
            Route("/events", events),
            Route("/once", at_once),
            WebSocketRoute("/ws", deltas),
        ]
    )
    async with serving(app, unread_seconds=SOON) as address:
        with asking(address, path, headers) as client:
            await fills(client)
            await is_gone(client)


async def test_27_a_download_that_nobody_reads_ends(store: MediaStore) -> None:
    stored = await store.put(b"%PDF-" + bytes(16 * MEBIBYTE))
    app = Starlette(routes=[Mount("/api/media", media_app(store))])
    async with serving(app, unread_seconds=SOON) as address:
        with asking(address, f"/api/media/image/{stored.id}") as client:
            await fills(client)
            await is_gone(client)


async def test_a_client_that_reads_slowly_gets_everything() -> None:
    """It takes nothing for a while, again and again, and never for as long as the limit."""

    async def some(_: Request) -> Response:
        return Response(b"x" * 16 * MEBIBYTE)

    async with serving(Starlette(routes=[Route("/", some)]), unread_seconds=4 * SOON) as address:
        with asking(address, "/", "Connection: close\r\n", room=MEBIBYTE) as client:
            client.settimeout(PATIENCE)
            received = 0
            for pause in itertools.chain([SOON] * 5, itertools.repeat(0)):
                await anyio.sleep(pause)
                chunk = await to_thread.run_sync(client.recv, MEBIBYTE)
                if not chunk:
                    break
                received += len(chunk)
    assert received > 16 * MEBIBYTE


async def test_what_was_closed_and_is_taken_in_drops_ends_as_well() -> None:
    """The kernel sees that the client takes something, the server that it holds as much as ever."""
    app = Starlette(routes=[Route("/once", at_once)])
    with listen("127.0.0.1", 0) as listener:
        server = ApplicationServer(app, Settings())
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, [listener])
            address = f"127.0.0.1:{listener.getsockname()[1]}"
            with asking(address, "/once") as client:
                await fills(client)
                (connection,) = server.server_state.connections
                await until(connection.transport.is_closing)
                server._end_unread()
                client.recv(1)
                assert server.server_state.connections
                server._end_unread()
                await until(lambda: not server.server_state.connections)
            server.should_exit = True
