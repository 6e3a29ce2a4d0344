"""How much an upload may take of time and room: attack 27, faults 5, 6 and 13.

Time limits of tests are far above what is needed: they end a test that hangs.
"""

import errno
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from anyio.abc import SocketStream
from starlette.requests import Request
from starlette.types import Message

from coatcheck.delivery import media_app
from coatcheck.delivery.upload import receive_upload
from coatcheck.errors import (
    EmptyMediaError,
    InvalidInputError,
    MediaTooLargeError,
    QuotaExceededError,
    StorageFullError,
    UploadTimeoutError,
)
from coatcheck.opening import open_backends
from coatcheck.options import StoreOptions
from coatcheck.store import MediaStore
from coatcheck_chat.app import create_app
from coatcheck_chat.settings import Settings
from tests.media import png_bytes
from tests.serving import serving

pytestmark = pytest.mark.anyio

HANGS = 30
TEXT = b"text " * 200  # 1,000 bytes
PICTURE = png_bytes(24, 16)
FORM = "multipart/form-data; boundary=limit"
IN_FORM = (
    b'--limit\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    + TEXT
    + b"\r\n--limit--\r\n"
)

Receive = Callable[[], Any]


def request(
    receive: Receive, content_type: str = "text/plain", length: int | None = None
) -> Request:
    headers = [(b"content-type", content_type.encode())]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    return Request(scope, receive)


def sending(*chunks: bytes, then: Message | None = None) -> Receive:
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
    ]
    messages.append(then or {"type": "http.request"})

    async def receive() -> Message:
        return messages.pop(0)

    return receive


async def never_asked() -> Message:
    raise AssertionError("the body was read")


def kept_files(data: Path) -> list[Path]:
    return sorted(path for path in data.rglob("*") if not path.name.startswith("catalog."))


@asynccontextmanager
async def limited(data: Path, owner_bytes: int) -> AsyncIterator[MediaStore]:
    async with open_backends(StoreOptions(data=data, owner_bytes=owner_bytes)) as backends:
        yield backends.store


