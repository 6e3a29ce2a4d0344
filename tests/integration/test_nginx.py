"""Originals sent by nginx, under the configuration of `docs/how-to/nginx.md`.

Where nginx is not installed, a stand-in does what the headers say: the contract is the same.
"""

import getpass
import os
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coatcheck.delivery import media_app
from coatcheck.delivery.access import SignedAccess
from coatcheck.delivery.sendfile import SendFile
from coatcheck.errors import ConfigurationError
from coatcheck.opening import Backends
from coatcheck.reference import MediaReference
from coatcheck.signing import Key, Keyring, UrlSigner
from tests.media import png_bytes
from tests.serving import serving

pytestmark = pytest.mark.anyio

PAGE: Final = Path(__file__).parents[2] / "docs" / "how-to" / "nginx.md"
NGINX: Final = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
SETTING: Final = "x-accel-redirect:/internal/blobs"
FOREVER: Final = "public, max-age=31536000, immutable"
SIGNER: Final = UrlSigner(Keyring((Key("a", b"jN3kq0Zr8vTf1xWm5yHc7uLp2sDg9aEo"),)), lambda: 1e9)


class StandIn:
    """Replaces an answer that names a file by that file; nobody may ask for one."""

    def __init__(self, app: ASGIApp, blobs: Path) -> None:
        self._app = app
        self._blobs = blobs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        blob: bytes | None = None

        async def replace(message: Message) -> None:
            nonlocal blob
            if message["type"] == "http.response.start":
                headers = dict(message["headers"])
                named = headers.pop(b"x-accel-redirect", None)
                if named is not None:
                    blob = await anyio.Path(
                        self._blobs / named.decode().removeprefix("/internal/blobs/")
                    ).read_bytes()
                    asked = dict(scope["headers"]).get(b"range")
                    if asked is not None:
                        first, last = map(int, asked.decode().removeprefix("bytes=").split("-"))
                        whole, blob = len(blob), blob[first : last + 1]
                        headers[b"content-range"] = b"bytes %d-%d/%d" % (first, last, whole)
                        message["status"] = 206
                    headers[b"content-length"] = b"%d" % len(blob)
                    headers[b"accept-ranges"] = b"bytes"
                message["headers"] = list(headers.items())
            elif blob is not None:
                message["body"] = blob
            await send(message)

        await self._app(scope, receive, replace)


