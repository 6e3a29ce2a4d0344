"""What strangers may spend: a name is free, an address and a day's budget are not."""

import gc
import logging
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from coatcheck_chat.app import create_app
from coatcheck_chat.settings import Settings
from tests.chatting import chatting, media
from tests.integration.test_chat_http import chunks_of
from tests.integration.test_real_model import ScriptedModel
from tests.media import png_bytes
from tests.providers import PICTURE, b64, endpoint, says
from tests.serving import serving

pytestmark = pytest.mark.anyio

KEY = "a:jN3kq0Zr8vTf1xWm5yHc7uLp2sDg9aEo"
DRAWING = "Draw a lighthouse at dusk, 96x64, seed 7"


@asynccontextmanager
async def served(data: Path, **settings: Any) -> AsyncIterator[str]:
    chosen = Settings.model_validate({"data": data, "access": "cookie", "keys": KEY} | settings)
    async with serving(create_app(chosen)) as address:
        yield address


@asynccontextmanager
async def visitor(address: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that has just opened the page, and has a new name."""
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=60) as client:
        await client.get("/")
        assert client.cookies
        yield client


async def ask(client: httpx.AsyncClient, words: str = "hello") -> httpx.Response:
    parts = [{"type": "text", "text": words}]
    message = {"id": str(uuid4()), "role": "user", "parts": parts}
    return await client.post("/api/chat", json={"id": str(uuid4()), "messages": [message]})


async def test_a_new_name_for_each_message_is_limited_all_the_same(data: Path) -> None:
    async with served(data, chat_messages=3, per_address=2) as address:
        statuses = []
        for _ in range(9):
            async with visitor(address) as client:
                statuses.append((await ask(client)).status_code)
    assert statuses == [200] * 6 + [429] * 3


async def test_a_new_name_for_each_frame_of_the_socket_is_limited_all_the_same(data: Path) -> None:
    async with served(data, chat_messages=2, per_address=2) as address:
        refused = []
        for _ in range(6):
            async with (
                visitor(address) as client,
                chatting(address, cookies=client.cookies) as chat,
            ):
                await chat.send(type="unknown")
                refused.append(await chat.refusal())
    assert refused == ["protocol_error"] * 4 + ["rate_limited"] * 2


async def test_a_new_name_for_each_socket_is_limited_all_the_same(data: Path) -> None:
    async with served(data, chat_sockets=1, per_address=2) as address, AsyncExitStack() as stack:
        for _ in range(2):
            client = await stack.enter_async_context(visitor(address))
            await stack.enter_async_context(chatting(address, cookies=client.cookies))
        client = await stack.enter_async_context(visitor(address))
        third = await stack.enter_async_context(chatting(address, cookies=client.cookies))
        assert (await third.chunk())["code"] == "too_many_sockets"


@pytest.mark.parametrize("access", ["cookie", "signed"])
async def test_a_new_name_for_each_upload_is_limited_all_the_same(data: Path, access: str) -> None:
    async with served(data, access=access, uploads=2, per_address=2) as address:
        answers = []
        for _ in range(6):
            async with visitor(address) as client:
                answers.append(await client.post("/api/media/upload", content=png_bytes()))
    assert [answer.status_code for answer in answers] == [201] * 4 + [429] * 2
    assert answers[-1].json()["code"] == "rate_limited"
    assert answers[-1].headers["retry-after"] == "1"


async def test_a_new_name_is_no_new_quota_for_its_address(data: Path) -> None:
    async with served(data, owner_bytes=1000, per_address=2) as address:
        answers = []
        for _ in range(5):
            async with visitor(address) as client:
                answers.append(await client.post("/api/media/upload", content=b"x" * 500))
        assert [answer.status_code for answer in answers] == [201] * 4 + [413]
        assert answers[-1].json()["code"] == "quota_exceeded"

        async def unannounced() -> AsyncIterator[bytes]:
            yield b"x"

        async with visitor(address) as client:  # what may have any length counts as the longest
            answer = await client.post("/api/media/upload", content=unannounced())
            assert answer.status_code == 413


async def test_in_open_mode_uploads_are_limited_by_address(data: Path) -> None:
    async with (
        served(data, access="open", uploads=2) as address,
        httpx.AsyncClient(base_url=f"http://{address}") as client,
    ):
        sent = [await client.post("/api/media/upload", content=b"text") for _ in range(3)]
    assert [answer.status_code for answer in sent] == [201, 201, 429]


async def test_all_clients_together_are_limited(data: Path) -> None:
    async with served(data, chat_messages=2, per_address=9, in_all=2) as address:
        statuses = []
        for _ in range(6):
            async with visitor(address) as client:
                statuses.append((await ask(client)).status_code)
    assert statuses == [200] * 4 + [429] * 2


# --- what costs money ----------------------------------------------------------------------------


@asynccontextmanager
async def paid_model(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ScriptedModel]:
    model = ScriptedModel()
    app = Starlette(routes=[Route("/v1/chat/completions", model.complete, methods=["POST"])])
    async with serving(app) as address:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://{address}/v1")
        yield model


async def test_a_paid_model_is_asked_for_so_many_turns_a_day_by_everyone_together(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        paid_model(monkeypatch) as model,
        served(data, model="openai-chat:scripted", paid_turns=2) as address,
    ):
        codes = []
        for _ in range(4):
            async with visitor(address) as client:
                chunks = chunks_of((await ask(client)).text)
                codes.append([chunk.get("data", {}).get("code") for chunk in chunks])
    assert ["budget_spent" in each for each in codes] == [False, False, True, True]
    assert len([one for one in model.requests if one["messages"][-1]["role"] == "user"]) == 2


async def test_a_paid_provider_draws_so_many_pictures_a_day_and_the_painter_goes_on(
    data: Path,
) -> None:
    async with endpoint() as images:
        providers = f"compatible:flux@http://{images.address}/v1,procedural"
        settings = {"providers": providers, "paid_pictures": 2, "fetch_allow": images.address}
        async with served(data, **settings) as address:
            states = []
            for _ in range(4):
                images.will(says({"created": 1, "data": [{"b64_json": b64(PICTURE)}]}))
                async with visitor(address) as client:
                    states.append(media(chunks_of((await ask(client, DRAWING)).text))[-1]["state"])
        assert states == ["ready"] * 4
        assert len(images.asked) == 2


async def test_a_paid_provider_alone_says_that_the_day_s_pictures_are_made(data: Path) -> None:
    async with endpoint() as images:
        settings = {"providers": f"compatible:flux@http://{images.address}/v1", "paid_pictures": 1}
        async with served(data, **settings) as address:
            images.will(says({"created": 1, "data": [{"b64_json": b64(PICTURE)}]}))
            shown = []
            for _ in range(2):
                async with visitor(address) as client:
                    shown.append(media(chunks_of((await ask(client, DRAWING)).text))[-1])
        assert shown[0]["state"] == "ready"
        assert shown[1]["error"]["code"] == "budget_spent"
        assert len(images.asked) == 1


async def test_what_costs_nothing_has_no_budget(data: Path) -> None:
    async with served(data, paid_turns=1, paid_pictures=1) as address:
        for _ in range(3):
            async with visitor(address) as client:
                chunks = chunks_of((await ask(client, DRAWING)).text)
                assert media(chunks)[-1]["state"] == "ready"


# --- memory --------------------------------------------------------------------------------------


async def test_nothing_is_kept_of_a_long_query_string(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each is the client's own: kept, 3,000 of them held 163 MB."""
    async with served(data, access="open") as address:
        # pytest keeps what is logged, and that names the URL
        caplog.set_level(logging.WARNING)
        caplog.set_level(logging.WARNING, logger="uvicorn.access")
        async with httpx.AsyncClient(base_url=f"http://{address}") as client:
            uploaded = await client.post("/api/media/upload", content=png_bytes())
        path = uploaded.json()["url"]
        await ask_plainly(address, path, 0)  # what is made once is made
        tracemalloc.start()
        try:
            for number in range(1, 101):
                await ask_plainly(address, path, number)
            assert held() < 400_000  # of 1,000,000 that were sent
        finally:
            tracemalloc.stop()


async def ask_plainly(address: str, path: str, number: int) -> None:
    """One request by a client that keeps nothing itself, as httpx and `urllib` do."""
    host, _, port = address.rpartition(":")
    async with await anyio.connect_tcp(host, int(port)) as stream:  # noqa: TID251 - a test's own
        await stream.send(
            f"GET {path}?thumbnail=true&n={number:010000} HTTP/1.1\r\nHost: {address}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        assert (await stream.receive()).startswith(b"HTTP/1.1 200 ")
        with suppress(anyio.EndOfStream):
            while True:
                await stream.receive()


def held() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
