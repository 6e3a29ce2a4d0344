"""One line around an application: its media is kept, served, and gone from what it sends."""

import base64
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

import anyio
import httpx
import pytest
import websockets
from fastapi import FastAPI, Request, WebSocket
from flask import Flask
from flask import request as flask_request
from litestar import Litestar, get
from litestar.params import FromPath
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.requests import Request as StarletteRequest
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coatcheck import open_store, wrap
from coatcheck.delivery.access import PrincipalAccess
from coatcheck.delivery.cookies import Principal
from coatcheck.delivery.middleware import OFFLOAD_LOG, UNEXPECTED
from coatcheck.delivery.middleware.reporting import MAX_ROUTES, MAX_WARNED_PATHS, OTHER_ROUTES
from coatcheck.errors import ConfigurationError, StorageError
from coatcheck.payload import DEFAULT_SHAPES, Inline, Node, Original, Replacement
from coatcheck.payload.links import Links
from coatcheck.signing import Keyring
from coatcheck.wrapping import WrappedApp
from tests.media import png_bytes
from tests.serving import serving

pytestmark = pytest.mark.anyio

PNG: Final = png_bytes(240, 180)
SCAN: Final = base64.b64encode(PNG).decode()
INLINE: Final = "data:image/png;base64," + SCAN
PREFIX: Final = "/api/media/image/"


