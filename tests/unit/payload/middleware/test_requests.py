"""What clients send back: media in the place of its references, for those who may read it."""

import base64
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from coatcheck import wrap
from coatcheck.delivery.access import PrincipalAccess
from coatcheck.delivery.cookies import Principal
from coatcheck.delivery.middleware import (
    MAX_REQUEST,
    REQUEST_TOO_LARGE,
    UNEXPECTED,
    offloading,
)
from coatcheck.delivery.middleware.requests import (
    MAX_REFERENCES,
    MAX_REFUSED,
    MAX_VALUES,
    TOO_MANY_VALUES,
)
from coatcheck.wrapping import WrappedApp
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

PNG: Final = png_bytes(240, 180)
PLAIN: Final = base64.b64encode(PNG).decode()
INLINE: Final = f"data:image/png;base64,{PLAIN}"
OTHER: Final = "data:image/png;base64," + base64.b64encode(png_bytes(240, 180, seed=3)).decode()
UNKNOWN: Final = "9188cc90-b172-47e9-b493-4e22175bd478"

HISTORY: Final[list[dict[str, Any]]] = [  # as the AI SDK's useChat keeps it
    {
        "id": "m1",
        "role": "user",
        "parts": [
            {"type": "text", "text": "What is this? É😀"},
            {"type": "file", "mediaType": "image/png", "url": INLINE, "filename": "sea.png"},
        ],
    },
    {
        "id": "m2",
        "role": "assistant",
        "parts": [
            {"type": "text", "text": f"Like this one? ![a picture]({OTHER})"},
            {
                "type": "tool-draw",
                "toolCallId": "t1",
                "state": "output-available",
                "input": {"prompt": "sea", "count": 12345678901234567890, "size": 1.5},
                "output": {"content": [{"type": "image", "mimeType": "image/png", "data": PLAIN}]},
            },
        ],
    },
]


