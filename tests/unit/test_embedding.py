"""One line around an application: its media is kept, served, and gone from what it sends."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import anyio
import httpx
import pytest
import websockets
from fastapi import FastAPI, Request, WebSocket
from litestar import Litestar, get
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coatcheck import open_store, wrap
from coatcheck.delivery.access import PrincipalAccess
from coatcheck.delivery.cookies import Principal
from coatcheck.delivery.middleware import UNEXPECTED
from coatcheck.errors import ConfigurationError, StorageError
from coatcheck.wrapping import WrappedApp
from tests.media import png_bytes
from tests.serving import serving

pytestmark = pytest.mark.anyio

PNG: Final = png_bytes(240, 180)
INLINE: Final = "data:image/png;base64," + base64.b64encode(PNG).decode()
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
    async with (
        embedded(fastapi_app(), data, prefix="/pictures") as app,
        client_of(app) as client,
        client_of(app, root_path="/behind") as behind,
    ):
        url = (await client.get("/picture")).json()["image"]
        assert url.startswith("/pictures/image/")
        assert (await client.get(url)).content == PNG
        assert (await behind.get(f"/behind{url}")).content == PNG


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
