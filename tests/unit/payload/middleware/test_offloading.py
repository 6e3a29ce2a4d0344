"""What an application sends, without inline media: frames, events, lines and bodies."""

import base64
import gzip
import json
import logging
import random
import time
import timeit
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any, Final, cast

import anyio
import anyio.lowlevel
import httpx
import pytest
import websockets
from fastapi import FastAPI, WebSocket
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coatcheck.delivery.middleware import OFFLOAD_LOG, TOO_LARGE, UNEXPECTED, OffloadMiddleware
from coatcheck.errors import StorageFullError
from coatcheck.opening import open_store
from coatcheck.payload.offload import OffloadLimits, OffloadReport
from coatcheck.reference import MediaUrls, is_reference_id
from coatcheck.store import MediaStore
from tests.media import png_bytes
from tests.serving import serving

pytestmark = pytest.mark.anyio

PNG: Final = png_bytes(240, 180)
INLINE: Final = "data:image/png;base64," + base64.b64encode(PNG).decode()
PREFIX: Final = "/api/media/image/"
PROSE: Final = "Long as it is, this holds no picture. " * 200
SOCKET: Final = {"type": "websocket", "path": "/"}
GET: Final = {"type": "http", "method": "GET", "path": "/", "headers": []}
EVENTS: Final = [(b"content-type", b"text/event-stream; charset=utf-8")]
LINES: Final = [(b"content-type", b"application/x-ndjson")]
JSON: Final = [(b"Content-Type", b"application/json"), (b"ETag", b'"one"'), (b"x-own", b"1")]


def test_the_picture_counts_as_media() -> None:
    assert len(INLINE) > 4200


async def unheard() -> Message:
    await anyio.sleep_forever()
    raise AssertionError


def sending(messages: Iterable[Message]) -> ASGIApp:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return app


async def send_by(send: Send, message: Message) -> None:
    """As a task of its own."""
    await send(message)


async def sent(app: ASGIApp, scope: Scope) -> list[Message]:
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(dict(scope), unheard, keep)
    return messages


def frame(text: str) -> Message:
    return {"type": "websocket.send", "text": text}


def picture_frame(number: int = 0, seed: int = 0) -> Message:
    data = base64.b64encode(png_bytes(240, 180, seed)).decode()
    return frame(json.dumps({"n": number, "image": f"data:image/png;base64,{data}"}))


def answer(chunks: Sequence[bytes], headers: Sequence[tuple[bytes, bytes]]) -> list[Message]:
    start = {"type": "http.response.start", "status": 200, "headers": list(headers)}
    bodies = [{"type": "http.response.body", "body": chunk, "more_body": True} for chunk in chunks]
    return [start, *bodies, {"type": "http.response.body", "body": b"", "more_body": False}]


def body_of(messages: Iterable[Message]) -> bytes:
    return b"".join(message.get("body", b"") for message in messages)


def headers_of(messages: Sequence[Message]) -> dict[bytes, bytes]:
    assert messages[0]["type"] == "http.response.start"
    return dict(messages[0]["headers"])


