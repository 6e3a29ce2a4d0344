"""Observe every answer: a header for the browser, metrics and one line in the log.

The line holds no query, no body, no address and no header of the client: a signed URL would let
a reader of the log read the media.
"""

import asyncio
import json
import logging
import re
import time
from collections.abc import Callable
from contextlib import nullcontext
from itertools import accumulate
from select import PIPE_BUF
from typing import Any, Final, TextIO

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coatcheck.delivery.access import PRINCIPAL
from coatcheck.delivery.metrics import Metrics
from coatcheck.delivery.problems import ERROR_CODE
from coatcheck.reference import normalize_reference_id

ACCESS_LOG: Final = "coatcheck.access"
"""The logger that records every request for media, at level INFO."""

LINES_SECONDS: Final = 0.1
"""How long a line of the access log waits for others, so that they are written together."""

_MOST_LINES: Final = 32
_BARE: Final = re.compile(r"[\w.:@/+-]+", re.ASCII)
_UNANSWERED: Final = 500


class AccessRecord(dict[str, Any]):
    """One request: a JSON object, and as text one line of logfmt.

    ``method``, ``kind``, ``status``, ``bytes``, ``seconds`` and ``complete``, which is false for an
    answer that ended before all of it was sent; ``id``, ``code`` of the error and ``principal``
    where there are such.
    """

    def __str__(self) -> str:
        return " ".join(f"{name}={_logfmt(value)}" for name, value in self.items())


class AccessLog:
    """Writes one record for each request, or one line where nothing but lines is wanted."""

    def __init__(self) -> None:
        self._log = logging.getLogger(ACCESS_LOG)

    @property
    def is_on(self) -> bool:
        """Whether records are wanted."""
        return self._log.isEnabledFor(logging.INFO)

    def add(self, record: AccessRecord) -> None:
        """Write one record."""
        self._log.info(record, extra={"access": record})

    def add_ready(
        self, *, kind: str, status: int, size: int, seconds: float, reference_id: str
    ) -> None:
        """Write the record of a GET that was answered at once, the shortest way.

        Args:
            kind: what was requested.
            status: the status of the answer.
            size: the body's length in bytes.
            seconds: how long it took.
            reference_id: the id of the media.
        """
        log = self._log
        if not log.isEnabledFor(logging.INFO):
            return
        if not log.propagate and len(log.handlers) == 1 and not log.filters:
            lines = log.handlers[0]
            if isinstance(lines, AccessLines):
                lines.add_line(
                    f"method=GET kind={kind} status={status} bytes={size} seconds={seconds:.6f}"
                    f" complete=true id={reference_id}"
                )
                return
        self.add(
            AccessRecord(
                method="GET",
                kind=kind,
                status=status,
                bytes=size,
                seconds=round(seconds, 6),
                complete=True,
                id=reference_id,
            )
        )


class AccessLines(logging.StreamHandler[TextIO]):
    """Writes lines, those of `LINES_SECONDS` at once.

    What comes by `add_line` passes no filter; its time is written as by ``%(asctime)s``.

    Args:
        stream: where they are written.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self._lines: list[str] = []
        self._second = 0
        self._stamp = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record's line."""
        try:
            self._take(self.format(record))
        except Exception:  # noqa: BLE001 - as every handler does
            self.handleError(record)

    def add_line(self, message: str) -> None:
        """Take a line.

        Args:
            message: without the time.
        """
        now = time.time()
        second = int(now)
        if second != self._second:
            self._stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
            self._second = second
        self._take(f"{self._stamp},{int((now - second) * 1000):03d} {message}")

    def flush(self) -> None:
        """Write the lines that were taken."""
        with self.lock or nullcontext():
            lines, self._lines = self._lines, []
            while lines:
                # What is short enough is written at once, so lines of several processes do not mix.
                count = max(1, sum(end <= PIPE_BUF for end in accumulate(map(_size, lines))))
                self.stream.write("".join(f"{line}\n" for line in lines[:count]))
                super().flush()
                del lines[:count]

    def _take(self, line: str) -> None:
        self._lines.append(line)
        if len(self._lines) == 1:
            self._flush_soon()
        elif len(self._lines) >= _MOST_LINES:
            self.flush()

    def _flush_soon(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # at the start or the end, or in a thread
            self.flush()
        else:
            loop.call_later(LINES_SECONDS, self.flush)


def server_timing(seconds: float) -> tuple[bytes, bytes]:
    """Return the header that tells a browser how long an answer took."""
    return b"server-timing", b"total;dur=%.2f" % (seconds * 1000)


class Observation:
    """ASGI middleware around the media application.

    Args:
        app: what answers.
        kind_of: returns what a request asked for, after it has been routed.
        metrics: counts; nothing is counted without.
        clock: a monotonic clock in seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        kind_of: Callable[[Scope], str],
        metrics: Metrics | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._app = app
        self._kind_of = kind_of
        self._metrics = metrics
        self._clock = clock
        self._log = AccessLog()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and tell of its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        clock = self._clock
        began = clock()
        answered = 0.0
        status = size = 0
        complete = False

        async def observe(message: Message) -> None:
            nonlocal answered, status, size, complete
            if message["type"] == "http.response.start":
                answered = clock() - began
                status = message["status"]
                message["headers"] = [*message["headers"], server_timing(answered)]
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
                complete = not message.get("more_body", False)
            await send(message)

        try:
            await self._app(scope, receive, observe)
        finally:
            is_logged = self._log.is_on
            kind = self._kind_of(scope) if is_logged or self._metrics is not None else ""
            if self._metrics is not None:
                self._metrics.count_answer(
                    kind=kind,
                    status=status or _UNANSWERED,
                    code=scope.get(ERROR_CODE),
                    size=size,
                    seconds=answered,
                )
            if is_logged:
                record = AccessRecord(
                    method=scope["method"],
                    kind=kind,
                    status=status or _UNANSWERED,
                    bytes=size,
                    seconds=round(clock() - began, 6),
                    complete=complete,
                    **_known_of(scope),
                )
                self._log.add(record)


def _known_of(scope: Scope) -> dict[str, str]:
    # Only what is an id: anything else in its place is the client's own words.
    reference_id = normalize_reference_id(scope.get("path_params", {}).get("id", ""))
    found = {
        "id": reference_id,
        "code": scope.get(ERROR_CODE),
        "principal": scope.get(PRINCIPAL),
    }
    return {name: value for name, value in found.items() if value is not None}


def _size(line: str) -> int:
    return len(line) + 1 if line.isascii() else len(line.encode()) + 1


def _logfmt(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = f"{value:.6f}" if isinstance(value, float) else str(value)
    # Quoted, an identity with a space or a line break in it cannot pass for another field or line.
    return text if _BARE.fullmatch(text) else json.dumps(text)
