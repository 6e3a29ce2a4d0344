"""Heads of requests: how long they may be, how long they may take, and how many at once."""

import itertools
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

import anyio
import pytest
from anyio.abc import SocketStream
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from coatcheck.server.process import ApplicationServer, listen
from coatcheck.server.protocol import MAX_HEAD, BoundedHttpProtocol
from coatcheck.server.settings import Settings
from tests.serving import serving

pytestmark = pytest.mark.anyio

GET: Final = b"GET / HTTP/1.1\r\nHost: x\r\n"
CHUNKED: Final = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
UPGRADE: Final = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
SOON: Final = 0.5
"""How long a head may take in these tests, in seconds."""

PATIENCE: Final = 30.0
ENDLESS: Final = 64 * 1024 * 1024
"""More than any buffer of the system takes: a server that reads it all has no limit."""


async def count(request: Request) -> Response:
    """How many bytes the body has, after a while if the path says so."""
    length = len(await request.body())
    await anyio.sleep(float(request.query_params.get("wait", "0")))
    return PlainTextResponse(str(length))


async def refuse(_: Request) -> Response:
    return PlainTextResponse("no", 403)


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        pass


APP: Final = Starlette(
    routes=[
        Route("/", count, methods=["GET", "POST"]),
        Route("/refused", refuse, methods=["POST"]),
        WebSocketRoute("/ws", echo),
    ]
)


@pytest.fixture
async def address() -> AsyncIterator[str]:
    async with serving(APP, head_seconds=SOON) as address:
        yield address


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[SocketStream]:
    host, _, port = address.partition(":")
    async with await anyio.connect_tcp(host, int(port)) as stream:  # noqa: TID251 - a test's own
        yield stream


async def rest(stream: SocketStream) -> bytes:
    """What still comes, up to the end that the server makes."""
    received = b""
    with anyio.fail_after(PATIENCE):
        try:
            while True:
                received += await stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return received


async def pour(stream: SocketStream, pieces: Iterable[bytes]) -> int:
    """Send until the server hangs up; how many bytes were sent."""
    sent = 0
    with anyio.fail_after(PATIENCE):
        try:
            for piece in pieces:
                await stream.send(piece)
                sent += len(piece)
                if sent >= ENDLESS:
                    break
        except anyio.BrokenResourceError:
            pass
    return sent


async def ask(stream: SocketStream, request: bytes, end: bytes = b"\r\n\r\n") -> bytes:
    await stream.send(request)
    return await until(stream, end)


async def until(stream: SocketStream, end: bytes) -> bytes:
    received = b""
    with anyio.fail_after(PATIENCE):
        while end not in received:
            received += await stream.receive()
    return received


LINES: Final = b"".join(b"x-%06d: %s\r\n" % (number, b"a" * 48) for number in range(1024))
HEADS: Final = [
    pytest.param(GET, LINES, id="lines"),
    pytest.param(GET + b"x: ", b"a" * 65536, id="a-value"),
    pytest.param(GET, b"a" * 65536, id="a-name"),
    pytest.param(b"GET /", b"a" * 65536, id="a-path"),
    pytest.param(UPGRADE, LINES, id="of-a-websocket"),
]


@pytest.mark.parametrize(("opening", "piece"), HEADS)
async def test_a_head_without_an_end_is_refused(address: str, opening: bytes, piece: bytes) -> None:
    async with connected(address) as stream:
        await stream.send(opening)
        assert await pour(stream, itertools.repeat(piece)) < ENDLESS
    async with connected(address) as stream:
        await stream.send(opening + piece * 3)
        assert (await rest(stream)).startswith(b"HTTP/1.1 431 ")


async def test_a_second_head_without_an_end_is_refused_too(address: str) -> None:
    async with connected(address) as stream:
        assert b" 200 OK" in await ask(stream, GET + b"\r\n")
        await stream.send(GET + LINES * 3)
        assert b"HTTP/1.1 431 " in await rest(stream)


async def test_a_head_of_the_longest_length_passes_and_twice_as_much_never_does(
    address: str,
) -> None:
    def head(length: int) -> bytes:
        return GET + b"x: %s\r\n\r\n" % (b"a" * (length - len(GET) - 7))

    async with connected(address) as stream:
        for _ in range(3):
            assert b" 200 OK" in await ask(stream, head(MAX_HEAD))
    async with connected(address) as stream:
        await stream.send(head(2 * MAX_HEAD + 1))
        assert b" 431 " in await rest(stream)


