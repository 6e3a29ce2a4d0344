"""`OffloadMiddleware`, which takes inline media out of the messages of an application.

It rewrites text frames of WebSockets, server-sent events, and JSON and NDJSON bodies, compressed or
not. Everything else passes unchanged and at once, and so does a message without inline media. With
`find_readable`, it also puts media back into what clients send.
"""

import inspect
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final, Protocol, TypeAlias, TypeVar, cast

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coatcheck.delivery.middleware.answers import RewrittenAnswer
from coatcheck.delivery.middleware.compression import DecodedAnswer
from coatcheck.delivery.middleware.events import RewrittenEvents
from coatcheck.delivery.middleware.frames import RewrittenFrames
from coatcheck.delivery.middleware.reporting import Ledger, MiddlewareReport
from coatcheck.delivery.middleware.requests import (
    MAX_REQUEST,
    REQUEST_TOO_LARGE,
    FindReadable,
    Reader,
    Restored,
    RestoredRequest,
    has_json,
    may_refer,
)
from coatcheck.delivery.middleware.splitting import EVENTS, WHOLE, Framing
from coatcheck.payload.offload import (
    Form,
    Offloaded,
    OffloadLimits,
    OffloadOptions,
    OffloadReport,
    offload,
)
from coatcheck.payload.shapes import DEFAULT_SHAPES, Shapes
from coatcheck.payload.streaming import Destination, StreamOffload
from coatcheck.reference import MediaUrls
from coatcheck.store import MediaStore

MAX_HELD: Final = 64 * 1024 * 1024
"""Largest body or event in bytes that is held until it is complete; larger ones pass unchanged."""

MAX_RESTORED: Final = 256 * 1024 * 1024
"""Bytes that are put into all requests together that are being answered; more stays a reference."""

TOO_LARGE: Final = "message_too_large"
"""The reason in `OffloadReport.left` for a body or event larger than that."""

UNEXPECTED: Final = "unexpected"
"""The reason for a message that an unexpected error kept from being rewritten; see the log."""

StoreSource: TypeAlias = MediaStore | Callable[[], MediaStore | Awaitable[MediaStore]]
"""A store, or a function that returns one, called when there is media to store."""

Owner: TypeAlias = str | Callable[[Scope], str | None] | None
"""The owner of media: one name for all, or a function of the request's or socket's scope."""

UrlsSource: TypeAlias = MediaUrls | Callable[[Scope], MediaUrls]
"""What mints URLs, or what finds it for a request or socket; before a document is rewritten the
store is asked for first."""

When: TypeAlias = Callable[[HTTPConnection, Headers | None], bool]
"""Whether a message is rewritten. It is called with the request and None when the application reads
the request's body, and with the request and the answer's headers when the answer begins; for a
WebSocket once, with None."""

Document = TypeVar("Document", str, bytes)


class Sending(Protocol):
    """The sending side of one request or socket."""

    async def __call__(self, message: Message) -> None:
        """Send a message, rewritten."""
        ...

    async def end(self) -> None:
        """Send what is held back, as the application is done."""
        ...


OFFLOAD_LOG: Final = "coatcheck.offload"
"""The logger that records every message that held media, at level INFO, and the first of each kind
that was left as it is, at level WARNING."""

_log: Final = logging.getLogger(OFFLOAD_LOG)


