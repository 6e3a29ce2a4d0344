"""A real server on a loopback port for as long as a test needs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from starlette.types import ASGIApp

from coatcheck.cli.protocol import HEAD_SECONDS
from coatcheck.cli.serving import PING_SECONDS, UNREAD_SECONDS, ApplicationServer, listen
from coatcheck.settings import Settings


@asynccontextmanager
async def serving(
    app: ASGIApp,
    settings: Settings | None = None,
    *,
    head_seconds: float = HEAD_SECONDS,
    ping_seconds: float = PING_SECONDS,
    unread_seconds: float = UNREAD_SECONDS,
) -> AsyncIterator[str]:
    """Serve `app` as ``coatcheck serve`` does; yields ``host:port``. Its records are pytest's."""
    started = anyio.Event()
    with listen("127.0.0.1", 0, unread_seconds=unread_seconds) as listener:
        server = ApplicationServer(
            app,
            settings or Settings(),
            on_started=started.set,
            head_seconds=head_seconds,
            ping_seconds=ping_seconds,
        )
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, [listener])
            with anyio.fail_after(30):
                await started.wait()
            try:
                yield f"127.0.0.1:{listener.getsockname()[1]}"
            finally:
                server.should_exit = True