def cut(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


async def stored_behind(store: MediaStore, url: str) -> bytes:
    identifier = url.removeprefix(PREFIX).partition("#")[0]  # what says how it was written
    assert is_reference_id(identifier), url
    stream = await store.open(identifier)
    return b"".join([chunk async for chunk in stream.chunks])


# --- WebSockets ----------------------------------------------------------------------------------


async def test_a_picture_in_a_frame_becomes_a_url_that_leads_to_it(store: MediaStore) -> None:
    text = json.dumps({"text": f"Here: ![sea]({INLINE}) nice?", "image": INLINE, "n": 1.0})
    middleware = OffloadMiddleware(sending([frame(text)]), store)
    (message,) = await sent(middleware, SOCKET)
    assert len(message["text"]) < 300
    received = json.loads(message["text"])
    assert received["text"] == f"Here: ![sea]({received['image']}) nice?"
    assert await stored_behind(store, received["image"]) == PNG
    assert (middleware.totals.found, middleware.totals.offloaded) == (2, 2)
    assert middleware.totals.references == ()


@pytest.mark.parametrize(
    "message",
    [
        frame("a word"),
        frame(INLINE[:4095]),
        frame(PROSE),
        frame(json.dumps({"key": "0123456789abcdef" * 20, "text": PROSE})),
        frame("A" * 5000),
        frame("x" * 5000 + "\ud800"),
        {"type": "websocket.send", "bytes": PNG * 9},
        {"type": "websocket.send", "bytes": INLINE.encode(), "text": None},
        {"type": "websocket.accept", "subprotocol": None, "headers": []},
        {"type": "websocket.close", "code": 1000, "reason": "x" * 5000},
    ],
)
async def test_any_other_message_is_the_very_one_that_was_sent(
    store: MediaStore, message: Message
) -> None:
    (received,) = await sent(OffloadMiddleware(sending([message]), store), SOCKET)
    assert received is message


@pytest.fixture
def slow_store(store: MediaStore, monkeypatch: pytest.MonkeyPatch) -> MediaStore:
    """The store, as if its disk took its time: some puts are far slower than others."""
    put = store.put
    rng = random.Random(7)

    async def put_slowly(*args: Any, **options: Any) -> Any:
        await anyio.sleep(rng.choice([0, 0.001, 0.02, 0.05]))
        return await put(*args, **options)

    monkeypatch.setattr(store, "put", put_slowly)
    return store


async def test_frames_of_many_tasks_keep_the_order_in_which_they_were_sent(
    slow_store: MediaStore,
) -> None:
    begun: list[int] = []

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        rng = random.Random(3)

        async def send_one(number: int) -> None:
            await anyio.sleep(rng.random() * 0.1)
            begun.append(number)
            small = frame(json.dumps({"n": number}))
            await send(small if number % 3 else picture_frame(number, seed=number))

        async with anyio.create_task_group() as tasks:
            for number in range(60):
                tasks.start_soon(send_one, number)
        await send({"type": "websocket.close", "code": 1000})

    messages = await sent(OffloadMiddleware(app, slow_store), SOCKET)
    assert messages.pop()["type"] == "websocket.close"
    assert [json.loads(message["text"])["n"] for message in messages] == begun
    assert max(len(message["text"]) for message in messages) < 200


async def test_nothing_overtakes_a_frame_that_is_being_stored(
    store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = store.put
    storing, may_go_on = anyio.Event(), anyio.Event()

    async def put_later(*args: Any, **options: Any) -> Any:
        storing.set()
        await may_go_on.wait()
        return await put(*args, **options)

    monkeypatch.setattr(store, "put", put_later)
    waiting = [frame("small"), {"type": "websocket.send", "bytes": b"1"}, picture_frame(2)]
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send_by, send, picture_frame(1))
            await storing.wait()
            for message in waiting:
                tasks.start_soon(send_by, send, message)
                await anyio.lowlevel.checkpoint()
            close = {"type": "websocket.close", "code": 1000}
            tasks.start_soon(send_by, send, close)
            await anyio.sleep(0.02)
            assert messages == []
            # Another socket does not wait for this one.
            assert len(await sent(OffloadMiddleware(sending(waiting[:2]), store), SOCKET)) == 2
            may_go_on.set()

    await OffloadMiddleware(app, store)(dict(SOCKET), unheard, keep)
    kinds = [message.get("text") or message.get("bytes") or message["type"] for message in messages]
    assert json.loads(kinds[0])["n"] == 1
    assert kinds[1:3] == ["small", b"1"]
    assert json.loads(kinds[3])["n"] == 2
    assert kinds[4] == "websocket.close"


async def test_a_task_that_is_cancelled_in_the_middle_does_not_hold_up_the_others(
    store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def put_never(*_args: Any, **_options: Any) -> Any:
        await anyio.sleep_forever()

    monkeypatch.setattr(store, "put", put_never)

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send_by, send, picture_frame())
            await anyio.sleep(0.05)
            tasks.cancel_scope.cancel()
        await send(frame("goes on"))

    assert await sent(OffloadMiddleware(app, store), SOCKET) == [frame("goes on")]


async def test_a_small_frame_costs_less_than_parsing_it(store: MediaStore) -> None:
    text = json.dumps({"type": "text-delta", "delta": "word " * 810})
    assert 4000 < len(text) < 4096
    bare = sending([frame(text)] * 2000)
    wrapped = OffloadMiddleware(bare, store)

    async def unseen(_message: Message) -> None:
        pass

    async def seconds(app: ASGIApp) -> float:
        start = time.perf_counter()
        await app(dict(SOCKET), unheard, unseen)
        return time.perf_counter() - start

    rounds = [(await seconds(bare), await seconds(wrapped)) for _ in range(9)]
    added = min(with_it for _, with_it in rounds) - min(without for without, _ in rounds)
    parsing = min(timeit.repeat(lambda: json.loads(text), number=2000, repeat=9))
    assert added < parsing


# --- events and lines ----------------------------------------------------------------------------


def event(document: str, end: str = "\n") -> bytes:
    lines = document.split("\n")
    return "".join(["id: 7", end, *(f"data: {line}{end}" for line in lines), end]).encode()


def data_of(stream: bytes) -> list[str]:
    events = stream.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n\n")[:-1]
    return [
        "\n".join(line[6:] for line in event.split("\n") if line.startswith("data: "))
        for event in events
    ]


@pytest.fixture(scope="module")
def heavy() -> str:
    """A document of 3 MB with a picture in it."""
    picture = png_bytes(1600, 1200, seed=5)
    noise = random.Random(1).randbytes(2_300_000 - len(picture))
    # Bytes after the last chunk of a PNG are part of the file, and no decoder minds them.
    data = base64.b64encode(picture + noise).decode()
    return json.dumps({"image": f"data:image/png;base64,{data}"})


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [997, 16_384, 65_536, 1 << 30])
async def test_an_event_of_three_megabytes_in_chunks(
    store: MediaStore, heavy: str, end: str, size: int
) -> None:
    before, after = event("one", end), event('{"n":2}', end)
    stream = before + event(heavy, end) + after
    assert len(stream) > 3_000_000
    messages = await sent(OffloadMiddleware(sending(answer(cut(stream, size), EVENTS)), store), GET)
    body = body_of(messages)
    first, second, third = data_of(body)
    assert (first, third) == ("one", '{"n":2}')
    assert is_reference_id(json.loads(second)["image"].removeprefix(PREFIX))
    assert body.startswith(before)
    assert body.endswith(after)
    assert len(body) < 400
    assert [message.get("more_body") for message in messages][-1] is False
    assert messages[0] == answer([], EVENTS)[0]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
