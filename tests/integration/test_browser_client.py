"""The browser's own client against a real server: `Chat` of the AI SDK with our transport and with
its stock one. What they check is in ``web/packages/coatcheck/live``; Node runs it.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from subprocess import PIPE, STDOUT

import anyio
import pytest

from coatcheck_chat.app import create_app
from coatcheck_chat.settings import Settings
from tests.serving import serving

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(500)]

WEB = Path(__file__).parents[2] / "web"
DROPS = 100


class LossyProxy:
    """Passes TCP on, and loses each connection after a random number of bytes of the server's.

    Every third connection is spared, so that each conversation comes to its end.
    """

    def __init__(self, address: str, *, most: int, seed: int) -> None:
        host, _, port = address.partition(":")
        self._target = (host, int(port))
        self._most = most
        self._random = random.Random(seed)
        self._connections = 0
        self.lost = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        async with server:
            host, port = server.sockets[0].getsockname()
            yield f"http://{host}:{port}"

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(*self._target)  # noqa: TID251 - a test's own
        self._connections += 1
        budget = self._random.randrange(self._most) if self._connections % 3 else None

        async def up() -> None:
            while data := await reader.read(4096):
                upstream_writer.write(data)

        async def down() -> None:
            nonlocal budget
            while data := await upstream_reader.read(512):
                if budget is not None:
                    budget -= len(data)
                    if budget < 0:
                        writer.write(data[:budget])  # in the middle of a frame as well
                        self.lost += 1
                        return
                writer.write(data)

        directions = [asyncio.create_task(up()), asyncio.create_task(down())]
        with suppress(ConnectionError):
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        for task in directions:
            task.cancel()
        await asyncio.gather(*directions, return_exceptions=True)
        for one in (writer, upstream_writer):
            one.transport.abort() if budget is not None and budget < 0 else one.close()


async def run_live(name: str, **environment: str) -> None:
    """Run one file of the live tests."""
    with anyio.fail_after(450):
        done = await anyio.run_process(
            ["npx", "vitest", "run", "--config", "vitest.live.config.ts", f"live/{name}.live.ts"],
            cwd=WEB,
            env=os.environ | environment,
            stdout=PIPE,
            stderr=STDOUT,
            check=False,
        )
    assert done.returncode == 0, done.stdout.decode()


@pytest.fixture
async def address(data: Path) -> AsyncIterator[str]:
    async with serving(create_app(Settings(data=data, chat_messages=100_000))) as served:
        yield served


async def test_fault_24_a_socket_lost_at_100_random_points_always_ends_in_the_same_conversation(
    address: str,
) -> None:
    proxy = LossyProxy(address, most=2_500, seed=1)
    async with proxy.running() as lossy:
        await run_live(
            "resumption",
            COATCHECK_URL=f"http://{address}",
            COATCHECK_LOSSY_URL=lossy,
            COATCHECK_GENERATIONS=str(DROPS),
        )
    assert proxy.lost >= DROPS


async def test_the_stock_transport_of_the_ai_sdk_drives_the_chat(address: str) -> None:
    url = f"http://{address}"
    await run_live("stock", COATCHECK_URL=url, COATCHECK_LOSSY_URL=url)
