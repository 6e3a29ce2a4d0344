"""A real server on a loopback port for as long as a test needs it, here or as a process."""

import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import STDOUT

import anyio
from anyio.abc import Process
from starlette.types import ASGIApp

from coatcheck.server.process import PING_SECONDS, UNREAD_SECONDS, ApplicationServer, listen
from coatcheck.server.protocol import HEAD_SECONDS
from coatcheck.server.settings import Settings


@asynccontextmanager
async def serving(
    app: ASGIApp,
    settings: Settings | None = None,
    *,
    head_seconds: float = HEAD_SECONDS,
    ping_seconds: float = PING_SECONDS,
    unread_seconds: float = UNREAD_SECONDS,
) -> AsyncIterator[str]:
    """Serve `app` as the commands do; yields ``host:port``. Its records are pytest's."""
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


@dataclass(frozen=True)
class Command:
    """A running ``coatcheck-chat``: its process, its ``host:port`` and what it has said."""

    process: Process
    address: str
    log: Path


@asynccontextmanager
async def serve_command(
    directory: Path, *options: str, log: str = "log", **variables: str
) -> AsyncIterator[Command]:
    """``coatcheck-chat`` as a process of its own, with its data and its log in `directory`.

    Args:
        directory: where ``data`` and the log lie.
        options: of the command.
        log: the log's name.
        variables: of the environment.
    """
    said = directory / log
    with said.open("wb") as output:
        process = await anyio.open_process(
            [sys.executable, "-m", "coatcheck_chat", "--port", "0", *options],
            env=os.environ
            | {"COATCHECK_DATA": str(directory / "data"), "COLUMNS": "200"}
            | variables,
            stdin=None,
            stdout=output,
            stderr=STDOUT,
        )
    async with process:
        try:
            with anyio.fail_after(60):
                while (found := re.search(r"is on http://(\S+:\d+)", said.read_text())) is None:
                    assert process.returncode is None, said.read_text()
                    await anyio.sleep(0.05)
            yield Command(process, found[1], said)
        finally:
            if process.returncode is None:
                process.kill()
