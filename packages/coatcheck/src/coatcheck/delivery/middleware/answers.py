"""Outgoing HTTP bodies without inline media.

A JSON body is held until it is whole, as its length is announced before it. So is a body of events
or lines whose length is announced. A stream begins at once, and its events pass one by one.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from anyio import Lock
from starlette.types import Message, Send

from coatcheck.delivery.middleware.events import Pause, Quick, RewrittenEvents
from coatcheck.delivery.middleware.splitting import EVENTS, LINES, WHOLE, Framing, Splitter, Unit
from coatcheck.payload.offload import may_hold_media

Rewrite: TypeAlias = Callable[[bytes], Awaitable[bytes]]
"""Takes the media out of a body; returns the same object where there is none."""

# Bodies of these are what was asked for. An error may hold what its client sent: stored and served,
# that would be hosting for anyone. 206 is a piece of a body.
_LOOKED_AT: Final = frozenset(range(200, 300)) - {206}
_FRAMINGS: Final = {
    b"application/json": WHOLE,
    b"text/event-stream": EVENTS,
    **dict.fromkeys(
        (
            *(b"application/x-ndjson", b"application/ndjson", b"text/x-ndjson"),
            *(b"application/jsonl", b"application/x-jsonl", b"application/json-lines"),
            *(b"application/jsonlines", b"application/x-jsonlines", b"application/stream+json"),
            *(b"application/json-seq", b"application/x-json-stream"),
        ),
        LINES,
    ),
}
_LINES_SUFFIX: Final = b"+json-seq"  # RFC 8091
# What tells of the very bytes that the application made. RFC 9110 and 9530; Content-MD5 is older.
_OF_THE_BYTES: Final = frozenset(
    {
        b"accept-ranges",
        b"content-digest",
        b"content-length",
        b"content-md5",
        b"digest",
        b"etag",
        b"last-modified",
        b"repr-digest",
    }
)


class RewrittenAnswer:
    """The sending side of one request.

    Args:
        send: what sends.
        rewrite: takes the media out of a document.
        threshold: characters from which on base64 counts as media; a shorter body holds none.
        max_held: largest unit in bytes that is held until it is whole.
        on_too_large: told of each that is larger.
        follow: follows the events of a stream with these units.
    """

    def __init__(
        self,
        send: Send,
        rewrite: Rewrite,
        *,
        threshold: int,
        max_held: int,
        on_too_large: Callable[[], None],
        follow: Callable[[Framing], RewrittenEvents],
    ) -> None:
        self._send = send
        self._rewrite = rewrite
        self._threshold = threshold
        self._max_held = max_held
        self._on_too_large = on_too_large
        self._order = Lock(fast_acquire=True)
        self._framing = WHOLE
        self._splitter: Splitter | None = None  # where there is none, everything passes
        self._start: Message | None = None  # held until the length is known
        self._ready: list[bytes] = []
        self._follow = follow
        self._events: RewrittenEvents | None = None  # of a stream that passes as it comes
        self._idle: RewrittenEvents | None = None  # those, where the next message begins an event
        self._pause = Pause(self._relent)
        self._taking = 0  # messages that are being rewritten, or wait for that

    async def __call__(self, message: Message) -> None:
        """Send a message, a body without its media."""
        events = self._idle
        body = message.get("body")
        if events is not None and type(body) is bytes and message.get("more_body"):
            outcome = events.outcome_of(body)
            if outcome is Quick.WAITS:
                return
            if outcome is Quick.PASSES:
                await self._send(message)
                return
            if isinstance(outcome, bytes):
                await self._send({**message, "body": outcome})
                return
        await self._take(message)

    async def _take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif self._splitter is None:
            await self._send(message)
        else:
            self._idle = None
            self._pause.stop()
            self._taking += 1
            try:
                async with self._order:
                    if message["type"] == "http.response.body":
                        await self._go_on(self._splitter, message)
                    else:  # an extension sends the body on another way
                        await self._give_up(self._splitter)
                        await self._send(message)
            finally:
                self._taking -= 1
            if not self._taking:
                self._go_idle()

    def _go_idle(self) -> None:
        """Nothing is being sent: what comes next may take the short way."""
        self._idle = self._events if self._is_between() else None
        if self._splitter is not None and self._events is not None and self._events.holds_back:
            self._pause.expect()

    async def _relent(self) -> None:
        """Send what waits in vain, as the stream pauses."""
        if self._taking or self._splitter is None or self._events is None:
            return
        self._idle = None
        self._taking += 1
        try:
            async with self._order:
                self._ready += await self._events.relent()
                await self._flush(more=True)
        finally:
            self._taking -= 1
        if not self._taking:
            self._idle = self._events if self._is_between() else None

    async def end(self) -> None:
        """Send what is held back, as the application is done with the answer."""
        try:
            async with self._order:
                if self._splitter is not None:
                    await self._give_up(self._splitter)
        finally:
            self._pause.end()

    def _is_between(self) -> bool:
        return self._splitter is not None and self._splitter.is_between

    async def _begin(self, start: Message) -> None:
        headers = {name.lower(): value for name, value in start.get("headers", ())}
        framing = None if start.get("trailers") else framing_of(start["status"], headers)
        announced = headers.get(b"content-length", b"")
        length = int(announced) if announced.isdigit() else None
        if framing is None or (length is not None and length < self._threshold):
            await self._send(start)
        elif framing is not WHOLE and (length is None or length > self._max_held):
            self._framing = framing
            self._splitter = Splitter(framing, self._max_held)
            self._events = self._follow(framing)
            await self._send(_revised(start))
        elif length is None or length <= self._max_held:
            self._framing = framing
            self._splitter = Splitter(WHOLE, self._max_held)
            self._start = start
        else:
            self._on_too_large()
            await self._send(start)

    async def _go_on(self, splitter: Splitter, message: Message) -> None:
        more = message.get("more_body", False)
        too_large = splitter.too_large
        units = splitter.feed(bytes(message.get("body", b"")))
        for _ in range(splitter.too_large - too_large):
            self._on_too_large()
        if not more:
            units += splitter.end()
            self._splitter = None
        for unit in units:
            if self._events is not None:
                self._ready += await self._followed(self._events, unit)
            elif self._start is None:
                self._ready.append(unit.data)
            else:
                body = await self._rewritten_all(unit)
                changed = body is not unit.data
                await self._send_start(_revised(self._start, len(body)) if changed else self._start)
                self._ready.append(body)
        if self._events is not None and not more:
            self._ready += await self._events.end()
        if self._start is not None and not more:
            await self._send_start(self._start)  # the body is empty
        await self._flush(more=more)

    async def _send_start(self, start: Message) -> None:
        self._start = None
        await self._send(start)

    async def _rewritten_all(self, held: Unit) -> bytes:
        if not held.whole:
            return held.data
        if self._framing is WHOLE:
            return await self._rewritten(held)
        splitter = Splitter(self._framing, self._max_held)
        events = self._follow(self._framing)
        parts: list[bytes] = []
        for unit in [*splitter.feed(held.data), *splitter.end()]:
            parts += await self._followed(events, unit)
        body = b"".join([*parts, *await events.end()])
        return held.data if body == held.data else body

    async def _rewritten(self, unit: Unit) -> bytes:
        document = unit.data
        if len(document) < self._threshold or not may_hold_media(document, self._threshold):
            return document
        return await self._rewrite(document)

    async def _followed(self, events: RewrittenEvents, unit: Unit) -> list[bytes]:
        if not unit.whole:
            idle = self._framing.idle
            is_idle = idle is not None and idle.fullmatch(unit.data) is not None
            return [*([] if is_idle else await events.end()), unit.data]
        if len(unit.data) >= self._threshold or events.holds_back:
            await self._flush(more=True)  # what stands before it does not wait for the storage
        return await events.rewritten(unit.data)

    async def _flush(self, *, more: bool) -> None:
        if self._start is None and (self._ready or not more):
            body = b"".join(self._ready)
            self._ready.clear()
            await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def _give_up(self, splitter: Splitter) -> None:
        self._splitter = self._idle = None
        if self._events is not None:
            self._ready += await self._events.end()
        self._ready += [unit.data for unit in splitter.end()]
        if self._start is not None:
            await self._send_start(self._start)
        await self._flush(more=True)


def framing_of(status: int, headers: dict[bytes, bytes]) -> Framing | None:
    """How the documents of a body are found; None for a body that is not looked at."""
    if status not in _LOOKED_AT or headers.get(b"content-encoding", b"identity") != b"identity":
        return None
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type in _FRAMINGS:
        return _FRAMINGS[media_type]
    if media_type.endswith(_LINES_SUFFIX):
        return LINES
    return WHOLE if media_type.endswith(b"+json") else None


def _revised(start: Message, length: int | None = None) -> Message:
    """The start of an answer whose body is not the one that its headers tell of."""
    headers = [item for item in start.get("headers", ()) if item[0].lower() not in _OF_THE_BYTES]
    if length is not None:  # which stands in the place of chunks without one
        headers = [item for item in headers if item[0].lower() != b"transfer-encoding"]
        headers.append((b"content-length", b"%d" % length))
    return {**start, "headers": headers}
