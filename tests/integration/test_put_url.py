"""`put_url` against real servers on loopback, hostile ones mostly: attacks 20, 21 and 27.

Time limits here are far above what is needed: they end a test that hangs, they measure nothing.
"""

import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import anyio
import pytest
from anyio.abc import ByteStream, SocketAttribute, SocketStream
from anyio.streams.tls import TLSStream

from coatcheck.errors import (
    CoatcheckError,
    ConfigurationError,
    EmptyMediaError,
    FetchError,
    FetchRefusedError,
    MediaTooLargeError,
    QuotaExceededError,
    UnprocessableMediaError,
    UnsupportedMediaError,
)
from coatcheck.fetching import AddressPolicy, FetchClient, FetchLimits
from coatcheck.fetching.addresses import Address
from coatcheck.opening import open_backends
from coatcheck.options import StoreOptions
from coatcheck.server.settings import Settings
from coatcheck.store import MediaStore
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

PICTURE = png_bytes(24, 16)
HANGS = 30
NAME = "origin.example"

Answer = bytes | Callable[[ByteStream], Awaitable[None]]


@dataclass
class Origin:
    """A server that answers each path as it is told and remembers what it was asked."""

    address: str
    answers: dict[str, Answer]
    port: int = 0
    asked: list[bytes] = field(default_factory=list)
    connections: int = 0
    open: int = 0

    async def is_left(self) -> None:
        """Wait until no connection is open."""
        with anyio.fail_after(HANGS):
            while self.open:  # noqa: ASYNC110 - connections end one by one
                await anyio.sleep(0.01)

    def url(self, path: str = "/sea.png", host: str | None = None, scheme: str = "http") -> str:
        return f"{scheme}://{host or self.address}:{self.port}{path}"

    async def serve(self, stream: ByteStream) -> None:
        self.connections += 1
        self.open += 1
        try:
            with suppress(anyio.BrokenResourceError, anyio.EndOfStream, ssl.SSLError):
                request = b""
                while b"\r\n\r\n" not in request:
                    request += await stream.receive()
                self.asked.append(request)
                answer = self.answers[request.split()[1].decode()]
                if isinstance(answer, bytes):
                    await stream.send(answer)
                else:
                    await answer(stream)
                await stream.aclose()
        finally:
            self.open -= 1


@asynccontextmanager
async def serving(
    answers: Mapping[str, Answer], *, address: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Origin]:
    origin = Origin(address, dict(answers))

    async def accept(stream: SocketStream) -> None:
        async with stream:
            if tls is None:
                await origin.serve(stream)
                return
            with suppress(ssl.SSLError, anyio.BrokenResourceError, anyio.EndOfStream):
                await origin.serve(await TLSStream.wrap(stream, server_side=True, ssl_context=tls))

    async with await anyio.create_tcp_listener(local_host=address, local_port=0) as listener:
        origin.port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - not Django's
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, accept)
            with anyio.fail_after(HANGS):
                yield origin
            tasks.cancel_scope.cancel()


