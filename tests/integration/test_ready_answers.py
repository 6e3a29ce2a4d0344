"""Ready answers: the same as those that are made anew, and only for whoever may have them."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from io import StringIO
from typing import Any

import anyio
import httpx
import pytest
from anyio.abc import SocketStream
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coatcheck.delivery import (
    Authorizer,
    Metrics,
    OpenAccess,
    PrincipalAccess,
    SignedAccess,
    media_app,
)
from coatcheck.delivery import ready as ready_module
from coatcheck.delivery.app import MediaApplication
from coatcheck.delivery.observation import ACCESS_LOG, AccessLines
from coatcheck.errors import NotFoundError
from coatcheck.ports import MediaRecord, MediaRecords
from coatcheck.reference import MediaReference
from coatcheck.server.app import ServiceApplication
from coatcheck.server.settings import Settings
from coatcheck.signing import Key, Keyring, UrlSigner
from coatcheck.store import MediaStore
from tests.media import png_bytes
from tests.serving import Passing, lasting_headers, serving

pytestmark = pytest.mark.anyio

KEY, OTHER_KEY = Key("new", b"0f8d2c7a81b64e93" * 2), Key("old", b"9a1c55e07b3d42f6" * 2)
QUERIES = ("?thumbnail=true", "?w=64&format=png", "?w=64", "", "?download=true", "?format=auto")
LARGE = b"%PDF-1.7\n" + bytes(300_000)


class Watched(ServiceApplication):
    """Counts the answers that came from the table."""

    def __init__(self, hosts: list[str], media: MediaApplication) -> None:
        super().__init__(hosts, routes=[Mount("/api/media", media)])
        self.ready = media.ready
        self.hits = 0

    def find_ready(self, scope: Scope) -> Any:
        answer = super().find_ready(scope)
        self.hits += answer is not None
        return answer


@asynccontextmanager
async def served(
    media: MediaApplication, hosts: str = "*", settings: Settings | None = None
) -> AsyncIterator[tuple[httpx.AsyncClient, Watched]]:
    app = Watched([hosts], media)
    async with (
        serving(app, settings, find_ready=app.find_ready) as address,
        httpx.AsyncClient(base_url=f"http://{address}/api/media", timeout=60) as client,
    ):
        yield client, app


@asynccontextmanager
async def connected(client: httpx.AsyncClient) -> AsyncIterator[SocketStream]:
    port = client.base_url.port or 0
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:  # noqa: TID251 - a test's own
        yield stream


async def put(store: MediaStore, seed: int = 1) -> MediaReference:
    return await store.put(png_bytes(300, 200, seed=seed), display_name="sea.png")


async def warm(client: httpx.AsyncClient, path: str, **options: Any) -> httpx.Response:
    """The answer once it is ready: the record of a picture changes when a variant is rendered."""
    for _ in range(2):
        await client.get(path, **options)
    return await client.get(path, **options)


# --- the same as before ---------------------------------------------------------------------------


@pytest.mark.parametrize("query", QUERIES)
async def test_a_ready_answer_is_the_one_that_was_made_byte_for_byte(
    store: MediaStore, query: str
) -> None:
    path = f"/image/{(await put(store)).id}{query}"
    made = media_app(store)
    made.add_middleware(Passing)
    async with served(made) as (anew, _), served(media_app(store)) as (client, app):
        for headers in ({}, {"if-none-match": "*"}, {"origin": "https://app.example.com"}):
            first = await anew.get(path, headers=headers)
            await client.get(path, headers=headers)
            hits = app.hits
            second = await client.get(path, headers=headers)
            assert app.hits == hits + 1
            assert (second.status_code, second.content) == (first.status_code, first.content)
            assert lasting_headers(second) == lasting_headers(first)
            assert [name for name, _ in second.headers.raw] == [
                name for name, _ in first.headers.raw
            ]


@pytest.mark.parametrize("query", QUERIES)
async def test_any_server_is_given_the_same_messages(store: MediaStore, query: str) -> None:
    """Without our server: the messages of ASGI."""
    path = f"/image/{(await put(store)).id}{query}"
    transport = httpx.ASGITransport(media_app(store))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        first, second = await client.get(path), await client.get(path)
        assert (second.status_code, second.content) == (first.status_code, first.content)
        assert lasting_headers(second) == lasting_headers(first)


async def test_what_the_table_does_not_know_is_left_to_the_application(store: MediaStore) -> None:
    path = f"/image/{(await put(store)).id}?thumbnail=true"
    async with served(media_app(store)) as (client, app):
        size = len((await warm(client, path)).content)
        hits = app.hits
        for status, query, headers in (
            (206, "", {"range": "bytes=0-9"}),
            (206, "", {"range": "bytes=0-9", "if-none-match": '"other"'}),
            (412, "", {"if-match": '"other"'}),
            (200, "", {"if-range": '"other"', "range": "bytes=0-9"}),
            (200, "", {"if-none-match": '"other"'}),
            (400, "&thumbnail=true", {}),
            (400, "&thumbnail=false", {}),
            (200, "&x=%20", {}),
        ):
            answer = await client.get(path + query, headers=headers)
            assert answer.status_code == status
        assert (await client.head(path)).headers["content-length"] == str(size)
        assert (await client.post(path)).status_code == 405
        assert app.hits == hits


async def test_unknown_parameters_are_passed_over_and_in_no_key(store: MediaStore) -> None:
    path = f"/image/{(await put(store)).id}?thumbnail=true"
    async with served(media_app(store)) as (client, app):
        await warm(client, path)
        hits, held = app.hits, len(app.ready._entries)  # type: ignore[union-attr]
        for number in range(5):
            assert (await client.get(f"{path}&v={number}&")).status_code == 200
            assert (await client.get(f"{path}&w=64&format=png")).status_code == 200
        assert app.hits == hits + 10
        assert len(app.ready._entries) == held  # type: ignore[union-attr]


async def test_the_format_follows_each_clients_accept(store: MediaStore) -> None:
    path = f"/image/{(await put(store)).id}?w=64"
    async with served(media_app(store)) as (client, app):
        for accept, expected in (("image/webp", "webp"), ("image/avif", "avif"), ("text/*", "png")):
            answer = await warm(client, path, headers={"accept": accept})
            assert answer.headers["content-type"] == f"image/{expected}"
            assert answer.headers["vary"] == "Accept"
        assert app.hits >= 3


async def test_what_is_answered_depends_on_the_origin(store: MediaStore) -> None:
    path = f"/image/{(await put(store)).id}?thumbnail=true"
    allowed, other = "https://app.example.com", "https://evil.example.com"
    async with served(media_app(store, allow_origins=[allowed])) as (client, app):
        for origin, shared in ((None, None), (allowed, allowed), (other, None), (allowed, allowed)):
            headers = {} if origin is None else {"origin": origin}
            answer = await warm(client, path, headers=headers)
            assert answer.headers.get("access-control-allow-origin") == shared
            assert "Origin" in answer.headers["vary"]
        assert app.hits == 2 + 2 + 2 + 3


async def test_each_parameter_that_matters_is_in_the_key(store: MediaStore) -> None:
    reference = await put(store)
    found = {}
    async with served(media_app(store)) as (client, app):
        for query in ("", "?thumbnail=true", "?w=64&format=png", "?w=128&format=png", "?w=64"):
            for download in ("", "download=true"):
                joined = f"{query}{'&' if query else '?'}{download}"
                hits = app.hits
                answer = await warm(client, f"/image/{reference.id}{joined}")
                assert app.hits > hits
                kept = answer.headers["content-disposition"].partition(";")[0]
                assert kept == ("attachment" if download else "inline")
                found[joined] = (kept, answer.headers["etag"], answer.headers["content-type"])
    assert len(set(found.values())) == len(found)


async def test_a_tag_of_other_content_is_no_304(store: MediaStore) -> None:
    path = f"/image/{(await put(store)).id}?thumbnail=true"
    async with served(media_app(store)) as (client, _):
        tag = (await warm(client, path)).headers["etag"]
        assert (await warm(client, path, headers={"if-none-match": tag})).status_code == 304
        for other in ('"other"', tag[:-1], "garbage", tag.upper()):
            answer = await client.get(path, headers={"if-none-match": other})
            assert (answer.status_code, answer.headers["etag"]) == (200, tag)
        for same in (f"W/{tag}", f'"other", {tag}', "*"):
            assert (await client.get(path, headers={"if-none-match": same})).status_code == 304


async def test_requests_are_answered_in_their_order(store: MediaStore) -> None:
    """Pipelined: ready ones between those that are made."""
    reference, document = await put(store), await store.put(LARGE)
    ready_path = f"/api/media/image/{reference.id}?thumbnail=true"
    made_path = f"/api/media/image/{document.id}"
    async with served(media_app(store)) as (client, app):
        size = len((await warm(client, f"/image/{reference.id}?thumbnail=true")).content)
        paths = [ready_path, ready_path, made_path, ready_path, made_path, ready_path]
        heads = "".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in paths)
        hits = app.hits
        async with connected(client) as stream:
            await stream.send(heads.encode())
            received = b""
            with anyio.fail_after(60):
                while received.count(b"HTTP/1.1 200 OK") < len(paths) or len(received) < 600_000:
                    received += await stream.receive()
        assert app.hits == hits + 4
        lengths = [int(part.split(b"\r\n")[0]) for part in received.split(b"content-length: ")[1:]]
        assert lengths == [size, size, len(LARGE), size, len(LARGE), size]


async def test_a_connection_that_is_to_be_closed_is_closed(store: MediaStore) -> None:
    path = f"/image/{(await put(store)).id}?thumbnail=true"
    async with served(media_app(store)) as (client, _):
        await warm(client, path)
        for version, header in (("1.1", "Connection: close\r\n"), ("1.0", "")):
            async with connected(client) as stream:
                head = f"GET /api/media{path} HTTP/{version}\r\nHost: x\r\n{header}\r\n"
                await stream.send(head.encode())
                received = b"".join([part async for part in stream])
            assert received.startswith(b"HTTP/1.1 200 OK")
            assert b"connection: close" in received


async def test_each_is_counted_and_logged_once(store: MediaStore) -> None:
    metrics, written = Metrics(), StringIO()
    reference = await put(store)
    path = f"/image/{reference.id}?thumbnail=true"
    log = logging.getLogger(ACCESS_LOG)
    lines = AccessLines(written)
    lines.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    before = log.propagate, log.level, log.handlers[:]
    log.propagate, log.handlers = False, [lines]
    log.setLevel(logging.INFO)
    try:
        async with served(media_app(store, metrics=metrics)) as (client, app):
            size = len((await client.get(path)).content)
            for _ in range(8):
                await client.get(path)
            tag = (await client.get(path)).headers["etag"]
            for _ in range(5):
                await client.get(path, headers={"if-none-match": tag})
            assert app.hits == 9 + 4
            counted = bytes((await metrics.answer(Request({"type": "http"}))).body).decode()
    finally:
        lines.flush()
        log.propagate, log.handlers = before[0], before[2]
        log.setLevel(before[1])
    for status, count, sent in ((200, 10, 10 * size), (304, 5, 0)):
        labels = f'{{kind="thumbnail",status="{status}"}}'
        assert f"coatcheck_requests_total{labels} {count}.0" in counted
        assert f"coatcheck_sent_bytes_total{labels} {sent}.0" in counted
        assert f"coatcheck_answer_seconds_count{labels} {count}.0" in counted
    assert "coatcheck_cache_hits_total 5.0" in counted
    said = written.getvalue().splitlines()
    assert len(said) == 15
    for line in said:
        stamp, _, fields = line.partition(" method=GET kind=thumbnail status=")
        assert len(stamp) == len("2026-11-30 02:44:49,123")
        assert fields.split()[0] in {"200", "304"}
        assert fields.endswith(f" complete=true id={reference.id}")


async def test_a_logger_with_other_handlers_gets_a_record_for_each(
    store: MediaStore, caplog: pytest.LogCaptureFixture
) -> None:
    path = f"/image/{(reference := await put(store)).id}?thumbnail=true"
    with caplog.at_level(logging.INFO, ACCESS_LOG):
        async with served(media_app(store)) as (client, app):
            await warm(client, path)
            assert app.hits == 2
    made, found, _ = [one.access for one in caplog.records if one.name == ACCESS_LOG]  # type: ignore[attr-defined]
    assert made.keys() == found.keys()
    assert found["id"] == reference.id
    assert {**made, "seconds": 0} == {**found, "seconds": 0}


async def test_the_next_one_to_be_told_may_change_the_headers(store: MediaStore) -> None:
    """An application's own middleware around `media_app` that adds to the list of headers."""
    path = f"/image/{(await put(store)).id}?thumbnail=true"
    media = media_app(store)

    async def adding(scope: Scope, receive: Receive, send: Send) -> None:
        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(raw=message["headers"]).append("x-added", "once")
            await send(message)

        await media(scope, receive, add)

    transport = httpx.ASGITransport(adding)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for _ in range(4):
            assert (await client.get(path)).headers.get_list("x-added") == ["once"]


