"""The server's process is told to stop in the middle of a turn."""

import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import STDOUT
from typing import Any

import anyio
import httpx
import pytest
from anyio.abc import Process
from websockets.exceptions import ConnectionClosed

from tests.chatting import chatting, media

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[tuple[Process, str]]:
    """``coatcheck serve`` as a process of its own, and its ``host:port``."""
    log = directory / "log"
    with log.open("wb") as output:
        process = await anyio.open_process(
            [sys.executable, "-m", "coatcheck", "serve", "--port", "0"],
            env=os.environ | {"COATCHECK_DATA": str(directory / "data"), "COLUMNS": "200"},
            stdin=None,
            stdout=output,
            stderr=STDOUT,
        )
        async with process:
            try:
                with anyio.fail_after(60):
                    while "startup complete" not in log.read_text():
                        assert process.returncode is None, log.read_text()
                        await anyio.sleep(0.05)
                found = re.search(r"http://([\d.]+:\d+)", log.read_text())
                assert found is not None
                yield process, found[1]
            finally:
                if process.returncode is None:
                    process.kill()


async def messages(address: str, conversation: str) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=f"http://{address}") as client:
        answer = await client.get(f"/api/conversations/{conversation}/messages")
        body: dict[str, Any] = answer.raise_for_status().json()
        return body


async def test_fault_23_clients_are_told_to_come_back_and_the_turn_is_kept_as_far_as_it_came(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as (process, address):
        async with chatting(address) as chat, chatting(address) as idle:
            await idle.resume()
            await chat.resume()
            await chat.ask("Draw a lighthouse at dusk, 2048x2048, seed 7")
            await chat.until("data-media")
            process.send_signal(signal.SIGTERM)
            for client in (chat, idle):
                with pytest.raises(ConnectionClosed) as closed:
                    await client.until("never")
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1012
        with anyio.fail_after(30):
            assert await process.wait() == -signal.SIGTERM
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
    assert "Cancel" not in log  # nothing had to be cut off

    # Elsewhere, or here again: what was missed is not held, and the history has all of it.
    async with running(tmp_path) as (_, address), chatting(address, chat.conversation) as back:
        await back.send(type="stream-resume", seq=chat.seq)
        assert await back.refusal() == "stream_expired"
        history = await messages(address, chat.conversation)
        question, answer = history["messages"]
        assert question["role"] == "user"
        (picture,) = [part for part in answer["parts"] if part["type"] == "data-media"]
        assert picture["data"]["state"] == "failed"
        assert picture["data"]["error"]["code"] == "cancelled"
        assert (await back.resume(history["seq"]))["running"] is False
        assert media(await back.turn("Draw a boat, 96x64"))[-1]["state"] == "ready"
        assert len((await messages(address, chat.conversation))["messages"]) == 4
