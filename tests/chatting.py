"""A client of the chat's WebSocket, for tests that talk to a real server."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import anyio
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from coatcheck_chat.streaming.frames import BinaryFrame, decode_binary_frame


class Chat:
    """A client's side of one conversation; it checks that the sequence has no gap."""

    def __init__(self, socket: ClientConnection, conversation: str) -> None:
        self.socket = socket
        self.conversation = conversation
        self.frames: list[str] = []
        self.pushed: list[BinaryFrame] = []
        self.seq: int | None = None

    async def send(self, **members: Any) -> None:
        await self.socket.send(json.dumps({"conversationId": self.conversation, **members}))

    async def ask(self, words: str, *parts: dict[str, Any], **members: Any) -> None:
        text = [{"type": "text", "text": words}] if words else []
        message = {"id": str(uuid4()), "role": "user", "parts": [*text, *parts]}
        await self.send(type="message-send", message=message, **members)

    async def resume(self, seq: int = 0, **members: Any) -> dict[str, Any]:
        """Go on after `seq`; what the server says to that."""
        self.seq = None
        await self.send(type="stream-resume", seq=seq, **members)
        resumed = await self.chunk()
        assert resumed["type"] == "data-resumed", resumed
        self.seq = resumed["data"]["seq"]
        data: dict[str, Any] = resumed["data"]
        return data

    async def refusal(self) -> str:
        """The code of the error that a frame is refused with."""
        error, end = await self.chunk(), await self.chunk()
        assert (error["type"], end) == ("error", {"type": "finish"})
        code: str = error["code"]
        return code

    async def chunk(self) -> dict[str, Any]:
        with anyio.fail_after(60):
            frame = await self.socket.recv()
        while isinstance(frame, bytes):
            self.pushed.append(decode_binary_frame(frame))
            frame = await self.socket.recv()
        self.frames.append(frame)
        members = json.loads(frame)
        assert set(members) == {"seq", "chunk"}
        if members["seq"]:  # 0 is outside of the sequence
            assert self.seq in {None, members["seq"] - 1}
            self.seq = members["seq"]
        chunk: dict[str, Any] = members["chunk"]
        return chunk

    async def until(self, *ends: str) -> list[dict[str, Any]]:
        """Every chunk up to the first of a type among `ends`."""
        chunks = [await self.chunk()]
        while chunks[-1]["type"] not in ends:
            chunks.append(await self.chunk())
        return chunks

    async def turn(
        self, words: str, *parts: dict[str, Any], **members: Any
    ) -> list[dict[str, Any]]:
        await self.ask(words, *parts, **members)
        assert (await self.chunk())["type"] == "data-turn"
        return await self.until("finish", "abort")


@asynccontextmanager
async def chatting(
    address: str,
    conversation: str | None = None,
    *,
    protocols: Sequence[str] = (),
    cookies: Mapping[str, str] | None = None,
) -> AsyncIterator[Chat]:
    """A client on the server's socket; `protocols` are those that it offers."""
    uri, origin = f"ws://{address}/ws/chat", Origin(f"http://{address}")
    offered = [Subprotocol(name) for name in protocols] or None
    # No bound on what is read ahead: a client that leaves would wait for what it has not read.
    async with connect(
        uri,
        origin=origin,
        subprotocols=offered,
        additional_headers={
            "Cookie": "; ".join(f"{name}={value}" for name, value in (cookies or {}).items())
        },
        max_size=1024 * 1024,
        max_queue=None,
    ) as socket:
        yield Chat(socket, conversation or str(uuid4()))


def media(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The states that pictures went through, but for previews."""
    states = [chunk["data"] for chunk in chunks if chunk["type"] == "data-media"]
    return [data for data in states if data["state"] != "preview"]


def told(chunks: list[dict[str, Any]]) -> str:
    return "".join(chunk["delta"] for chunk in chunks if chunk["type"] == "text-delta")
