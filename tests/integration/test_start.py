"""``coatcheck serve`` as it is started: what it says, whom it answers, what its log holds."""

import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

import anyio
import httpx
import pytest

from tests.chatting import chatting, media
from tests.serving import serve_command
from tests.unit.cli.test_commands import coatcheck

pytestmark = pytest.mark.anyio

PAGE: Final = "Coatcheck's chat is on"


def a_file(data: Path) -> None:
    data.write_bytes(b"a file")


def below_a_file(data: Path) -> None:
    data.parent.rmdir()
    data.parent.write_bytes(b"a file")


def a_catalog_that_is_none(data: Path) -> None:
    data.mkdir()
    (data / "catalog.sqlite3").write_bytes(b"this is no database, and it is long enough to be one")


def a_newer_catalog(data: Path) -> None:
    data.mkdir()
    with sqlite3.connect(data / "catalog.sqlite3") as database:
        database.execute("CREATE TABLE alembic_version (version_num)")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")
    database.close()


def no_blobs(data: Path) -> None:
    data.mkdir()
    (data / "blobs").write_bytes(b"a file")


@pytest.mark.parametrize(
    "spoil", [a_file, below_a_file, a_catalog_that_is_none, a_newer_catalog, no_blobs]
)
def test_data_that_cannot_be_used_is_one_line_with_its_path(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    data = tmp_path / "place" / "data"
    data.parent.mkdir()
    spoil(data)
    ended = coatcheck(data, "--port", "0", module="coatcheck_chat")
    assert ended.returncode == 2
    assert ended.stdout == b""
    # What Alembic says of a catalog that it looks at may stand before it.
    said = [line for line in ended.stderr.decode().splitlines() if not line.startswith("INFO:")]
    assert len(said) == 1
    assert said[0].startswith(f"Error (storage_failed): {data}: ")


def test_a_read_only_place_is_one_line_with_its_path() -> None:
    data = Path("/proc/coatcheck")  # nothing is ever made there, by root neither
    ended = coatcheck(data, "--port", "0", module="coatcheck_chat")
    assert ended.returncode == 2
    (line,) = ended.stderr.decode().splitlines()
    assert line.startswith(f"Error (storage_failed): {data}: ")


async def test_a_server_on_an_ipv6_address_says_where_it_is(tmp_path: Path) -> None:
    async with (
        serve_command(tmp_path, "--host", "::1") as server,
        httpx.AsyncClient(base_url=f"http://{server.address}") as client,
    ):
        assert server.address.startswith("[::1]:")
        said = server.log.read_text()
        assert "Application startup complete" in said.partition(PAGE)[0]
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/healthz", headers={"host": "evil.example"})).status_code == 400


async def test_a_server_on_loopback_answers_to_its_own_names_alone(
    tmp_path: Path,
) -> None:
    async with (
        serve_command(tmp_path, "--host", "127.0.0.2") as server,
        httpx.AsyncClient(base_url=f"http://{server.address}") as client,
    ):
        for name, status in (("127.0.0.2", 200), ("localhost:80", 200), ("evil.example", 400)):
            answer = await client.get("/healthz", headers={"host": name})
            assert answer.status_code == status, name


@pytest.mark.parametrize("access", ["cookie", "signed"])
async def test_no_log_tells_what_lets_a_browser_in(tmp_path: Path, access: str) -> None:
    key = secrets.token_hex(32)
    variables = {
        "COATCHECK_ACCESS": access,
        "COATCHECK_KEYS": f"k:{key}",
        "COATCHECK_LOG_LEVEL": "DEBUG",
    }
    async with (
        serve_command(tmp_path, **variables) as server,
        httpx.AsyncClient(base_url=f"http://{server.address}") as client,
    ):
        await client.get("/")
        cookies = dict(client.cookies)
        assert cookies
        async with chatting(server.address, cookies=cookies) as chat:
            data = media(await chat.turn("Draw a lighthouse at dusk, 96x64, seed 7"))[-1]
        messages = f"/api/conversations/{chat.conversation}/messages"
        shown = (await client.get(messages)).raise_for_status().json()
        (part,) = [part for part in shown["messages"][1]["parts"] if part["type"] == "data-media"]
        url = part["data"]["reference"]["url"]
        assert (await client.get(url)).status_code == 200
        assert data["state"] == "ready"
        server.process.terminate()
        with anyio.fail_after(30):
            await server.process.wait()
    log = server.log.read_text()
    assert "WebSocket /ws/chat" in log
    assert "DEBUG" in log or "aiosqlite" in log
    secret = [key, *cookies.values(), *(value.split(".")[-1] for value in cookies.values())]
    assert [one for one in secret if one in log] == []
    query = url.partition("?")[2]
    assert not query or query not in log
