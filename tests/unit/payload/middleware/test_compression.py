"""Bodies that the application compressed: read, rewritten and compressed again."""

import base64
import gzip
import json
import sys
import zlib
from collections.abc import AsyncIterator, Callable
from importlib import import_module
from typing import Any, Final

import httpx
import pytest
import zstandard
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from coatcheck.delivery.middleware import COMPRESSED, TOO_LARGE, OffloadMiddleware
from coatcheck.delivery.middleware.compression import coding_of
from coatcheck.store import MediaStore
from tests.media import png_bytes
from tests.serving import serving

pytestmark = pytest.mark.anyio

brotli: Final = import_module("brotli")  # has no types

PNG: Final = png_bytes(240, 180)
INLINE: Final = "data:image/png;base64," + base64.b64encode(PNG).decode()
PREFIX: Final = "/api/media/image/"
BODY: Final = json.dumps({"image": INLINE, "text": "é" * 3000}).encode()
PLAIN: Final = json.dumps({"text": "word " * 3000}).encode()


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


CODINGS: Final[dict[str, tuple[str, Callable[[bytes], bytes]]]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip of two members": (
        "gzip",
        lambda data: gzip.compress(data[:1000]) + gzip.compress(data[1000:]),
    ),
    "deflate": ("deflate", zlib.compress),
    "deflate without a wrapper": ("deflate", raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.ZstdCompressor().compress),
}
parametrize = pytest.mark.parametrize(("name", "compress"), CODINGS.values(), ids=CODINGS)


def app_of(body: bytes, headers: dict[str, str]) -> Starlette:
    async def answer(_request: Request) -> Response:
        return Response(body, headers=headers)

    return Starlette(routes=[Route("/", answer)])


def client_of(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def raw(app: Any, path: str = "/") -> tuple[httpx.Response, bytes]:
    """The answer and its bytes as they were sent."""
    async with client_of(app) as client, client.stream("GET", path) as answer:
        return answer, b"".join([piece async for piece in answer.aiter_raw()])


def headers_for(name: str) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "content-encoding": name,
        "etag": '"one"',
        "vary": "Accept-Encoding",
    }


@parametrize
async def test_media_is_taken_out_of_a_compressed_body(
    store: MediaStore, name: str, compress: Callable[[bytes], bytes]
) -> None:
    app = OffloadMiddleware(app_of(compress(BODY), headers_for(name)), store)
    answer, sent = await raw(app)
    assert answer.headers["content-encoding"] == name
    assert answer.headers["vary"] == "Accept-Encoding"
    assert "etag" not in answer.headers  # it named other bytes
    assert int(answer.headers["content-length"]) == len(sent) < 1000
    async with client_of(app) as client:
        received = (await client.get("/")).json()
    assert received["image"].startswith(PREFIX)
    assert received["text"] == "é" * 3000
    assert app.totals.offloaded == 2


@parametrize
async def test_a_compressed_body_without_media_is_the_very_one(
    store: MediaStore, name: str, compress: Callable[[bytes], bytes]
) -> None:
    packed = compress(PLAIN)
    app = OffloadMiddleware(app_of(packed, headers_for(name)), store)
    answer, sent = await raw(app)
    assert sent == packed
    assert answer.headers["etag"] == '"one"'
    assert not app.report().routes


