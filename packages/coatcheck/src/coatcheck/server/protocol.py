"""HTTP as uvicorn speaks it, with the limits that uvicorn does not have.

httptools collects a request's head for as long as it grows, uvicorn waits for its end for as long
as that takes, and neither counts WebSockets towards the limit on connections.
"""

from asyncio import BaseTransport, TimerHandle
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MAX_HEAD: Final = 64 * 1024
"""Bytes of a request line with its headers; of the line before a chunk; of the trailers."""

HEAD_SECONDS: Final = 15.0
"""How long a whole head may take, counted from the connection or from the head's first byte."""

DRAIN_SECONDS: Final = 120.0
"""How long the rest of a body is read that was answered before it was whole."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """Ends connections whose heads are too long (431) or take too long (408).

    The parser gets at most `MAX_HEAD` bytes at once. What of them is neither a body nor part of a
    whole head is counted: a head of `MAX_HEAD` passes, and one of twice that never does. The time
    is counted while the application has nothing to answer.

    Args:
        head_seconds: how long a whole head may take.
        options: uvicorn's.
    """

    def __init__(self, head_seconds: float, **options: Any) -> None:
        super().__init__(**options)
        self._head_seconds = head_seconds
        self._unfinished = 0
        self._in_body = False
        self._deadline: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Wait for the first head, unless there are far too many connections."""
        super().connection_made(transport)  # type: ignore[arg-type] # uvicorn narrows it likewise
        limit = self.limit_concurrency
        # Up to the limit requests are answered, a quarter above it with 503, and more not at all:
        # the files that the process may open are needed by those that it has.
        if limit is not None and len(self.connections) > limit + limit // 4:
            self.transport.abort()
        else:
            self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._drop_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse it in pieces, and count what does not come to an end."""
        for start in range(0, len(data), MAX_HEAD):
            piece = data[start : start + MAX_HEAD]
            self._unfinished += len(piece)
            super().data_received(piece)
            if self.transport.is_closing() or self.transport.get_protocol() is not self:
                self._drop_deadline()
                return
            # Less than nothing where a body followed a head, which was taken off before it.
            self._unfinished = max(self._unfinished, 0)
            if self._unfinished > MAX_HEAD:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                return
        if not self._is_idle:
            self._drop_deadline()
        elif self._deadline is None:
            self._set_deadline()

    def on_headers_complete(self) -> None:
        """Count anew: the head is whole."""
        self._unfinished = 0
        self._in_body = True
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        """Count anew: the line before a chunk is whole."""
        self._unfinished = 0

    def on_body(self, body: bytes) -> None:
        """Leave the body to the application, which counts it itself."""
        self._unfinished -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The next byte begins a head."""
        self._in_body = False
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Count WebSockets like other requests; uvicorn's limit passes over them."""
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            super().handle_websocket_upgrade()

    @property
    def _is_idle(self) -> bool:
        # None before the first request, whatever uvicorn's annotation says.
        return self.cycle is None or self.cycle.response_complete  # type: ignore[redundant-expr]

    def _set_deadline(self) -> None:
        seconds = DRAIN_SECONDS if self._in_body else self._head_seconds
        self._deadline = self.loop.call_later(seconds, self._end)

    def _drop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _end(self) -> None:
        if self._unfinished and not self._in_body:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        self._drop_deadline()
        if not self._is_idle:  # an answer is on its way: another one cannot stand in its middle
            self.transport.abort()
            return
        text = status.phrase.encode()
        head = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n" % len(text)
        self.transport.write(STATUS_LINE[status] + head + b"connection: close\r\n\r\n" + text)
        self.transport.close()
