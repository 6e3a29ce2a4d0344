"""The server's process is told to stop in the middle of a turn."""

import signal
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.chatting import chatting, media
from tests.serving import serve_command

pytestmark = pytest.mark.anyio


async def messages(address: str, conversation: str) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=f"http://{address}") as client:
        answer = await client.get(f"/api/conversations/{conversation}/messages")
        body: dict[str, Any] = answer.raise_for_status().json()
        return body


async def test_fault_23_clients_are_told_to_come_back_and_the_turn_is_kept_as_far_as_it_came(
    tmp_path: Path,
) -> None:
    async with serve_command(tmp_path) as server:
        async with chatting(server.address) as chat, chatting(server.address) as idle:
            await idle.resume()
            await chat.resume()
            await chat.ask("Draw a lighthouse at dusk, 2048x2048, seed 7")
            await chat.until("data-media")
            server.process.send_signal(signal.SIGTERM)
            for client in (chat, idle):
                with pytest.raises(ConnectionClosed) as closed:
                    await client.until("never")
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1012
        with anyio.fail_after(30):
            assert await server.process.wait() == -signal.SIGTERM
    log = server.log.read_text()
    assert "Traceback" not in log
    assert "Cancel" not in log  # nothing had to be cut off

    # Elsewhere, or here again: what was missed is not held, and the history has all of it.
    async with (
        serve_command(tmp_path) as server,
        chatting(server.address, chat.conversation) as back,
    ):
        await back.send(type="stream-resume", seq=chat.seq)
        assert await back.refusal() == "stream_expired"
        history = await messages(server.address, chat.conversation)
        question, answer = history["messages"]
        assert question["role"] == "user"
        (picture,) = [part for part in answer["parts"] if part["type"] == "data-media"]
        assert picture["data"]["state"] == "failed"
        assert picture["data"]["error"]["code"] == "cancelled"
        assert (await back.resume(history["seq"]))["running"] is False
        assert media(await back.turn("Draw a boat, 96x64"))[-1]["state"] == "ready"
        assert len((await messages(server.address, chat.conversation))["messages"]) == 4