def answer(body: bytes = PICTURE, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def head(*headers: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode()


def redirect(location: str, status: str = "302 Found") -> bytes:
    return answer(b"", f"Location: {location}", status=status)


class Names:
    """A resolver that answers each question with the next of its answers, the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str) -> Sequence[Address]:
        self.asked.append(host)
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [ip_address(address) for address in found]


def client(
    *origins: Origin,
    names: Names | None = None,
    tls: ssl.SSLContext | None = None,
    limits: FetchLimits | None = None,
) -> FetchClient:
    """A client that may reach these origins and nothing else on loopback."""
    allow = ",".join(f"{origin.address}:{origin.port}" for origin in origins)
    return FetchClient(AddressPolicy.parse(allow=allow), limits, resolver=names, tls=tls)


def kept_files(data: Path) -> list[Path]:
    return sorted(path for path in data.rglob("*") if not path.name.startswith("catalog."))


@pytest.fixture
def put(store: MediaStore, data: Path) -> Callable[..., Awaitable[None]]:
    async def put_refused(
        fetcher: FetchClient, url: str, error: type[CoatcheckError], match: str | None = None
    ) -> None:
        """Refused with exactly this error, and nothing is left."""
        before = kept_files(data)
        store._fetcher = fetcher
        with pytest.raises(error, match=match) as caught:
            await store.put_url(url)
        assert type(caught.value) is error
        assert "127.0" not in caught.value.message
        assert kept_files(data) == before
        assert await store.blob_count() == 0

    return put_refused


Refused = Callable[..., Awaitable[None]]


# --- what is fetched -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wire",
    [
        answer(),
        answer(PICTURE, "Content-Type: application/octet-stream"),
        head() + PICTURE,  # until the connection closes
        head("Transfer-Encoding: chunked")
        + b"".join(b"1\r\n%c\r\n" % byte for byte in PICTURE)
        + b"0\r\n\r\n",
        head(status="103 Early Hints") + answer(PICTURE, "content-encoding: IDENTITY"),
    ],
)
async def test_what_is_fetched_is_stored_bit_for_bit(store: MediaStore, wire: bytes) -> None:
    async with serving({"/a/sea%20x.png?size=big": wire}) as origin:
        store._fetcher = client(origin)
        stored = await store.put_url(origin.url("/a/sea%20x.png?size=big#part"), alt="the sea")
    assert (stored.display_name, stored.mime_type, stored.alt) == (
        "sea x.png",
        "image/png",
        "the sea",
    )
    assert (stored.width, stored.height) == (24, 16)
    stream = await store.open(stored.id)
    assert b"".join([chunk async for chunk in stream.chunks]) == PICTURE


async def test_a_request_tells_nothing_but_the_url(
    store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    cookie = "Set-Cookie: session=1; Path=/"
    async with serving({"/": answer(b"text"), "/from": b""}) as origin:
        origin.answers["/from"] = answer(b"", cookie, "Location: /", status="302 Found")
        store._fetcher = client(origin)
        for _ in range(2):
            await store.put_url(origin.url("/from"))
    lines = [request.decode().split("\r\n") for request in origin.asked]
    assert {tuple(line.partition(":")[0].lower() for line in one[1:] if line) for one in lines} == {
        ("host", "user-agent", "accept", "accept-encoding", "connection")
    }
    assert all(f"Host: 127.0.0.1:{origin.port}" in one for one in lines)
    assert all("Accept-Encoding: identity" in one for one in lines)
    assert len(origin.asked) == 4


async def test_the_url_is_not_kept(store: MediaStore, data: Path) -> None:
    async with serving({"/sea.png?token=secret": answer()}) as origin:
        store._fetcher = client(origin)
        await store.put_url(origin.url("/sea.png?token=secret"))
    for path in data.rglob("*"):
        assert path.is_dir() or b"token=secret" not in path.read_bytes()


async def test_the_next_address_is_tried_when_one_does_not_answer(store: MediaStore) -> None:
    async with serving({"/sea.png": answer()}) as origin:
        policy = AddressPolicy.parse(allow=f"127.0.0.0/8,127.0.0.0/8:{origin.port}")
        names = Names(["127.0.0.9", "127.0.0.1"])
        store._fetcher = FetchClient(policy, resolver=names)
        await store.put_url(origin.url(host=NAME))
        store._fetcher = FetchClient(policy, FetchLimits(addresses=1), resolver=names)
        with pytest.raises(FetchError):
            await store.put_url(origin.url(host=NAME))


async def test_the_settings_decide_what_is_reached(data: Path) -> None:
    async with serving({"/sea.png": answer()}) as origin:
        async with open_backends(StoreOptions(data=data)) as closed:
            with pytest.raises(FetchRefusedError):
                await closed.store.put_url(origin.url())
        allow = Settings(data=data, fetch_allow=f"127.0.0.1:{origin.port}")
        async with open_backends(allow.store_options) as opened:
            await opened.store.put_url(origin.url())
            await opened.store.put_url(origin.url(host="localhost"))  # the system's own resolver
    with pytest.raises(ConfigurationError, match="fetch_allow"):
        async with open_backends(StoreOptions(data=data, fetch_allow="localhost")):
            pass


# --- where nothing is fetched from ---------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "0.0.0.0",  # noqa: S104 - what Linux connects to loopback
        "0",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "localhost",
        "LOCALHOST",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
        "a@127.0.0.1",
    ],
)
async def test_20_loopback_is_refused_however_it_is_written(put: Refused, host: str) -> None:
    async with serving({"/sea.png": answer()}) as origin:
        # The port is allowed, so that only the address can be what is refused.
        fetcher = FetchClient(AddressPolicy(ports=frozenset({origin.port})))
        await put(fetcher, origin.url(host=host), FetchRefusedError)
        assert origin.connections == 0


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["8.8.8.8", "127.0.0.1"],
        ["127.0.0.1", "8.8.8.8"],
        ["169.254.169.254"],
        ["100.64.0.1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        ["2001:0:7f00:1::"],
        ["fe80::1%lo"],
        ["::"],
    ],
)
async def test_20_one_forbidden_address_of_a_name_is_enough(
    put: Refused, monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    async def connect(*_: object) -> SocketStream:
        raise AssertionError("dialled")

    monkeypatch.setattr(anyio, "connect_tcp", connect)
    fetcher = FetchClient(AddressPolicy(), resolver=Names(addresses))
    await put(fetcher, f"http://{NAME}/", FetchRefusedError)


async def test_20_only_known_ports_are_reached(put: Refused) -> None:
    names = Names(["8.8.8.8"])
    for port in (22, 25, 8080, 65_535):
        await put(
            FetchClient(AddressPolicy(), resolver=names),
            f"http://{NAME}:{port}/",
            FetchRefusedError,
        )
    assert names.asked == []


async def test_20_an_exception_is_for_its_own_port_alone(put: Refused) -> None:
    async with serving({"/sea.png": answer()}) as meant, serving({"/sea.png": answer()}) as other:
        policy = AddressPolicy.parse(ports=f"80,{other.port}", allow=f"127.0.0.1:{meant.port}")
        await put(FetchClient(policy), other.url(), FetchRefusedError)
        assert other.connections == 0


async def test_a_name_that_cannot_be_resolved_is_a_failure(put: Refused) -> None:
    await put(client(names=Names([])), f"http://{NAME}/", FetchError, "no address")
    await put(client(), "http://name.invalid/", FetchError, "cannot be resolved")
    await put(client(), f"http://{'a' * 70}.example/", FetchError, "cannot be resolved")


# --- redirects and rebinding ---------------------------------------------------------------------


async def test_21_a_name_is_resolved_once_and_that_very_address_dialled(store: MediaStore) -> None:
    """DNS rebinding: the second answer would lead elsewhere, but nobody asks for it."""
    async with serving({"/sea.png": answer()}) as public:
        names = Names(["127.0.0.1"], ["127.0.0.2"])
        store._fetcher = client(public, names=names)
        await store.put_url(public.url(host=NAME))
        assert names.asked == [NAME]
        assert public.connections == 1
        assert f"Host: {NAME}:{public.port}".encode() in public.asked[0]


async def test_21_the_second_answer_of_a_rebinding_name_is_refused(put: Refused) -> None:
    """The same name again, in a redirect, is checked anew."""
    async with (
        serving({"/": b""}) as public,
        serving({"/": answer()}, address="127.0.0.2") as inner,
    ):
        public.answers["/"] = redirect(inner.url("/", host=NAME))
        policy = AddressPolicy.parse(
            ports=f"{public.port},{inner.port}", allow=f"127.0.0.1:{public.port}"
        )
        names = Names(["127.0.0.1"], ["127.0.0.2"])
        fetcher = FetchClient(policy, resolver=names)
        await put(fetcher, public.url("/", host=NAME), FetchRefusedError)
        assert names.asked == [NAME, NAME]
        assert inner.connections == 0


@pytest.mark.parametrize("status", ["301 M", "302 F", "303 S", "307 T", "308 P"])
async def test_21_a_redirect_to_a_forbidden_address_is_refused(put: Refused, status: str) -> None:
    async with (
        serving({}) as public,
        serving({"/sea.png": answer()}, address="127.0.0.2") as inner,
    ):
        policy = AddressPolicy.parse(ports=f"{inner.port}", allow=f"127.0.0.1:{public.port}")
        for location in (
            inner.url(),
            f"//127.0.0.2:{inner.port}/sea.png",
            inner.url(host="inner.example"),
            inner.url(host="2130706434"),
            inner.url(host="user@127.0.0.2"),
        ):
            public.answers["/"] = redirect(location, status)
            fetcher = FetchClient(policy, resolver=Names(["127.0.0.2"]))
            await put(fetcher, public.url("/"), FetchRefusedError)
        assert inner.connections == 0
        assert public.connections == 5


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "ftp://example.com/", "http://8.8.8.8:22/", "http://a b/", "//["],
)
async def test_21_a_redirect_is_a_url_like_any_other(put: Refused, location: str) -> None:
    async with serving({"/": redirect(location)}) as origin:
        await put(client(origin), origin.url("/"), FetchRefusedError)


async def test_21_a_redirect_has_to_say_where_to_and_only_once(put: Refused) -> None:
    twice = head("Location: /a", "Location: /b", "Content-Length: 0", status="302 Found")
    illegible = redirect("/").replace(b"Location: /", b"Location: /\xff")
    async with serving(
        {"/": answer(b"", status="302 Found"), "/2": twice, "/3": illegible}
    ) as origin:
        await put(client(origin), origin.url("/"), FetchRefusedError)
        await put(client(origin), origin.url("/2"), FetchError, "contradicts")
        await put(client(origin), origin.url("/3"), FetchRefusedError)


async def test_21_redirects_come_to_an_end(put: Refused, store: MediaStore) -> None:
    async with serving({"/loop": redirect("/loop")}) as origin:
        await put(client(origin), origin.url("/loop"), FetchError, "redirects too often")
        assert origin.connections == 6
        for step in range(5):
            origin.answers[f"/{step}"] = redirect(f"/{step + 1}")
        origin.answers["/5"] = answer(b"text")
        await store.put_url(origin.url("/0"))


# --- slow, endless, broken -----------------------------------------------------------------------


async def hang(stream: ByteStream) -> None:
    await stream.receive()  # nothing comes but the end


def drip(start: bytes, more: bytes) -> Answer:
    """Send a little now and then, for ever: no single wait is long."""

    async def answer_slowly(stream: ByteStream) -> None:
        await stream.send(start)
        while True:
            await anyio.sleep(0.02)
            await stream.send(more)

    return answer_slowly


def flood(start: bytes, more: bytes) -> Answer:
    async def answer_endlessly(stream: ByteStream) -> None:
        await stream.send(start)
        while True:
            await stream.send(more)

    return answer_endlessly


@pytest.mark.parametrize(
    "slow",
    [
        hang,
        drip(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        drip(b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        drip(head("Content-Length: 1000000"), b"x"),
        drip(head("Transfer-Encoding: chunked"), b"1\r\nx\r\n"),
        drip(head(), b"x"),
        drip(b"", head(status="103 Early Hints")),
    ],
)
async def test_27_a_slow_origin_is_left_at_the_deadline(put: Refused, slow: Answer) -> None:
    async with serving({"/": slow}) as origin:
        fetcher = client(origin, limits=FetchLimits(seconds=0.4))
        await put(fetcher, origin.url("/"), FetchError, "too long")
        await origin.is_left()


async def test_27_redirects_share_one_deadline(put: Refused) -> None:
    async def late(stream: ByteStream) -> None:
        await anyio.sleep(0.3)
        await stream.send(redirect("/"))

    async with serving({"/": late}) as origin:
        fetcher = client(origin, limits=FetchLimits(seconds=0.5, redirects=1000))
        await put(fetcher, origin.url("/"), FetchError, "too long")
        assert origin.connections < 5


async def test_27_a_handshake_has_a_deadline_of_its_own(put: Refused) -> None:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0) as silent:
        port = silent.extra(SocketAttribute.local_port)  # noqa: S610 - not Django's
        fetcher = FetchClient(
            AddressPolicy.parse(allow=f"127.0.0.1:{port}"),
            FetchLimits(connect_seconds=0.2, seconds=900),
        )
        with anyio.fail_after(HANGS):
            await put(fetcher, f"https://127.0.0.1:{port}/", FetchError, "too long")


async def test_27_a_resolver_that_hangs_is_left(put: Refused) -> None:
    async def never(_host: str) -> Sequence[Address]:
        await anyio.sleep_forever()
        raise AssertionError

    fetcher = FetchClient(AddressPolicy(), FetchLimits(seconds=0.2), resolver=never)
    with anyio.fail_after(HANGS):
        await put(fetcher, f"http://{NAME}/", FetchError, "too long")


@pytest.mark.parametrize(
    "endless",
    [
        flood(head(), b"text " * 1000),
        flood(head("Transfer-Encoding: chunked"), b"3e8\r\n" + b"text " * 200 + b"\r\n"),
        flood(head("Transfer-Encoding: chunked"), b"1\r\nx\r\n" * 1000),
        answer(b"text " * 3000),
    ],
)
async def test_27_an_endless_body_is_left_at_the_limit(
    put: Refused, store: MediaStore, endless: Answer
) -> None:
    store.max_bytes = 10_000
    async with serving({"/": endless}) as origin:
        await put(client(origin), origin.url("/"), MediaTooLargeError)
        async with client(origin).fetch(origin.url("/"), max_bytes=20_000) as fetched:
            taken = 0
            with suppress(MediaTooLargeError):  # the client's own limit, whoever reads from it
                async for chunk in fetched.chunks:
                    taken += len(chunk)
            assert taken <= 20_000


async def test_27_an_announced_length_over_the_limit_is_refused_unread(
    put: Refused, store: MediaStore
) -> None:
    store.max_bytes = 10_000
    async with serving({"/": head("Content-Length: 10001")}) as origin:
        await put(client(origin), origin.url("/"), MediaTooLargeError)
        with pytest.raises(MediaTooLargeError):  # by the client itself, too
            async with client(origin).fetch(origin.url("/"), max_bytes=10_000):
                raise AssertionError


@pytest.mark.parametrize(
    "endless",
    [
        flood(b"HTTP/1.1 200 OK\r\n", b"X-Header: value\r\n"),
        flood(b"HTTP/1.1 200 OK\r\nX: ", b"v" * 1000),
        flood(b"HTTP/1.1 200 ", b"v" * 1000),
        flood(b"", head(status="103 Early Hints")),
        answer(b"text", "X: " + "v" * 60_000),
    ],
)
async def test_27_an_endless_head_is_left_at_the_limit(put: Refused, endless: Answer) -> None:
    async with serving({"/": endless}) as origin:
        await put(client(origin), origin.url("/"), FetchError)


@pytest.mark.parametrize(
    "endless",
    [
        flood(head("Transfer-Encoding: chunked") + b"1;", b"extension" * 1000),
        flood(head("Transfer-Encoding: chunked") + b"4\r\ntext\r\n0\r\n", b"X: trailer\r\n" * 100),
        flood(head("Transfer-Encoding: chunked") + b"4\r\ntext\r\n0\r\nX: ", b"v" * 1000),
    ],
)
async def test_27_nothing_around_the_body_is_endless_either(put: Refused, endless: Answer) -> None:
    async with serving({"/": endless}) as origin:
        await put(client(origin), origin.url("/"), FetchError, "broken")


@pytest.mark.parametrize(
    "broken",
    [
        head("Content-Length: 1000") + PICTURE[:10],
        head(f"Content-Length: {len(PICTURE) + 1}") + PICTURE,
        head("Transfer-Encoding: chunked") + b"5\r\ntext",
        head("Transfer-Encoding: chunked") + b"4\r\ntext\r\n",
        head("Transfer-Encoding: chunked") + b"-4\r\ntext\r\n",
        head("Transfer-Encoding: gzip, chunked") + b"4\r\ntext\r\n0\r\n\r\n",
        head("Content-Length: 4", "Content-Length: 5") + b"texts",
        head("Content-Length: " + "9" * 5000) + b"text",
        head("Content-Length: -4") + b"text",
        b"",
        b"HTTP/1.1 200",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        head("Bad Header: x") + b"text",
        b"text",
    ],
)
async def test_a_broken_answer_leaves_nothing(put: Refused, broken: bytes) -> None:
    async with serving({"/": broken}) as origin:
        await put(client(origin), origin.url("/"), FetchError)


async def test_a_length_that_is_too_short_gives_a_picture_cut_short(put: Refused) -> None:
    async with serving({"/": head(f"Content-Length: {len(PICTURE) - 20}") + PICTURE}) as origin:
        await put(client(origin), origin.url("/"), UnprocessableMediaError)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity, gzip"])
async def test_27_a_compressed_body_is_refused(put: Refused, encoding: str) -> None:
    async with serving({"/": answer(b"text", f"Content-Encoding: {encoding}")}) as origin:
        await put(client(origin), origin.url("/"), FetchError, "compressed")


@pytest.mark.parametrize(
    "status", ["206 Partial", "304 Not", "404 Not", "429 Too", "500 No", "300 M"]
)
async def test_only_a_whole_answer_is_media(put: Refused, status: str) -> None:
    async with serving({"/": answer(b"" if "304" in status else b"text", status=status)}) as origin:
        await put(client(origin), origin.url("/"), FetchError, status[:3])


async def test_a_connection_that_is_refused_or_reset_is_a_failure(put: Refused) -> None:
    async with serving({}) as origin:
        pass
    await put(client(origin), origin.url(), FetchError, "connection")


# --- TLS -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    named = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    subprocess.run(
        ["openssl", *made.split(), "-keyout", key, "-out", cert, *named],
        check=True,
        capture_output=True,
    )
    return cert, key


@pytest.fixture
def server_tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


@pytest.fixture
def trusting(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate[0])


async def test_a_trusted_certificate_is_taken(
    store: MediaStore, server_tls: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    async with serving({"/sea.png": answer()}, tls=server_tls) as origin:
        store._fetcher = client(origin, names=Names(["127.0.0.1"]), tls=trusting)
        stored = await store.put_url(origin.url(host=NAME, scheme="https"))
    assert stored.size == len(PICTURE)


async def test_21_an_untrusted_certificate_is_refused(
    put: Refused, server_tls: ssl.SSLContext
) -> None:
    async with serving({"/sea.png": answer()}, tls=server_tls) as origin:
        fetcher = client(origin, names=Names(["127.0.0.1"]))  # trusts what the system trusts
        await put(fetcher, origin.url(host=NAME, scheme="https"), FetchError, "certificate")
        assert origin.asked == []


@pytest.mark.parametrize("host", ["other.example", "127.0.0.1", f"a.{NAME}"])
async def test_21_a_certificate_has_to_name_the_host_of_the_url(
    put: Refused, server_tls: ssl.SSLContext, trusting: ssl.SSLContext, host: str
) -> None:
    async with serving({"/sea.png": answer()}, tls=server_tls) as origin:
        fetcher = client(origin, names=Names(["127.0.0.1"]), tls=trusting)
        await put(fetcher, origin.url(host=host, scheme="https"), FetchError, "certificate")
        assert origin.asked == []


async def test_21_tls_is_not_given_up_in_a_redirect(
    put: Refused, server_tls: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    async with serving({"/": answer()}) as plain, serving({}, tls=server_tls) as origin:
        origin.answers["/"] = redirect(plain.url("/"))
        fetcher = client(plain, origin, names=Names(["127.0.0.1"]), tls=trusting)
        await put(fetcher, origin.url("/", host=NAME, scheme="https"), FetchRefusedError)
        assert plain.connections == 0


async def test_a_body_that_tls_does_not_end_is_cut_short(
    put: Refused, server_tls: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    """A close without TLS' own goodbye: anyone on the way could have cut the connection."""

    async def cut(stream: ByteStream) -> None:
        await stream.send(head() + b"text")
        await anyio.aclose_forcefully(stream)

    async with serving({"/": cut}, tls=server_tls) as origin:
        fetcher = client(origin, names=Names(["127.0.0.1"]), tls=trusting)
        await put(fetcher, origin.url("/", host=NAME, scheme="https"), FetchError)


async def test_plain_http_where_tls_is_spoken_is_a_failure(put: Refused) -> None:
    async with serving({"/": answer()}) as origin:
        fetcher = client(origin, limits=FetchLimits(connect_seconds=0.3))
        await put(fetcher, origin.url("/", scheme="https"), FetchError)


# --- what the store makes of it ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/sea.png", ()),
        ("/sea", ("Content-Type: image/png",)),
        ("/sea.jpg", ("Content-Type: text/html",)),
    ],
)
async def test_text_under_an_image_s_name_or_type_is_refused(
    put: Refused, path: str, headers: tuple[str, ...]
) -> None:
    async with serving({path: answer(b"<html>not here</html>", *headers)}) as origin:
        await put(client(origin), origin.url(path), UnsupportedMediaError)


