"""A canary picture is planted wherever a model can put one; no sink of the demo holds it after.

The four sinks: what the browser is sent, what the model is asked, what the database keeps, and what
the process logs. The server is a real process, the model OpenAI's SDK against a loopback server.
"""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import httpx
import pytest
import websockets
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tests.media import png_bytes
from tests.serving import serving

pytestmark = pytest.mark.anyio

CANARY = png_bytes(400, 300, seed=20261124)
BASE64 = base64.b64encode(CANARY).decode()
BASE64URL = base64.urlsafe_b64encode(CANARY).decode()
PIECE = 19  # characters of a delta: no single one looks like media

ANSWERS = {
    "markdown": f"Here: ![the canary](data:image/png;base64,{BASE64}) and that is it.",
    "html": f'<img alt="canary" src="data:image/png;name=canary.png;base64,{BASE64}">',
    "bare": f"As base64:\n\n{BASE64}\n\nDone.",
    "url-safe": f"As base64url: {BASE64URL} Done.",
    "json": json.dumps({"image": BASE64, "note": "nothing else"}),
    "repr": str({"result": {"data": BASE64}}),
    "cut short": f"![cut](data:image/png;base64,{BASE64[:9000]}",
}


class Canary:
    """A model that answers with the picture, and calls a tool with it."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []

    async def complete(self, request: Request) -> Response:
        """``POST /v1/chat/completions``."""
        body = await request.body()
        self.requests.append(body)
        last = json.loads(body)["messages"][-1]
        if last["role"] == "user" and last["content"] == "tool":
            arguments = json.dumps({"prompt": "sea", "width": 64, "filename": BASE64})
            function = {"name": "generate_image", "arguments": arguments}
            call = {"index": 0, "id": f"call_{uuid4().hex[:8]}", "type": "function"}
            deltas: list[dict[str, Any]] = [{"content": ANSWERS["bare"]}]
            deltas.append({"tool_calls": [call | {"function": function}]})
            return StreamingResponse(stream(deltas, "tool_calls"), media_type="text/event-stream")
        text = ANSWERS.get(str(last["content"]), "Fine.")
        pieces = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
        chunks = stream([{"content": piece} for piece in pieces], "stop")
        return StreamingResponse(chunks, media_type="text/event-stream")


def stream(deltas: list[dict[str, Any]], reason: str) -> Iterator[str]:
    envelope = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "canary"}
    for delta in deltas:
        choice = {"index": 0, "delta": {"role": "assistant"} | delta, "finish_reason": None}
        yield f"data: {json.dumps(envelope | {'choices': [choice]})}\n\n"
    last = {"index": 0, "delta": {}, "finish_reason": reason}
    yield f"data: {json.dumps(envelope | {'choices': [last]})}\n\n"
    yield "data: [DONE]\n\n"


def traces(sink: bytes) -> list[bytes]:
    """Pieces of the picture's base64 in a sink, at whatever position and in either alphabet."""
    text = sink.replace(b"-", b"+").replace(b"_", b"/").replace(b"\\/", b"/")
    wanted = BASE64.encode()
    windows = (wanted[start : start + 40] for start in range(64, len(wanted) - 64, 20))
    return [window for window in windows if window in text]


@pytest.fixture
async def model() -> AsyncIterator[tuple[Canary, str]]:
    canary = Canary()
    app = Starlette(routes=[Route("/v1/chat/completions", canary.complete, methods=["POST"])])
    async with serving(app) as address:
        yield canary, address


async def say(socket: Any, conversation: str, text: str) -> list[bytes]:
    message = {"id": uuid4().hex, "role": "user", "parts": [{"type": "text", "text": text}]}
    frame = {"type": "message-send", "conversationId": conversation, "message": message}
    await socket.send(json.dumps(frame))
    frames: list[bytes] = []
    while not frames or json.loads(frames[-1])["chunk"]["type"] not in {"finish", "abort"}:
        received = await socket.recv()
        frames.append(received if isinstance(received, bytes) else received.encode())
    return frames


async def test_no_sink_of_the_demo_holds_a_planted_picture(
    model: tuple[Canary, str], tmp_path: Path
) -> None:
    canary, address = model
    environment = os.environ | {
        "COATCHECK_DATA": str(tmp_path / "data"),
        "COATCHECK_MODEL": "openai-chat:canary",
        "COATCHECK_LOG_LEVEL": "DEBUG",
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": f"http://{address}/v1",
    }
    log = tmp_path / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs yet
            [sys.executable, "-m", "coatcheck_chat", "--port", "0"],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        here = await announced(log)
        conversation = str(uuid4())
        frames: list[bytes] = []
        async with websockets.connect(f"ws://{here}/ws/chat") as socket:
            for words in (*ANSWERS, "tool", "and once more"):
                frames += await say(socket, conversation, words)
        async with httpx.AsyncClient(base_url=f"http://{here}") as client:
            shown = (await client.get(f"/api/conversations/{conversation}/messages")).content
            pictures = re.findall(rb"/api/media/image/[0-9a-f-]{36}", shown)
            fetched = [(await client.get(url.decode())).content for url in set(pictures)]
    finally:
        server.terminate()
        server.wait(20)
    assert CANARY in fetched  # it is where it belongs, and shown
    assert len(canary.requests) == len(ANSWERS) + 3
    assert max(map(len, frames)) <= 4096
    database = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("catalog.sqlite3*"))
    sinks = {
        "frames": b"\n".join(frames),
        "history over HTTP": shown,
        "model requests": b"\n".join(canary.requests),
        "database": database,
        "logs": log.read_bytes(),
    }
    assert all(sinks.values())
    assert {name: len(traces(sink)) for name, sink in sinks.items()} == dict.fromkeys(sinks, 0)


async def announced(log: Path) -> str:
    """Where the server says that it listens."""
    with anyio.fail_after(60):
        while True:
            match = re.search(rb"http://(127\.0\.0\.1:\d+)", log.read_bytes())
            if match is not None and b"Application startup complete" in log.read_bytes():
                return match[1].decode()
            await anyio.sleep(0.05)