def configuration(place: Path, port: int, upstream: str, blobs: Path) -> str:
    """The page's configuration, with this test's places in it."""
    match = re.search(r"^```nginx\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert match is not None
    config = match[1]
    for there, here in (
        ("user coatcheck;", f"user {getpass.getuser()};" if os.getuid() == 0 else ""),
        ("worker_processes auto;", "worker_processes 1; daemon off;"),
        ("/run/nginx.pid", f"{place}/pid"),
        ("/var/log/nginx/error.log", f"{place}/error.log"),
        ("127.0.0.1:8787", upstream),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("/var/lib/coatcheck/blobs/", f"{blobs}/"),
        ("access_log off;", "access_log off; " + temporary_paths(place)),
    ):
        assert there in config
        config = config.replace(there, here)
    return config


def temporary_paths(place: Path) -> str:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return " ".join(f"{kind}_temp_path {place}/{kind};" for kind in kinds)


@asynccontextmanager
async def proxied(app: ASGIApp, place: Path, blobs: Path) -> AsyncIterator[str]:
    """`app` behind nginx; yields ``host:port``."""
    if NGINX is None:
        async with serving(StandIn(app, blobs)) as address:
            yield address
        return
    async with serving(app) as upstream:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        place.mkdir()
        config = place / "nginx.conf"
        config.write_text(configuration(place, port, upstream, blobs))
        process = await anyio.open_process(
            [NGINX, "-p", str(place), "-c", str(config), "-e", f"{place}/error.log"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with anyio.fail_after(20):
                while not await listens(port):
                    assert process.returncode is None, (place / "error.log").read_text()
                    await anyio.sleep(0.02)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            await process.aclose()


async def listens(port: int) -> bool:
    try:
        stream = await anyio.connect_tcp("127.0.0.1", port)  # noqa: TID251 - a test's own server
    except OSError:
        return False
    await stream.aclose()
    return True


@dataclass
class Site:
    """A client of the server behind nginx and one past it, and what is stored there."""

    behind: httpx.AsyncClient
    past: httpx.AsyncClient
    reference: MediaReference
    content: bytes

    @property
    def url(self) -> str:
        return f"/api/media/image/{self.reference.id}"


@pytest.fixture
async def site(backends: Backends, data: Path, tmp_path: Path) -> AsyncIterator[Site]:
    content = png_bytes(600, 400)
    reference = await backends.store.put(content, display_name="sea.png")
    sendfile = SendFile.parse(SETTING, backends.local_paths)
    app = Starlette(routes=[Mount("/api/media", media_app(backends.store, sendfile=sendfile))])
    async with (
        proxied(app, tmp_path / "nginx", data / "blobs") as address,
        serving(app) as direct,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=30) as behind,
        httpx.AsyncClient(base_url=f"http://{direct}", timeout=30) as past,
    ):
        yield Site(behind, past, reference, content)


async def test_nginx_sends_the_original_under_our_headers(site: Site) -> None:
    answer = await site.behind.get(site.url)
    assert (answer.status_code, answer.content) == (200, site.content)
    headers = answer.headers
    assert headers["etag"] == f'"{site.reference.digest.removeprefix("sha-256:")}"'
    assert headers["cache-control"] == FOREVER
    assert headers["content-type"] == "image/png"
    assert headers["content-length"] == str(len(site.content))
    assert headers["content-disposition"] == 'inline; filename="sea.png"'
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["accept-ranges"] == "bytes"
    assert headers["server-timing"].startswith("total;dur=")
    assert len(headers.get_list("etag")) == len(headers.get_list("cache-control")) == 1
    assert not {"x-accel-redirect", "last-modified", "content-range"} & set(headers)


async def test_the_server_itself_names_the_file_and_sends_no_byte(site: Site, data: Path) -> None:
    answer = await site.past.get(site.url)
    assert (answer.status_code, answer.content) == (200, b"")
    named = answer.headers["x-accel-redirect"]
    assert named.startswith("/internal/blobs/")
    blob = data / "blobs" / named.removeprefix("/internal/blobs/")
    assert blob.read_bytes() == site.content


async def test_a_range_is_cut_out(site: Site) -> None:
    answer = await site.behind.get(site.url, headers={"range": "bytes=5-9"})
    assert (answer.status_code, answer.content) == (206, site.content[5:10])
    assert answer.headers["content-range"] == f"bytes 5-9/{len(site.content)}"
    assert answer.headers["etag"] == f'"{site.reference.digest.removeprefix("sha-256:")}"'


@pytest.mark.skipif(NGINX is None, reason="the stand-in reads one range and nothing else")
async def test_conditions_are_ours_to_judge(site: Site) -> None:
    tag = f'"{site.reference.digest.removeprefix("sha-256:")}"'
    late = "Fri, 01 Jan 2100 00:00:00 GMT"
    early = "Fri, 01 Jan 1990 00:00:00 GMT"
    for condition, status in (
        ({"if-none-match": tag}, 304),
        ({"if-none-match": '"other"'}, 200),
        ({"if-match": tag}, 200),
        ({"if-match": '"other"'}, 412),
        ({"if-modified-since": late}, 200),
        ({"if-unmodified-since": early}, 200),
        ({"range": "bytes=0-4", "if-range": tag}, 206),
        ({"range": "bytes=0-4", "if-range": '"other"'}, 200),
        ({"range": "bytes=0-4", "if-range": late}, 200),
        ({"range": "bytes=0-1,4-5"}, 200),
        ({"range": "bytes=99999999-"}, 416),
    ):
        answer = await site.behind.get(site.url, headers=condition)
        assert answer.status_code == status, condition
        if status == 200:
            assert answer.content == site.content, condition
    headed = await site.behind.head(site.url)
    assert (headed.status_code, headed.headers["content-length"]) == (200, str(len(site.content)))


async def test_renditions_and_errors_are_our_own(site: Site) -> None:
    thumbnail = await site.behind.get(f"{site.url}?thumbnail=true")
    assert (thumbnail.status_code, thumbnail.headers["content-type"]) == (200, "image/webp")
    assert thumbnail.content
    variant = await site.past.get(f"{site.url}?w=64&format=jpeg")
    assert variant.content
    assert "x-accel-redirect" not in variant.headers
    missing = await site.behind.get("/api/media/image/9188cc90-b172-47e9-b493-4e22175bd478")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


async def test_nobody_gets_at_the_blobs_by_their_place(site: Site) -> None:
    named = (await site.past.get(site.url)).headers["x-accel-redirect"]
    for path in (named, "/internal/blobs/", "/internal/blobs/../catalog.sqlite3", "/metrics"):
        answer = await site.behind.get(path)
        assert answer.status_code == 404, path
        assert site.content not in answer.content


async def test_a_missing_or_short_blob_is_an_error_of_ours(site: Site, data: Path) -> None:
    named = (await site.past.get(site.url)).headers["x-accel-redirect"]
    blob = data / "blobs" / named.removeprefix("/internal/blobs/")
    blob.unlink()
    answer = await site.behind.get(site.url)
    assert (answer.status_code, answer.json()["code"]) == (500, "damaged_blob")
    assert answer.headers["cache-control"] == "no-store"


async def test_authorization_comes_first(backends: Backends) -> None:
    reference = await backends.store.put(png_bytes())
    sendfile = SendFile.parse("x-sendfile", backends.local_paths)
    media = media_app(backends.store, access=SignedAccess(SIGNER), sendfile=sendfile)
    async with (
        serving(Starlette(routes=[Mount("/api/media", media)])) as address,
        httpx.AsyncClient(base_url=f"http://{address}/api/media/image") as client,
    ):
        refused = await client.get(f"/{reference.id}")
        assert refused.status_code == 403
        assert "x-sendfile" not in refused.headers
        answer = await client.get(f"/{reference.id}?{SIGNER.query(reference.id)}")
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["cache-control"].startswith("private")
        assert Path(answer.headers["x-sendfile"]).read_bytes() == png_bytes()


@pytest.mark.parametrize(
    "setting", ["on", "x-accel-redirect", "x-accel-redirect:", "x-accel-redirect:/a b", "nginx", ""]
)
async def test_a_setting_that_means_nothing_is_refused(setting: str, backends: Backends) -> None:
    with pytest.raises(ConfigurationError):
        SendFile.parse(setting, backends.local_paths)
    assert SendFile.parse("off", backends.local_paths) is None