async def test_19_the_type_is_what_the_bytes_say(store: MediaStore) -> None:
    async with serving({"/page": answer(PICTURE, "Content-Type: text/html")}) as origin:
        store._fetcher = client(origin)
        assert (await store.put_url(origin.url("/page"))).mime_type == "image/png"


async def test_an_empty_answer_is_no_media(put: Refused) -> None:
    async with serving({"/": answer(b""), "/204": head(status="204 No Content")}) as origin:
        await put(client(origin), origin.url("/"), EmptyMediaError)
        await put(client(origin), origin.url("/204"), EmptyMediaError)


async def test_6_a_quota_is_looked_at_before_the_body(data: Path) -> None:
    """Fault 6: the body that would not fit never comes, and nobody waits for it."""
    async with serving({"/": head("Content-Length: 5000")}) as origin:
        settings = Settings(data=data, owner_bytes=4000, fetch_allow=f"127.0.0.1:{origin.port}")
        async with open_backends(settings.store_options) as backends:
            with pytest.raises(QuotaExceededError):
                await backends.store.put_url(origin.url("/"), owner="ada")


async def test_13_a_caller_who_leaves_leaves_nothing(store: MediaStore, data: Path) -> None:
    before = kept_files(data)
    async with serving({"/": drip(head("Content-Length: 1000000"), b"x" * 1000)}) as origin:
        store._fetcher = client(origin)
        with anyio.move_on_after(0.3) as scope:
            await store.put_url(origin.url("/"))
        assert scope.cancelled_caught
        await origin.is_left()
    assert kept_files(data) == before


async def test_a_store_without_a_fetcher_fetches_nothing(store: MediaStore) -> None:
    store._fetcher = None
    with pytest.raises(ConfigurationError):
        await store.put_url("http://example.com/")
