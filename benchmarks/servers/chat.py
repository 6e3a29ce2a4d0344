"""Answers of the chat over a WebSocket and over server-sent events: what a frame costs."""

import asyncio
import json
import time
from collections.abc import Callable
from uuid import uuid4

import httpx
from websockets.asyncio.client import connect

from benchmarks.peers.contenders import Contender
from benchmarks.peers.load import Load
from benchmarks.peers.processes import cpu_seconds

CONVERSATIONS = 16
_TURNS = 6
_WORDS = "What can you do, and what have we talked about?"


def over_websocket(server: Contender) -> Load:
    """Turns on `CONVERSATIONS` sockets at once; every frame is an answer."""
    return _measured(server, _socket)


def over_events(server: Contender) -> Load:
    """The same turns by POST; every event is an answer."""
    return _measured(server, _events)


def upload(server: Contender, *, size: int = 1024 * 1024, count: int = 96) -> Load:
    """Different texts of 1 MiB, on as many connections."""

    async def send(one: Contender) -> int:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{one.port}", timeout=60) as client:

            async def post() -> None:
                for _ in range(count // CONVERSATIONS):
                    text = uuid4().hex.encode() * (size // 32)
                    answer = await client.post("/api/media/upload", content=text)
                    answer.raise_for_status()

            await asyncio.gather(*(post() for _ in range(CONVERSATIONS)))
        return count

    return _measured(server, lambda one: asyncio.run(send(one)))


def _measured(server: Contender, act: Callable[[Contender], int]) -> Load:
    before, start = cpu_seconds(server.pid), time.perf_counter()
    answers = act(server)
    return Load(answers, 0, time.perf_counter() - start, cpu_seconds(server.pid) - before)


def _message() -> dict[str, object]:
    return {"id": str(uuid4()), "role": "user", "parts": [{"type": "text", "text": _WORDS}]}


def _socket(server: Contender) -> int:
    async def talk() -> int:
        frames, conversation = 0, str(uuid4())
        async with connect(f"ws://127.0.0.1:{server.port}/ws/chat") as socket:
            for _ in range(_TURNS):
                await socket.send(
                    json.dumps(
                        {
                            "type": "message-send",
                            "conversationId": conversation,
                            "message": _message(),
                        }
                    )
                )
                kind = ""
                while kind not in {"finish", "abort"}:
                    kind = json.loads(await socket.recv())["chunk"]["type"]
                    frames += 1
        return frames

    async def all_of_them() -> int:
        return sum(await asyncio.gather(*(talk() for _ in range(CONVERSATIONS))))

    return asyncio.run(all_of_them())


def _events(server: Contender) -> int:
    async def ask(client: httpx.AsyncClient) -> int:
        events, conversation = 0, str(uuid4())
        for _ in range(_TURNS):
            body = {"id": conversation, "message": _message()}
            async with client.stream("POST", "/api/chat", json=body) as answer:
                answer.raise_for_status()
                async for line in answer.aiter_lines():
                    events += line.startswith("data: ")
        return events

    async def all_of_them() -> int:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{server.port}", timeout=60
        ) as client:
            return sum(await asyncio.gather(*(ask(client) for _ in range(CONVERSATIONS))))

    return asyncio.run(all_of_them())