class Chat:
    """An application with a history, and a provider that keeps what it is given."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.app = Starlette(
            routes=[
                Route("/history", self.history),
                Route("/chat", self.chat, methods=["POST", "PUT"]),
                WebSocketRoute("/ws", self.socket),
            ]
        )

    async def history(self, _request: Request) -> Response:
        return JSONResponse(HISTORY)

    async def chat(self, request: Request) -> Response:
        body = await request.body()
        assert int(request.headers.get("content-length", len(body))) == len(body)
        self.bodies.append(body)
        return JSONResponse({"answer": "yes"})

    async def socket(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.bodies.append((await websocket.receive_text()).encode())
        await websocket.send_text("received")
        await websocket.close()

    @property
    def provided(self) -> Any:
        return json.loads(self.bodies[-1])


@asynccontextmanager
async def wrapped(
    chat: Chat, data: Path, **options: Any
) -> AsyncIterator[tuple[WrappedApp, httpx.AsyncClient]]:
    app = wrap(chat.app, data, **options)
    transport = httpx.ASGITransport(app)
    assert app._store is not None
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield app, client
    finally:
        await app._store.aclose()


async def history_of(client: httpx.AsyncClient, **headers: str) -> Any:
    answer = await client.get("/history", headers=headers)
    assert len(answer.content) < 6000
    return answer.json()


async def test_a_history_that_is_posted_back_reaches_the_provider_as_it_was(data: Path) -> None:
    chat = Chat()
    async with wrapped(chat, data) as (app, client):
        seen = await history_of(client)
        assert PLAIN not in json.dumps(seen)
        for method in ("POST", "PUT"):
            await client.request(method, "/chat", json={"id": "c1", "messages": seen})
            assert chat.provided == {"id": "c1", "messages": HISTORY}
        assert sum(one.restored for one in app.report().routes) == 6
        assert not any(one.left for one in app.report().routes)


@pytest.mark.parametrize(
    "write",
    [
        lambda seen: json.dumps(seen, indent=2),
        lambda seen: json.dumps(json.dumps(seen)),  # JSON in a string
        lambda seen: json.dumps(seen).replace("/", "\\/"),  # as PHP writes it
        lambda seen: json.dumps(seen).replace("/api/media", "http://test/api/media"),
        lambda seen: json.dumps(seen).replace("/api/media", "https://test/api/media"),
    ],
    ids=["indented", "in a string", "escaped slashes", "absolute", "absolute and https"],
)
async def test_however_a_client_writes_it(data: Path, write: Callable[[Any], str]) -> None:
    chat = Chat()
    async with wrapped(chat, data) as (_, client):
        body = write(await history_of(client))
        await client.post("/chat", content=body, headers={"content-type": "application/json"})
    provided = chat.provided
    assert (json.loads(provided) if isinstance(provided, str) else provided) == HISTORY


async def test_a_url_of_another_site_with_our_path_stays_as_it_is(data: Path) -> None:
    chat = Chat()
    async with wrapped(chat, data) as (_, client):
        seen = await history_of(client)
        elsewhere = json.dumps(seen).replace("/api/media", "https://elsewhere.example/api/media")
        headers = {"content-type": "application/json"}
        await client.post("/chat", content=elsewhere, headers=headers)
        assert [part for part in chat.provided[0]["parts"] if "url" in part] == [
            json.loads(elsewhere)[0]["parts"][1]
        ]


async def test_frames_of_a_socket_get_their_media_too(data: Path) -> None:
    chat = Chat()
    app = wrap(chat.app, data)

    def converse() -> None:
        with TestClient(app) as client:
            seen = client.get("/history").json()
            with client.websocket_connect("/ws") as socket:
                socket.send_text(json.dumps({"messages": seen}))
                assert socket.receive_text() == "received"

    await anyio.to_thread.run_sync(converse)
    assert chat.provided == {"messages": HISTORY}


def forged(reference_id: str, query: str = "") -> list[Any]:
    url = f"/api/media/image/{reference_id}{query}"
    return [
        {"type": "file", "mediaType": "image/png", "url": url},
        {"type": "text", "text": f"![x]({url}) and media://{reference_id}"},
        {"type": "media_reference", "version": 1, "id": reference_id, "url": url},
    ]


async def test_forged_references_stay_as_they_are_and_are_counted(data: Path) -> None:
    """Fault 31: an id is not enough, whoever names it and wherever it stands."""
    chat = Chat()
    async with wrapped(chat, data) as (app, client):
        seen = await history_of(client)
        url = seen[0]["parts"][1]["url"]
        path, _, query = url.partition("?")
        reference_id = path.rpartition("/")[2]
        tampered = query.replace("expires=1", "expires=2")
        for body in (
            forged(reference_id),
            forged(reference_id, f"?{tampered}"),
            forged(reference_id, "?signature=x&expires=9999999999"),
            forged(UNKNOWN, f"?{query}"),
            forged(UNKNOWN),
        ):
            await client.post("/chat", json=body)
            assert chat.provided == body
        (posted,) = [one for one in app.report().routes if one.route == "POST /chat"]
        assert posted.restored == 0
        assert dict(posted.left) == {"forbidden": 20}
        assert "/0/url" in posted.places["forbidden"] or "/0" in posted.places["forbidden"]


async def test_an_owner_posts_back_what_is_its_own_and_nothing_else(data: Path) -> None:
    def owner_of(scope: Scope) -> str | None:
        return HTTPConnection(scope).headers.get("x-user")

    def identify(connection: HTTPConnection) -> Principal | None:
        user = connection.headers.get("x-user")
        return None if user is None else Principal(user)

    chat = Chat()
    options = {"owner": owner_of, "access": PrincipalAccess(identify)}
    async with wrapped(chat, data, **options) as (app, client):
        seen = await history_of(client, **{"x-user": "ada"})
        await client.post("/chat", json=seen, headers={"x-user": "ada"})
        assert chat.provided == HISTORY
        for headers, reason in (({"x-user": "bob"}, "not_found"), ({}, "unauthorized")):
            await client.post("/chat", json=seen, headers=headers)
            assert chat.provided == seen
            (posted,) = [one for one in app.report().routes if one.route == "POST /chat"]
            assert posted.left[reason] == 3


async def test_an_owner_needs_no_url_for_its_own(data: Path) -> None:
    """A reference in stored form, as another part of the application may keep it."""
    chat = Chat()
    options = {"owner": lambda scope: HTTPConnection(scope).headers.get("x-user")}
    async with wrapped(chat, data, **options) as (_, client):
        seen = await history_of(client, **{"x-user": "ada"})
        path = seen[0]["parts"][1]["url"].partition("?")[0]
        stored = {"image": f"media://{path.rpartition('/')[2]}"}
        await client.post("/chat", json=stored, headers={"x-user": "ada"})
        assert chat.provided == {"image": INLINE}
        await client.post("/chat", json=stored, headers={"x-user": "bob"})
        assert chat.provided == stored


async def test_bodies_without_references_are_the_very_bytes(data: Path) -> None:
    chat = Chat()
    cases: list[tuple[bytes, str]] = [
        (b'{"a" :  1.0, "b":[]}', "application/json"),
        (b'{"image": "media://nothing"', "application/json"),  # cut short
        (b'{"n": 1e999, "image": "media://x"}', "application/json"),
        (b"\xff\xfe media://", "application/json"),
        (b"[" * 100_000 + b'"media://"', "application/json"),
        (b"", "application/json"),
        (b"media:// in a text", "text/plain"),
        (json.dumps({"image": INLINE}).encode(), "application/json"),
    ]
    async with wrapped(chat, data) as (app, client):
        for body, kind in cases:
            await client.post("/chat", content=body, headers={"content-type": kind})
            assert chat.bodies[-1] == body
        assert not app.report().routes


async def test_a_body_that_is_too_large_streams_through_and_is_counted(data: Path) -> None:
    chat = Chat()

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(MAX_REQUEST // 1_000_000 + 2):
            yield b" " * 1_000_000
        yield b'"media://"'

    async with wrapped(chat, data) as (app, client):
        headers = {"content-type": "application/json"}
        await client.post("/chat", content=pieces(), headers=headers)
        assert len(chat.bodies[-1]) > MAX_REQUEST
        assert chat.bodies[-1].endswith(b'"media://"')
        await client.post("/chat", content=b" " * (MAX_REQUEST + 1), headers=headers)
        (posted,) = app.report().routes
        assert dict(posted.left) == {REQUEST_TOO_LARGE: 2}


async def test_a_request_cannot_multiply_media_without_bound(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = Chat()
    async with wrapped(chat, data) as (app, client):
        seen = await history_of(client)
        app.middleware._max_held = 4 * len(PLAIN)
        url = seen[0]["parts"][1]["url"]
        await client.post("/chat", json=[url] * 10)
        assert chat.provided == [INLINE] * 4 + [url] * 6
        (posted,) = [one for one in app.report().routes if one.route == "POST /chat"]
        assert dict(posted.left) == {REQUEST_TOO_LARGE: 6}


async def test_the_references_of_a_request_that_are_looked_up_are_bounded(data: Path) -> None:
    chat = Chat()
    async with wrapped(chat, data, public=True) as (app, client):
        body = [f"media://9188cc90-b172-47e9-b493-{number:012x}" for number in range(1200)]
        await client.post("/chat", json=body)
        assert chat.provided == body
        (posted,) = app.report().routes
        assert dict(posted.left) == {"not_found": MAX_REFERENCES, REQUEST_TOO_LARGE: 200}


async def test_a_message_of_countless_forged_references_stays_as_it_is(data: Path) -> None:
    chat = Chat()
    async with wrapped(chat, data, public=True) as (app, client):
        await client.post("/chat", json=[f"media://{UNKNOWN}"] * (MAX_REFUSED + 1))
        assert chat.provided == [f"media://{UNKNOWN}"] * (MAX_REFUSED + 1)
        (posted,) = app.report().routes
        assert dict(posted.left) == {REQUEST_TOO_LARGE: 1}


async def test_a_name_that_is_the_same_for_all_reads_nothing_for_a_client(data: Path) -> None:
    """An owner without a function says nothing about the client: its signature decides."""
    chat = Chat()
    async with wrapped(chat, data, owner="the-application") as (app, client):
        seen = await history_of(client)
        url = seen[0]["parts"][1]["url"]
        reference_id = url.partition("?")[0].rpartition("/")[2]
        for body in (forged(reference_id), {"image": f"media://{reference_id}"}):
            await client.post("/chat", json=body)
            assert chat.provided == body
        await client.post("/chat", json={"image": url})
        assert chat.provided == {"image": INLINE}
        assert app.report().routes


async def test_a_frame_is_not_lost_when_the_application_stops_waiting_for_it(data: Path) -> None:
    got: list[str] = []

    async def impatient(websocket: WebSocket) -> None:
        await websocket.accept()
        while len(got) < 3:
            # Too short for any media to be read; after some such tries it waits.
            for seconds in (0, 0.0001, 0.001, 60):
                with anyio.move_on_after(seconds):
                    got.append(await websocket.receive_text())
                    break
        await websocket.close()

    chat = Chat()
    chat.app.router.routes.append(WebSocketRoute("/impatient", impatient))
    app = wrap(chat.app, data)
    with TestClient(app) as client:
        seen = client.get("/history").json()
        with client.websocket_connect("/impatient") as socket:
            for number in range(3):
                socket.send_json([number, seen])
            socket.receive()
    assert [json.loads(text) for text in got] == [[number, HISTORY] for number in range(3)]


async def test_what_is_put_into_all_requests_together_is_bounded(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = Chat()
    async with wrapped(chat, data) as (app, client):
        url = (await history_of(client))[0]["parts"][1]["url"]
        monkeypatch.setattr(offloading, "MAX_RESTORED", len(INLINE) - 100)
        await client.post("/chat", json={"image": url})
        assert chat.provided == {"image": url}
        monkeypatch.setattr(offloading, "MAX_RESTORED", len(INLINE))
        for _ in range(2):  # what the first took is free again
            await client.post("/chat", json={"image": url})
            assert chat.provided == {"image": INLINE}
        assert app.middleware.totals.offloaded


async def test_a_body_that_is_no_json_is_not_waited_for(data: Path) -> None:
    """It reaches the application piece by piece, before it has come to its end."""
    arrived: list[bytes] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            while (message := await receive())["type"] == "http.request":
                arrived.append(message["body"])
                if not message["more_body"]:
                    break

    async def receive() -> Message:
        assert len(arrived) == given[0]
        given[0] += 1
        return {"type": "http.request", "body": b"x", "more_body": given[0] < 3}

    async def send(_message: Message) -> None:
        pass

    given = [0]
    headers = [(b"content-type", b"application/octet-stream")]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    await wrap(app, data)(scope, receive, send)
    assert arrived == [b"x"] * 3


async def test_a_client_that_leaves_in_the_middle_is_told_to_the_application(data: Path) -> None:
    heard: list[Message] = []

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        heard.extend([await receive(), await receive()])

    coming: list[Message] = [
        {"type": "http.request", "body": b'"media://', "more_body": True},
        {"type": "http.disconnect"},
    ]
    await post(wrap(app, data), coming)
    assert heard == coming


async def test_what_is_held_of_a_request_is_bounded(data: Path) -> None:
    """The application gets what has come before it is all there."""
    given = 0

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        await receive()
        assert given == MAX_REQUEST // 1_000_000 + 1

    def pieces() -> Iterator[Message]:
        nonlocal given
        for given in range(1, 100):  # noqa: B007 - read by the application
            yield {"type": "http.request", "body": b" " * 1_000_000, "more_body": True}

    await post(wrap(app, data), pieces())


async def post(app: ASGIApp, messages: Iterable[Message]) -> None:
    """One request of JSON, whose body comes as these messages."""
    coming = iter(messages)

    async def receive() -> Message:
        return next(coming)

    async def send(_message: Message) -> None:
        pass

    headers = [(b"content-type", b"application/json")]
    await app({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive, send)


# --- what reaches the application, byte for byte --------------------------------------------------


ODD: Final = (
    ' {  "v" : 1.50 , "e":1e2,\t"keys":{"a":1,"b" :  2},"big":12345678901234567890,\r\n'
    '"caf\\u00e9": "\\ud83d\\ude00 \\/ é" , "image"  :"URL" ,"again": {"image":"URL","n":-0.0},'
    '"list":[ 1 ,"URL", [ "URL"] ],"empty":{ } } \n'
)


@pytest.mark.parametrize(
    "shape", [ODD, ODD.replace(" ", ""), json.dumps(json.loads(ODD), indent=3)]
)
async def test_only_what_is_put_back_differs_from_what_was_sent(data: Path, shape: str) -> None:
    """A webhook's signature covers bytes; whatever holds nothing of ours keeps them."""
    chat = Chat()
    async with wrapped(chat, data) as (_, client):
        url = (await history_of(client))[0]["parts"][1]["url"]
        headers = {"content-type": "application/json"}
        await client.post("/chat", content=shape.replace("URL", url), headers=headers)
        assert chat.bodies[-1].decode() == shape.replace("URL", INLINE)
        elsewhere = shape.replace("URL", f"/api/media/image/{UNKNOWN}")
        await client.post("/chat", content=elsewhere, headers=headers)
        assert chat.bodies[-1].decode() == elsewhere


