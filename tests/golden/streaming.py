"""Streams of SDKs: an endpoint sends events that they made, and their own clients read them again.

An endpoint stands where a provider or an agent's server does. The SDK's client connects to it and
puts the message together; `Heard` is what its user has then.
"""

import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import anyio
import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from coatcheck.delivery import media_app
from coatcheck.opening import open_store
from coatcheck.payload.offload import OffloadReport
from coatcheck.payload.streaming import offload_stream
from coatcheck.wrapping import wrap
from tests.golden.golden import SPELLING, base64_of, data_uri, media_in
from tests.media import image_bytes

PICTURE: Final = image_bytes("png", 180, 180)
URI: Final = data_uri(PICTURE, "image/png")
TEXT: Final = f"It has data, dad: ![the sea]({URI}) and once more {URI} and on, d"
BARE: Final = f"It begins with iVBO: {base64_of(PICTURE)} and that was it."
INPUT: Final = json.dumps({"alt": "d", "image": URI, "more": [{"data": URI}], "n": 1})
ESCAPED: Final = INPUT.replace("/", "\\/").replace("+", "\\u002b")
SIZES: Final = (16, 700, 5000)
"""Characters of a delta: a few tokens, a paragraph, and more than a picture."""

Way = Literal["wrap", "offload_stream"]
WAYS: Final[tuple[Way, ...]] = ("wrap", "offload_stream")

_LINK: Final = re.compile(r"/api/media/image/[0-9a-f-]{36}[\w?=&.%-]*")


@dataclass(slots=True, kw_only=True)
class Heard:
    """What a client's user has when a stream is over.

    Attributes:
        deltas: the pieces of the string, joined.
        wholes: the string, where the client or an event has all of it; a tool's input may be the
            object that it stands for.
        events: all that was read, as JSON values.
        numbers: the events' numbers, if they have some.
    """

    deltas: str = ""
    wholes: list[Any] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """How an SDK streams a string.

    Attributes:
        name: says which; names the test.
        make: the events for a string in these pieces, as objects of the SDK.
        encode: one of them as it is sent, or a dictionary that `offload_stream` made of one, which
            the SDK's parser reads first.
        read: connects the SDK's client to a server, and reads the stream to its end.
        end: sent after the last event.
        text: the string, which has media inside.
    """

    name: str
    make: Callable[[list[str]], Iterable[Any]]
    encode: Callable[[Any], bytes]
    read: Callable[[str], Awaitable[Heard]]
    end: bytes = b""
    text: str = TEXT

    def __str__(self) -> str:
        return self.name


def sized(*streams: Stream) -> list[tuple[Stream, int]]:
    """What tests are parametrized by: the first stream in deltas of all sizes, others in two."""
    first, *others = streams
    two = (SIZES[0], SIZES[-1])
    return [(first, size) for size in SIZES] + [(each, size) for each in others for size in two]


async def assert_light(
    stream: Stream, size: int, way: Way, directory: Path, **options: Any
) -> Heard:
    """The SDK's client has links, which give the picture, where the events had media.

    Args:
        stream: is sent and read.
        size: characters of a delta.
        way: how media is taken out of it.
        directory: for the store.
        options: of `offload_stream`.
    """
    events = list(stream.make(pieces(stream.text, size)))
    heard, fetched, report = await heard_by(stream, events, way, directory, **options)

    assert list(media_in(heard.events)) == []
    assert list(fetched.values()) == [PICTURE]
    (link,) = fetched
    expected = stream.text.replace("\\/", "/").replace("\\u002b", "+")
    expected = expected.replace(URI, link).replace(base64_of(PICTURE), link)
    assert heard.wholes
    for text in [heard.deltas, *heard.wholes]:
        assert comparable(text, stream) == comparable(expected, stream)
    assert not report.left
    assert report.found == report.offloaded >= 1
    return heard


async def heard_by(
    stream: Stream, events: list[Any], way: Way, directory: Path, **options: Any
) -> tuple[Heard, dict[str, bytes], OffloadReport]:
    """What a client has of these events, what its links give, and what was reported."""
    if way == "wrap":

        async def plain() -> AsyncIterator[bytes]:
            for event in events:
                yield stream.encode(event)
            yield stream.end

        app = wrap(endpoint(plain), directory)
        async with serving(app) as address:
            heard, fetched = await _heard(stream, address)
        return heard, fetched, app.middleware.totals

    report = OffloadReport()

    def add(more: OffloadReport) -> None:
        nonlocal report
        report += more

    async def each() -> AsyncIterator[Any]:
        for event in events:
            yield event

    async with open_store(directory) as store:

        async def offloaded() -> AsyncIterator[bytes]:
            light = offload_stream(each(), store, form="ui", on_report=add, **options)
            async for event in light:
                yield stream.encode(event)
            yield stream.end

        media = Mount("/api/media", media_app(store))
        async with serving(endpoint(offloaded, media)) as address:
            heard, fetched = await _heard(stream, address)
    return heard, fetched, report


async def _heard(stream: Stream, address: str) -> tuple[Heard, dict[str, bytes]]:
    heard = await stream.read(f"http://{address}")
    fetched = {}
    async with httpx.AsyncClient(base_url=f"http://{address}") as client:
        for link in sorted(set(_LINK.findall(json.dumps(heard.events)))):
            response = await client.get(link)
            assert response.status_code == 200
            fetched[link] = response.content
    return heard, fetched


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """Serve `app` by uvicorn as it comes; yields ``host:port``."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, [listener])
            try:
                with anyio.fail_after(30):
                    while not server.started:  # noqa: ASYNC110 - it has no event to wait for
                        await anyio.sleep(0.01)
                yield f"127.0.0.1:{listener.getsockname()[1]}"
            finally:
                server.should_exit = True


def endpoint(chunks: Callable[[], AsyncIterator[bytes]], *others: Mount) -> Starlette:
    """An application that answers any POST with these chunks, as server-sent events."""

    async def answer(request: Request) -> StreamingResponse:
        await request.body()
        return StreamingResponse(chunks(), media_type="text/event-stream")

    return Starlette(routes=[*others, Route("/{path:path}", answer, methods=["POST"])])


def sse(data: str, name: str | None = None) -> bytes:
    """One server-sent event."""
    head = "" if name is None else f"event: {name}\n"
    return f"{head}data: {data}\n\n".encode()


def pieces(text: str, size: int) -> list[str]:
    """A text in pieces of this length."""
    return [text[start : start + size] for start in range(0, len(text), size)]


def comparable(text: Any, stream: Stream) -> Any:
    """A text without what its links say of how media was written; JSON as what it stands for."""
    if not isinstance(text, str):
        return text
    text = SPELLING.sub("", text)
    return json.loads(text) if stream.text.startswith("{") else text
