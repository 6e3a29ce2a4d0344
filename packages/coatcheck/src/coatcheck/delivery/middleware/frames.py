"""Outgoing WebSocket frames without inline media."""

from collections.abc import Callable
from typing import Final

from anyio import Lock
from starlette.types import Message, Send

from coatcheck.delivery.middleware.events import Quick, RewrittenEvents

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

    async def __call__(self, message: Message) -> None:
        """Send a message, a text frame without its media."""
        text = message.get("text")
        unit = None if text is None else text.encode(errors=_SURROGATES)
        is_first = not self._order.locked()
        outcome = self._events.outcome(unit) if unit is not None and is_first else None
        if outcome is Quick.PASSES or (is_first and _says_nothing(message)):
            await self._send(message)
        elif outcome is not Quick.WAITS:
            async with self._order:  # behind the frame that is being rewritten
                if unit is None:
                    await self._pass(message)
                elif isinstance(outcome, bytes):
                    await self._send(_exchanged(message, outcome))
                else:
                    for frame in await self._events.rewritten(unit):
                        unchanged = frame is unit
                        await self._send(message if unchanged else _exchanged(message, frame))

    async def end(self) -> None:
        """Send what is held back, as the application is done with the socket."""
        if self._events.holds_back:
            async with self._order:
                await self._send_rest()

    async def _pass(self, message: Message) -> None:
        if message["type"] == "websocket.close":
            await self._send_rest()
        await self._send(message)

    async def _send_rest(self) -> None:
        for frame in await self._events.end():
            await self._send(_exchanged({"type": "websocket.send"}, frame))


def _says_nothing(message: Message) -> bool:
    return message.get("text") is None and message["type"] != "websocket.close"


def _exchanged(message: Message, frame: bytes) -> Message:
    return {**message, "text": frame.decode(errors=_SURROGATES)}
