"""Which pages may change something: the origin check of every route, in every access mode."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import httpx
import pytest
from starlette.requests import HTTPConnection

from coatcheck.delivery import bodies
from coatcheck.delivery.origin import client_address, is_same_origin
from coatcheck_chat.app import create_app
from coatcheck_chat.settings import Settings
from tests.media import png_bytes
from tests.serving import serving

pytestmark = pytest.mark.anyio

KEY = "a:jN3kq0Zr8vTf1xWm5yHc7uLp2sDg9aEo"
FOREIGN = (
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {"origin": ""},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
)


@asynccontextmanager
async def opened(data: Path, access: str = "open") -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings.model_validate({"data": data, "access": access, "keys": KEY})
    async with (
        serving(create_app(settings)) as address,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=60) as client,
    ):
        await client.get("/")  # names the browser, where browsers have names
        yield client


async def upload(client: httpx.AsyncClient, **headers: str) -> httpx.Response:
    return await client.post("/api/media/upload", content=png_bytes(), headers=headers)


async def talk(client: httpx.AsyncClient) -> str:
    conversation = str(uuid4())
    message = {"id": str(uuid4()), "role": "user", "parts": [{"type": "text", "text": "hello"}]}
    body = {"id": conversation, "messages": [message]}
    assert (await client.post("/api/chat", json=body)).status_code == 200
    return conversation


@pytest.mark.parametrize("access", ["open", "signed", "cookie"])
async def test_a_page_of_another_origin_uploads_and_deletes_nothing(
    data: Path, access: str
) -> None:
    async with opened(data, access) as client:
        reference = (await upload(client)).json()
        form = {"file": ("a.png", png_bytes(9, 9), "image/png")}
        for headers in FOREIGN:
            for answer in (
                await upload(client, **headers, **{"content-type": "text/plain"}),
                await client.post("/api/media/upload", files=form, headers=headers),
                await client.delete(f"/api/media/{reference['id']}", headers=headers),
            ):
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        listed = (await client.get("/api/media")).json()["media"]
        assert [one["reference"]["id"] for one in listed] == [reference["id"]]


@pytest.mark.parametrize("access", ["open", "signed", "cookie"])
async def test_a_page_of_another_origin_changes_no_conversation(data: Path, access: str) -> None:
    async with opened(data, access) as client:
        conversation = await talk(client)
        url = f"/api/conversations/{conversation}"
        before = (await client.get(url)).json()
        for headers in FOREIGN:
            for answer in (
                await client.patch(url, json={"title": "Mine now"}, headers=headers),
                await client.delete(url, headers=headers),
                await client.post(f"{url}/restore", headers=headers),
            ):
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert (await client.get(url)).json() == before


@pytest.mark.parametrize("access", ["open", "signed", "cookie"])
async def test_the_page_itself_and_programs_are_served(data: Path, access: str) -> None:
    async with opened(data, access) as client:
        own = {"origin": str(client.base_url), "sec-fetch-site": "same-origin"}
        for headers in (own, {"sec-fetch-site": "none"}, {}):
            answer = await upload(client, **headers)
            assert answer.status_code == 201
            url = f"/api/media/{answer.json()['id']}"
            assert (await client.delete(url, headers=headers)).status_code == 204
            conversation = f"/api/conversations/{await talk(client)}"
            renamed = await client.patch(conversation, json={"title": "Sea"}, headers=headers)
            assert renamed.json()["title"] == "Sea"


async def test_reading_is_open_to_pages_of_other_origins(data: Path) -> None:
    async with opened(data) as client:
        reference = (await upload(client)).json()
        for headers in FOREIGN:
            for url in (reference["url"], f"/api/media/{reference['id']}", "/api/conversations"):
                assert (await client.get(url, headers=headers)).status_code == 200


def test_a_handshake_is_judged_by_its_origin_alone() -> None:
    scope: dict[str, Any] = {
        "type": "websocket",
        "headers": [
            (b"host", b"a:1"),
            (b"sec-fetch-site", b"cross-site"),
            (b"origin", b"ws://a:1"),
        ],
    }
    assert is_same_origin(HTTPConnection(scope))


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        (None, ""),
    ],
)
def test_a_client_is_counted_by_its_address_or_network(host: str | None, address: str) -> None:
    client = None if host is None else (host, 1234)
    assert client_address(HTTPConnection({"type": "http", "client": client})) == address


# --- bodies --------------------------------------------------------------------------------------


async def answer_to_a_trickle(address: str, head: str) -> bytes:
    """What comes back where a byte is sent every now and then, and the end of the body never."""
    host, _, port = address.rpartition(":")
    stream = await anyio.connect_tcp(host, int(port))  # noqa: TID251 - a test's own client
    received = b""

    async def trickle() -> None:
        while True:
            await stream.send(b" ")
            await anyio.sleep(0.05)

    async with stream, anyio.create_task_group() as tasks:
        await stream.send(f"{head} HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n".encode())
        tasks.start_soon(trickle)
        with anyio.fail_after(30):
            while b'"upload_timeout"' not in received:
                received += await stream.receive()
        tasks.cancel_scope.cancel()
    return received


@pytest.mark.parametrize("method", ["PATCH /api/conversations/{}", "POST /api/chat"])
async def test_27_a_body_that_trickles_in_is_left_at_the_deadline(
    data: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.3)
    async with opened(data) as client:
        address = client.base_url.netloc.decode()
        received = await answer_to_a_trickle(address, method.format(await talk(client)))
    assert received.startswith(b"HTTP/1.1 408 ")
    assert b"\r\nconnection: close\r\n" in received.lower()


async def test_27_a_body_that_is_too_long_is_left_before_its_end(data: Path) -> None:
    async with opened(data) as client:
        conversation = f"/api/conversations/{await talk(client)}"
        title = json.dumps({"title": "x" * 17_000}).encode()
        answer = await client.patch(conversation, content=title)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
        assert "16,384 bytes" in answer.json()["detail"]