# --- for whoever may have it ----------------------------------------------------------------------


async def test_the_host_is_checked_for_each_request(store: MediaStore) -> None:
    path = f"/image/{(await put(store)).id}?thumbnail=true"
    async with served(media_app(store), "127.0.0.1") as (client, app):
        await warm(client, path)
        hits = app.hits
        assert hits == 2
        for host in ("evil.example.com", "127.0.0.1.evil.example.com", "127.0.0.1:80:80", "[::1]"):
            answer = await client.get(path, headers={"host": host})
            assert (answer.status_code, app.hits) == (400, hits)
        assert (await client.get(path, headers={"host": "127.0.0.1"})).status_code == 200
        assert app.hits == hits + 1


@pytest.mark.parametrize(
    ("pattern", "host", "passes"),
    [
        ("*.example.com", "media.example.com", True),
        ("*.example.com", "MEDIA.example.com:8787", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "evilexample.com", False),
        ("Media.example.com", "media.example.com", True),
        ("[::1]", "[::1]:8787", True),
        ("localhost", "localhost:", False),
    ],
)
async def test_a_host_passes_only_if_the_middleware_lets_it_pass(
    store: MediaStore, pattern: str, host: str, passes: bool
) -> None:
    app = Watched([pattern], media_app(store))
    scope = {"type": "http", "headers": [(b"host", host.encode())]}
    assert app._answers_to(scope) is passes
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        passed = (await client.get("/nowhere", headers={"host": host})).status_code == 404
        assert passed or not passes


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