async def test_an_event_is_cut_at_every_byte_around_its_edges(store: MediaStore, end: str) -> None:
    middle = event(json.dumps({"image": INLINE}), end)
    stream = event("one", end) + middle + event("three", end)
    edges = [len(event("one", end)), len(event("one", end)) + len(middle)]
    for position in [at + offset for at in edges for offset in range(-12, 28)]:
        if not 0 < position < len(stream):
            continue
        for chunks in (
            [stream[:position], stream[position:]],
            [stream[: position - 1], stream[position - 1 : position], stream[position:]],
        ):
            app = OffloadMiddleware(sending(answer(chunks, EVENTS)), store)
            first, second, third = data_of(body_of(await sent(app, GET)))
            assert (first, third) == ("one", "three")
            assert json.loads(second)["image"].startswith(PREFIX)


async def test_data_of_many_lines_is_one_document(store: MediaStore) -> None:
    pretty = json.dumps({"a": [1, 2.50], "image": INLINE}, indent=2)
    wrapped = base64.encodebytes(PNG).decode().strip()
    text = f"First\ndata:image/png;base64,{wrapped}\nlast"
    stream = event(pretty, "\r\n") + event(text)
    body = body_of(await sent(OffloadMiddleware(sending(answer([stream], EVENTS)), store), GET))
    first, second = data_of(body)
    assert json.loads(first) == {"a": [1, 2.5], "image": json.loads(first)["image"]}
    assert json.loads(first)["image"].startswith(PREFIX)
    head, link, tail = second.split("\n")
    assert (head, tail) == ("First", "last")
    assert await stored_behind(store, link) == PNG
    assert body.count(b"id: 7") == 2


