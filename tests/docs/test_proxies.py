"""Configurations of proxies: read by the program where it is installed, else by their braces.

What `docs/how-to/nginx.md` does is tested in `tests/integration/test_nginx.py`.
"""

import getpass
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio
import httpx
import pytest
import websockets
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from websockets.typing import Origin

from coatcheck.errors import ConfigurationError
from coatcheck.server.process import ApplicationServer
from coatcheck_chat.app import create_app
from coatcheck_chat.settings import Settings
from tests.docs.blocks import ROOT, Block, all_blocks, blocks_of
from tests.docs.shell import free_port
from tests.media import png_bytes
from tests.serving import serving

SEARCH: Final = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))
NGINX: Final = shutil.which("nginx", path=SEARCH)
CADDY: Final = shutil.which("caddy", path=SEARCH)
HOST: Final = {"host": "media.example.com"}
CONFIGURATIONS: Final = [
    pytest.param(block, id=block.name)
    for block in all_blocks()
    if block.language in {"nginx", "caddy"} and block.is_run
]
# What a directive of nginx or a Caddyfile looks like: words, then its end or a block.
DIRECTIVE: Final = {
    "nginx": re.compile(r'([a-z_]+|"")( [^{};]+)?(;| \{)|\}|#.*'),
    "caddy": re.compile(r"\S+( [^{}]+)?( \{)?|\}|#.*"),
}


@pytest.mark.parametrize("block", CONFIGURATIONS)
def test_a_configuration_is_well_formed(block: Block) -> None:
    depth = 0
    for line in filter(None, map(str.strip, block.text.splitlines())):
        assert DIRECTIVE[block.language].fullmatch(re.sub(" {2,}", " ", line)), line
        depth += line.endswith("{") - (line == "}")
        assert depth >= 0, line
    assert depth == 0


def localised(block: Block, *places: tuple[str, str]) -> str:
    text = block.text
    for there, here in places:
        assert there in text, there
        text = text.replace(there, here)
    return text


def the_block(page: str, language: str) -> Block:
    (block,) = [b for b in blocks_of(ROOT / page) if b.language == language]
    return block


@asynccontextmanager
async def running(command: list[str], port: int) -> AsyncIterator[str]:
    process = await anyio.open_process(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 30
        while True:
            assert process.returncode is None, "it ended"
            assert time.monotonic() < deadline
            try:
                await (await anyio.connect_tcp("127.0.0.1", port)).aclose()  # noqa: TID251 - a test
                break
            except OSError:
                await anyio.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()
        await process.aclose()


@pytest.mark.anyio
@pytest.mark.skipif(CADDY is None, reason="Caddy is not installed")
async def test_caddy_passes_on_what_coatcheck_says(data: Path, tmp_path: Path) -> None:
    app = create_app(Settings(data=data, allowed_hosts="media.example.com"))
    async with (
        serving(app) as upstream,
        caddy(tmp_path, upstream) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as client,
    ):
        port = client.base_url.port
        client.headers["host"] = f"media.example.com:{port}"
        sent = await client.post("/api/media/upload", content=png_bytes())
        assert sent.status_code == 201
        path = sent.json()["url"]
        whole = await client.get(path)
        assert (whole.status_code, whole.content) == (200, png_bytes())
        assert "immutable" in whole.headers["cache-control"]
        etag = whole.headers["etag"]
        assert (await client.get(path, headers={"if-none-match": etag})).status_code == 304
        part = await client.get(path, headers={"range": "bytes=0-7"})
        assert (part.status_code, len(part.content)) == (206, 8)
        assert (await client.get("/metrics")).status_code == 404
        assert (await client.get("/healthz")).status_code == 200
        largest = b"a" * (64 * 1024 * 1024)
        assert (await client.post("/api/media/upload", content=largest)).status_code == 201
        authority = f"media.example.com:{port}"
        connection = websockets.connect(
            f"ws://{authority}/ws/chat",
            origin=Origin(f"http://{authority}"),
            host="127.0.0.1",
            port=port,
        )
        async with connection as chat:
            await chat.send("{}")
            assert "protocol_error" in str(await chat.recv())


async def name_client(request: Request) -> Response:
    assert request.client is not None
    return JSONResponse([request.client.host, request.url.scheme])


ECHO: Final = Starlette(routes=[Route("/", name_client)])
TRUSTING: Final = Settings(trusted_proxies="127.0.0.1")
SPOOFED: Final = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}