class OffloadMiddleware:
    """Wraps any ASGI application: ``app.add_middleware(OffloadMiddleware, store)``.

    Frames of one socket keep their order, even if several tasks send them. A message that cannot be
    rewritten is sent unchanged: no failure of the store loses a message.

    Args:
        app: the application.
        store: the store that keeps the media, or a function that returns it, for an application
            that opens its store after it adds the middleware. The function is called when there is
            media to store.
        measure_only: only report what would be done; store and change nothing.
        on_report: called with the report of each message that held media, was too large to search,
            or met an error; by default, the report is logged at level INFO.
        owner: the owner of the media.
        conversation_id: the conversation that it belongs to.
        form: the form of the references, see `offload`.
        urls: mints the URLs of the form "ui".
        when: decides which requests and answers are rewritten, see `When`; by default all of them.
        find_readable: returns the record of media that a client may read, such as
            `Authorizer.find_readable`. With it, media that a client may read is put back into the
            JSON that it sends.
        limits: what counts as media, and how deep to search.
        shapes: how frameworks carry media; `DEFAULT_SHAPES`, perhaps preceded by your own.
        max_held: largest JSON body, or event or line of a stream, in bytes, that is held until it
            is complete; also the limit of the media that is put back into one request.
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
        urls: UrlsSource | None = None,
        when: When | None = None,
        find_readable: FindReadable | None = None,
        limits: OffloadLimits | None = None,
        shapes: Shapes = DEFAULT_SHAPES,
        max_held: int = MAX_HELD,
    ) -> None:
        self._app = app
        self._store = store
        self._measure_only = measure_only
        self._on_report = on_report or partial(_log_report, measure_only)
        self._owner = owner
        self._urls = urls or MediaUrls()
        self._when = when
        self._find_readable = None if measure_only else find_readable
        self._options = OffloadOptions(
            form=form,
            conversation_id=conversation_id,
            limits=limits or OffloadLimits(),
            shapes=shapes,
        )
        self._threshold = self._options["limits"].threshold
        self._max_held = max_held
        self._ledger = Ledger()
        self._restored_bytes = 0  # of requests that are being answered

    @property
    def totals(self) -> OffloadReport:
        """The sum of all reports so far, without references."""
        return self._ledger.totals

    def report(self) -> MiddlewareReport:
        """Return what was taken out and what was left, and why, by route. Print it to read it."""
        return self._ledger.report()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its media put back, and the answer without media."""
        if scope["type"] == "websocket":
            await self._serve_socket(scope, receive, send)
        elif scope["type"] == "http" and scope["method"] != "HEAD":
            await self._serve_request(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _serve_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._is_chosen(scope, None):
            await self._app(scope, receive, send)
            return
        if self._find_readable is not None:
            receive = self._restored_frames(scope, receive, self._find_readable)
        await self._answer(scope, receive, send, self._wrap_socket)

    async def _serve_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._find_readable is None or not has_json(scope):
            await self._answer(scope, receive, send, self._wrap_answer)
            return
        find_readable = self._find_readable
        added = 0

        async def restore(body: bytes) -> bytes:
            nonlocal added
            restored = await self._restored(scope, body, find_readable)
            added = max(0, len(restored) - len(body))
            self._restored_bytes += added
            return restored

        scope["headers"] = list(scope["headers"])  # of its own, as it may change
        request = RestoredRequest(
            scope,
            receive,
            is_chosen=lambda: self._is_chosen(scope, None),
            restore=restore,
            on_too_large=lambda: self._ledger.restored(scope, 0, {REQUEST_TOO_LARGE: [""]}),
        )
        try:
            await self._answer(scope, request, send, self._wrap_answer)
        finally:
            self._restored_bytes -= added

    async def _answer(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        wrap: Callable[[Scope, Send], Sending],
    ) -> None:
        sending = wrap(scope, _nowhere if self._measure_only else send)

        async def send_and_look_at(message: Message) -> None:
            await send(message)
            await sending(message)

        try:
            await self._app(scope, receive, send_and_look_at if self._measure_only else sending)
        finally:
            # However it ended, the client gets what the application sent.
            with suppress(OSError, RuntimeError):  # the client may be gone
                await sending.end()

    def _wrap_socket(self, scope: Scope, send: Send) -> Sending:
        return RewrittenFrames(send, lambda: self._follow(scope, WHOLE))

    def _wrap_answer(self, scope: Scope, send: Send) -> Sending:
        def rewriting(onward: Send) -> RewrittenAnswer:
            return RewrittenAnswer(
                onward,
                lambda body: self._rewrite(scope, body),
                threshold=self._threshold,
                max_held=self._max_held,
                on_too_large=partial(self._leave, scope, TOO_LARGE),
                follow=partial(self._follow, scope),
            )

        return DecodedAnswer(
            send,
            rewriting,
            is_chosen=lambda start: self._is_chosen(scope, Headers(raw=_raw(start))),
            max_held=self._max_held,
            on_left=partial(self._leave, scope),
            too_large=TOO_LARGE,
        )

    def _follow(self, scope: Scope, framing: Framing) -> RewrittenEvents:
        """What takes media out of the events of one answer or socket."""
        report = partial(self._report, scope)

        async def opened() -> Destination:
            store = None if self._measure_only else await self._opened_store()
            return Destination(store, self._owner_of(scope), self._urls_of(scope))

        stream: StreamOffload[bytes] = StreamOffload(
            opened,
            report,
            {**self._options, "urls": self._urls_of(scope)},
            max_held=self._max_held,
            is_patient=framing is not WHOLE,
        )
        return RewrittenEvents(
            stream,
            framing.open,
            terminator=b"" if framing is WHOLE else b"\n",
            threshold=self._threshold,
            on_report=report,
            has_ids=framing is EVENTS,
        )

    def _is_chosen(self, scope: Scope, headers: Headers | None) -> bool:
        if self._when is None:
            return True
        try:
            return bool(self._when(HTTPConnection(scope), headers))
        except Exception:  # noqa: BLE001 - a hook that fails costs no message
            _log.exception("The hook `when` failed: the message passes as it is.")
            self._leave(scope, UNEXPECTED)
            return False

    async def _rewrite(self, scope: Scope, document: Document) -> Document:
        try:
            store = None if self._measure_only else await self._opened_store()
            options: OffloadOptions = {
                **self._options,
                "owner": self._owner_of(scope),
                "urls": self._urls_of(scope),
            }
            offloaded: Offloaded[Any] = await offload(document, store, **options)
        except Exception:  # noqa: BLE001 - whatever it is, the client gets its message
            _log.exception("A message with inline media is sent as it is.")
            self._leave(scope, UNEXPECTED)
            return document
        self._report(scope, offloaded.report)
        # A body that is media itself, and no document, passes as it is.
        is_document = isinstance(offloaded.payload, type(document))
        return cast("Document", offloaded.payload) if is_document else document

    def _restored_frames(
        self, scope: Scope, receive: Receive, find_readable: FindReadable
    ) -> Receive:
        # A frame that left the server's queue is kept until it is passed on: the application may
        # cancel its `receive` meanwhile, and call it again.
        taken: list[Message] = []

        async def restored() -> Message:
            if not taken:
                taken.append(await receive())
            message = await self._restored_frame(scope, taken[0], find_readable)
            taken.clear()
            return message

        return restored

    async def _restored_frame(
        self, scope: Scope, message: Message, find_readable: FindReadable
    ) -> Message:
        text = message.get("text") if message["type"] == "websocket.receive" else None
        if text is None:
            return message
        if len(text) > MAX_REQUEST:
            self._ledger.restored(scope, 0, {REQUEST_TOO_LARGE: [""]})
            return message
        return {**message, "text": await self._restored(scope, text, find_readable)}

    async def _restored(
        self, scope: Scope, document: Document, find_readable: FindReadable
    ) -> Document:
        try:
            urls = self._urls_of(scope)
            if not may_refer(document, urls):
                return document
            store = await self._opened_store()
            restored = Restored(urls, _origins(scope), self._options["shapes"])
            result = await restored.of(
                document,
                lambda queries: Reader(
                    scope,
                    store,
                    # A name that is the same for all says nothing about this client.
                    owner=self._owner(scope) if callable(self._owner) else None,
                    find_readable=find_readable,
                    queries=queries,
                    room=min(self._max_held, MAX_RESTORED - self._restored_bytes),
                ),
            )
        except Exception:  # noqa: BLE001 - whatever it is, the application gets its request
            _log.exception("A request is passed on as it came.")
            self._ledger.restored(scope, 0, {UNEXPECTED: [""]})
            return document
        self._ledger.restored(scope, restored.restored, restored.left)
        return result

    def _owner_of(self, scope: Scope) -> str | None:
        return self._owner(scope) if callable(self._owner) else self._owner

    def _urls_of(self, scope: Scope) -> MediaUrls:
        return self._urls(scope) if callable(self._urls) else self._urls

    async def _opened_store(self) -> MediaStore:
        store = self._store() if callable(self._store) else self._store
        return await store if inspect.isawaitable(store) else store

    def _leave(self, scope: Scope, reason: str) -> None:
        self._report(scope, OffloadReport(left={reason: 1}))

    def _report(self, scope: Scope, report: OffloadReport) -> None:
        if not report.found and not report.left:
            return
        self._ledger.offloaded(scope, report)
        try:
            self._on_report(report)
        except Exception:  # noqa: BLE001 - a report that is not taken costs no message
            _log.exception("A report was not taken.")


def _raw(start: Message) -> list[tuple[bytes, bytes]]:
    return [(name.lower(), value) for name, value in start.get("headers", ())]


def _origins(scope: Scope) -> list[str]:
    """How a client may write the beginning of a URL of its own."""
    host = Headers(raw=scope["headers"]).get("host")
    return [] if host is None else [f"{scheme}://{host}" for scheme in ("http", "https")]


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