async def test_what_stands_before_a_picture_does_not_wait_until_it_is_stored(
    store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[Message] = []
    seen_when_storing: list[bytes] = []
    put = store.put

    async def watch(*args: Any, **options: Any) -> Any:
        seen_when_storing.append(body_of(messages))
        return await put(*args, **options)

    monkeypatch.setattr(store, "put", watch)

    async def keep(message: Message) -> None:
        messages.append(message)

    stream = b": ping\n\n" + event("one") + event(INLINE) + event("three")
    middleware = OffloadMiddleware(sending(answer([stream], EVENTS)), store)
    await middleware(dict(GET), unheard, keep)
    assert seen_when_storing == [b": ping\n\n" + event("one")]
    assert body_of(messages).endswith(event("three"))


async def test_events_of_two_tasks_do_not_mix(slow_store: MediaStore) -> None:
    """An event source that pings from a task of its own."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        def body(data: bytes) -> Message:
            return {"type": "http.response.body", "body": data, "more_body": True}

        await send(answer([], EVENTS)[0])
        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(
                    send_by, send, body(event(json.dumps({"n": number, "image": INLINE})))
                )
                tasks.start_soon(send_by, send, body(b": ping\n\n"))
                await anyio.sleep(0.001)
        await send({"type": "http.response.body"})

    body = body_of(await sent(OffloadMiddleware(app, slow_store), GET))
    documents = [json.loads(data) for data in data_of(body) if data]
    assert [document["n"] for document in documents] == list(range(20))
    assert all(document["image"].startswith(PREFIX) for document in documents)
    assert body.count(b": ping\n\n") == 20


@pytest.mark.parametrize(
    "media_type",
    ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/json-seq"],
)
async def test_lines_are_rewritten_one_by_one(store: MediaStore, media_type: str) -> None:
    mark = "\x1e" if media_type.endswith("seq") else ""
    lines = [f"{mark}{json.dumps(value)}\n" for value in (1, {"image": INLINE}, {"n": "✅"})]
    lines.append(f"{mark}{json.dumps(INLINE)}")  # the last one has no end
    chunks = cut("".join(lines).encode(), 1000)
    headers = [(b"content-type", media_type.encode())]
    body = body_of(
        await sent(OffloadMiddleware(sending(answer(chunks, headers)), store), GET)
    ).decode()
    rewritten = body.split("\n")
    assert rewritten[0] + "\n" == lines[0]
    assert rewritten[2] + "\n" == lines[2]
    assert json.loads(rewritten[1].removeprefix("\x1e"))["image"].startswith(PREFIX)
    assert PREFIX in rewritten[3]
    assert len(body) < 700


async def test_a_stream_whose_length_was_announced(store: MediaStore) -> None:
    def announced(body: bytes) -> list[Message]:
        headers = [*LINES, (b"content-length", b"%d" % len(body)), (b"etag", b'"one"')]
        return answer(cut(body, 5000), headers)

    dull = (json.dumps(PROSE) + "\n").encode() * 3
    messages = await sent(OffloadMiddleware(sending(announced(dull)), store), GET)
    assert (messages[0], body_of(messages)) == (announced(dull)[0], dull)

    held = dull + json.dumps({"image": INLINE}).encode() + b"\n" + dull
    messages = await sent(OffloadMiddleware(sending(announced(held)), store), GET)
    body = body_of(messages)
    assert headers_of(messages) == dict(LINES) | {b"content-length": b"%d" % len(body)}
    assert body.startswith(dull)
    assert body.endswith(dull)
    assert len(body) < len(dull) * 2 + 200

    # Too long to be held: it is a stream, and its length is not known before its end.
    middleware = OffloadMiddleware(sending(announced(held)), store, max_held=10_000)
    messages = await sent(middleware, GET)
    assert headers_of(messages) == dict(LINES)
    assert len(body_of(messages)) == len(body)


events_without_media = st.lists(
    st.sampled_from(
        [b"data: x\n\n", b": ping\n\n", b"data: " + PROSE.encode() + b"\r\n\r\n", b"\r\r", b"a:\n"]
    ),
    max_size=8,
)


@given(
    st.data(),
    st.one_of(events_without_media.map(b"".join), st.binary(max_size=200)),
    st.sampled_from([EVENTS, LINES, JSON]),
)
def test_without_media_a_body_is_byte_identical(
    data: st.DataObject, body: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=8))
    chunks = [body[a:b] for a, b in pairwise([0, *sorted(cuts), len(body)])]
    untouched = cast("MediaStore", object())
    middleware = OffloadMiddleware(
        sending(answer(chunks, headers)), untouched, limits=OffloadLimits(threshold=64)
    )
    messages = anyio.run(sent, middleware, GET)
    assert body_of(messages) == body
    assert messages[0] == answer([], headers)[0]
    assert messages[-1]["more_body"] is False
    assert UNEXPECTED not in middleware.totals.left


def unopened() -> MediaStore:
    raise AssertionError("Nothing is to be stored.")


# --- whole bodies --------------------------------------------------------------------------------


def routed(*endpoints: Callable[[Request], Any], **options: Any) -> Starlette:
    routes = [Route(f"/{endpoint.__name__}", endpoint) for endpoint in endpoints]
    return Starlette(routes=routes, **options)


def client_of(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_a_rewritten_body_has_the_headers_that_fit_it(store: MediaStore) -> None:
    stale = {"etag": '"1"', "digest": "x", "content-md5": "y", "repr-digest": "z"}
    stale |= {"last-modified": "Sun, 06 Nov 1994 08:49:37 GMT", "x-own": "kept"}

    async def held(_request: Request) -> Response:
        return JSONResponse({"image": INLINE, "n": 1}, headers=stale)

    async def dull(_request: Request) -> Response:
        return JSONResponse({"text": PROSE}, headers=stale)

    async def problem(_request: Request) -> Response:
        return JSONResponse({"image": INLINE}, media_type="application/problem+json")

    async with client_of(OffloadMiddleware(routed(held, dull, problem), store)) as client:
        answer = await client.get("/held")
        assert int(answer.headers["content-length"]) == len(answer.content) < 200
        assert set(answer.headers) == {"content-length", "content-type", "x-own"}
        assert await stored_behind(store, answer.json()["image"]) == PNG
        unchanged = await client.get("/dull")
        assert unchanged.json() == {"text": PROSE}
        assert {name: unchanged.headers[name] for name in stale} == stale
        assert (await client.get("/problem")).json()["image"].startswith(PREFIX)


async def test_a_body_in_pieces_is_one_document(store: MediaStore) -> None:
    body = json.dumps([INLINE, INLINE]).encode()
    messages = await sent(OffloadMiddleware(sending(answer(cut(body, 700), JSON)), store), GET)
    received = body_of(messages)
    first, second = json.loads(received)
    assert first == second
    assert first.startswith(PREFIX)
    assert headers_of(messages) == {
        b"Content-Type": b"application/json",
        b"x-own": b"1",
        b"content-length": b"%d" % len(received),
    }


async def test_bodies_of_other_types_and_parts_of_bodies_are_the_very_messages(
    store: MediaStore,
) -> None:
    body = json.dumps({"image": INLINE}).encode()
    messages = answer(cut(body, 700), JSON)

    async def assert_passes(messages: list[Message], scope: Scope = GET) -> None:
        received = await sent(OffloadMiddleware(sending(messages), store), scope)
        assert len(received) == len(messages)
        assert all(a is b for a, b in zip(received, messages, strict=True))

    await assert_passes(messages, GET | {"method": "HEAD"})
    for status in (206, 300, 399, 400, 422, 499, 500, 599):
        await assert_passes([{**messages[0], "status": status}, *messages[1:]])
    await assert_passes([{**messages[0], "trailers": True}, *messages[1:]])
    for headers in (
        [(b"content-type", b"text/html")],
        [(b"content-type", b"application/octet-stream")],
        [],
        [*JSON, (b"content-encoding", b"gzip")],
        [*EVENTS, (b"content-encoding", b"br")],
    ):
        await assert_passes(answer(cut(body, 700), headers))
    early = {"type": "http.response.debug", "info": {}}
    await assert_passes([early, *answer([body], [(b"content-type", b"text/plain")])])
    await assert_passes([{"type": "lifespan.startup.complete"}], {"type": "lifespan"})
    await assert_passes([{"type": "odd.message"}], {"type": "odd"})


@pytest.mark.parametrize("kind", ["http.response.pathsend", "http.response.zerocopysend"])
@pytest.mark.parametrize("headers", [JSON, EVENTS])
async def test_a_file_that_the_server_sends_itself_passes(
    store: MediaStore, kind: str, headers: list[tuple[bytes, bytes]]
) -> None:
    start: Message = {"type": "http.response.start", "status": 200, "headers": headers}
    before: Message = {"type": "http.response.body", "body": b"data: begun", "more_body": True}
    file: Message = {"type": kind, "path": "/picture.json"}
    received = await sent(OffloadMiddleware(sending([start, file]), store), GET)
    assert received[0]["type"] == "http.response.start"
    assert received[1] is file
    received = await sent(OffloadMiddleware(sending([start, before, file]), store), GET)
    assert body_of(received) == b"data: begun"
    assert received[-1] is file
    if headers is JSON:
        assert received[0] is start


async def test_a_body_may_be_compressed_before_and_afterwards(
    store: MediaStore,
) -> None:
    async def held(_request: Request) -> Response:
        return JSONResponse({"image": INLINE})

    compressing = routed(held, middleware=[Middleware(GZipMiddleware)])
    async with client_of(OffloadMiddleware(compressing, store)) as client:
        answer = await client.get("/held", headers={"accept-encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.json()["image"].startswith(PREFIX)
    inside = [Middleware(GZipMiddleware, minimum_size=0), Middleware(OffloadMiddleware, store)]
    async with client_of(routed(held, middleware=inside)) as client:
        answer = await client.get("/held", headers={"accept-encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.json()["image"].startswith(PREFIX)


async def test_a_compressed_body_without_media_comes_out_bit_for_bit(store: MediaStore) -> None:
    packed = gzip.compress(json.dumps({"text": PROSE}).encode())
    messages = answer([packed], [*JSON, (b"content-encoding", b"gzip")])
    assert body_of(await sent(OffloadMiddleware(sending(messages), store), GET)) == packed


async def test_an_empty_body_keeps_its_start(store: MediaStore) -> None:
    for headers in (JSON, EVENTS, LINES):
        messages = answer([], headers)
        assert await sent(OffloadMiddleware(sending(messages), store), GET) == messages


@pytest.mark.parametrize("announce", [True, False])
async def test_a_body_beyond_the_bound_passes_as_it_is_and_is_counted(
    store: MediaStore, announce: bool
) -> None:
    body = json.dumps({"image": INLINE}).encode()
    headers = [*JSON, (b"content-length", b"%d" % len(body))] if announce else JSON
    messages = answer(cut(body, 700), headers)
    reports: list[OffloadReport] = []
    middleware = OffloadMiddleware(
        sending(messages), store, max_held=5000, on_report=reports.append
    )
    received = await sent(middleware, GET)
    assert received[0] is messages[0]
    assert body_of(received) == body
    assert [dict(report.left) for report in reports] == [{TOO_LARGE: 1}]
    assert dict(middleware.totals.left) == {TOO_LARGE: 1}
    if announce:
        assert len(received) == len(messages)


async def test_an_event_beyond_the_bound_passes_and_the_next_one_is_rewritten(
    store: MediaStore,
) -> None:
    huge = event(INLINE * 3)
    stream = huge + event(INLINE)
    middleware = OffloadMiddleware(
        sending(answer(cut(stream, 1000), EVENTS)), store, max_held=len(INLINE) + 100
    )
    body = body_of(await sent(middleware, GET))
    assert body.startswith(huge)
    assert len(body) < len(huge) + 200
    assert dict(middleware.totals.left) == {TOO_LARGE: 1}
    assert middleware.totals.offloaded == 1


@pytest.mark.parametrize(
    "kind",
    [
        *("application/stream+json", "application/json-seq", "application/jsonl"),
        *("application/x-ndjson", "application/x-jsonlines", "application/geo+json-seq"),
    ],
)
async def test_lines_are_not_held_until_the_last_one(store: MediaStore, kind: str) -> None:
    line = json.dumps({"image": INLINE}).encode() + b"\n"
    got: list[Message] = []

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-type", kind.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number in range(1, 4):
            await send({"type": "http.response.body", "body": line, "more_body": True})
            assert body_of(got).count(PREFIX.encode()) == number
        await send({"type": "http.response.body", "body": b""})

    async def keep(message: Message) -> None:
        got.append(message)

    await OffloadMiddleware(app, store)(dict(GET), unheard, keep)
    assert len(body_of(got).splitlines()) == 3


async def test_a_rewritten_body_has_the_headers_of_its_own_bytes(store: MediaStore) -> None:
    of_the_bytes = [
        *((b"transfer-encoding", b"chunked"), (b"Content-Digest", b"sha-256=:x:")),
        *((b"repr-digest", b"sha-256=:x:"), (b"digest", b"sha-256=x"), (b"content-md5", b"x")),
        *((b"last-modified", b"Sun, 06 Nov 1994 08:49:37 GMT"), (b"accept-ranges", b"bytes")),
    ]
    body = json.dumps({"image": INLINE}).encode()
    messages = answer([body], [*JSON, *of_the_bytes])
    received = await sent(OffloadMiddleware(sending(messages), store), GET)
    assert headers_of(received) == {
        b"Content-Type": b"application/json",
        b"x-own": b"1",
        b"content-length": b"%d" % len(body_of(received)),
    }
    untouched = answer([b'{"image": "none"}'], [*JSON, *of_the_bytes])
    assert (await sent(OffloadMiddleware(sending(untouched), store), GET))[0] is untouched[0]


# --- failures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [StorageFullError(), RuntimeError("disk on fire")])
async def test_what_the_store_does_not_take_is_sent_as_it_is(
    store: MediaStore, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def fail(*_args: Any, **_options: Any) -> Any:
        raise error

    monkeypatch.setattr(store, "put", fail)
    message = picture_frame()
    middleware = OffloadMiddleware(sending([message]), store)
    (received,) = await sent(middleware, SOCKET)
    assert received is message
    assert (middleware.totals.found, middleware.totals.offloaded) == (1, 0)
    assert sum(middleware.totals.left.values()) == 1
    messages = answer([json.dumps({"image": INLINE}).encode()], JSON)
    received_messages = await sent(OffloadMiddleware(sending(messages), store), GET)
    assert received_messages[0] is messages[0]
    assert body_of(received_messages) == messages[1]["body"]


async def test_whatever_goes_wrong_the_message_is_sent_and_the_log_says_why(
    store: MediaStore, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> Any:
        raise ZeroDivisionError("of the application")

    message = picture_frame()
    for middleware in (
        OffloadMiddleware(sending([message]), broken),
        OffloadMiddleware(sending([message]), store, owner=broken),
    ):
        caplog.clear()
        (received,) = await sent(middleware, SOCKET)
        assert received is message
        assert dict(middleware.totals.left) == {UNEXPECTED: 1}
        assert "ZeroDivisionError: of the application" in caplog.text
    # A report that is not taken changes nothing about the message.
    caplog.clear()
    middleware = OffloadMiddleware(sending([message]), store, on_report=broken)
    (received,) = await sent(middleware, SOCKET)
    assert json.loads(received["text"])["image"].startswith(PREFIX)
    assert "ZeroDivisionError" in caplog.text


# --- options -------------------------------------------------------------------------------------


async def test_measuring_changes_nothing_and_tells_what_would_be(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, OFFLOAD_LOG)
    frames = [picture_frame(), frame("small"), frame(PROSE)]
    middleware = OffloadMiddleware(sending(frames), unopened, measure_only=True)
    received = await sent(middleware, SOCKET)
    assert all(a is b for a, b in zip(received, frames, strict=True))
    totals = middleware.totals
    assert (totals.found, totals.offloaded) == (1, 0)
    assert totals.bytes_before >= len(INLINE) - 30
    assert 0 < totals.bytes_after < 1000
    (line,) = [record.getMessage() for record in caplog.records]
    assert f"bytes_before={totals.bytes_before} bytes_after={totals.bytes_after}" in line

    body = json.dumps({"image": INLINE}).encode()
    for chunks, headers in (
        (cut(body, 700), JSON),
        ([event(INLINE)[:900], event(INLINE)[900:]], EVENTS),
    ):
        messages = answer(chunks, [*headers, (b"digest", b"x")])
        middleware = OffloadMiddleware(sending(messages), unopened, measure_only=True)
        received = await sent(middleware, GET)
        assert all(a is b for a, b in zip(received, messages, strict=True))
        assert middleware.totals.found == 1


async def test_a_message_is_logged_in_one_line(
    store: MediaStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, OFFLOAD_LOG)
    await sent(OffloadMiddleware(sending([picture_frame(), frame(PROSE)]), store), SOCKET)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("offloaded inline media: found=1 offloaded=1 bytes_before=")


async def test_the_owner_is_looked_up_when_media_comes(store: MediaStore) -> None:
    reports: list[OffloadReport] = []
    scopes: list[Scope] = []

    def owner_of(scope: Scope) -> str:
        scopes.append(scope)
        owner: str = scope["user"]
        return owner

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        scope["user"] = "ada"  # as an inner middleware for sessions does
        await send(frame("nothing to own"))
        assert scopes == []
        await send(picture_frame())

    middleware = OffloadMiddleware(
        app, store, owner=owner_of, conversation_id="c1", on_report=reports.append
    )
    await sent(middleware, SOCKET)
    (reference,) = reports[0].references
    record = await store.record(reference.id)
    assert (record.owner, record.conversation_id) == ("ada", "c1")
    await sent(
        OffloadMiddleware(sending([picture_frame()]), store, owner="bob", on_report=reports.append),
        SOCKET,
    )
    assert (await store.record(reports[1].references[0].id)).owner == "bob"


async def test_form_urls_and_threshold_are_the_applications_choice(store: MediaStore) -> None:
    short = "data:image/png;base64," + base64.b64encode(png_bytes(8, 8)).decode()
    assert len(short) < 4096
    message = frame(json.dumps({"image": short}))
    (received,) = await sent(
        OffloadMiddleware(
            sending([message]),
            store,
            urls=MediaUrls(base_url="https://media.example/i"),
            limits=OffloadLimits(threshold=64),
        ),
        SOCKET,
    )
    assert json.loads(received["text"])["image"].startswith("https://media.example/i/")
    (received,) = await sent(
        OffloadMiddleware(sending([picture_frame()]), store, form="stored"), SOCKET
    )
    assert json.loads(received["text"])["image"].startswith("media://")


async def test_a_store_is_asked_for_when_there_is_something_to_keep(store: MediaStore) -> None:
    asked = 0

    async def open_later() -> MediaStore:
        nonlocal asked
        asked += 1
        return store

    for source in (open_later, lambda: store):
        app = OffloadMiddleware(sending([frame(PROSE), picture_frame()]), source)
        received = await sent(app, SOCKET)
        assert json.loads(received[1]["text"])["image"].startswith(PREFIX)
    assert asked == 1


# --- real servers --------------------------------------------------------------------------------


@pytest.fixture
def chat(data: Any) -> FastAPI:
    """A FastAPI application that adds the middleware before its store is open."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_store(data) as app.state.store:
            yield

    app = FastAPI(lifespan=lifespan)

    def store_of_app() -> MediaStore:
        store: MediaStore = app.state.store
        return store

    app.add_middleware(OffloadMiddleware, store_of_app)
    app.state.left = anyio.Event()

    @app.websocket("/ws")
    async def serve(websocket: WebSocket) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            async with anyio.create_task_group() as tasks:
                for number in range(int(text)):
                    message = picture_frame(number, seed=number)
                    tasks.start_soon(websocket.send_text, message["text"])
                    tasks.start_soon(websocket.send_json, {"n": number})
                    tasks.start_soon(websocket.send_bytes, PNG)
                    await anyio.lowlevel.checkpoint()

    @app.get("/picture")
    async def picture() -> dict[str, str]:
        return {"image": INLINE}

    @app.get("/events")
    async def events() -> StreamingResponse:
        async def stream() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield event(json.dumps({"image": INLINE}))
                    await anyio.sleep(0.01)
            finally:
                app.state.left.set()

        return StreamingResponse(stream(), media_type="text/event-stream")

    return app


async def test_a_socket_of_a_real_server(chat: FastAPI) -> None:
    async with serving(chat) as address, websockets.connect(f"ws://{address}/ws") as socket:
        await socket.send("12")
        with anyio.fail_after(30):
            received = [await socket.recv() for _ in range(36)]
    assert received[2::3] == [PNG] * 12
    documents = [json.loads(text) for text in received if isinstance(text, str)]
    assert [document["n"] for document in documents] == [n for n in range(12) for _ in "ab"]
    assert all(document["image"].startswith(PREFIX) for document in documents[::2])
    assert max(len(text) for text in received if isinstance(text, str)) < 200


async def test_answers_of_a_real_server_and_a_client_that_leaves(chat: FastAPI) -> None:
    async with (
        serving(chat) as address,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=30) as client,
    ):
        answer = await client.get("/picture")
        assert int(answer.headers["content-length"]) == len(answer.content) < 200
        assert await stored_behind(chat.state.store, answer.json()["image"]) == PNG
        headed = await client.head("/picture")
        assert headed.status_code == 405
        async with client.stream("GET", "/events") as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    assert json.loads(line[6:])["image"].startswith(PREFIX)
                    break
        with anyio.fail_after(10):
            await chat.state.left.wait()
        async with websockets.connect(f"ws://{address}/ws") as socket:
            await socket.send("20")
            await socket.recv()
        assert (await client.get("/picture")).status_code == 200


async def test_a_client_that_is_gone_is_told_to_the_application(store: MediaStore) -> None:
    async def gone(_message: Message) -> None:
        raise OSError("The client is gone.")

    for messages, scope in (
        ([picture_frame()], SOCKET),
        (answer([event(INLINE)], EVENTS), GET),
        (answer([json.dumps(INLINE).encode()], JSON), GET),
    ):
        with pytest.raises(OSError, match="gone"):
            await OffloadMiddleware(sending(messages), store)(dict(scope), unheard, gone)
