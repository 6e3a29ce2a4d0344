"""The public linter `httplint` reads real answers of every kind and has nothing bad to say."""

import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import anyio
import httpx
import pytest
from httplint import HttpRequestLinter, HttpResponseLinter, levels
from starlette.applications import Starlette
from starlette.routing import Mount

from coatcheck.delivery import media_app
from coatcheck.delivery.access import PrincipalAccess, SignedAccess
from coatcheck.errors import OverloadedError
from coatcheck.opening import open_backends
from coatcheck.options import StoreOptions
from coatcheck.ports import QueuedRenderer, Renderer
from coatcheck.signing import Key, Keyring, UrlSigner
from coatcheck.store import MediaStore
from coatcheck_chat.app import create_app
from coatcheck_chat.settings import Settings
from tests.media import png_bytes
from tests.serving import serving

pytestmark = pytest.mark.anyio

HTTP_PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "http.md"
UNKNOWN: Final = "9188cc90-b172-47e9-b493-4e22175bd478"
KEY: Final = Key("a", b"jN3kq0Zr8vTf1xWm5yHc7uLp2sDg9aEo")
PICTURE: Final = png_bytes(300, 200)
# Sent by the HTTP server and by every other one, and no part of what the page describes.
SERVERS_OWN: Final = {"date", "connection", "transfer-encoding", "content-length", "content-type"}

# Notes at the level "warning" that stand, each with the reason. None at the level "bad" does.
ACCEPTED: Final = {
    "STORE_PUBLIC_UNNECESSARY": "a shared cache may keep it even if the request had credentials",
    "STATUS_BAD_REQUEST": "it speaks of the request, which was bad on purpose",
    "CONTENT_TYPE_MISMATCH": "the linter's sniffer knows no AVIF; nothing else may be noted so",
}


@dataclass
class Linted:
    """What was answered, and what the linter noted."""

    statuses: set[int] = field(default_factory=set)
    headers: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    def add(self, response: httpx.Response, began: float) -> None:
        request = response.request
        sent = HttpRequestLinter()
        sent.process_request_topline(
            request.method.encode(), str(request.url).encode(), b"HTTP/1.1"
        )
        sent.process_headers(request.headers.raw)
        sent.finish_content(complete=True)
        answer = HttpResponseLinter(start_time=began)
        answer.request = sent
        answer.is_head_response = request.method == "HEAD"
        answer.process_response_topline(
            response.http_version.encode(),
            str(response.status_code).encode(),
            response.reason_phrase.encode(),
        )
        answer.process_headers(response.headers.raw)
        answer.feed_content(response.content)
        answer.finish_content(complete=True)
        self.statuses.add(response.status_code)
        self.headers.update(response.headers)
        what = f"{request.method} {request.url.path} {response.status_code}"
        for note in answer.notes:
            name = type(note).__name__
            accepted = note.level is levels.WARN and name in ACCEPTED
            if name == "CONTENT_TYPE_MISMATCH":
                accepted = response.headers["content-type"] == "image/avif"
            if note.level in {levels.BAD, levels.WARN} and not accepted:
                self.notes.append(f"{what}: {name} ({note.level.value}) {note.summary}")


class Busy:
    """A renderer that has no room for another rendition."""

    def __init__(self, renderer: QueuedRenderer) -> None:
        self._renderer = renderer
        self.has_time = False
        self.warm = renderer.warm
        self.inspect = renderer.inspect
        self.edit = renderer.edit
        self.palette = renderer.palette
        self.aclose = renderer.aclose

    async def render(self, *_: Any, **__: Any) -> Any:
        raise OverloadedError


