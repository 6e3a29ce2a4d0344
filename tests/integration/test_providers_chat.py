"""The chat with providers that the settings name: what the user sees, and what is kept."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import pytest
import websockets

from coatcheck.opening import open_backends
from coatcheck.options import StoreOptions
from coatcheck_chat.app import create_app
from coatcheck_chat.settings import Settings
from tests.media import png_bytes
from tests.providers import Endpoint, b64, endpoint, hang, says, sends
from tests.serving import serving

pytestmark = pytest.mark.anyio

PICTURE = png_bytes(512, 512, seed=5)


@pytest.fixture
async def server() -> AsyncIterator[Endpoint]:
    async with endpoint() as made:
        yield made


class Chat:
    """A conversation over the socket."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._conversation = str(uuid4())

    async def say(self, text: str) -> list[dict[str, Any]]:
        """The states of the picture that was asked for."""
        await self.begin(text)
        states: list[dict[str, Any]] = []
        while (chunk := json.loads(await self._socket.recv())["chunk"])["type"] != "finish":
            if chunk["type"] == "data-media":
                states.append(chunk["data"])
        return states

    async def begin(self, text: str) -> None:
        message = {"id": uuid4().hex, "role": "user", "parts": [{"type": "text", "text": text}]}
        frame = {"type": "message-send", "conversationId": self._conversation, "message": message}
        await self._socket.send(json.dumps(frame))

    async def cancel(self) -> None:
        frame = {"type": "stream-cancel", "conversationId": self._conversation}
        await self._socket.send(json.dumps(frame))


@pytest.fixture
def chat(data: Path, server: Endpoint) -> Callable[..., Any]:
    @asynccontextmanager
    async def open_chat(providers: str, **more: Any) -> AsyncIterator[Chat]:
        settings = Settings(
            data=data,
            providers=providers.format(server=server.address),
            fetch_allow=server.address,
            **more,
        )
        # As the server does it: the application is made before the loop has anything to do.
        app = await anyio.to_thread.run_sync(create_app, settings)
        async with serving(app) as address, websockets.connect(f"ws://{address}/ws/chat") as socket:
            yield Chat(socket)

    return open_chat


async def kept(data: Path) -> list[int]:
    """The sizes of what the catalog knows."""
    async with open_backends(StoreOptions(data=data)) as backends:
        return [size async for _, size in backends.store._catalog.expected_blobs()]


COMPATIBLE = "compatible:painter@http://{server}/v1"


async def test_a_picture_of_a_provider_is_kept(
    server: Endpoint, chat: Callable[..., Any], data: Path
) -> None:
    url = f"http://{server.address}/1.png"
    server.will(says({"created": 1, "data": [{"url": url}]}), sends(PICTURE, "image/png"))
    async with chat(COMPATIBLE) as talk:
        pending, ready = await talk.say("draw a lighthouse")
    assert pending["state"] == "pending"
    assert (ready["state"], ready["reference"]["size"]) == ("ready", len(PICTURE))
    assert len(PICTURE) in await kept(data)


async def test_a_refusal_is_shown_as_one_and_nobody_else_is_asked(
    server: Endpoint, chat: Callable[..., Any]
) -> None:
    error = {"code": "moderation_blocked", "message": "Rejected by the safety system."}
    server.will(says({"error": error}, 400))
    async with chat(f"{COMPATIBLE},procedural") as talk:
        _, failed = await talk.say("draw something bad")
        assert failed["state"] == "failed"
        assert failed["error"] == {
            "code": "moderation_refused",
            "message": "painter refuses this by its content policy: Rejected by the safety system.",
        }
        server.will(says({"created": 1, "data": [{"b64_json": b64(PICTURE)}]}))
        states = await talk.say("draw something good")
    assert states[-1]["state"] == "ready"
    assert len(server.asked) == 2


async def test_the_painter_stands_in(server: Endpoint, chat: Callable[..., Any]) -> None:
    server.will(says({"error": {"message": "Overloaded."}}, 503, retry_after="3600"))
    async with chat(f"{COMPATIBLE},procedural") as talk:
        states = await talk.say("draw the sea, 64x64")
    assert states[-1]["state"] == "ready"
    assert states[-1]["reference"]["width"] == 64
    assert len(server.asked) == 1  # an hour is longer than a picture may take


async def test_a_provider_that_is_busy_for_a_moment_is_asked_again(
    server: Endpoint, chat: Callable[..., Any]
) -> None:
    server.will(
        says({"error": {"message": "Slow down."}}, 429, retry_after="0"),
        says({"created": 1, "data": [{"b64_json": b64(PICTURE)}]}),
    )
    async with chat(COMPATIBLE) as talk:
        states = await talk.say("draw the sea")
    assert states[-1]["state"] == "ready"
    assert len(server.asked) == 2


async def test_a_provider_that_hangs_is_told_and_the_talk_goes_on(
    server: Endpoint, chat: Callable[..., Any]
) -> None:
    server.will(hang)
    async with chat(COMPATIBLE, provider_seconds=0.2) as talk:
        _, failed = await talk.say("draw the sea")
        assert failed["error"]["code"] == "provider_timeout"
        await server.left.wait()
        server.will(says({"created": 1, "data": [{"b64_json": b64(PICTURE)}]}))
        states = await talk.say("draw the sea")
    assert states[-1]["state"] == "ready"


@pytest.mark.parametrize(
    ("data_sent", "code"),
    [
        (PICTURE[:2000], "unprocessable_media"),
        (b"", "generation_failed"),
        (b"<html>sorry</html>", "generation_failed"),
    ],
)
async def test_nothing_of_a_broken_picture_is_kept(
    server: Endpoint, chat: Callable[..., Any], data: Path, data_sent: bytes, code: str
) -> None:
    server.will(says({"created": 1, "data": [{"b64_json": b64(data_sent)}]}))
    async with chat(COMPATIBLE) as talk:
        _, failed = await talk.say("draw the sea")
    assert (failed["state"], failed["error"]["code"]) == ("failed", code)
    assert await kept(data) == []
    assert [path for path in (data / "blobs").rglob("*") if path.is_file()] == []
    assert list((data / "staging").iterdir()) == []


async def test_stopping_an_answer_ends_the_call(server: Endpoint, chat: Callable[..., Any]) -> None:
    server.will(hang)
    async with chat(COMPATIBLE) as talk:
        await talk.begin("draw the sea")
        with anyio.fail_after(20):
            await server.hanging.wait()
            await talk.cancel()
            await server.left.wait()
