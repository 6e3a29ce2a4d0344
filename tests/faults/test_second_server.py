"""Two chat servers cannot have one data directory; what only stores and reads can share it."""

import signal
from pathlib import Path

import anyio
import httpx
import pytest
from anyio import to_thread

from coatcheck import open_store
from coatcheck.errors import DataInUseError
from coatcheck_chat.app import create_app
from coatcheck_chat.settings import Settings
from tests.media import png_bytes
from tests.serving import serve_command
from tests.unit.cli.test_commands import coatcheck, stored_id

pytestmark = pytest.mark.anyio


async def test_a_second_server_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with serve_command(tmp_path) as first:
        second = await to_thread.run_sync(
            lambda: coatcheck(data, "--port", "0", module="coatcheck_chat")
        )
        assert second.returncode == 2
        (line,) = second.stderr.decode().splitlines()
        assert line == (
            f"Error (data_in_use): {data}: Another chat server uses this data directory: stop it,"
            " or set COATCHECK_DATA to another."
        )
        async with httpx.AsyncClient(base_url=f"http://{first.address}") as client:
            assert (await client.get("/readyz")).status_code == 200
        first.process.send_signal(signal.SIGKILL)
        with anyio.fail_after(30):
            await first.process.wait()
    async with (
        serve_command(tmp_path, log="third") as third,
        httpx.AsyncClient(base_url=f"http://{third.address}") as client,
    ):
        assert (await client.get("/readyz")).status_code == 200


async def test_a_store_and_the_commands_share_a_servers_directory(tmp_path: Path) -> None:
    data, picture = tmp_path / "data", tmp_path / "a.png"
    picture.write_bytes(png_bytes())
    async with (
        serve_command(tmp_path) as server,
        httpx.AsyncClient(base_url=f"http://{server.address}") as client,
    ):
        put = await to_thread.run_sync(lambda: coatcheck(data, "put", "--json", str(picture)))
        assert put.returncode == 0
        got = await client.get(f"/api/media/image/{stored_id(put)}")
        assert got.content == png_bytes()
        async with open_store(data) as store:
            reference = await store.put(b"a text")
        assert (await client.get(f"/api/media/image/{reference.id}")).content == b"a text"
        verified = await to_thread.run_sync(lambda: coatcheck(data, "verify"))
        assert verified.returncode == 0


async def test_a_server_that_ends_leaves_the_directory_to_the_next(data: Path) -> None:
    first, second = create_app(Settings(data=data)), create_app(Settings(data=data))
    async with first.router.lifespan_context(first):
        with pytest.raises(DataInUseError):
            async with second.router.lifespan_context(second):
                pytest.fail("both have it")
    async with second.router.lifespan_context(second):
        pass
