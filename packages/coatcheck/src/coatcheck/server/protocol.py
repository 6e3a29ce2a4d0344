"""HTTP as uvicorn speaks it, with the limits that uvicorn does not have, and ready answers.

httptools collects a request's head for as long as it grows, uvicorn waits for its end for as long
as that takes, and neither counts WebSockets towards the limit on connections.

Where the application has an answer ready, it is written when the head is read. Uvicorn would make a
task for the request, and look at each header of the answer for characters that do not belong there.
"""

from asyncio import BaseTransport, TimerHandle
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from coatcheck.delivery.ready import Answer

MAX_HEAD: Final = 64 * 1024
"""Bytes of a request line with its headers; of the line before a chunk; of the trailers."""

HEAD_SECONDS: Final = 15.0
"""How long a whole head may take, counted from the connection or from the head's first byte."""

DRAIN_SECONDS: Final = 120.0
"""How long the rest of a body is read that was answered before it was whole."""


FindReady = Callable[[Scope], Answer | None]
"""Returns the ready answer to a request, counted and logged; None if the application answers it."""

_OF_A_BODY: Final = frozenset({b"content-length", b"transfer-encoding", b"expect"})
_MEDIA: Final = b"/api/media/"


class BoundedHttpProtocol(HttpToolsProtocol):
    """Ends connections whose heads are too long (431) or take too long (408).

    The parser gets at most `MAX_HEAD` bytes at once. What of them is neither a body nor part of a
    whole head is counted: a head of `MAX_HEAD` passes, and one of twice that never does. The time
    is counted while the application has nothing to answer.

    Args:
        head_seconds: how long a whole head may take.
        find_ready: looks for ready answers; None if the application has none.
        options: uvicorn's.
    """

    def __init__(
        self, head_seconds: float, find_ready: FindReady | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self._head_seconds = head_seconds
        self._find_ready = find_ready
        self._logs_access = self.access_log
        self._answered = False
        self._defaults: object = None
        self._default_lines = b""
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
        # Until the next byte, uvicorn's own time-out runs for a connection that has been answered.
        if not self._is_idle or self.timeout_keep_alive_task is not None:
            self._drop_deadline()
        elif self._deadline is None:
            self._set_deadline()

    def on_headers_complete(self) -> None:
        """Count anew: the head is whole."""
        self._unfinished = 0
        self._in_body = True
        # Ours is the log of media. Uvicorn would make a record that is then dropped.
        is_media = self.url.startswith(_MEDIA)
        self.access_log = self._logs_access and not is_media
        if not is_media or self._find_ready is None or not self._answer_ready(self._find_ready):
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
        if self._answered:  # it has no body, and nothing waits for its end
            self._answered = False
        else:
            super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Count WebSockets like other requests; uvicorn's limit passes over them."""
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            super().handle_websocket_upgrade()

    def _answer_ready(self, find_ready: FindReady) -> bool:
        """Write the ready answer to the request whose head was read; false if there is none."""
        parser, limit = self.parser, self.limit_concurrency
        if (
            not self._is_idle
            or self.pipeline
            or self.flow.write_paused  # the client does not read: the application waits for it
            or (limit is not None and max(len(self.connections), len(self.tasks)) >= limit)
            or not parser.should_keep_alive()
            or parser.should_upgrade()
            or parser.get_method() != b"GET"
            or any(name in _OF_A_BODY for name, _ in self.headers)
            or b"%" in self.url
            or b"#" in self.url
        ):
            return False
        path, _, query = self.url.partition(b"?")
        scope = self.scope
        scope["method"] = "GET"
        scope["path"] = path.decode("latin-1")
        scope["query_string"] = query
        answer = find_ready(scope)  # type: ignore[arg-type] # uvicorn's type of it is a TypedDict
        if answer is None:
            return False
        defaults = self.server_state.default_headers
        if defaults is not self._defaults:  # the date, once in a second
            self._defaults = defaults
            self._default_lines = b"".join(b"%s: %s\r\n" % header for header in defaults)
        head = STATUS_LINE[answer.status] + self._default_lines + answer.lines
        self.transport.write(b"%s%s: %s\r\n\r\n%s" % (head, *answer.timing, answer.body))
        self._answered = True
        self.on_response_complete()
        return True

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