def fastapi_app() -> ASGIApp:
    app = FastAPI()

    @app.get("/picture")
    async def picture(request: Request) -> dict[str, str]:
        return {"image": INLINE, "self": request.url_for("picture").path}

    @app.websocket("/ws")
    async def serve(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_json({"image": INLINE})
        await websocket.close()

    return app


def starlette_app() -> ASGIApp:
    async def picture(_request: Request) -> JSONResponse:
        return JSONResponse({"image": INLINE})

    return Starlette(routes=[Route("/picture", picture)])


def litestar_app() -> ASGIApp:
    @get("/picture")
    async def picture() -> dict[str, str]:
        return {"image": INLINE}

    app: ASGIApp = Litestar([picture], logging_config=None)  # type: ignore[assignment] # its own types
    return app


async def answer_picture(send: Send) -> None:
    body = json.dumps({"image": INLINE}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def app_that_refuses_a_life_span() -> ASGIApp:
    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # as Django does
            raise ValueError(f"Only HTTP is handled here, not {scope['type']}.")
        await answer_picture(send)

    return app


def app_that_ignores_a_life_span() -> ASGIApp:
    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await answer_picture(send)

    return app


@asynccontextmanager
async def client_of(app: ASGIApp, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that tells of no life span."""
    transport = httpx.ASGITransport(app, **options)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@asynccontextmanager
async def embedded(*args: Any, **options: Any) -> AsyncIterator[WrappedApp]:
    """An application whose store is closed even though no server does it."""
    async with AsyncExitStack() as stack:
        app = wrap(*args, **options)
        if app._store is not None:
            stack.push_async_callback(app._store.aclose)
        yield app


@pytest.mark.parametrize(
    "make",
    [
        fastapi_app,
        starlette_app,
        litestar_app,
        app_that_refuses_a_life_span,
        app_that_ignores_a_life_span,
    ],
)
async def test_any_application_on_a_real_server(make: Callable[[], ASGIApp], data: Path) -> None:
    app = wrap(make(), data)
    async with (
        serving(app) as address,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=30) as client,
    ):
        assert data.is_dir()  # open since the server started
        answer = await client.get("/picture")
        assert int(answer.headers["content-length"]) == len(answer.content) < 300
        url = answer.json()["image"]
        image = await client.get(url)
        assert (image.content, image.headers["content-type"]) == (PNG, "image/png")
        assert image.headers["cache-control"].endswith("immutable")
        assert (await client.head(url)).headers["content-length"] == str(len(PNG))
        thumbnail = await client.get(f"{url}&thumbnail=true")
        assert thumbnail.headers["content-type"] == "image/webp"
        if make is fastapi_app:
            assert answer.json()["self"] == "/picture"
            async with websockets.connect(f"ws://{address}/ws") as socket:
                received = await socket.recv()
            assert len(received) < 200
            assert json.loads(received)["image"].startswith(PREFIX)
    assert app._store is not None
    assert app._store._opened is None
    assert app.middleware.totals.offloaded >= 1


class Stage:
    """A server's side of the life span, step by step."""

    def __init__(self) -> None:
        self._cues, self._hear = anyio.create_memory_object_stream[Message](2)
        self.told: list[Message] = []

    async def receive(self) -> Message:
        return await self._hear.receive()

    async def send(self, message: Message) -> None:
        self.told.append(message)

    async def run(self, app: ASGIApp) -> list[str]:
        with self._cues, self._hear:
            for kind in ("startup", "shutdown"):
                await self._cues.send({"type": f"lifespan.{kind}"})
            with anyio.fail_after(20):
                await app({"type": "lifespan", "state": {}}, self.receive, self.send)
        return [message["type"].removeprefix("lifespan.") for message in self.told]


async def test_the_store_is_open_for_all_of_the_applications_own_life_span(data: Path) -> None:
    open_at: dict[str, bool] = {}

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        open_at["startup"] = store._opened is not None
        yield
        open_at["shutdown"] = store._opened is not None

    app = wrap(FastAPI(lifespan=lifespan), data)
    assert app._store is not None
    store = app._store
    assert await Stage().run(app) == ["startup.complete", "shutdown.complete"]
    assert open_at == {"startup": True, "shutdown": True}
    assert store._opened is None


@pytest.mark.parametrize("make", [app_that_refuses_a_life_span, app_that_ignores_a_life_span])
async def test_an_application_without_a_life_span_gets_one(
    make: Callable[[], ASGIApp], data: Path
) -> None:
    app = wrap(make(), data)
    assert await Stage().run(app) == ["startup.complete", "shutdown.complete"]
    assert app._store is not None
    assert app._store._opened is None


async def test_a_failure_of_the_applications_own_start_is_told(data: Path) -> None:
    def fail() -> None:
        raise RuntimeError("no database")

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        fail()
        yield

    app, stage = wrap(FastAPI(lifespan=lifespan), data), Stage()
    with pytest.raises(RuntimeError, match="no database"):
        await stage.run(app)
    assert [message["type"] for message in stage.told] == ["lifespan.startup.failed"]
    assert app._store is not None
    assert app._store._opened is None


async def test_a_store_that_cannot_be_opened_keeps_the_server_from_starting(data: Path) -> None:
    data.write_text("no directory")
    stage = Stage()
    with pytest.raises(StorageError):
        await stage.run(wrap(fastapi_app(), data))
    assert [message["type"] for message in stage.told] == ["lifespan.startup.failed"]
    assert stage.told[0]["message"]


async def test_without_a_life_span_a_store_that_cannot_be_opened_loses_no_message(
    data: Path,
) -> None:
    data.write_text("no directory")
    app = wrap(fastapi_app(), data)
    async with client_of(app, raise_app_exceptions=False) as client:
        assert (await client.get("/picture")).json()["image"] == INLINE
        assert dict(app.middleware.totals.left) == {UNEXPECTED: 1}
        assert (await client.get(f"{PREFIX}9188cc90-b172-47e9-b493-4e22175bd478")).is_server_error
        data.unlink()  # mended, it works without a new start
        url = (await client.get("/picture")).json()["image"]
        assert (await client.get(url)).content == PNG
    assert app._store is not None
    await app._store.aclose()


async def test_without_a_life_span_the_first_media_opens_the_store_once(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = 0

    def count(directory: Path, **options: Any) -> Any:
        nonlocal opened
        opened += 1
        return open_store(directory, **options)

    monkeypatch.setattr("coatcheck.wrapping.open_store", count)
    async with embedded(fastapi_app(), data) as app, client_of(app) as client:
        assert (await client.get("/missing")).status_code == 404
        assert opened == 0
        urls: list[str] = []

        async def look() -> None:
            urls.append((await client.get("/picture")).json()["image"])

        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(look)
        assert opened == 1
        for url in urls:
            assert (await client.get(url)).content == PNG


async def test_only_reading_is_served_and_the_rest_is_the_applications(data: Path) -> None:
    async with embedded(fastapi_app(), data) as app, client_of(app) as client:
        url = (await client.get("/picture")).json()["image"]
        for method, path in (
            ("POST", "/api/media/upload"),
            ("DELETE", url),
            ("PUT", url),
            ("GET", "/api/media"),
            ("GET", "/api/mediation/image/x"),
            ("GET", "/x/api/media/image/x"),
        ):
            answer = await client.request(method, path)
            assert answer.json() == {"detail": "Not Found"}, path  # FastAPI's words
        missing = await client.get(f"{PREFIX}unknown")
        assert (missing.status_code, missing.json()["code"]) == (403, "forbidden")
        assert (await client.get(url)).status_code == 200


async def test_another_prefix_and_a_root_path(data: Path) -> None:
    """A server or a proxy with a path of its own: the URLs begin with it."""
    async with (
        embedded(fastapi_app(), data, prefix="/pictures") as app,
        client_of(app) as client,
        client_of(app, root_path="/behind") as behind,
    ):
        url = (await client.get("/picture")).json()["image"]
        assert url.startswith("/pictures/image/")
        assert (await client.get(url)).content == PNG
        deeper = (await behind.get("/behind/picture")).json()["image"]
        assert deeper == f"/behind{url}"
        assert (await behind.get(deeper)).content == PNG


async def test_urls_of_an_application_mounted_inside_lead_to_the_media(data: Path) -> None:
    outer = Starlette(routes=[Mount("/v1", Mount("/deep", starlette_app()))])
    async with embedded(outer, data) as app, client_of(app) as client:
        url = (await client.get("/v1/deep/picture")).json()["image"]
        assert url.startswith(PREFIX)
        assert (await client.get(url)).content == PNG


async def test_mounted_in_another_application_the_urls_begin_with_its_path(data: Path) -> None:
    async with embedded(starlette_app(), data) as app:
        outer = Starlette(routes=[Mount("/tenants/{tenant}", routes=[Mount("/bot", app)])])
        async with client_of(outer) as client:
            answer = await client.get("/tenants/7/bot/picture")
            url = answer.json()["image"]
            assert url.startswith("/tenants/7/bot/api/media/image/")
            assert (await client.get(url)).content == PNG
            assert (await client.get(url.removeprefix("/tenants/7/bot"))).status_code == 404
            spaced = (await client.get('/tenants/a "b"/bot/picture')).json()["image"]
            assert spaced.startswith("/tenants/a%20%22b%22/bot/api/media/image/")
            assert (await client.get(spaced)).content == PNG
        anywhere = Starlette(routes=[Mount("/{where:path}/bot", app)])
        async with client_of(anywhere) as client:
            path = "http://test//elsewhere.example/bot/picture"
            url = (await client.get(path)).json()["image"]
            assert url.startswith("/elsewhere.example/bot/api/media/image/")  # a path, no host


@pytest.mark.parametrize("prefix", ["", "/", "media", "/media/"])
def test_a_prefix_that_is_none_is_refused(prefix: str) -> None:
    with pytest.raises(ConfigurationError, match="slash"):
        wrap(fastapi_app(), prefix=prefix)


async def test_media_of_one_is_not_served_to_another(data: Path) -> None:
    def user_of(connection: HTTPConnection) -> Principal | None:
        user = connection.headers.get("x-user")
        return None if user is None else Principal(user)

    def owner_of(scope: Scope) -> str | None:
        return HTTPConnection(scope).headers.get("x-user")

    access = PrincipalAccess(user_of)
    async with (
        embedded(fastapi_app(), data, owner=owner_of, access=access) as app,
        client_of(app) as client,
    ):
        ada, bob = {"x-user": "ada"}, {"x-user": "bob"}
        url = (await client.get("/picture", headers=ada)).json()["image"]
        seen = [await client.get(url, headers=headers) for headers in (ada, bob, {})]
        assert [answer.status_code for answer in seen] == [200, 404, 401]
        assert seen[0].headers["cache-control"].startswith("private")


async def test_measuring_opens_and_serves_nothing(data: Path) -> None:
    app = wrap(fastapi_app(), data, measure_only=True)
    assert await Stage().run(app) == ["startup.complete", "shutdown.complete"]
    async with client_of(app) as client:
        assert (await client.get("/picture")).json()["image"] == INLINE
        unserved = await client.get(f"{PREFIX}9188cc90-b172-47e9-b493-4e22175bd478")
        assert unserved.json() == {"detail": "Not Found"}
    assert app.middleware.totals.bytes_before > 4096
    assert not data.exists()


def test_it_lives_as_often_as_it_is_started(data: Path) -> None:
    app = wrap(fastapi_app(), data)
    urls = []
    for _ in range(2):
        with TestClient(app) as client:
            urls.append(client.get("/picture").json()["image"])
            assert [client.get(url).status_code for url in urls] == [200] * len(urls)
            with client.websocket_connect("/ws") as socket:
                assert socket.receive_json()["image"].startswith(PREFIX)


async def test_without_a_word_urls_are_signed_and_nothing_is_served_without(data: Path) -> None:
    async with embedded(fastapi_app(), data) as app, client_of(app) as client:
        url = (await client.get("/picture")).json()["image"]
        path, _, query = url.partition("?")
        assert set(parse_qs(query)) == {"expires", "signature"}
        assert (await client.get(url)).headers["cache-control"].startswith("private")
        other = "9188cc90-b172-47e9-b493-4e22175bd478"
        for refused in (
            path,
            f"{path}?thumbnail=true",
            url[:-1],
            url.replace("expires=1", "expires=2"),
            f"{PREFIX}{other}?{query}",
            f"{url}&{query}",
        ):
            answer = await client.get(refused)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), refused
        described = await client.get(path.replace("/image/", "/"))
        assert described.status_code == 401


async def test_a_url_is_the_same_for_a_window_and_good_for_a_month(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = 24 * 3600
    window = 7 * day
    now = 1000.0 * window

    monkeypatch.setattr("coatcheck.wrapping.time.time", lambda: now)
    async with embedded(fastapi_app(), data) as app, client_of(app) as client:
        now += 1
        first = (await client.get("/picture")).json()["image"]
        now += window - 2 - 2 * day
        assert {(await client.get("/picture")).json()["image"] for _ in range(20)} == {first}
        now += window
        assert (await client.get("/picture")).json()["image"] != first
        now = 1000.0 * window + 30 * day
        assert (await client.get(first)).status_code == 200
        now += window + 120
        assert (await client.get(first)).status_code == 403
        assert (await client.get((await client.get("/picture")).json()["image"])).content == PNG


async def test_all_processes_on_the_same_data_have_the_same_key(data: Path) -> None:
    async with (
        embedded(fastapi_app(), data) as one,
        embedded(fastapi_app(), data) as two,
        client_of(one) as first,
        client_of(two) as second,
    ):
        urls = [(await client.get("/picture")).json()["image"] for client in (first, second)]
        assert urls[0] == urls[1]
        assert (await second.get(urls[0])).content == PNG
    async with embedded(fastapi_app(), data) as again, client_of(again) as client:
        assert (await client.get("/picture")).json()["image"] == urls[0]


async def test_keys_may_be_given(data: Path) -> None:
    keys = [Keyring.parse(f"k{n}:{n}Xm7Qp0vRz2LwYd8TfKs4HcJb6GnAe1U") for n in (1, 2)]
    async with embedded(fastapi_app(), data, keyring=keys[0]) as app, client_of(app) as client:
        url = (await client.get("/picture")).json()["image"]
        assert "signature=k1." in url
        assert (await client.get(url)).status_code == 200
    async with embedded(fastapi_app(), data, keyring=keys[1]) as app, client_of(app) as client:
        assert (await client.get(url)).status_code == 403


async def test_public_media_takes_a_word(data: Path) -> None:
    async with embedded(fastapi_app(), data, public=True) as app, client_of(app) as client:
        url = (await client.get("/picture")).json()["image"]
        assert "?" not in url
        answer = await client.get(url)
        assert (answer.content, answer.headers["cache-control"][:6]) == (PNG, "public")


def test_two_ways_of_access_are_refused() -> None:
    access = PrincipalAccess(lambda _: None)
    keyring = Keyring.parse("k:Xm7Qp0vRz2LwYd8TfKs4HcJb6GnAe1U9")
    for options in (
        {"public": True, "access": access},
        {"public": True, "keyring": keyring},
        {"access": access, "keyring": keyring},
    ):
        with pytest.raises(ConfigurationError, match=r"without|not both"):
            wrap(fastapi_app(), **options)  # type: ignore[arg-type] # on purpose


async def test_clients_that_expect_base64_get_it(data: Path) -> None:
    def is_page(connection: HTTPConnection, headers: Headers | None) -> bool:
        is_json = headers is not None and headers["content-type"] == "application/json"
        return "x-api" not in connection.headers and is_json

    async with embedded(fastapi_app(), data, when=is_page) as app, client_of(app) as client:
        assert (await client.get("/picture")).json()["image"].startswith(PREFIX)
        api = await client.get("/picture", headers={"x-api": "1"})
        assert api.json()["image"] == INLINE
        assert app.middleware.totals.found == 1


async def test_a_predicate_that_fails_costs_no_message(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_connection: HTTPConnection, _headers: Headers | None) -> bool:
        raise ZeroDivisionError

    async with embedded(fastapi_app(), data, when=fail) as app, client_of(app) as client:
        assert (await client.get("/picture")).json()["image"] == INLINE
        assert dict(app.middleware.totals.left) == {UNEXPECTED: 1}
    assert "`when` failed" in caplog.text


def test_a_predicate_is_asked_of_a_socket_too(data: Path) -> None:
    app = wrap(fastapi_app(), data, when=lambda connection, _: "x-api" not in connection.headers)
    with TestClient(app) as client:
        for headers, is_left in (({"x-api": "1"}, True), ({}, False)):
            with client.websocket_connect("/ws", headers=headers) as socket:
                assert (socket.receive_json()["image"] == INLINE) is is_left


class Scan:
    """``{"scan": base64}`` of an application of one's own ↔ ``{"link": …}``."""

    members = frozenset({"scan"})

    def recognize(self, node: Node) -> Inline | None:
        return Inline(media=node["scan"]) if isinstance(node.get("scan"), str) else None

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        return {"link": replacement.link, **{name: node[name] for name in node if name != "scan"}}

    def linked(self, node: Node, links: Links) -> str | None:
        return links.id_of(node.get("link"))

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        return {
            "scan": original.base64,
            **{name: node[name] for name in node if name != "link"},
        }


async def test_a_shape_of_ones_own_is_passed_in(data: Path) -> None:
    async def scans(request: Request) -> JSONResponse:
        if request.method == "POST":
            return JSONResponse({"same": await request.json() == {"scan": SCAN}})
        return JSONResponse({"scan": SCAN})

    app = Starlette(routes=[Route("/", scans, methods=["GET", "POST"])])
    shapes = DEFAULT_SHAPES.preceded_by(Scan())
    async with embedded(app, data, shapes=shapes) as wrapped, client_of(wrapped) as client:
        sent = (await client.get("/")).json()
        assert sent.keys() == {"link"}
        assert (await client.get(sent["link"])).content == PNG
        assert (await client.post("/", json=sent)).json() == {"same": True}


async def test_what_does_not_fit_stays_inline_and_is_counted(data: Path) -> None:
    async with embedded(fastapi_app(), data, owner_bytes=100) as app, client_of(app) as client:
        assert (await client.get("/picture")).json()["image"] == INLINE
        assert dict(app.report().routes[0].left) == {"quota_exceeded": 1}


async def test_without_a_word_there_is_a_quota(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []

    def record(directory: Path, *, owner_bytes: int, eager: bool) -> Any:
        given.append(owner_bytes)
        return open_store(directory, owner_bytes=owner_bytes, eager=eager)

    monkeypatch.setattr("coatcheck.wrapping.open_store", record)
    async with embedded(fastapi_app(), data) as app, client_of(app) as client:
        await client.get("/picture")
    assert given == [10 * 1024**3]


async def test_a_history_that_is_read_often_makes_one_row_and_one_url(data: Path) -> None:
    async with embedded(fastapi_app(), data) as app, client_of(app) as client:
        urls = {(await client.get("/picture")).json()["image"] for _ in range(50)}
        assert len(urls) == 1
        assert app._store is not None
        store = await app._store.get()
        assert len(await store.list_media(owner=None, limit=50)) == 1


BROKEN: Final = INLINE[: 22 + 4576]  # a picture that is cut short


def leaving_app() -> FastAPI:
    app = FastAPI()

    @app.get("/talks/{talk}")
    async def read(talk: str) -> dict[str, str]:
        return {"talk": talk, "image": INLINE, "broken": BROKEN}

    return app


async def test_what_is_left_is_warned_of_once_for_each_reason_and_route(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with embedded(leaving_app(), data) as app, client_of(app) as client:
        assert str(app.report()) == "No inline media was seen.\n"
        for talk in ("a", "b", "c"):
            assert (await client.get(f"/talks/{talk}")).json()["broken"] == BROKEN
        (route,) = app.report().routes
    assert route.route == "GET /talks/{talk}"
    assert (route.messages, route.offloaded, dict(route.left)) == (
        *(3, 3),
        {"unprocessable_media": 3},
    )
    warnings = [one for one in caplog.records if one.levelname == "WARNING"]
    assert len(warnings) == 1
    assert warnings[0].name == OFFLOAD_LOG
    assert "GET /talks/{talk}" in warnings[0].getMessage()
    assert "unprocessable_media" in warnings[0].getMessage()
    page = str(app.report())
    assert page.startswith(f"Saved {app.report().saved:,} characters of base64.")
    for line in ("GET /talks/{talk}", "3 taken out", "3 left: unprocessable_media"):
        assert line in page


def app_of_any_path() -> ASGIApp:
    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            body = json.dumps({"image": INLINE, "broken": BROKEN}).encode()
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    return app


def word(number: int) -> str:
    """A path that looks like a route."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


async def test_reports_are_bounded(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Paths that a client makes up push out no route, and fill no log."""
    async with embedded(app_of_any_path(), data) as wrapped, client_of(wrapped) as client:
        for _ in range(2):
            await client.get("/history")
        for number in range(MAX_ROUTES + 30):
            await client.get(f"/{word(number)}")
        await client.get("/history")
        routes = {one.route: one for one in wrapped.report().routes}
    assert len(routes) == MAX_ROUTES + 1
    assert routes["GET /history"].messages == 3
    assert routes[OTHER_ROUTES].messages == 31
    assert routes[OTHER_ROUTES].offloaded == 31
    assert sum(one.offloaded for one in routes.values()) == MAX_ROUTES + 33
    warnings = [one for one in caplog.records if one.levelname == "WARNING"]
    assert len(warnings) == MAX_WARNED_PATHS


async def test_templates_stay_however_many_paths_are_made_up(data: Path) -> None:
    async def read(_request: StarletteRequest) -> JSONResponse:
        return JSONResponse({"image": INLINE})

    app = Starlette(routes=[Route("/talks/{talk}", read), Mount("/any", app_of_any_path())])
    async with embedded(app, data) as wrapped, client_of(wrapped) as client:
        for number in range(MAX_ROUTES + 30):
            await client.get(f"/any/{word(number)}")
        await client.get("/talks/1")
        assert "GET /talks/{talk}" in [one.route for one in wrapped.report().routes]


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/api/v1/chat-messages", "GET /api/v1/chat-messages"),
        ("/chatMessages/oauth2/sse.json", "GET /chatMessages/oauth2/sse.json"),
        ("/.well-known/_health/PDF", "GET /.well-known/_health/PDF"),
        ("/talks/12/", "GET /talks/{…}/"),
        ("/a/550e8400-e29b-41d4-a716-446655440000/b", "GET /a/{…}/b"),
        ("/reset/QWxhZGRpbjpvcGVuc2VzYW1l", "GET /reset/{…}"),
        ("/x/eyJhbGciOiJI.eyJzdWIiOiIx.abc", "GET /x/{…}"),
        ("/invite/XKQZPWAB", "GET /invite/{…}"),
        ("/share/kJdhQwErTyUi", "GET /share/{…}"),
        ("/users/ada@example.com", "GET /users/{…}"),
        ("/long/abcdefghijklmnopqrstuvwxyz", "GET /long/{…}"),
        ("/line%0Abreak/%E2%80%AE", "GET /{…}/{…}"),
    ],
)
async def test_a_path_without_a_template_tells_no_token(
    data: Path, caplog: pytest.LogCaptureFixture, path: str, route: str
) -> None:
    async with embedded(app_of_any_path(), data) as wrapped, client_of(wrapped) as client:
        await client.get(path)
        (counted,) = wrapped.report().routes
    assert counted.route == route
    (warning,) = [one for one in caplog.records if one.levelname == "WARNING"]
    assert warning.getMessage().startswith(f"{route}: ")


async def test_a_request_is_counted_by_the_template_of_its_route(data: Path) -> None:
    """What was posted to it, too: the application routes before it reads the body."""
    app = FastAPI()

    @app.post("/reset/{token}")
    async def reset(token: str, request: Request) -> str:
        return token + (await request.body()).decode()[:0]

    async with embedded(app, data) as wrapped, client_of(wrapped) as client:
        url = f"{PREFIX}9188cc90-b172-47e9-b493-4e22175bd478"
        await client.post("/reset/secretword", json={"image": url})
        (counted,) = wrapped.report().routes
    assert counted.route == "POST /reset/{token}"
    assert dict(counted.left) == {"forbidden": 1}


async def test_litestar_tells_the_template_too(data: Path) -> None:
    @get("/talks/{talk:str}")
    async def read(talk: FromPath[str]) -> dict[str, str]:
        return {"talk": talk, "image": INLINE}

    app: ASGIApp = Litestar([read], logging_config=None)  # type: ignore[assignment] # its own types
    async with embedded(app, data) as wrapped, client_of(wrapped) as client:
        await client.get("/talks/a")
        assert [one.route for one in wrapped.report().routes] == ["GET /talks/{talk}"]


def test_a_warning_shows_under_plain_uvicorn(tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text(
        "from coatcheck import wrap\n"
        "from tests.unit.test_embedding import leaving_app\n"
        "app = wrap(leaving_app())\n"
    )
    log = tmp_path / "log"
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(tmp_path), "served:app"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--port", "0"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(root)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            while (found := re.search(r"http://[\d.:]+", log.read_text())) is None:
                assert process.poll() is None, log.read_text()
                time.sleep(0.1)
            httpx.get(f"{found[0]}/talks/a", timeout=30)
        finally:
            process.terminate()
            process.wait(30)
    assert "GET /talks/{talk}: inline media is left as it is (unprocessable_media)" in (
        log.read_text()
    )


def flask_app() -> Flask:
    app = Flask(__name__)

    @app.get("/picture")
    def picture() -> dict[str, str]:
        return {"image": INLINE}

    @app.post("/echo")
    def echo() -> dict[str, Any]:
        received = flask_request.get_json()
        return {"length": len(received["image"]), "is_same": received["image"] == INLINE}

    return app


async def test_a_wsgi_application_in_its_adapter(data: Path) -> None:
    app = wrap(flask_app(), data)
    async with (
        serving(app) as address,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=30) as client,
    ):
        url = (await client.get("/picture")).json()["image"]
        assert url.startswith(PREFIX)
        assert (await client.get(url)).content == PNG
        assert (await client.get(url.partition("?")[0])).status_code == 403
        answer = await client.post("/echo", json={"image": url})
        assert answer.json() == {"length": len(INLINE), "is_same": True}
        assert (await client.get("/missing")).status_code == 404
    assert app.report().routes[0].route == "GET /picture"


def test_a_wsgi_application_without_the_adapter_is_refused_when_it_is_wrapped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "a2wsgi", None)  # as if it were not installed
    with pytest.raises(ConfigurationError, match=r"coatcheck\[wsgi\]"):
        wrap(flask_app())


def a_factory() -> FastAPI:
    return FastAPI()


@pytest.mark.parametrize(
    ("app", "message"),
    [
        (None, "NoneType is not an application"),
        ("module:app", "str is not an application"),
        (a_factory, "If it is a factory, call it and pass the result"),
        (lambda scope: scope, "not an application"),
        (FastAPI, "not an application"),
    ],
)
def test_what_is_no_application_is_refused_when_it_is_wrapped(app: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        wrap(app)
