"""Observe every answer: a header for the browser, metrics and one line in the log.

The line holds no query, no body, no address and no header of the client: a signed URL would let
a reader of the log read the media.
"""

import json
import logging
import re
import time
from collections.abc import Callable
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coatcheck.delivery.access import PRINCIPAL
from coatcheck.delivery.metrics import Metrics
from coatcheck.delivery.problems import ERROR_CODE
from coatcheck.reference import normalize_reference_id

ACCESS_LOG: Final = "coatcheck.access"
"""The logger that records every request for media, at level INFO."""

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
        self._log = logging.getLogger(ACCESS_LOG)

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
                timing = (b"server-timing", b"total;dur=%.2f" % (answered * 1000))
                message["headers"] = [*message["headers"], timing]
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
                complete = not message.get("more_body", False)
            await send(message)

        try:
            await self._app(scope, receive, observe)
        finally:
            is_logged = self._log.isEnabledFor(logging.INFO)
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
                self._log.info(record, extra={"access": record})


def _known_of(scope: Scope) -> dict[str, str]:
    # Only what is an id: anything else in its place is the client's own words.
    reference_id = normalize_reference_id(scope.get("path_params", {}).get("id", ""))
    found = {
        "id": reference_id,
        "code": scope.get(ERROR_CODE),
        "principal": scope.get(PRINCIPAL),
    }
    return {name: value for name, value in found.items() if value is not None}


def _logfmt(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = f"{value:.6f}" if isinstance(value, float) else str(value)
    # Quoted, an identity with a space or a line break in it cannot pass for another field or line.
    return text if _BARE.fullmatch(text) else json.dumps(text)
