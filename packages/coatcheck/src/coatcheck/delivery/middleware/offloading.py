"""`OffloadMiddleware`: what it wraps and how it is told.

It rewrites text frames of WebSockets, server-sent events, and JSON and NDJSON bodies. Everything
else passes as it is and at once, and so does a message without inline media.
"""

import inspect
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final, TypeAlias, TypeVar, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coatcheck.delivery.middleware.answers import RewrittenAnswer
from coatcheck.delivery.middleware.events import RewrittenEvents
from coatcheck.delivery.middleware.frames import RewrittenFrames
from coatcheck.delivery.middleware.splitting import WHOLE, Framing
from coatcheck.payload.offload import (
    Form,
    OffloadLimits,
    OffloadOptions,
    OffloadReport,
    offload_document,
)
from coatcheck.payload.shapes import DEFAULT_SHAPES, Shapes
from coatcheck.payload.streaming import StreamOffload
from coatcheck.reference import MediaUrls
from coatcheck.store import MediaStore

MAX_HELD: Final = 64 * 1024 * 1024
"""Largest body or event in bytes that is held until it is whole; a larger one passes as it is."""

TOO_LARGE: Final = "message_too_large"
"""The reason in `OffloadReport.left` for a body or event larger than that."""

UNEXPECTED: Final = "unexpected"
"""The reason for a message that something unexpected kept from being rewritten; see the log."""

StoreSource: TypeAlias = MediaStore | Callable[[], MediaStore | Awaitable[MediaStore]]
"""A store, or what gets one when the first media is to be kept."""

Owner: TypeAlias = str | Callable[[Scope], str | None] | None
"""Whom media belongs to: the same for all, or found in the scope of the request or socket."""

Document = TypeVar("Document", str, bytes)

OFFLOAD_LOG: Final = "coatcheck.offload"
"""The logger that is told of every message that held media, at level INFO."""

_log: Final = logging.getLogger(OFFLOAD_LOG)


class OffloadMiddleware:
    """Wraps any ASGI application: ``app.add_middleware(OffloadMiddleware, store)``.

    Frames of one socket keep their order, whichever tasks send them. A message that cannot be
    rewritten is sent as it is: no failure of the store loses one.

    Args:
        app: the application.
        store: where media goes. A callable is asked when there is some, for an application that
            opens its store later than it adds this.
        measure_only: store and change nothing, only report what would be.
        on_report: told of each message that held media, was too large to look at, or met an error;
            by default a line in the log at level INFO.
        owner: whom the media belongs to.
        conversation_id: the conversation that it belongs to.
        form: what stands in its place, see `offload`.
        urls: mints the URLs of the form "ui".
        limits: what counts as media, and how far it is looked for.
        shapes: how media travels.
        max_held: largest JSON body, or event or line of a stream, in bytes, that is held until it
            is whole.

    Attributes:
        totals: the sum of all reports so far; it names no references.
    """

    def __init__(
        self,
        app: ASGIApp,
        store: StoreSource,
        *,
        measure_only: bool = False,
        on_report: Callable[[OffloadReport], object] | None = None,
        owner: Owner = None,
        conversation_id: str | None = None,
        form: Form = "ui",
        urls: MediaUrls | None = None,
        limits: OffloadLimits | None = None,
        shapes: Shapes = DEFAULT_SHAPES,
        max_held: int = MAX_HELD,
    ) -> None:
        self._app = app
        self._store = store
        self._measure_only = measure_only
        self._on_report = on_report or partial(_log_report, measure_only)
        self._owner = owner
        self._options = OffloadOptions(
            form=form,
            urls=urls or MediaUrls(),
            conversation_id=conversation_id,
            limits=limits or OffloadLimits(),
            shapes=shapes,
        )
        self._threshold = self._options["limits"].threshold
        self._max_held = max_held
        self.totals = OffloadReport()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and the answer back without inline media."""
        if scope["type"] == "websocket":
            wrap = self._wrap_socket
        elif scope["type"] == "http" and scope["method"] != "HEAD":
            wrap = self._wrap_answer
        else:
            await self._app(scope, receive, send)
            return
        if not self._measure_only:
            sending = wrap(scope, send)
            await self._app(scope, receive, sending)
            if isinstance(sending, RewrittenFrames):
                with suppress(OSError):  # the client may be gone
                    await sending.end()
            return
        look_at = wrap(scope, _nowhere)

        async def send_and_look_at(message: Message) -> None:
            await send(message)
            await look_at(message)

        await self._app(scope, receive, send_and_look_at)

    def _wrap_socket(self, scope: Scope, send: Send) -> Send:
        return RewrittenFrames(send, lambda: self._follow(scope, WHOLE))

    def _wrap_answer(self, scope: Scope, send: Send) -> Send:
        return RewrittenAnswer(
            send,
            lambda body: self._rewrite(scope, body),
            threshold=self._threshold,
            max_held=self._max_held,
            on_too_large=partial(self._report, OffloadReport(left={TOO_LARGE: 1})),
            follow=partial(self._follow, scope),
        )

    def _follow(self, scope: Scope, framing: Framing) -> RewrittenEvents:
        """What takes media out of the events of one answer or socket."""

        async def opened() -> tuple[MediaStore | None, str | None]:
            owner = self._owner(scope) if callable(self._owner) else self._owner
            return None if self._measure_only else await self._opened_store(), owner

        stream: StreamOffload[bytes] = StreamOffload(
            opened,
            self._report,
            self._options,
            max_held=self._max_held,
            is_patient=framing is not WHOLE,
        )
        return RewrittenEvents(
            stream,
            framing.open,
            terminator=b"" if framing is WHOLE else b"\n",
            threshold=self._threshold,
            on_report=self._report,
        )

    async def _rewrite(self, scope: Scope, document: Document) -> Document:
        try:
            owner = self._owner(scope) if callable(self._owner) else self._owner
            options: OffloadOptions = {**self._options, "owner": owner}
            store = None if self._measure_only else await self._opened_store()
            rewritten, report = await offload_document(document, store, **options)
        except Exception:  # noqa: BLE001 - whatever it is, the client gets its message
            _log.exception("A message with inline media is sent as it is.")
            self._report(OffloadReport(left={UNEXPECTED: 1}))
            return document
        self._report(report)
        return cast("Document", rewritten)

    async def _opened_store(self) -> MediaStore:
        store = self._store() if callable(self._store) else self._store
        return await store if inspect.isawaitable(store) else store

    def _report(self, report: OffloadReport) -> None:
        if not report.found and not report.left:
            return
        # References would pile up for as long as the process lives.
        self.totals += replace(report, references=())
        try:
            self._on_report(report)
        except Exception:  # noqa: BLE001 - a report that is not taken costs no message
            _log.exception("A report was not taken.")


async def _nowhere(_message: Message) -> None:
    pass


def _log_report(measure_only: bool, report: OffloadReport) -> None:  # noqa: FBT001 - bound by `partial`
    _log.info(
        "%s inline media: found=%d offloaded=%d bytes_before=%d bytes_after=%d left=%s",
        "measured" if measure_only else "offloaded",
        report.found,
        report.offloaded,
        report.bytes_before,
        report.bytes_after,
        dict(report.left),
    )