@pytest.mark.anyio
@pytest.mark.parametrize("setting", ["", "10.0.0.0/8"])
async def test_an_address_that_a_client_claims_is_not_believed(setting: str) -> None:
    async with (
        serving(ECHO, Settings(trusted_proxies=setting)) as address,
        httpx.AsyncClient() as client,
    ):
        told = await client.get(f"http://{address}/", headers=SPOOFED)
    assert told.json() == ["127.0.0.1", "http"]


@pytest.mark.anyio
@pytest.mark.parametrize("setting", ["127.0.0.1", " 10.0.0.0/8 , 127.0.0.0/8 "])
async def test_a_trusted_proxy_says_who_the_client_is(setting: str) -> None:
    async with (
        serving(ECHO, Settings(trusted_proxies=setting)) as address,
        httpx.AsyncClient() as client,
    ):
        told = await client.get(f"http://{address}/", headers=SPOOFED)
    assert told.json() == ["203.0.113.9", "https"]


@pytest.mark.parametrize("setting", ["localhost", "127.0.0.1,*", "10.0.0.0/33"])
def test_a_trusted_proxy_is_an_address_or_a_network(setting: str) -> None:
    with pytest.raises(ConfigurationError, match="COATCHECK_TRUSTED_PROXIES"):
        ApplicationServer(ECHO, Settings(trusted_proxies=setting))


@pytest.mark.anyio
async def test_another_claimed_address_gets_no_allowance_of_its_own(data: Path) -> None:
    app = create_app(Settings(data=data, chat_messages=1))
    async with serving(app) as address, httpx.AsyncClient(base_url=f"http://{address}") as client:
        statuses = [
            (
                await client.post("/api/chat", json={}, headers={"x-forwarded-for": claimed})
            ).status_code
            for claimed in ("203.0.113.1", "203.0.113.2")
        ]
    assert statuses == [400, 429]


@pytest.mark.anyio
@pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 is Linux' without being set up")
@pytest.mark.parametrize(
    "proxy",
    [
        pytest.param(
            "nginx", marks=pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
        ),
        pytest.param(
            "caddy", marks=pytest.mark.skipif(CADDY is None, reason="Caddy is not installed")
        ),
    ],
)
async def test_behind_the_recipe_the_client_is_the_real_one(tmp_path: Path, proxy: str) -> None:
    """The client has another address than the proxy, and claims a third."""
    behind = nginx if proxy == "nginx" else caddy
    transport = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
    async with (
        serving(ECHO, TRUSTING) as upstream,
        behind(tmp_path, upstream) as url,
        httpx.AsyncClient(transport=transport, headers=HOST | SPOOFED) as client,
    ):
        told = await client.get(url)
    assert told.json() == ["127.0.0.2", "http"]


@asynccontextmanager
async def caddy(place: Path, upstream: str) -> AsyncIterator[str]:
    port = free_port()
    text = localised(
        the_block("docs/how-to/caddy.md", "caddy"),
        ("media.example.com {", f"http://media.example.com:{port} {{"),
        ("127.0.0.1:8787", upstream),
    )
    config = place / "Caddyfile"
    config.write_text("{\n\tadmin off\n}\n" + text)
    command = [str(CADDY), "run", "--adapter", "caddyfile", "--config", str(config)]
    async with running(command, port) as url:
        yield url


@asynccontextmanager
async def nginx(place: Path, upstream: str) -> AsyncIterator[str]:
    async with configured("docs/how-to/nginx.md", place, upstream, ("user coatcheck;", "")) as url:
        yield url


