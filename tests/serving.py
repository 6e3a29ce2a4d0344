"""A real server on a loopback port for as long as a test needs it."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import uvicorn
from starlette.types import ASGIApp

from coatcheck.cli.server import PING_SECONDS


@asynccontextmanager
async def serving(app: ASGIApp, *, ping_seconds: float = PING_SECONDS) -> AsyncIterator[str]:
    """Serve `app` with the settings of ``coatcheck serve``; yields ``host:port``."""
    # asyncio switches Nagle's delay off only for sockets that name their protocol.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,  # records reach pytest's own handlers
                ws_per_message_deflate=False,
                ws_max_size=128 * 1024,
                ws_ping_interval=ping_seconds,
                ws_ping_timeout=ping_seconds,
                timeout_graceful_shutdown=5,
                server_header=False,
            )
        )
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, [listener])
            with anyio.fail_after(30):
                while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                    await anyio.sleep(0.005)
            try:
                yield f"127.0.0.1:{listener.getsockname()[1]}"
            finally:
                server.should_exit = True
