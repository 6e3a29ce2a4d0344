"""Outgoing WebSocket frames without inline media."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from anyio import Lock
from starlette.types import Message, Send

from coatcheck.payload.offload import may_hold_media

RewriteText: TypeAlias = Callable[[str], Awaitable[str]]
"""Takes the media out of a frame; returns the same object where there is none."""


class RewrittenFrames:
    """The sending side of one socket. Frames keep their order, whichever tasks send them.

    Args:
        send: what sends.
        rewrite: takes the media out of a frame.
        threshold: characters from which on base64 counts as media; a shorter frame holds none.
    """

    def __init__(self, send: Send, rewrite: RewriteText, threshold: int) -> None:
        self._send = send
        self._rewrite = rewrite
        self._threshold = threshold
        self._order = Lock(fast_acquire=True)

    async def __call__(self, message: Message) -> None:
        """Send a message, a text frame without its media."""
        text = message.get("text")
        if (
            text is not None
            and len(text) >= self._threshold
            and may_hold_media(text, self._threshold)
        ):
            async with self._order:
                await self._send(await self._rewritten(message, text))
        elif self._order.locked():
            async with self._order:  # behind the frame that is being rewritten
                await self._send(message)
        else:
            await self._send(message)

    async def _rewritten(self, message: Message, text: str) -> Message:
        rewritten = await self._rewrite(text)
        return message if rewritten is text else {**message, "text": rewritten}
