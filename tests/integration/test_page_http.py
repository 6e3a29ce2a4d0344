"""The built page over HTTP: compressed for who takes it, and the same page for everybody else."""

import gzip
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from coatcheck_chat import frontend
from coatcheck_chat.frontend import page_routes
from tests.serving import serving

pytestmark = pytest.mark.anyio

CHROMIUM = "gzip, deflate, br, zstd"
FILES = {
    "index.html": b"<!doctype html><title>Coatcheck</title>" * 20,
    "media-worker.js": b"addEventListener('fetch', () => undefined);" * 20,
    "assets/index-Abc12345.js": b"export const page = 1;" * 40,
    "assets/index-Abc12345.css": b"body { margin: 0 }" * 40,
}
ADDRESSES = {
    "/": "index.html",
    "/shell": "index.html",
    "/media-worker.js": "media-worker.js",
    "/assets/index-Abc12345.js": "assets/index-Abc12345.js",
}
# No decoder of Brotli here: the server does not look into what it sends.
BROTLI = b"\x0b\x01\x80not really\x03"
PICTURE = "/assets/lake-Abc12345.webp"


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built page, as a wheel leaves it: every file has the same time."""
    (tmp_path / "assets").mkdir()
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))
        (tmp_path / f"{name}.br").write_bytes(BROTLI + name.encode())
    (tmp_path / PICTURE.removeprefix("/")).write_bytes(b"RIFF....WEBP")
    for file in tmp_path.rglob("*"):
        os.utime(file, (1_580_601_600, 1_580_601_600))
    monkeypatch.setattr(frontend, "PAGE", tmp_path)
    return tmp_path


@asynccontextmanager
async def visiting() -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=page_routes(lambda _request, _page: None))
    async with serving(app) as address, httpx.AsyncClient(base_url=f"http://{address}") as client:
        yield client


async def fetch(
    client: httpx.AsyncClient, path: str, method: str = "GET", **headers: str
) -> tuple[httpx.Response, bytes]:
    """An answer and its body as it was sent; without ``accept_encoding`` the header is left out."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = client.build_request(method, path, headers=named)
    if "accept_encoding" not in headers:
        del request.headers["accept-encoding"]
    answer = await client.send(request, stream=True)
    try:
        return answer, b"".join([chunk async for chunk in answer.aiter_raw()])
    finally:
        await answer.aclose()


@pytest.mark.usefixtures("page")
@pytest.mark.parametrize("path", ADDRESSES)
async def test_a_browser_gets_the_smallest_coding_it_takes(path: str) -> None:
    content, name = FILES[ADDRESSES[path]], ADDRESSES[path]
    sent = {
        CHROMIUM: ("br", BROTLI + name.encode()),
        "gzip": ("gzip", gzip.compress(content, mtime=0)),
        "br;q=0, gzip": ("gzip", gzip.compress(content, mtime=0)),
        "deflate": (None, content),
    }
    tags = set()
    async with visiting() as client:
        types = set()
        for accepted, (coding, body) in sent.items():
            answer, raw = await fetch(client, path, accept_encoding=accepted)
            assert (answer.status_code, raw) == (200, body)
            assert answer.headers.get("content-encoding") == coding
            assert answer.headers["content-length"] == str(len(body))
            assert answer.headers["vary"] == "Accept-Encoding"
            tags.add(answer.headers["etag"])
            types.add(answer.headers["content-type"])
        assert len(tags) == 3  # one for each representation
        assert len(types) == 1
        plain, raw = await fetch(client, path)
        assert (raw, plain.headers["vary"]) == (content, "Accept-Encoding")
        assert "content-encoding" not in plain.headers


@pytest.mark.usefixtures("page")
@pytest.mark.parametrize("path", ADDRESSES)
async def test_a_head_request_has_the_headers_of_the_answer_and_no_body(path: str) -> None:
    async with visiting() as client:
        for accepted in (CHROMIUM, "gzip", "identity"):
            got, body = await fetch(client, path, accept_encoding=accepted)
            head, nothing = await fetch(client, path, "HEAD", accept_encoding=accepted)
            assert nothing == b""
            assert head.headers["content-length"] == str(len(body))
            for name in ("etag", "vary", "content-type", "content-encoding"):
                assert head.headers.get(name) == got.headers.get(name)


@pytest.mark.usefixtures("page")
async def test_what_a_client_excludes_is_not_sent_to_it() -> None:
    async with visiting() as client:
        for path in ADDRESSES:
            for accepted in ("identity;q=0", "*;q=0", "deflate, *;q=0"):
                answer, body = await fetch(client, path, accept_encoding=accepted)
                assert answer.status_code == 406
                assert b"br, gzip or identity" in body
                assert answer.headers["vary"] == "Accept-Encoding"
                assert answer.headers["cache-control"] == "no-store"
            answer, _ = await fetch(client, path, accept_encoding="identity;q=0, gzip;q=0.1")
            assert answer.headers["content-encoding"] == "gzip"


@pytest.mark.usefixtures("page")
async def test_an_asset_that_is_there_still_is_not_sent_again() -> None:
    path = "/assets/index-Abc12345.js"
    async with visiting() as client:
        first, _ = await fetch(client, path, accept_encoding="br")
        tag = first.headers["etag"]
        again, body = await fetch(client, path, accept_encoding="br", if_none_match=tag)
        assert (again.status_code, body) == (304, b"")
        assert (again.headers["etag"], again.headers["vary"]) == (tag, "Accept-Encoding")
        assert "content-encoding" not in again.headers
        # The tag of one coding says nothing of another.
        other, _ = await fetch(client, path, accept_encoding="gzip", if_none_match=tag)
        assert other.status_code == 200


async def test_a_page_that_was_built_anew_has_another_tag(page: Path) -> None:
    async with visiting() as client:
        before, _ = await fetch(client, "/", accept_encoding="br")
        file, times = page / "index.html.br", (1_580_601_600, 1_580_601_600)
        file.write_bytes(file.read_bytes()[::-1])  # as long as before
        os.utime(file, times)
        after, _ = await fetch(client, "/", accept_encoding="br")
    assert before.headers["content-length"] == after.headers["content-length"]
    assert before.headers["etag"] != after.headers["etag"]


@pytest.mark.usefixtures("page")
async def test_a_coding_has_no_address_and_a_picture_no_coding() -> None:
    async with visiting() as client:
        for suffix in (".br", ".gz"):
            answer, _ = await fetch(client, f"/assets/index-Abc12345.js{suffix}")
            assert answer.status_code == 404
        answer, _ = await fetch(client, PICTURE, accept_encoding=CHROMIUM)
        assert answer.status_code == 200
        assert answer.headers.keys().isdisjoint({"vary", "content-encoding"})


async def test_a_page_without_compressed_files_is_sent_as_it_is(page: Path) -> None:
    for file in [*page.rglob("*.br"), *page.rglob("*.gz")]:
        file.unlink()
    async with visiting() as client:
        for path, name in ADDRESSES.items():
            answer, body = await fetch(client, path, accept_encoding=CHROMIUM)
            assert (answer.status_code, body) == (200, FILES[name])
            assert answer.headers.keys().isdisjoint({"vary", "content-encoding"})


async def test_without_a_page_the_way_out_is_named(page: Path) -> None:
    for file in page.glob("*.*"):
        file.unlink()
    async with visiting() as client:
        answer, body = await fetch(client, "/", accept_encoding=CHROMIUM)
        assert (answer.status_code, b"make page" in body) == (503, True)