async def test_a_head_that_comes_in_one_read_is_counted_as_well() -> None:
    """How much a read brings is chance; here the server is handed all of it at once."""
    with listen("127.0.0.1", 0) as listener:
        server = ApplicationServer(APP, Settings())
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, [listener])
            async with connected(f"127.0.0.1:{listener.getsockname()[1]}") as stream:
                assert b" 200 OK" in await ask(stream, GET + b"\r\n")
                (connection,) = server.server_state.connections
                assert isinstance(connection, BoundedHttpProtocol)
                # A body that came with its head gives the next head no more room.
                length = MAX_HEAD - 200
                post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length
                connection.data_received(post + b"a" * length)
                await until(stream, b"%d" % length)
                for piece in (GET + b"x: ", b"a" * (MAX_HEAD // 2), b"a" * (MAX_HEAD // 2)):
                    connection.data_received(piece)
                assert b"HTTP/1.1 431 " in await rest(stream)
            async with connected(f"127.0.0.1:{listener.getsockname()[1]}") as stream:
                assert b" 200 OK" in await ask(stream, GET + b"\r\n")
                (connection,) = server.server_state.connections
                assert isinstance(connection, BoundedHttpProtocol)
                connection.data_received(GET + b"x: %s\r\n\r\n" % (b"a" * 2 * MAX_HEAD))
                assert b"HTTP/1.1 431 " in await rest(stream)
            server.should_exit = True


async def test_a_head_that_comes_byte_by_byte_is_answered_if_it_comes_in_time() -> None:
    async with serving(APP) as address, connected(address) as stream:
        for _ in range(2):  # the second on a connection that was kept
            for byte in GET + b"\r\n":
                await stream.send(bytes([byte]))
            assert b" 200 OK" in await until(stream, b"\r\n\r\n0")


@pytest.mark.parametrize("before", [b"", GET + b"\r\n"], ids=["first", "later"])
@pytest.mark.parametrize("opening", [GET, UPGRADE, b"GET /"], ids=["get", "websocket", "path"])
async def test_a_head_that_takes_too_long_is_ended(
    address: str, before: bytes, opening: bytes
) -> None:
    async with connected(address) as stream:
        if before:
            await ask(stream, before)

        async def drip() -> None:  # never silent for as long as the limit
            await stream.send(opening)
            while True:
                await anyio.sleep(SOON / 10)
                try:
                    await stream.send(b"a")
                except anyio.BrokenResourceError:
                    return

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(drip)
            answer = await rest(stream)
            tasks.cancel_scope.cancel()
    assert b"HTTP/1.1 408 " in answer


async def test_a_client_that_says_nothing_is_left(address: str) -> None:
    async with connected(address) as stream:
        assert await rest(stream) == b""


async def test_line_breaks_keep_no_connection(address: str) -> None:
    async with connected(address) as stream:
        await ask(stream, GET + b"\r\n")
        await stream.send(b"\r\n")
        await rest(stream)


async def test_an_answer_may_take_longer_than_a_head(address: str) -> None:
    slow = GET.replace(b"/ ", b"/?wait=%.1f " % (3 * SOON)) + b"\r\n"
    async with connected(address) as stream:
        assert b" 200 OK" in await ask(stream, slow)
        # With half of another head behind it, too: nothing is written into its middle.
        assert b" 200 OK" in await ask(stream, slow + GET)
        assert b" 200 OK" in await ask(stream, b"\r\n")


async def test_a_body_may_take_longer_than_a_head(address: str) -> None:
    async with connected(address) as stream:
        await stream.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n")
        for _ in range(8):
            await anyio.sleep(SOON / 3)
            await stream.send(b"a")
        assert b"\r\n\r\n8" in await until(stream, b"\r\n\r\n8")


async def test_a_websocket_lasts_longer_than_a_head(address: str) -> None:
    async with connected(address) as stream:
        assert b" 101 " in await ask(stream, UPGRADE + b"\r\n")
        await anyio.sleep(2 * SOON)
        await stream.send(bytes([0x81, 0x82, 0, 0, 0, 0]) + b"hi")
        assert await until(stream, b"hi") == bytes([0x81, 2]) + b"hi"


async def test_requests_that_come_at_once_are_all_answered(address: str) -> None:
    many = 3 * MAX_HEAD // len(GET)
    async with connected(address) as stream, anyio.create_task_group() as tasks:
        tasks.start_soon(stream.send, (GET + b"\r\n") * many)
        answers = b""
        with anyio.fail_after(PATIENCE):
            while answers.count(b"HTTP/1.1 200 OK") < many:
                answers += await stream.receive()


@pytest.mark.parametrize(
    ("opening", "piece"),
    [
        pytest.param(b"1;x=", b"a" * 65536, id="extension"),
        pytest.param(b"0\r\n", LINES, id="trailers"),
        pytest.param(b"0\r\nx: ", b"a" * 65536, id="a-trailer"),
        pytest.param(b"3e8\r\n" + b"a" * 1000 + b"\r\n0\r\n", LINES, id="after-a-body"),
    ],
)
async def test_what_stands_around_a_body_is_limited_like_a_head(
    address: str, opening: bytes, piece: bytes
) -> None:
    async with connected(address) as stream:
        await stream.send(CHUNKED + opening)
        assert await pour(stream, itertools.repeat(piece)) < ENDLESS


async def test_a_body_of_a_megabyte_passes(address: str) -> None:
    length = b"Content-Length: 1000000\r\n\r\n"
    async with connected(address) as stream:
        for _ in range(2):
            post = b"POST / HTTP/1.1\r\nHost: x\r\n" + length + b"a" * 1_000_000
            assert b"1000000" in await ask(stream, post, b"\r\n\r\n1000000")


async def test_no_refusal_stands_in_the_middle_of_an_answer(address: str) -> None:
    async with connected(address) as stream:
        await stream.send(b"GET /?wait=30 HTTP/1.1\r\nHost: x\r\n\r\n" + GET + LINES * 3)
        assert await rest(stream) == b""


async def test_no_head_of_a_websocket_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(APP, Settings(log_level="DEBUG")) as address, connected(address) as stream:
        await ask(stream, UPGRADE + b"Cookie: name=secret\r\n\r\n", b" 101 ")
    assert "WebSocket /ws" in caplog.text
    assert "secret" not in caplog.text


async def test_a_body_of_many_small_chunks_passes(address: str) -> None:
    chunks = 100_000  # each with five bytes around it, together far more than a head may have
    async with connected(address) as stream:
        await stream.send(CHUNKED + b"1\r\na\r\n" * chunks + b"0\r\nx-sum: 1\r\n\r\n")
        assert b"\r\n\r\n100000" in await until(stream, b"\r\n\r\n100000")
        assert b" 200 OK" in await ask(stream, GET + b"\r\n")


async def test_the_rest_of_a_refused_body_may_take_longer_than_a_head(address: str) -> None:
    async with connected(address) as stream:
        length = b"Content-Length: 10\r\n\r\n"
        await ask(stream, b"POST /refused HTTP/1.1\r\nHost: x\r\n" + length, b"no")
        for _ in range(10):
            await anyio.sleep(SOON / 4)
            await stream.send(b"a")
        assert b" 200 OK" in await ask(stream, GET + b"\r\n")


async def test_a_connection_too_many_is_answered_503_and_far_too_many_are_not_taken() -> None:
    async with serving(APP, Settings(connections=4)) as address:
        async with connected(address) as one, connected(address) as two, connected(address) as late:
            assert b" 101 " in await ask(one, UPGRADE + b"\r\n")
            assert b" 200 OK" in await ask(two, GET + b"\r\n")
            assert b" 200 OK" in await ask(late, GET + b"\r\n")
            async with connected(address) as fourth, connected(address) as fifth:
                await ask(fourth, GET + b"\r\n", b" 503 ")
                await ask(fifth, UPGRADE + b"\r\n", b" 503 ")
            async with connected(address), connected(address), connected(address) as far:
                with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                    await ask(far, GET + b"\r\n")
            await one.send(bytes([0x81, 0x82, 0, 0, 0, 0]) + b"hi")
            assert await until(one, b"hi") == bytes([0x81, 2]) + b"hi"
        async with connected(address) as again:
            assert b" 200 OK" in await ask(again, GET + b"\r\n")