async def test_a_name_that_stands_twice_is_read_as_the_application_reads_it(data: Path) -> None:
    chat = Chat()
    async with wrapped(chat, data) as (_, client):
        url = (await history_of(client))[0]["parts"][1]["url"]
        body = f'{{"image":"{url}", "image":"{url}"}}'
        await client.post("/chat", content=body, headers={"content-type": "application/json"})
        assert chat.provided == {"image": INLINE}


async def test_what_only_lenient_readers_take_gets_its_media_too(data: Path) -> None:
    """Half of a character, as a page cuts it off, and a number that is none."""
    chat = Chat()
    async with wrapped(chat, data) as (_, client):
        url = (await history_of(client))[0]["parts"][1]["url"]
        body = f'{{"text":"\\ud83d","image":"{url}"}}'
        await client.post("/chat", content=body, headers={"content-type": "application/json"})
        assert chat.provided == {"text": "\ud83d", "image": INLINE}


@pytest.mark.parametrize(
    "values", ["1", '"a"', "{}", "[]"], ids=["numbers", "texts", "objects", "arrays"]
)
async def test_a_message_of_countless_values_stays_as_it_is(data: Path, values: str) -> None:
    chat = Chat()
    async with wrapped(chat, data) as (app, client):
        url = (await history_of(client))[0]["parts"][1]["url"]
        body = f'["{url}",{",".join([values] * (MAX_VALUES + 1))}]'
        await client.post("/chat", content=body, headers={"content-type": "application/json"})
        assert chat.bodies[-1].decode() == body
        (posted,) = [one for one in app.report().routes if one.route == "POST /chat"]
        assert dict(posted.left) == {TOO_MANY_VALUES: 1}


