"""The server of an application: uvicorn, with the settings that the chat and the media need."""

import asyncio
import ipaddress
import logging
import socket
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coatcheck.errors import CoatcheckError, ConfigurationError
from coatcheck.server.protocol import HEAD_SECONDS, BoundedHttpProtocol, FindReady
from coatcheck.server.settings import Settings

PING_SECONDS: Final = 20.0
"""How often a WebSocket is pinged, and how long its answer may take."""

UNREAD_SECONDS: Final = 60.0
"""How long a client may take nothing of what is sent to it before its connection is gone."""

MAX_FRAME: Final = 128 * 1024
"""Bytes of a message that a client may send over a WebSocket."""

_GRACE_SECONDS: Final = 10
_BACKLOG: Final = 2048
_TICKS_BETWEEN_SWEEPS: Final = 300  # of 0.1 s


class ApplicationServer(uvicorn.Server):
    """Uvicorn around an application; ``serve`` and ``run`` are uvicorn's.

    Args:
        app: what is served. When its start fails with a `CoatcheckError`, `startup_error` has it.
        settings: what the installation decides.
        log_config: how it logs; None leaves logging as it is.
        on_started: called when requests are answered.
        find_ready: looks for ready answers in the application; None if it has none.
        head_seconds: how long the head of a request may take.
        ping_seconds: how often a WebSocket is pinged, and how long its answer may take.

    Raises:
        ConfigurationError: the trusted proxies cannot be read.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        *,
        log_config: dict[str, Any] | None = None,
        on_started: Callable[[], None] = lambda: None,
        find_ready: FindReady | None = None,
        head_seconds: float = HEAD_SECONDS,
        ping_seconds: float = PING_SECONDS,
    ) -> None:
        self._lifespan = _Lifespan(app)
        self._on_started = on_started
        self._closing: dict[asyncio.Transport, int] = {}
        proxies = _read_proxies(settings.trusted_proxies)
        super().__init__(
            uvicorn.Config(
                self._lifespan,
                interface="asgi3",
                lifespan="auto",
                http=partial(BoundedHttpProtocol, head_seconds, find_ready),  # type: ignore[arg-type] # it makes one
                # Frames are small; compressing them costs more time than it saves, and memory.
                ws_per_message_deflate=False,
                ws_max_size=MAX_FRAME,
                # A client that is gone without a word is found out by what it does not answer.
                ws_ping_interval=ping_seconds,
                ws_ping_timeout=ping_seconds,
                # At DEBUG, websockets logs every head and frame, cookies and signed URLs included.
                log_level=max(logging.INFO, logging.getLevelNamesMapping()[settings.log_level]),
                log_config=log_config,
                proxy_headers=bool(proxies),
                forwarded_allow_ips=proxies,
                limit_concurrency=settings.connections,
                timeout_graceful_shutdown=_GRACE_SECONDS,
                server_header=False,
            )
        )

    @property
    def startup_error(self) -> CoatcheckError | None:
        """The error that kept the application from starting."""
        return self._lifespan.error

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then answer requests, then tell `on_started`."""
        await super().startup(sockets=sockets)
        self._on_started()

    async def on_tick(self, counter: int) -> bool:
        """Uvicorn's housekeeping, and ours."""
        if counter % _TICKS_BETWEEN_SWEEPS == 0:
            self._end_unread()
        return await super().on_tick(counter)

    def _end_unread(self) -> None:
        """Abort what was closed, and of which the client has taken nothing since the last time.

        A connection that is closed lasts for as long as something is left to send, and a client
        that takes a byte now and then does not let the kernel's own limit come.
        """
        closing = {}
        for connection in list(self.server_state.connections):
            transport = connection.transport
            if transport.is_closing():
                closing[transport] = left = transport.get_write_buffer_size()
                if left >= self._closing.get(transport, left + 1):
                    transport.abort()
        self._closing = closing


class _Lifespan:
    """The application, whose error at its start is kept: uvicorn would log it and end."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.error: CoatcheckError | None = None

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "lifespan":
            return self._live(scope, receive, send)
        return self._app(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        failure: Message | None = None

        async def hold_back(message: Message) -> None:
            nonlocal failure
            if message["type"] == "lifespan.startup.failed":
                failure = message  # its text is a traceback
            else:
                await send(message)

        try:
            await self._app(scope, receive, hold_back)
        except CoatcheckError as error:
            if failure is None:
                raise
            self.error = error
            await send({"type": "lifespan.startup.failed", "message": ""})
        except BaseException:
            if failure is not None:
                await send(failure)
            raise


def listen(host: str, port: int, *, unread_seconds: float = UNREAD_SECONDS) -> socket.socket:
    """A socket that listens.

    Args:
        host: an address, or a name of this machine.
        port: 0 lets the system choose.
        unread_seconds: how long a client may take nothing of what is sent to it. Linux ends its
            connection then, also one that the server has closed and that has bytes left to send.

    Raises:
        OSError: it cannot.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # IPPROTO_TCP by name: asyncio switches Nagle's delay off only where it is told the protocol.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sys.platform == "linux":  # connections inherit it from their listener
            milliseconds = round(unread_seconds * 1000)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _read_proxies(setting: str) -> list[str]:
    proxies = [part.strip() for part in setting.split(",") if part.strip()]
    for proxy in proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError as error:
            raise ConfigurationError(
                f"COATCHECK_TRUSTED_PROXIES: {proxy!r} is no address and no network; write"
                " 127.0.0.1 or 10.0.0.0/8, for example."
            ) from error
    return proxies