@pytest.fixture
def staged(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Grows with each file that is begun."""
    begun: list[object] = []
    genuine = os.open

    def watched(path: Any, flags: int, *rest: Any, **more: Any) -> int:
        if flags & os.O_CREAT and str(path).endswith(".part"):
            begun.append(path)
        return genuine(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", watched)
    return begun


# --- time ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", ["text/plain", FORM])
@pytest.mark.parametrize("sent", [IN_FORM[:9], IN_FORM[:40], IN_FORM[:200]])
async def test_27_a_slow_upload_is_left_at_the_deadline(
    store: MediaStore, data: Path, content_type: str, sent: bytes
) -> None:
    """Each byte arrives soon after the last: only a deadline for the whole can end it."""
    rest = bytearray(sent)

    async def drip() -> Message:
        if rest:
            body = bytes(rest)
            rest.clear()
        else:
            await anyio.sleep(0.02)
            body = b"x"
        return {"type": "http.request", "body": body, "more_body": True}

    before = kept_files(data)
    with anyio.fail_after(HANGS), pytest.raises(UploadTimeoutError):
        await receive_upload(request(drip, content_type), store, seconds=0.3)
    assert kept_files(data) == before


async def test_27_looking_at_the_picture_is_not_on_the_sender_s_time(store: MediaStore) -> None:
    """What has arrived in time is stored, however long that takes."""

    async def receive() -> Message:
        if store._admission._renderer is not slow:
            raise AssertionError
        return messages.pop(0)

    class Slow:
        async def inspect(self, path: Path, media_type: str, **rest: Any) -> object:
            await anyio.sleep(1.2)
            return await genuine.inspect(path, media_type, **rest)

    genuine = store._admission._renderer
    slow: Any = Slow()
    store._admission._renderer = slow
    messages: list[Message] = [{"type": "http.request", "body": PICTURE}]
    stored = await receive_upload(request(receive, "image/png"), store, seconds=1.0)
    assert stored.size == len(PICTURE)


async def test_27_over_http_a_slow_upload_gets_408_and_the_connection_closed(
    store: MediaStore, data: Path
) -> None:
    before = kept_files(data)
    async with (
        serving(media_app(store, upload_seconds=0.3)) as address,
        await connect(address) as stream,
    ):
        await stream.send(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\ntext")
        received = b""
        with anyio.fail_after(HANGS):
            while True:
                try:
                    received += await stream.receive()
                except anyio.EndOfStream:  # closed by the server, which has had enough
                    break
    assert received.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"upload_timeout"' in received
    assert b"\r\nconnection: close\r\n" in received.lower()
    assert kept_files(data) == before


async def test_the_setting_reaches_the_server(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []

    def watched(*args: Any, upload_seconds: float, **more: Any) -> Any:
        given.append(upload_seconds)
        return media_app(*args, upload_seconds=upload_seconds, **more)

    monkeypatch.setattr("coatcheck.server.service.media_app", watched)
    server = create_app(Settings(data=data, upload_seconds=7))
    async with server.router.lifespan_context(server):
        assert given == [7]


# --- size and quota ------------------------------------------------------------------------------


async def connect(address: str) -> SocketStream:
    host, _, port = address.rpartition(":")
    return await anyio.connect_tcp(host, int(port))  # noqa: TID251 - a test's own client


@pytest.mark.parametrize("length", ["1000001", "9" * 20, "9" * 5000])
async def test_6_an_announced_size_over_the_limit_is_refused_unread(
    store: MediaStore, staged: list[object], length: str
) -> None:
    store.max_bytes = 1_000_000
    asked = request(never_asked)
    asked.scope["headers"].append((b"content-length", length.encode()))
    with pytest.raises(MediaTooLargeError):
        await receive_upload(asked, store)
    assert staged == []


async def test_27_a_size_that_was_not_announced_is_counted(store: MediaStore, data: Path) -> None:
    store.max_bytes = 10_000
    before = kept_files(data)
    chunks = [TEXT] * 1000
    with pytest.raises(MediaTooLargeError):
        await receive_upload(request(sending(*chunks)), store)
    field = b'--limit\r\nContent-Disposition: form-data; name="n"\r\n\r\n'
    with pytest.raises(MediaTooLargeError):  # fields are not kept, yet they end somewhere
        await receive_upload(request(sending(field, *chunks), FORM), store)
    assert kept_files(data) == before


@pytest.mark.parametrize("content_type", ["text/plain", FORM])
@pytest.mark.parametrize("used", [1000, 1500, 2000])
async def test_6_a_quota_that_is_used_up_is_refused_before_anything_is_written(
    data: Path, staged: list[object], content_type: str, used: int
) -> None:
    async with limited(data, used) as store:
        await store.put(b"x" * used, owner="ada")
        staged.clear()
        before = kept_files(data)
        with pytest.raises(QuotaExceededError):
            await receive_upload(request(never_asked, content_type), store, owner="ada")
        assert staged == []
        assert kept_files(data) == before
        body = IN_FORM if content_type == FORM else TEXT
        stored = await receive_upload(request(sending(body), content_type), store, owner="bob")
        assert stored.size == 1000


async def test_6_an_announced_size_over_the_quota_is_refused_unread(
    data: Path, staged: list[object]
) -> None:
    async with limited(data, 1500) as store:
        await store.put(TEXT, owner="ada")
        staged.clear()
        with pytest.raises(QuotaExceededError):
            await receive_upload(request(never_asked, length=501), store, owner="ada")
        with pytest.raises(QuotaExceededError):
            length = 501 + 64 * 1024
            await receive_upload(request(never_asked, FORM, length), store, owner="ada")
        with pytest.raises(QuotaExceededError):
            await store.put(b"y" * 501, owner="ada")
        with pytest.raises(QuotaExceededError):
            await store.put(memoryview(b"y" * 502).cast("H"), owner="ada")
        assert staged == []
        stored = await receive_upload(request(sending(b"y" * 500), length=500), store, owner="ada")
        assert stored.size == 500


async def test_6_what_grows_over_the_quota_leaves_nothing(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    await anyio.Path(file).write_bytes(b"z" * 501)
    async with limited(data, 1500) as store:
        await store.put(TEXT, owner="ada")
        before = kept_files(data)
        for content_type, body in [("text/plain", b"y" * 501), (FORM, IN_FORM)]:
            pieces = [body[start : start + 100] for start in range(0, len(body), 100)]
            with pytest.raises(QuotaExceededError):
                await receive_upload(request(sending(*pieces), content_type), store, owner="ada")
        with pytest.raises(QuotaExceededError):
            await store.put(file, owner="ada")
        assert kept_files(data) == before
        assert await store.blob_count() == 1


@pytest.mark.parametrize("different", [True, False])
async def test_6_puts_at_the_same_time_share_the_quota(data: Path, *, different: bool) -> None:
    """All begin while there is room; the lock of the catalog decides who gets it."""
    refused: list[int] = []
    begun = anyio.Semaphore(0)
    gate = anyio.Event()

    async def put(store: MediaStore, number: int) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            begun.release()
            await gate.wait()
            yield TEXT[:-1] + (b"%d" % number if different else b"!")

        try:
            await store.put(chunks(), owner="ada")
        except QuotaExceededError:
            refused.append(number)

    async with limited(data, 2500 if different else 1500) as store:
        async with anyio.create_task_group() as tasks:
            for number in range(6):
                tasks.start_soon(put, store, number)
            for _ in range(6):
                await begun.acquire()
            gate.set()
        assert len(refused) == (4 if different else 0)  # the same content takes room once
        assert [finding.state async for finding in store.verify()] == ["sound"] * (
            2 if different else 1
        )
        assert list((data / "staging").iterdir()) == []


async def test_6_known_content_counts_for_whoever_it_is_new_to(data: Path) -> None:
    """Another owner's blob is not a way around one's own quota."""
    async with limited(data, 1500) as store:
        await store.put(TEXT, owner="bob")
        await store.put(b"x" * 1000, owner="ada")
        with pytest.raises(QuotaExceededError):
            await store.put(TEXT, owner="ada")
        raced: list[bytes] = []

        async def chunks() -> AsyncIterator[bytes]:
            yield TEXT
            await store.put(b"c" * 1000, owner="eve")  # eve's room is gone in the meantime
            raced.append(TEXT)

        with pytest.raises(QuotaExceededError):
            await store.put(chunks(), owner="eve")
        assert raced
        assert {finding.state async for finding in store.verify()} == {"sound"}


async def test_6_deleting_makes_room(data: Path) -> None:
    async with limited(data, 1000) as store:
        first = await store.put(TEXT)
        with pytest.raises(QuotaExceededError):  # without an owner, all count as one
            await store.put(b"other")
        await store.delete(first.id)
        await store.put(b"other")


async def test_the_same_bytes_by_the_same_owner_are_a_new_reference_to_the_same_blob(
    data: Path,
) -> None:
    async with limited(data, 2000) as store:
        first = await receive_upload(request(sending(TEXT)), store, owner="ada")
        kept = kept_files(data)
        second = await receive_upload(request(sending(TEXT)), store, owner="ada")
        assert first.id != second.id
        assert first.digest == second.digest
        assert kept_files(data) == kept
        assert (await store.record(second.id)).owner == "ada"
        await store.put(b"x" * 1000, owner="ada")  # counted once, there is room for as much again


async def test_6_over_http_a_quota_is_413_with_its_own_code(data: Path) -> None:
    async with limited(data, 1000) as store:
        transport = httpx.ASGITransport(media_app(store))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            assert (await client.post("/upload", content=TEXT)).status_code == 201
            answer = await client.post("/upload", content=b"more")
    assert (answer.status_code, answer.json()["code"]) == (413, "quota_exceeded")
    assert answer.headers["cache-control"] == "no-store"


# --- clients that leave, disks that are full -----------------------------------------------------


@pytest.mark.parametrize("content_type", ["text/plain", FORM])
async def test_13_a_client_gone_in_the_middle_leaves_nothing(
    store: MediaStore, data: Path, content_type: str
) -> None:
    before = kept_files(data)
    asked = request(sending(IN_FORM[:200], then={"type": "http.disconnect"}), content_type)
    with pytest.raises(InvalidInputError):
        await receive_upload(asked, store)
    assert kept_files(data) == before
    assert await store.blob_count() == 0


async def test_13_over_http_a_client_gone_in_the_middle_leaves_nothing(
    store: MediaStore, data: Path
) -> None:
    before = kept_files(data)
    async with serving(media_app(store)) as address:
        async with await connect(address) as stream:
            await stream.send(
                b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\ntext"
            )
            with anyio.fail_after(HANGS):
                while kept_files(data) == before:  # noqa: ASYNC110 - files tell nobody
                    await anyio.sleep(0.01)
        with anyio.fail_after(HANGS):
            while kept_files(data) != before:  # noqa: ASYNC110 - likewise
                await anyio.sleep(0.01)
    assert await store.blob_count() == 0


async def test_5_a_full_disk_leaves_nothing(
    store: MediaStore, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await store.put(PICTURE)
    before = kept_files(data)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StorageFullError):
            await receive_upload(request(sending(TEXT)), store)
    assert kept_files(data) == before
    assert (await store.thumbnail(first.id)).data


async def test_an_empty_upload_is_empty_whatever_it_announces(store: MediaStore) -> None:
    for length in (None, 0, 5):
        with pytest.raises(EmptyMediaError):
            await receive_upload(request(sending(), length=length), store)