async def test_the_headers_tell_of_the_body_that_the_application_reads(data: Path) -> None:
    seen: list[tuple[dict[str, str], bytes]] = []

    async def chat(request: Request) -> Response:
        headers = request.headers  # a framework holds on to them before it reads
        body = await request.body()
        seen.append((dict(headers), body))
        return Response()

    app = Chat()
    app.app.router.routes.append(Route("/headers", chat, methods=["POST"]))
    async with wrapped(app, data, owner=owner_of) as (_, client):  # a hook reads headers, too
        url = (await history_of(client))[0]["parts"][1]["url"]
        of_the_bytes = {
            "content-digest": "sha-256=:x:",
            "repr-digest": "sha-256=:x:",
            "digest": "sha-256=x",
            "content-md5": "x",
        }
        kind = {"content-type": "application/json", "x-own": "1"}

        async def pieces(body: str) -> AsyncIterator[bytes]:
            yield body.encode()

        for document in (json.dumps({"image": url}), json.dumps({"image": "x"})):
            await client.post("/headers", content=document, headers=of_the_bytes | kind)
            chunked = of_the_bytes | kind | {"transfer-encoding": "chunked"}
            await client.post("/headers", content=pieces(document), headers=chunked)
    assert len(seen) == 4
    for headers, body in seen[:2]:
        assert json.loads(body) == {"image": INLINE}
        assert int(headers["content-length"]) == len(body)
        assert not headers.keys() & {*of_the_bytes, "transfer-encoding"}
        assert headers["x-own"] == "1"
    for headers, _ in seen[2:]:
        assert headers.keys() >= of_the_bytes.keys()
    assert seen[3][0]["transfer-encoding"] == "chunked"


