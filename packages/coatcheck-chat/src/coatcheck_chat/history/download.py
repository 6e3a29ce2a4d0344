"""A file that is written while it is sent, to a client that takes it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final
from urllib.parse import quote

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from coatcheck.errors import SlowReaderError

SLOW_READER_SECONDS: Final = 60.0
"""How long a client may take nothing."""


class Download(Response):
    """An attachment without a known length.

    Args:
        content: its bytes. It is closed at the end, or when the client has left.
        name: what to save it as.
        media_type: its type.
    """

    def __init__(self, content: AsyncGenerator[bytes], name: str, media_type: str) -> None:
        super().__init__(media_type=media_type)
        self._content = content
        del self.headers["content-length"]
        self.headers.update(
            {
                "cache-control": "no-store",
                "content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
                # Opened from here it would be a document of our origin, and must do nothing.
                "content-security-policy": "default-src 'none'; sandbox",
                "x-content-type-options": "nosniff",
            }
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Send it.

        Raises:
            SlowReaderError: the client has stopped reading.
        """
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        async with aclosing(self._content) as chunks:
            async for chunk in chunks:
                body = {"type": "http.response.body", "body": chunk, "more_body": True}
                with anyio.move_on_after(SLOW_READER_SECONDS) as patience:
                    await send(body)
                if patience.cancelled_caught:
                    raise SlowReaderError
        await send({"type": "http.response.body"})
