"""A real server on a loopback port for as long as a test needs it, here or as a process."""

import os
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import STDOUT
from typing import Any

import anyio
import httpx
from anyio.abc import Process
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from coatcheck.delivery.app import MediaApplication
from coatcheck.server.app import ServiceApplication
from coatcheck.server.process import PING_SECONDS, UNREAD_SECONDS, ApplicationServer, listen
from coatcheck.server.protocol import HEAD_SECONDS, FindReady
from coatcheck.server.settings import Settings


@asynccontextmanager
async def serving(
    app: ASGIApp,
    settings: Settings | None = None,
    *,
    head_seconds: float = HEAD_SECONDS,
    ping_seconds: float = PING_SECONDS,
    unread_seconds: float = UNREAD_SECONDS,
    find_ready: FindReady | None = None,
) -> AsyncIterator[str]:
    """Serve `app` as the commands do; yields ``host:port``. Its records are pytest's."""
    started = anyio.Event()
    with listen("127.0.0.1", 0, unread_seconds=unread_seconds) as listener:
        server = ApplicationServer(
            app,
            settings or Settings(),
            on_started=started.set,
            find_ready=find_ready,
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


class Passing:
    """Middleware that passes everything on. With it, `media_app` has no ready answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


class AskingTwice(httpx.AsyncClient):
    """Sends each GET twice: the second answer comes from the table, and is the same."""

    async def request(self, method: str, url: Any, **options: Any) -> httpx.Response:
        first = await super().request(method, url, **options)
        if method != "GET":
            return first
        second = await super().request(method, url, **options)
        assert (second.status_code, second.content) == (first.status_code, first.content)
        assert lasting_headers(second) == lasting_headers(first)
        return second


def lasting_headers(response: httpx.Response) -> list[tuple[bytes, bytes]]:
    """The headers that are the same for each request, in their order."""
    return [
        header for header in response.headers.raw if header[0] not in {b"date", b"server-timing"}
    ]


@asynccontextmanager
async def asking_media(
    media: MediaApplication, mode: str, base: str = "/api/media"
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of media at ``/api/media``; in `mode` "warm" each GET is answered from the table.

    Args:
        media: from `media_app`.
        mode: "warm", or "cold" for answers that are all made anew.
        base: what the client's paths begin with.
    """
    app = ServiceApplication(["*"], routes=[Mount("/api/media", media)])
    if mode == "cold":
        media.add_middleware(Passing)
    app.ready = media.ready
    assert (app.ready is None) == (mode == "cold")
    kind = AskingTwice if mode == "warm" else httpx.AsyncClient
    async with (
        serving(app, find_ready=app.find_ready) as address,
        kind(base_url=f"http://{address}{base}", timeout=60) as client,
    ):
        yield client


@dataclass(frozen=True)
class Command:
    """A running server command: its process, its ``host:port`` and what it has said."""

    process: Process
    address: str
    log: Path


@asynccontextmanager
async def serve_command(
    directory: Path,
    *options: str,
    log: str = "log",
    command: Sequence[str] = ("coatcheck_chat",),
    **variables: str,
) -> AsyncIterator[Command]:
    """``coatcheck-chat`` as a process of its own, with its data and its log in `directory`.

    Args:
        directory: where ``data`` and the log lie.
        options: of the command.
        log: the log's name.
        command: another module that serves, with the name of its command.
        variables: of the environment.
    """
    said = directory / log
    with said.open("wb") as output:
        process = await anyio.open_process(
            [sys.executable, "-m", *command, "--port", "0", *options],
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