async def test_a_signature_is_checked_for_each_request(store: MediaStore) -> None:
    clock = Clock()
    signer = UrlSigner(Keyring((KEY,)), clock)
    one, two = await put(store), await put(store, 2)
    path = f"/image/{one.id}?thumbnail=true"
    signed, others = signer.query(one.id), signer.query(two.id)
    async with served(media_app(store, None, SignedAccess(signer))) as (client, app):
        assert (await warm(client, f"{path}&{signed}")).status_code == 200
        found = await warm(client, f"{path}&{signed}", headers={"if-none-match": "*"})
        tag = found.headers["etag"]
        hits = app.hits
        assert hits == 4
        for query in (
            *("", f"&{others}", f"&{signed[:-1]}", f"&{signed}&{signed}", f"&{signed}&signature=x"),
            f"&{signed.replace('expires=1', 'expires=2')}",
        ):
            for headers in ({}, {"if-none-match": tag}):
                answer = await client.get(path + query, headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert app.hits == hits
        assert (await client.get(f"{path}&{signed}")).status_code == 200
        assert app.hits == hits + 1
        clock.now += 26 * 3600
        for headers in ({}, {"if-none-match": tag}):
            assert (await client.get(f"{path}&{signed}", headers=headers)).status_code == 403


async def test_a_key_that_was_dropped_opens_nothing(store: MediaStore) -> None:
    clock = Clock()
    old = UrlSigner(Keyring((OTHER_KEY,)), clock)
    both, new = Keyring((KEY, OTHER_KEY)), Keyring((KEY,))
    reference = await put(store)
    path = f"/image/{reference.id}?thumbnail=true&{old.query(reference.id)}"
    for keyring, status in ((both, 200), (new, 403)):
        access = SignedAccess(UrlSigner(keyring, clock))
        async with served(media_app(store, None, access)) as (client, app):
            assert (await warm(client, path)).status_code == status
            assert app.hits == (2 if status == 200 else 0)


class Restricted(OpenAccess):
    """Derived from the mode that lets everyone read, and lets nobody."""

    async def find_readable(self, _scope: Scope, _store: MediaRecords) -> MediaRecord:
        raise NotFoundError


class RefusingSigned(SignedAccess):
    """Derived from the signed mode, and refuses what that lets pass."""

    async def find_readable(self, _scope: Scope, _store: MediaRecords) -> MediaRecord:
        raise NotFoundError


class RefusingOpen(OpenAccess):
    """Derived from the mode that lets everyone read, and lets no one."""

    async def find_readable(self, _scope: Scope, _store: MediaRecords) -> MediaRecord:
        raise NotFoundError


SIGNER = UrlSigner(Keyring((KEY,)), Clock())


@pytest.mark.parametrize(
    ("access", "status"),
    [
        (RefusingSigned(SIGNER), 404),
        (RefusingOpen(), 404),
        (PrincipalAccess(lambda _: None), 401),
    ],
)
async def test_only_what_decides_without_waiting_and_alone_has_ready_answers(
    store: MediaStore, access: Authorizer, status: int
) -> None:
    reference = await put(store)
    path = f"/image/{reference.id}?thumbnail=true&{SIGNER.query(reference.id)}"
    media, others = media_app(store, None, access), media_app(store)
    async with served(others) as (client, app):
        await warm(client, path)
        assert app.hits == 2
    assert media.ready is not None
    assert others.ready is not None
    media.ready._entries = others.ready._entries
    async with served(media) as (client, app):
        assert (await client.get(path)).status_code == status
        assert app.hits == 0


async def test_middleware_of_the_media_application_itself_is_not_passed_by(
    store: MediaStore,
) -> None:
    path = f"/image/{(await put(store)).id}?thumbnail=true"

    class Refusing:
        def __init__(self, app: ASGIApp) -> None:
            self._app = app
            self.asked = 0

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            self.asked += 1
            if self.asked > 1:
                raise NotFoundError
            await self._app(scope, receive, send)

    media = media_app(store)
    media.add_middleware(Refusing)
    async with served(media) as (client, _):
        assert [(await client.get(path)).status_code for _ in range(2)] == [200, 404]


@pytest.mark.parametrize("headers", [{}, {"if-none-match": "*"}])
async def test_what_is_deleted_here_is_gone_at_once(
    store: MediaStore, headers: dict[str, str]
) -> None:
    erase: list[Callable[[MediaReference], Any]] = [
        lambda reference: store.delete(reference.id),
        lambda _: store.erase_owner("ann"),
    ]
    async with served(media_app(store)) as (client, app):
        for number, remove in enumerate(erase):
            content = png_bytes(100, 80, seed=number)
            reference = await store.put(content, owner="ann")
            kept = await store.put(content, owner="ben")  # its bytes stay in memory
            for query in QUERIES:
                await warm(client, f"/image/{reference.id}{query}", headers=headers)
                await warm(client, f"/image/{kept.id}{query}", headers=headers)
            hits = app.hits
            await remove(reference)
            for query in QUERIES:
                answer = await client.get(f"/image/{reference.id}{query}", headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
                assert answer.headers["cache-control"] == "no-store"
            assert app.hits == hits
            assert (await client.get(f"/image/{kept.id}")).content == content


async def test_a_deletion_that_comes_while_the_answer_is_made_is_not_forgotten(
    store: MediaStore,
) -> None:
    reference = await put(store)
    media = media_app(store)
    path = f"/image/{reference.id}?thumbnail=true"

    async def deleting(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_late(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                await store.delete(reference.id)
            await send(message)

        await media(scope, receive, send_late)

    transport = httpx.ASGITransport(deleting)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get(path)).status_code == 200
        assert (await client.get(path)).status_code == 404


async def test_an_error_is_never_ready(
    store: MediaStore, data: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = await put(store)
    path = f"/image/{reference.id}?thumbnail=true"
    for blob in (data / "blobs").rglob("*"):
        if blob.is_file():
            blob.unlink()
    monkeypatch.setattr(store, "recall_blob", lambda _digest: None)
    async with served(media_app(store)) as (client, app):
        assert (await warm(client, path)).status_code == 500
        assert (await warm(client, f"/image/{reference.id}?w=x")).status_code == 400
        assert len(app.ready._entries) == 0  # type: ignore[union-attr]


async def test_too_many_connections_are_refused_as_before(store: MediaStore) -> None:
    path = f"/api/media/image/{(await put(store)).id}?thumbnail=true"
    async with served(media_app(store), settings=Settings(connections=4)) as (client, app):
        assert (await warm(client, path.removeprefix("/api/media"))).status_code == 200
        hits = app.hits
        async with AsyncExitStack() as stack:
            others = [await stack.enter_async_context(connected(client)) for _ in range(4)]
            await others[-1].send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert (await others[-1].receive()).startswith(b"HTTP/1.1 503 ")
        assert app.hits == hits


# --- bounded --------------------------------------------------------------------------------------


async def test_the_table_is_bounded_in_bytes(
    store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ready_module, "CAPACITY", 10_000)
    path = f"/image/{(await put(store)).id}?w=64"
    media = media_app(store)
    async with served(media) as (client, app):
        for number in range(40):
            await client.get(path, headers={"accept": f"image/webp,x/{number}"})
        assert app.ready is not None
        assert 0 < app.ready._entries.weight <= 10_000
        held = len(app.ready._entries)
        long = {"accept": "image/webp," + "x/y," * 200}
        assert (await warm(client, path, headers=long)).status_code == 200
        assert (await warm(client, path + "&x=" + "y" * 600)).status_code == 200
        assert (held, app.hits) == (len(app.ready._entries), 0)


async def test_large_media_stays_out_of_the_table(store: MediaStore) -> None:
    path = f"/image/{(await store.put(LARGE)).id}"
    async with served(media_app(store)) as (client, app):
        assert (await warm(client, path)).content == LARGE
        assert app.ready is not None
        assert len(app.ready._entries) == 0


async def test_a_client_that_does_not_read_is_waited_for(store: MediaStore) -> None:
    """Nobody buffers without end for it: what is not taken is left to the application's send."""
    reference = await store.put(bytes(itertools.islice(itertools.cycle(b"text "), 60_000)))
    path = f"/api/media/image/{reference.id}"
    async with served(media_app(store)) as (client, app):
        await warm(client, path.removeprefix("/api/media"))
        hits = app.hits
        heads = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 2_000  # 120 MB of answers
        async with connected(client) as stream:
            with anyio.move_on_after(2):
                await stream.send(heads)
                await asyncio.sleep(2)
            assert app.hits - hits < 1_000