@pytest.mark.anyio
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_cookies_are_secure_where_the_proxy_says_https(data: Path, scheme: str) -> None:
    keys = f"k:{secrets.token_hex(32)}"
    app = create_app(Settings(data=data, access="cookie", keys=SecretStr(keys)))
    async with serving(app, TRUSTING) as upstream, httpx.AsyncClient() as client:
        page = await client.get(f"http://{upstream}/", headers={"x-forwarded-proto": scheme})
    cookies = page.headers.get_list("set-cookie")
    assert len(cookies) == 2
    assert {"secure" in cookie.lower() for cookie in cookies} == {scheme == "https"}


@pytest.mark.anyio
@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
async def test_an_edge_keeps_media_and_nothing_else(data: Path, tmp_path: Path) -> None:
    """One picture is asked for once; a format chosen by Accept has a place of its own."""
    app = create_app(Settings(data=data, allowed_hosts="media.example.com"))
    async with (
        serving(app) as upstream,
        edge(tmp_path, upstream) as url,
        httpx.AsyncClient(base_url=url, headers=HOST) as client,
    ):
        sent = await client.post("/api/media/upload", content=png_bytes(640, 480))
        path = sent.json()["url"]

        async def state(query: str = "", **headers: str) -> tuple[int, str, str]:
            answer = await client.get(path + query, headers=headers)
            kind = answer.headers["content-type"]
            return answer.status_code, answer.headers["x-cache"], kind

        assert [(await state())[1] for _ in range(2)] == ["MISS", "HIT"]
        assert (await state("?thumbnail=true"))[1:] == ("MISS", "image/webp")
        webp, png = {"accept": "image/webp"}, {"accept": "image/png"}
        assert await state("?w=256", **webp) == (200, "MISS", "image/webp")
        assert await state("?w=256", **png) == (200, "MISS", "image/png")
        assert await state("?w=256", **webp) == (200, "HIT", "image/webp")
        assert (await client.get(path, headers={"range": "bytes=0-7"})).status_code == 206
        crowd = []

        async def ask() -> None:
            crowd.append((await state("?w=128&format=webp"))[1])

        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(ask)
        assert sorted(crowd) == ["HIT"] * 7 + ["MISS"]

        deleted = await client.delete(f"/api/media/{sent.json()['id']}")
        assert deleted.status_code == 204
        assert (await state())[:2] == (200, "HIT")  # the page says so: purge it
        unknown = [await state("?w=64") for _ in range(2)]
        assert [(status, cache) for status, cache, _ in unknown] == [(404, "MISS")] * 2
        listed = [await client.get("/api/conversations") for _ in range(2)]
        assert all("x-cache" not in answer.headers for answer in listed)
        assert (await client.get("/metrics")).status_code == 404


@asynccontextmanager
async def edge(place: Path, upstream: str) -> AsyncIterator[str]:
    cache = ("/var/cache/nginx/media", f"{place}/cache")
    async with configured("docs/how-to/cdn.md", place, upstream, cache) as url:
        yield url


@asynccontextmanager
async def configured(
    page: str, place: Path, upstream: str, *places: tuple[str, str]
) -> AsyncIterator[str]:
    """nginx with the configuration of a page."""
    port = free_port()
    folders = " ".join(
        f"{kind}_temp_path {place}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = f"user {getpass.getuser()};" if os.getuid() == 0 else ""
    text = localised(
        the_block(page, "nginx"),
        *places,
        ("worker_processes auto;", f"{user} worker_processes 1; daemon off;"),
        ("/run/nginx.pid", f"{place}/pid"),
        ("/var/log/nginx/error.log", f"{place}/error.log"),
        ("access_log off;", f"access_log off; {folders}"),
        ("127.0.0.1:8787", upstream),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
    )
    config = place / "nginx.conf"
    config.write_text(text)
    command = [str(NGINX), "-p", str(place), "-c", str(config), "-e", f"{place}/error.log"]
    async with running(command, port) as url:
        yield url