@parametrize
async def test_a_bomb_passes_as_it_is_and_is_counted(
    store: MediaStore, name: str, compress: Callable[[bytes], bytes]
) -> None:
    packed = compress(b" " * 20_000_000 + BODY)
    assert len(packed) < 100_000
    app = OffloadMiddleware(app_of(packed, headers_for(name)), store, max_held=1_000_000)
    _, sent = await raw(app)
    assert sent == packed
    assert dict(app.totals.left) == {TOO_LARGE: 1}


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_a_body_is_decoded_up_to_a_bound_and_no_further(name: str) -> None:
    compress = dict(CODINGS.values())[name]
    coding = coding_of(name)
    assert coding is not None
    assert coding.decode(compress(bytes(1000)), 1000) == bytes(1000)
    assert coding.decode(compress(bytes(1001)), 1000) is None
    # What comes after the bound is not even read: it is in no coding.
    assert coding.decode(compress(bytes(20_000_000)) + b"no coding", 1_000_000) is None


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_what_is_decoded_at_a_time_is_bounded(name: str) -> None:
    compress = dict(CODINGS.values())[name]
    coding = coding_of(name)
    assert coding is not None
    pieces = [len(piece) for piece in coding.decoder().feed(compress(bytes(50_000_000)))]
    assert sum(pieces) == 50_000_000
    assert max(pieces) <= 512 * 1024


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd", "compress", "gzip, br"])
async def test_what_is_not_in_its_coding_passes_as_it_is_and_is_counted(
    store: MediaStore, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    body = b"no such coding, " + BODY
    app = OffloadMiddleware(app_of(body, headers_for(name)), store)
    for _ in range(2):
        answer, sent = await raw(app)
        assert sent == body
        assert answer.headers["content-encoding"] == name
    assert dict(app.totals.left) == {COMPRESSED: 2}
    (record,) = [one for one in caplog.records if one.levelname == "WARNING"]
    assert "GET /: inline media is left as it is (compressed)" in record.getMessage()


@pytest.mark.parametrize(("name", "module"), [("br", "brotli"), ("zstd", "zstandard")])
async def test_without_its_library_a_coding_is_left_with_a_hint(
    store: MediaStore,
    name: str,
    module: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    packed = dict(CODINGS.values())[name](BODY)
    app = OffloadMiddleware(app_of(packed, headers_for(name)), store)
    assert (await raw(app))[1] == packed
    assert dict(app.totals.left) == {COMPRESSED: 1}
    assert "coatcheck[compression]" in caplog.text


async def test_answers_that_are_not_looked_at_are_not_decoded(store: MediaStore) -> None:
    packed = gzip.compress(BODY)
    headers = headers_for("gzip") | {"content-type": "image/svg+xml"}
    app = OffloadMiddleware(app_of(packed, headers), store)
    assert (await raw(app))[1] == packed
    assert not app.report().routes


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
async def test_a_compressed_stream_goes_on_event_by_event(store: MediaStore, name: str) -> None:
    events = [f"data: {json.dumps({'n': n, 'image': INLINE})}\n\n".encode() for n in range(3)]
    packed = dict(CODINGS.values())[name](b"".join(events))

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(packed), 777):
            yield packed[start : start + 777]

    async def answer(_request: Request) -> Response:
        headers = {"content-encoding": name, "vary": "accept-encoding"}
        return StreamingResponse(pieces(), media_type="text/event-stream", headers=headers)

    app = OffloadMiddleware(Starlette(routes=[Route("/", answer)]), store)
    answered, sent = await raw(app)
    assert "content-encoding" not in answered.headers
    assert answered.headers["vary"] == "accept-encoding"
    received = [json.loads(event[6:]) for event in sent.split(b"\n\n") if event]
    assert [one["n"] for one in received] == [0, 1, 2]
    assert all(one["image"].startswith(PREFIX) for one in received)


async def test_gzip_in_the_application_is_no_obstacle(store: MediaStore) -> None:
    async def answer(_request: Request) -> Response:
        return Response(BODY, media_type="application/json")

    inner = Starlette(routes=[Route("/", answer)], middleware=[Middleware(GZipMiddleware)])
    app = OffloadMiddleware(inner, store)
    async with client_of(app) as client:
        answered = await client.get("/")
    assert answered.headers["content-encoding"] == "gzip"
    assert answered.json()["image"].startswith(PREFIX)


@parametrize
async def test_a_truncated_body_passes_as_it_is_and_is_counted(
    store: MediaStore, name: str, compress: Callable[[bytes], bytes]
) -> None:
    """Compressed again, it would look whole."""
    packed = compress(BODY)
    for cut in (1, 5, 9, len(packed) // 2):
        app = OffloadMiddleware(app_of(packed[:-cut], headers_for(name)), store)
        answer, sent = await raw(app)
        assert sent == packed[:-cut]
        assert answer.headers["content-encoding"] == name
        assert dict(app.totals.left) == {COMPRESSED: 1}


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("damage", [lambda packed: packed[:-9], lambda packed: packed + b"x" * 900])
async def test_a_stream_that_ends_inside_of_its_coding_is_aborted(
    store: MediaStore, name: str, damage: Callable[[bytes], bytes]
) -> None:
    """A client that got it without a coding could not tell that something is missing."""
    events = [f"data: {json.dumps({'n': n, 'image': INLINE})}\n\n".encode() for n in range(3)]
    packed = damage(dict(CODINGS.values())[name](b"".join(events)))

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(packed), 777):
            yield packed[start : start + 777]

    async def answer(_request: Request) -> Response:
        headers = {"content-encoding": name}
        return StreamingResponse(pieces(), media_type="text/event-stream", headers=headers)

    app = OffloadMiddleware(Starlette(routes=[Route("/", answer)]), store)
    received = b""
    async with serving(app) as address, httpx.AsyncClient() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            async with client.stream("GET", f"http://{address}/") as got:
                async for piece in got.aiter_raw():
                    received += piece
    # What came before it is not lost; some coders give nothing before a block is there.
    assert PREFIX.encode() in received or name in {"br", "zstd"}
    assert app.totals.left[COMPRESSED] == 1


@pytest.mark.parametrize("name", ["gzip", "br"])
async def test_an_empty_body_that_says_it_is_compressed_passes(
    store: MediaStore, name: str
) -> None:
    for kind in ("application/json", "text/event-stream"):
        app = OffloadMiddleware(app_of(b"", headers_for(name) | {"content-type": kind}), store)
        assert (await raw(app))[1] == b""
        assert not app.report().routes
