"""A real model's client: the OpenAI SDK against a loopback server that speaks its HTTP shapes."""

import base64
import io
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
import websockets
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from coatcheck_chat.app import create_app
from coatcheck_chat.settings import Settings
from tests.serving import serving

pytestmark = pytest.mark.anyio

INLINE = re.compile(r"[A-Za-z0-9+/_-]{4096}")


class ScriptedModel:
    """Calls the tool once for each user message, then says something; keeps what it was sent."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.refuses = False

    async def complete(self, request: Request) -> Response:
        """``POST /v1/chat/completions`` with ``stream: true``."""
        body = await request.json()
        self.requests.append(body)
        if self.refuses:
            error = {"message": "Incorrect API key provided", "type": "invalid_request_error"}
            return JSONResponse({"error": error}, 401)
        if body["messages"][-1]["role"] == "tool":
            deltas: list[dict[str, Any]] = [{"content": "There "}, {"content": "it is."}]
            reason = "stop"
        else:
            arguments = json.dumps({"prompt": "the sea", "seed": 3, "width": 256, "height": 256})
            function = {"name": "generate_image", "arguments": arguments}
            call = {"index": 0, "id": f"call_{uuid4().hex[:8]}", "type": "function"}
            deltas = [{"tool_calls": [call | {"function": function}]}]
            reason = "tool_calls"
        return StreamingResponse(_events(deltas, reason), media_type="text/event-stream")


async def _events(deltas: list[dict[str, Any]], reason: str) -> AsyncIterator[str]:
    envelope = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "scripted"}
    for delta in deltas:
        choice = {"index": 0, "delta": {"role": "assistant"} | delta, "finish_reason": None}
        yield f"data: {json.dumps(envelope | {'choices': [choice]})}\n\n"
    last = {"index": 0, "delta": {}, "finish_reason": reason}
    yield f"data: {json.dumps(envelope | {'choices': [last]})}\n\n"
    yield "data: [DONE]\n\n"


@pytest.fixture
async def model() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def socket(
    model: ScriptedModel, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> AsyncIterator[Any]:
    scripted = Starlette(routes=[Route("/v1/chat/completions", model.complete, methods=["POST"])])
    async with serving(scripted) as address:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://{address}/v1")
        async with _chat(settings) as opened:
            yield opened


@asynccontextmanager
async def _chat(settings: Settings) -> AsyncIterator[Any]:
    async with (
        serving(create_app(settings)) as address,
        websockets.connect(f"ws://{address}/ws/chat") as opened,
    ):
        yield opened


@pytest.fixture
def settings(data: Any) -> Settings:
    return Settings(data=data, model="openai-chat:scripted")


async def say(
    socket: Any, conversation: str, text: str, *more: dict[str, Any]
) -> list[dict[str, Any]]:
    parts = [{"type": "text", "text": text}, *more]
    message = {"id": uuid4().hex, "role": "user", "parts": parts}
    frame = {"type": "message-send", "conversationId": conversation, "message": message}
    await socket.send(json.dumps(frame))
    chunks: list[dict[str, Any]] = []
    while not chunks or chunks[-1]["type"] not in {"finish", "abort"}:
        chunks.append(json.loads(await socket.recv())["chunk"])
    return chunks


async def test_a_real_client_draws_and_is_sent_lines_instead_of_pictures(
    socket: Any, model: ScriptedModel
) -> None:
    conversation = str(uuid4())
    first = await say(socket, conversation, "draw the sea")
    states = [chunk["data"]["state"] for chunk in first if chunk["type"] == "data-media"]
    # Whether there is time for a preview in between is chance.
    assert [state for state in states if state != "preview"] == ["pending", "ready"]
    assert "".join(c["delta"] for c in first if c["type"] == "text-delta") == "There it is."
    await say(socket, conversation, "once more")
    assert len(model.requests) == 4
    for request in model.requests:
        text = json.dumps(request, ensure_ascii=False)
        assert not INLINE.search(text)
        assert "/api/media" not in text
        assert "base64" not in text
    (tool_message,) = [m for m in model.requests[1]["messages"] if m["role"] == "tool"]
    assert re.fullmatch(
        r'Image generated\. \[image [0-9a-f-]{36} "the sea" 256×256 png\]', tool_message["content"]
    )
    # Invariant 3: what was sent before is sent again byte for byte, so prompt caches stay warm.
    before, after = model.requests[1]["messages"], model.requests[3]["messages"]
    assert next(m for m in after if m["role"] == "tool")["content"] == tool_message["content"]
    assert after[: len(before) - 2] == before[:-2]


async def test_a_model_that_refuses_is_told_with_a_code_and_the_conversation_goes_on(
    socket: Any, model: ScriptedModel
) -> None:
    conversation = str(uuid4())
    model.refuses = True
    chunks = await say(socket, conversation, "draw the sea")
    (error,) = [chunk for chunk in chunks if chunk["type"] == "error"]
    assert error["code"] == "responder_failed"
    assert "sk-test" not in json.dumps(chunks)
    assert chunks[-1]["type"] == "finish"
    model.refuses = False
    chunks = await say(socket, conversation, "again")
    assert any(chunk["type"] == "text-delta" for chunk in chunks)


def newest(model: ScriptedModel) -> Any:
    """What the model was sent of the user's newest message."""
    return [m["content"] for m in model.requests[-1]["messages"] if m["role"] == "user"][-1]


async def test_a_picture_without_words_reaches_the_model_as_its_line(
    socket: Any, model: ScriptedModel
) -> None:
    conversation = str(uuid4())
    first = await say(socket, conversation, "draw the sea")
    ready = [chunk for chunk in first if chunk["type"] == "data-media"][-1]
    identifier = ready["data"]["reference"]["id"]
    chunks = await say(socket, conversation, "", ready)
    assert "error" not in [chunk["type"] for chunk in chunks]
    line = f'[image {identifier} "the sea" 256×256 png]'
    asked = newest(model)
    assert [part["type"] for part in asked] == ["text", "image_url"]
    assert asked[0]["text"] == line


async def test_what_the_user_hands_in_is_shown_to_a_model_that_sees_in_every_turn(
    socket: Any, model: ScriptedModel
) -> None:
    """In the same place, with the same bytes: a prompt cache holds what a request begins with."""
    conversation = str(uuid4())
    first = await say(socket, conversation, "draw the sea")
    ready = [chunk for chunk in first if chunk["type"] == "data-media"][-1]
    await say(socket, conversation, "what is this?", ready)
    (url,) = [part["image_url"]["url"] for part in newest(model) if part["type"] == "image_url"]
    head, _, encoded = url.partition(",")
    assert head == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(encoded))).size == (256, 256)
    before = model.requests[-1]["messages"]
    await say(socket, conversation, "thanks")
    after = model.requests[-1]["messages"]
    assert after[: len(before)] == before
    assert json.dumps(after).count(encoded) == 1
