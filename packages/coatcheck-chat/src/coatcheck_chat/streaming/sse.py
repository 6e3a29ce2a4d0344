"""The chat over plain HTTP: what the AI SDK's `DefaultChatTransport` speaks.

``POST /api/chat`` takes what `useChat` sends and answers with server-sent events; ``GET
/api/chat/{id}/stream`` joins the turn that is under way. A turn goes on when its reader leaves,
since a lost connection looks like a stopped one; ``DELETE`` stops it.
"""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, aclosing
from http import HTTPMethod
from typing import Any, Final

import msgspec
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from coatcheck.delivery import ClientLimits, client_of, read_body, require_same_origin
from coatcheck.errors import CoatcheckError, InvalidInputError
from coatcheck.reference import MediaUrls, is_reference_id
from coatcheck_chat.errors import StreamExpiredError
from coatcheck_chat.history.history import History
from coatcheck_chat.streaming.events import REGENERATE
from coatcheck_chat.streaming.feed import follow
from coatcheck_chat.streaming.posted import ChatRequest, read_message, read_request
from coatcheck_chat.streaming.session import preview_chunk
from coatcheck_chat.streaming.stream import Entry, Preview, Stream
from coatcheck_chat.streaming.turns import Turn, Turns

MAX_BODY: Final = 8 * 1024 * 1024
"""Bytes of a POST. The AI SDK sends the whole conversation; the last message alone is looked at."""

_IDLE_SECONDS: Final = 15.0
_DONE: Final = "data: [DONE]\n\n"
_IDLE: Final = ": nothing yet\n\n"  # a comment, which keeps proxies from hanging up
_EVENTS: Final = "text/event-stream"
_UNCACHED: Final = {"cache-control": "no-store"}
_HEADERS: Final = {
    **_UNCACHED,
    "x-accel-buffering": "no",  # nginx would hold the events back
    "x-content-type-options": "nosniff",
    "x-vercel-ai-ui-message-stream": "v1",
}


Identify = Callable[[HTTPConnection], str | None]
"""Tells whose request it is; None where clients are anonymous. Raises `UnauthorizedError`."""


class ChatStreams:
    """The routes below ``/api/chat``.

    Args:
        history: accepts messages.
        turns: answers them.
        urls: mints the URLs of previews.
        limits: what clients may do.
        identify: returns the principal of a request.
        clock: a monotonic clock in seconds.
    """

    def __init__(
        self,
        history: History,
        turns: Turns,
        urls: MediaUrls,
        limits: ClientLimits,
        identify: Identify,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._history = history
        self._turns = turns
        self._urls = urls
        self._limits = limits
        self._identify = identify
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        """What an application adds to its own."""
        return [
            Route("/api/chat", self.post, methods=[HTTPMethod.POST]),
            Route(
                "/api/chat/{conversation_id}/stream",
                self.stream,
                methods=[HTTPMethod.GET, HTTPMethod.DELETE],
            ),
        ]

    async def post(self, request: Request) -> Response:
        """A message, or the wish for another answer; the answer as server-sent events.

        Args:
            request: the chat's request, as the AI SDK sends it.
        """
        require_same_origin(request)
        owner = self._identify(request)
        client, now = client_of(request, owner), self._clock()
        self._limits.of(client, now).take(now)
        asked = read_request(await read_body(request, max_bytes=MAX_BODY))
        with ExitStack() as stack:
            stack.enter_context(self._limits.admit(client, now))
            turn = await self._begin(asked, owner)
            return self._answer(turn.stream, turn.start, stack.pop_all())

    async def stream(self, request: Request) -> Response:
        """Join the turn that is under way, or stop it.

        Args:
            request: GET to join, DELETE to stop.
        """
        require_same_origin(request)
        owner = self._identify(request)
        conversation_id = request.path_params["conversation_id"]
        await self._history.require(conversation_id, owner=owner)
        if request.method == HTTPMethod.DELETE:
            self._turns.cancel(conversation_id, owner=owner)
            return Response(status_code=204, headers=_UNCACHED)
        stream = self._turns.streams.find(conversation_id, owner)
        if stream is None or not stream.is_running:
            return Response(status_code=204, headers=_UNCACHED)
        start = stream.resumption(0)
        if request.method == HTTPMethod.HEAD:
            return Response(headers=_HEADERS, media_type=_EVENTS)
        with ExitStack() as stack:
            stack.enter_context(self._limits.admit(client_of(request, owner), self._clock()))
            return self._answer(stream, start, stack.pop_all())

    async def _begin(self, asked: ChatRequest, owner: str | None) -> Turn:
        if not is_reference_id(asked.id):
            raise InvalidInputError("The id of a conversation is a UUIDv4 in lower case.")
        if asked.trigger == REGENERATE:
            return await self._turns.regenerate(asked.id, asked.message_id, owner=owner)
        accepted = await self._history.accept(read_message(asked), owner=owner)
        return await self._turns.begin(asked.id, accepted, owner=owner)

    def _answer(self, stream: Stream, start: int, held: ExitStack) -> Response:
        return _EventStream(self._events(stream, start), held)

    async def _events(self, stream: Stream, start: int) -> AsyncGenerator[str]:
        try:
            async with aclosing(follow(stream, start, idle_seconds=_IDLE_SECONDS)) as items:
                async for item in items:
                    match item:
                        case Entry():
                            yield _event(item)
                        case Preview(data=data):
                            url = self._urls.preview(data["previewId"])
                            yield _data(preview_chunk(item, url=url))
                        case None:
                            yield _IDLE
        except StreamExpiredError as error:
            yield _told(error)
        yield _DONE


class _EventStream(StreamingResponse):
    """Server-sent events; `held` is let go when the reader has left or has everything."""

    def __init__(self, events: AsyncGenerator[str], held: ExitStack) -> None:
        super().__init__(events, media_type=_EVENTS, headers=_HEADERS)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._held:
            await super().__call__(scope, receive, send)


def _event(entry: Entry) -> str:
    chunk = entry.chunk
    if chunk["type"] != "error":
        return f"data: {entry.text}\n\n"
    return _error(chunk["errorText"], chunk.get("code"))


def _told(error: CoatcheckError) -> str:
    return _error(error.message, error.code) + _data({"type": "finish"})


def _error(text: str, code: str | None) -> str:
    # Older versions of the SDK refuse an error chunk that has more than its text.
    told = _data({"type": "data-error", "transient": True, "data": {"code": code}})
    return told + _data({"type": "error", "errorText": text})


def _data(chunk: dict[str, Any]) -> str:
    return f"data: {msgspec.json.encode(chunk).decode()}\n\n"