# --- when a body is read --------------------------------------------------------------------------


async def test_a_body_that_the_application_refuses_unread_is_not_read(data: Path) -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 401, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    answered: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("The body is read.")

    async def send(message: Message) -> None:
        answered.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-length", b"8000000")]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    await wrap(app, data)(scope, receive, send)
    assert answered[0]["status"] == 401


async def test_a_client_that_stops_in_its_body_is_warned_of_as_nothing(data: Path) -> None:
    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    wrapped_app = wrap(app, data)
    coming: list[Message] = [
        {"type": "http.request", "body": b'"media://', "more_body": True},
        {"type": "http.disconnect"},
    ]
    await post(wrapped_app, coming)
    assert not wrapped_app.report().routes


async def test_an_application_that_stops_waiting_for_a_body_gets_all_of_it(data: Path) -> None:
    """Starlette asks in this way whether the client is still there."""
    chat = Chat()
    got: list[Message] = []

    async def impatient(_scope: Scope, receive: Receive, _send: Send) -> None:
        while not got:
            for seconds in (0, 0.0001, 0.001, 60):
                with anyio.move_on_after(seconds):
                    got.append(await receive())
                    break

    async with wrapped(chat, data) as (app, client):
        url = (await history_of(client))[0]["parts"][1]["url"]
        body = json.dumps({"image": url}).encode()
        pieces = [body[at : at + 7] for at in range(0, len(body), 7)]
        coming = iter(pieces)

        async def receive() -> Message:
            await anyio.sleep(0.001)
            piece = next(coming)
            return {"type": "http.request", "body": piece, "more_body": piece is not pieces[-1]}

        async def send(_message: Message) -> None:
            pass

        app.middleware._app = impatient
        headers = [(b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
        await app(scope, receive, send)
    (message,) = got
    assert json.loads(message["body"]) == {"image": INLINE}
    assert message["more_body"] is False


# --- whose requests are rewritten -----------------------------------------------------------------


def is_a_page(connection: HTTPConnection, headers: Headers | None) -> bool:
    if headers is not None and headers.get("x-raw"):
        return False
    return "x-api-key" not in connection.headers


async def test_a_client_that_expects_base64_has_its_requests_left_alone(data: Path) -> None:
    chat = Chat()
    async with wrapped(chat, data, when=is_a_page) as (app, client):
        url = (await history_of(client))[0]["parts"][1]["url"]
        await client.post("/chat", json={"image": url}, headers={"x-api-key": "1"})
        assert chat.provided == {"image": url}
        await client.post("/chat", json={"image": url})
        assert chat.provided == {"image": INLINE}
        assert sum(one.restored for one in app.report().routes) == 1


def test_a_socket_that_is_not_chosen_has_its_frames_left_alone(data: Path) -> None:
    chat = Chat()
    with TestClient(wrap(chat.app, data, when=is_a_page)) as client:
        url = client.get("/history").json()[0]["parts"][1]["url"]
        for headers, image in (({"x-api-key": "1"}, url), ({}, INLINE)):
            with client.websocket_connect("/ws", headers=headers) as socket:
                socket.send_json({"image": url})
                socket.receive()
            assert chat.provided == {"image": image}


async def test_a_predicate_that_fails_leaves_a_request_as_it_came(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def of_answers_alone(_connection: HTTPConnection, headers: Headers | None) -> bool:
        return headers["content-type"] == "application/json"  # type: ignore[index]

    chat = Chat()
    async with wrapped(chat, data, when=of_answers_alone) as (app, client):
        url = (await history_of(client))[0]["parts"][1]["url"]
        await client.post("/chat", json={"image": url})
        assert chat.provided == {"image": url}
        (posted,) = [one for one in app.report().routes if one.route == "POST /chat"]
        assert dict(posted.left) == {UNEXPECTED: 1}
    assert "`when` failed" in caplog.text


# --- URLs that have expired -----------------------------------------------------------------------


def user_of(connection: HTTPConnection) -> str | None:
    return connection.headers.get("x-user")


def owner_of(scope: Scope) -> str | None:
    return user_of(HTTPConnection(scope))


def principal_of(connection: HTTPConnection) -> Principal | None:
    user = user_of(connection)
    return None if user is None else Principal(user)


class Clock:
    """The time, which passes as a test says."""

    def __init__(self) -> None:
        self.now = time.time()

    def time(self) -> float:
        return self.now

    def pass_months(self) -> None:
        self.now += 60 * 24 * 3600


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the signatures."""
    clock = Clock()
    monkeypatch.setattr("coatcheck.wrapping.time", clock)
    return clock


async def test_an_expired_url_proves_nothing_any_more(data: Path, clock: Clock) -> None:
    """A history that is posted back too late: who may read it is for the application to say."""
    chat = Chat()
    async with wrapped(chat, data) as (app, client):
        url = (await history_of(client))[0]["parts"][1]["url"]
        forged = url.replace("expires=1", "expires=2")
        clock.pass_months()
        for sent, reason in ((url, "expired"), (forged, "forbidden")):
            await client.post("/chat", json={"image": sent})
            assert chat.provided == {"image": sent}
            (posted,) = [one for one in app.report().routes if one.route == "POST /chat"]
            assert posted.left[reason] == 1
            assert posted.restored == 0


@pytest.mark.parametrize(
    "options", [{}, {"access": PrincipalAccess(principal_of)}], ids=["owner", "access"]
)
async def test_an_expired_url_is_no_obstacle_for_who_may_read_anyway(
    data: Path, clock: Clock, options: dict[str, Any]
) -> None:
    chat = Chat()
    async with wrapped(chat, data, owner=owner_of, **options) as (_, client):
        url = (await history_of(client, **{"x-user": "ada"}))[0]["parts"][1]["url"]
        clock.pass_months()
        for user, image in (("ada", INLINE), ("bob", url)):
            await client.post("/chat", json={"image": url}, headers={"x-user": user})
            assert chat.provided == {"image": image}