@asynccontextmanager
async def linting(
    linted: Linted, address: str, *, cookies: dict[str, str] | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose every answer is linted."""

    async def lint(response: httpx.Response) -> None:
        began = time.time()
        await response.aread()
        linted.add(response, began)

    async with httpx.AsyncClient(
        base_url=f"http://{address}", timeout=30, cookies=cookies, event_hooks={"response": [lint]}
    ) as client:
        yield client


async def ask(client: httpx.AsyncClient, url: str, *conditions: dict[str, str]) -> None:
    """GET and HEAD, plainly and under each of the conditions."""
    for headers in ({}, *conditions):
        for method in ("GET", "HEAD"):
            await client.request(method, url, headers=headers)


@pytest.fixture
async def linted(data: Path) -> Linted:
    """Every kind of answer that the server gives, linted."""
    found = Linted()
    async with (
        serving(create_app(Settings(data=data / "open"))) as address,
        linting(found, address) as client,
    ):
        await lint_whole_server(client)
    for visit in (lint_limits, lint_signed, lint_cookie, lint_overload, lint_slow_upload):
        async with AsyncExitStack() as stack:
            await visit(stack, data / visit.__name__, found)
    return found


async def lint_whole_server(client: httpx.AsyncClient) -> None:
    media = "/api/media"
    stored = await client.post(f"{media}/upload", content=PICTURE, params={"filename": "灯 台.png"})
    await client.post(f"{media}/upload", files={"file": ("a.txt", b"text", "text/plain")})
    reference_id = stored.json()["id"]
    image = f"{media}/image/{reference_id}"
    tag = (await client.get(image)).headers["etag"]
    conditions = (
        {"if-none-match": tag},
        {"if-match": '"other"'},
        {"range": "bytes=0-9"},
        {"range": "bytes=-9", "if-range": tag},
        {"range": "bytes=999999999-"},
    )
    await ask(client, image, *conditions)
    await ask(client, f"{image}?download=true")
    await ask(client, f"{image}?thumbnail=true")
    await ask(client, f"{image}?w=64", {"accept": "image/avif"}, {"accept": "image/webp;q=0"})
    await ask(client, f"{image}?w=64&format=jpeg")
    for bad in (f"{image}?w=0", f"{image}?format=x", f"{image}?w=1&w=2"):
        await ask(client, bad)
    await ask(client, f"{media}/image/{UNKNOWN}")
    await ask(client, f"{media}/{reference_id}")
    await client.put(image)
    await client.patch(f"{media}/{UNKNOWN}")
    await client.get(f"{media}/upload")
    for content in (b"", b"\0" * 99, PICTURE[:200]):
        await client.post(f"{media}/upload", content=content)
    for url in ("/healthz", "/readyz", "/metrics", "/api/conversations", "/nothing"):
        await ask(client, url)
    await client.get(f"/api/conversations/{UNKNOWN}/messages")
    await client.delete(f"{media}/{reference_id}")
    await client.delete(f"{media}/{reference_id}")


async def mounted(stack: AsyncExitStack, store: MediaStore, **options: Any) -> str:
    app = Starlette(routes=[Mount("/api/media", media_app(store, **options))])
    return await stack.enter_async_context(serving(app))


async def lint_limits(stack: AsyncExitStack, data: Path, found: Linted) -> None:
    """413 and 429."""
    settings = Settings(data=data, max_bytes=len(PICTURE), variant_bytes=0)
    backends = await stack.enter_async_context(open_backends(settings.store_options))
    address = await mounted(stack, backends.store)
    client = await stack.enter_async_context(linting(found, address))
    await client.post("/api/media/upload", content=PICTURE + b"1")
    reference = await backends.store.put(PICTURE)
    await ask(client, f"/api/media/image/{reference.id}?w=64")


async def lint_signed(stack: AsyncExitStack, data: Path, found: Linted) -> None:
    """403, and answers for one client alone."""
    backends = await stack.enter_async_context(open_backends(StoreOptions(data=data)))
    signer = UrlSigner(Keyring((KEY,)), time.time)
    address = await mounted(stack, backends.store, access=SignedAccess(signer))
    client = await stack.enter_async_context(linting(found, address))
    reference = await backends.store.put(PICTURE)
    await ask(client, f"/api/media/image/{reference.id}")
    await ask(client, f"/api/media/image/{reference.id}?{signer.query(reference.id)}")


async def lint_cookie(stack: AsyncExitStack, data: Path, found: Linted) -> None:
    """401."""
    backends = await stack.enter_async_context(open_backends(StoreOptions(data=data)))
    address = await mounted(stack, backends.store, access=PrincipalAccess(lambda _: None))
    client = await stack.enter_async_context(linting(found, address))
    await ask(client, f"/api/media/image/{UNKNOWN}")
    await ask(client, f"/api/media/{UNKNOWN}")
    await client.post("/api/media/upload", content=PICTURE)


async def lint_overload(stack: AsyncExitStack, data: Path, found: Linted) -> None:
    """503."""

    def wrap(renderer: QueuedRenderer) -> Renderer:
        return Busy(renderer)

    backends = await stack.enter_async_context(open_backends(StoreOptions(data=data), wrap))
    address = await mounted(stack, backends.store)
    client = await stack.enter_async_context(linting(found, address))
    reference = await backends.store.put(PICTURE)
    await ask(client, f"/api/media/image/{reference.id}?w=64")


async def lint_slow_upload(stack: AsyncExitStack, data: Path, found: Linted) -> None:
    """408."""

    async def slowly() -> AsyncIterator[bytes]:
        yield PICTURE[:9]
        await anyio.sleep(30)

    backends = await stack.enter_async_context(open_backends(StoreOptions(data=data)))
    address = await mounted(stack, backends.store, upload_seconds=0.2)
    client = await stack.enter_async_context(linting(found, address))
    with anyio.move_on_after(10):
        await client.post("/api/media/upload", content=slowly())


async def test_the_linter_finds_nothing_in_answers_of_every_kind(linted: Linted) -> None:
    assert linted.notes == []
    good = {200, 201, 204, 206, 304}
    bad = {400, 401, 403, 404, 405, 412, 413, 415, 416, 422, 429, 503}
    assert linted.statuses >= good | bad


async def test_every_header_that_was_sent_is_documented(linted: Linted) -> None:
    documented = {name.lower() for name in re.findall(r"`([\w-]+)[:`]", HTTP_PAGE.read_text())}
    assert linted.headers - SERVERS_OWN - documented == set()
