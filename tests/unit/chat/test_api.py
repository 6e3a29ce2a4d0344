"""What the JSON API answers while a turn goes on behind it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI

from coatcheck.opening import Backends
from coatcheck.reference import MediaUrls
from coatcheck_chat.api import conversations_api
from coatcheck_chat.history.conversations import Conversations
from coatcheck_chat.history.history import History, MessagePage
from coatcheck_chat.history.sql_directory import SqlConversationDirectory
from coatcheck_chat.history.sql_log import SqlConversationLog
from coatcheck_chat.streaming.responder import Responder
from coatcheck_chat.streaming.stream import Stream
from coatcheck_chat.streaming.turns import Turns

pytestmark = pytest.mark.anyio

CONVERSATION = "9188cc90-b172-47e9-b493-4e22175bd478"


class Gated:
    """Answers "half and whole", and waits in the middle of it."""

    def __init__(self) -> None:
        self.half = anyio.Event()
        self.gate = anyio.Event()

    @asynccontextmanager
    async def respond(
        self,
        messages: Sequence[Mapping[str, Any]],  # noqa: ARG002 - as the protocol has it
        *,
        conversation_id: str,  # noqa: ARG002 - likewise
        message_id: str,
        owner: str | None,  # noqa: ARG002 - likewise
    ) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        async def chunks() -> AsyncIterator[dict[str, Any]]:
            yield {"type": "start", "messageId": message_id}
            yield {"type": "text-start", "id": "t"}
            yield {"type": "text-delta", "id": "t", "delta": "half "}
            self.half.set()
            await self.gate.wait()
            yield {"type": "text-delta", "id": "t", "delta": "and whole"}
            yield {"type": "text-end", "id": "t"}
            yield {"type": "finish"}

        yield chunks()


class InterruptedHistory(History):
    """The real history, with something that happens right after its messages are read."""

    happening: Any = None

    async def page(
        self, conversation_id: str, *, owner: str | None, limit: int, before: int | None = None
    ) -> MessagePage:
        page = await super().page(conversation_id, owner=owner, limit=limit, before=before)
        if self.happening is not None:
            await self.happening()
        return page


@pytest.fixture
def history(backends: Backends) -> InterruptedHistory:
    return InterruptedHistory(SqlConversationLog(backends.store), backends.store, MediaUrls())


@asynccontextmanager
async def chat(
    backends: Backends, history: History, responder: Responder
) -> AsyncIterator[tuple[Turns, httpx.AsyncClient]]:
    conversations = Conversations(
        SqlConversationDirectory(backends.store), backends.store, grace=timedelta(minutes=1)
    )
    async with Turns.running(history, responder) as turns:
        app = FastAPI()
        app.include_router(conversations_api(conversations, history, turns.streams, backends.store))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield turns, client


async def begin(turns: Turns, history: History, words: str) -> Any:
    message = {"role": "user", "parts": [{"type": "text", "text": words}]}
    return await turns.begin(CONVERSATION, await history.accept(message))


def said(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    return ["".join(part.get("text", "") for part in message["parts"]) for message in messages]


def streamed(stream: Stream, seq: int) -> str:
    """The text that a reader gets who goes on after `seq`."""
    start = stream.resumption(seq)
    chunks = [stream.entry(number).chunk for number in range(start + 1, stream.last + 1)]
    return "".join(chunk.get("delta", "") for chunk in chunks)


async def test_an_answer_that_ends_while_the_messages_are_read_is_streamed_again_not_lost(
    backends: Backends, history: InterruptedHistory
) -> None:
    responder = Gated()
    async with chat(backends, history, responder) as (turns, client):
        turn = await begin(turns, history, "question")
        await responder.half.wait()

        async def end() -> None:
            responder.gate.set()
            async for _ in turn.follow():
                pass

        history.happening = end
        answer = (await client.get(f"/api/conversations/{CONVERSATION}/messages")).json()
        history.happening = None
        assert said(answer["messages"]) == ["question"]
        assert streamed(turn.stream, answer["seq"]) == "half and whole"
        again = (await client.get(f"/api/conversations/{CONVERSATION}/messages")).json()
        assert said(again["messages"]) == ["question", "half and whole"]
        assert streamed(turn.stream, again["seq"]) == ""


async def test_a_whole_turn_while_the_messages_are_read_is_streamed_not_lost(
    backends: Backends, history: InterruptedHistory
) -> None:
    responder = Gated()
    responder.gate.set()
    question = {"id": "m1", "role": "user", "parts": [{"type": "text", "text": "earlier"}]}
    await history.append_or_edit(CONVERSATION, question)
    async with chat(backends, history, responder) as (turns, client):

        async def whole_turn() -> None:
            async for _ in (await begin(turns, history, "question")).follow():
                pass

        history.happening = whole_turn
        answer = (await client.get(f"/api/conversations/{CONVERSATION}/messages")).json()
        assert said(answer["messages"]) == ["earlier"]
        stream = turns.streams.find(CONVERSATION)
        assert stream is not None
        assert streamed(stream, answer["seq"]) == "half and whole"
