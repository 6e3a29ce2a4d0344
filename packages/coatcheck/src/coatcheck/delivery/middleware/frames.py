"""Outgoing WebSocket frames without inline media."""

from collections.abc import Callable
from typing import Final

from anyio import Lock
from starlette.types import Message, Send

from coatcheck.delivery.middleware.events import Outcome, Pause, Quick, RewrittenEvents

_SURROGATES: Final = "surrogatepass"  # a frame that is no Unicode is left to the server


class RewrittenFrames:
    """The sending side of one socket. Frames keep their order, whichever tasks send them.

    Args:
        send: what sends.
        follow: follows the text frames of a socket.
    """

    def __init__(self, send: Send, follow: Callable[[], RewrittenEvents]) -> None:
        self._send = send
        self._events = follow()
        self._order = Lock(fast_acquire=True)
        self._pause = Pause(self._relent)

    async def __call__(self, message: Message) -> None:
        """Send a message, a text frame without its media."""
        text = message.get("text")
        outcome: Outcome = Quick.IS_READ
        if self._order.locked():
            pass  # it is read behind the frame that is being rewritten
        elif text is None:
            outcome = Quick.IS_READ if message["type"] == "websocket.close" else Quick.PASSES
        else:
            outcome = self._events.outcome(text.encode(errors=_SURROGATES))
        if outcome is Quick.PASSES:
            await self._send(message)
        elif isinstance(outcome, bytes):
            async with self._order:
                await self._send(_exchanged(message, outcome))
        elif outcome is Quick.IS_READ:
            async with self._order:
                await self._rewrite(message, text)

    async def _rewrite(self, message: Message, text: str | None) -> None:
        self._pause.stop()
        if text is not None:
            unit = text.encode(errors=_SURROGATES)
            for frame in await self._events.rewritten(unit):
                await self._send(message if frame is unit else _exchanged(message, frame))
        else:
            if message["type"] == "websocket.close":
                await self._send_rest()
            await self._send(message)
        if self._events.holds_back:
            self._pause.expect()

    async def _relent(self) -> None:
        """Send what waits in vain, as the application pauses."""
        async with self._order:
            for frame in await self._events.relent():
                await self._send(_exchanged({"type": "websocket.send"}, frame))

    async def end(self) -> None:
        """Send what is held back, as the application is done with the socket."""
        try:
            async with self._order:
                await self._send_rest()
        finally:
            self._pause.end()

    async def _send_rest(self) -> None:
        for frame in await self._events.end():
            await self._send(_exchanged({"type": "websocket.send"}, frame))


def _exchanged(message: Message, frame: bytes) -> Message:
    return {**message, "text": frame.decode(errors=_SURROGATES)}
