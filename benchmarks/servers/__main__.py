"""``python -m benchmarks.servers``: the application under uvicorn, Granian and ``coatcheck-chat``.

What counts is the CPU time of the server's processes for an answer, as a ratio of servers that take
turns on one machine. ``docs/decisions/0091-uvicorn-stays.md`` holds a run. It takes some three
minutes, besides fetching Granian once.
"""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.peers import install
from benchmarks.peers.client import get
from benchmarks.peers.contenders import Contender
from benchmarks.peers.corpus import SAMPLES, Corpus, lay_out
from benchmarks.peers.load import Load, hammer
from benchmarks.peers.names import BODY_VARIABLE
from benchmarks.peers.processes import family, free_port, resident_bytes, started
from benchmarks.servers import chat
from benchmarks.servers.endless import HEADERS, VALUE, IdleHead, pour
from benchmarks.servers.names import PATHSEND_PATH

GRANIAN = "2.8.9"
ROUNDS = 3
SECONDS = 2
IDLE_SECONDS = 45.0
_APP = "benchmarks.servers.app:app"
_MEBIBYTE = 2**20

Measure = Callable[[Contender], Load]


def main() -> None:
    """Measure all of them and print what came of it."""
    if not Path("/proc/self/stat").exists():
        sys.exit("CPU time and memory are read from /proc, which is on Linux only.")
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        place = Path(temporary)
        corpus = asyncio.run(lay_out(place, SAMPLES))
        servers = [
            stack.enter_context(uvicorn(corpus, place)),
            stack.enter_context(granian(corpus, place)),
            stack.enter_context(coatcheck(corpus, place)),
        ]
        idle = [IdleHead(server, IDLE_SECONDS) for server in servers]
        show(servers, corpus)
        for server, one in zip(servers, idle, strict=True):
            memory = resident_bytes(family(server.pid)) / _MEBIBYTE
            print(f"{server.name}: {memory:.0f} MiB resident after the load, workers included")
            print(f"  half a head, then nothing: {one.outcome()}")
            print(f"  a head of endless lines: {pour(server, b'', HEADERS)}")
            print(f"  one line without an end: {pour(server, b'x: ', VALUE)}")


def show(servers: Sequence[Contender], corpus: Corpus) -> None:
    """The table of what an answer costs."""
    tag = get(servers[0].port, servers[0].thumbnail).headers["etag"]

    def revalidate(server: Contender) -> Load:
        headers = {"If-None-Match": tag}
        return hammer(server, server.thumbnail, seconds=SECONDS, headers=headers)

    def send_path(server: Contender) -> Load:
        supported = get(server.port, PATHSEND_PATH).status == 200
        path = PATHSEND_PATH if supported else server.original
        return hammer(server, path, seconds=SECONDS)

    rows: dict[str, Measure] = {
        "304": revalidate,
        "ready thumbnail": lambda server: hammer(server, server.thumbnail, seconds=SECONDS),
        f"original of {corpus.large_bytes / 1e6:.0f} MB": lambda server: hammer(
            server, server.original, seconds=SECONDS
        ),
        "the same, by pathsend where there is one": send_path,
        "upload of 1 MiB": chat.upload,
        "WebSocket, a frame of an answer": chat.over_websocket,
        "SSE, an event of an answer": chat.over_events,
    }
    first, *others = servers
    table = Table("", *(server.name for server in servers))
    table.add_column("errors")
    for title, measure in rows.items():
        loads = _in_turns(servers, measure)
        cells = [f"{median(_costs(loads[first.name])):.3f}"]
        for other in others:
            pairs = zip(_costs(loads[other.name]), _costs(loads[first.name]), strict=True)
            ratio = median(theirs / ours for theirs, ours in pairs)
            cells.append(f"{median(_costs(loads[other.name])):.3f}, {ratio:.2f}×")
        errors = sum(load.errors for one in loads.values() for load in one)
        table.add_row(title, *cells, str(errors))
    table.title = f"CPU ms of the server's processes for an answer, and ratio to {first.name}"
    Console(width=110).print(table)


def _costs(loads: Sequence[Load]) -> list[float]:
    return [1000 / load.per_core for load in loads]


def _in_turns(servers: Sequence[Contender], measure: Measure) -> dict[str, list[Load]]:
    loads: dict[str, list[Load]] = {server.name: [] for server in servers}
    for number in range(ROUNDS + 1):
        for server in servers if number % 2 else tuple(reversed(servers)):
            load = measure(server)
            if number > 0:  # the first round warms up
                loads[server.name].append(load)
    return loads


@contextmanager
def uvicorn(corpus: Corpus, place: Path) -> Iterator[Contender]:
    """Uvicorn as it is, with uvloop and httptools."""
    options = ("--no-access-log", "--no-server-header", "--log-level", "warning")
    command = (sys.executable, "-m", "uvicorn", _APP, *options)
    with _running("uvicorn", command, corpus, place) as server:
        yield server


@contextmanager
def granian(corpus: Corpus, place: Path) -> Iterator[Contender]:
    """Granian from an environment of its own, which sees the packages of this one.

    Raises:
        UnavailableError: it cannot be installed.
    """
    program = install.python_program("granian", GRANIAN)
    command = (program, "--interface", "asgi", "--loop", "uvloop", "--no-log", _APP)
    with _running("Granian", command, corpus, place) as server:
        yield server


@contextmanager
def coatcheck(corpus: Corpus, place: Path) -> Iterator[Contender]:
    """``coatcheck-chat``: uvicorn with the limits that it has not."""
    command = (sys.executable, "-m", "coatcheck_chat")
    with _running("coatcheck-chat", command, corpus, place) as server:
        yield server


@contextmanager
def _running(
    name: str, command: Sequence[str | Path], corpus: Corpus, place: Path
) -> Iterator[Contender]:
    port = free_port()
    data = place / name
    shutil.copytree(corpus.data, data)  # each writes to a store of its own
    environment = {
        "COATCHECK_DATA": str(data),
        "COATCHECK_CHAT_MESSAGES": "1000000",
        "COATCHECK_LOG_LEVEL": "WARNING",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        BODY_VARIABLE: str(corpus.blobs / corpus.large),
    }
    log = place / f"{name}.log"
    with started(
        (*command, "--port", str(port)), port=port, log=log, environment=environment
    ) as pid:
        prefix = "/api/media/image"
        yield Contender(
            name,
            pid,
            port,
            thumbnail=f"{prefix}/{corpus.ids[0]}?thumbnail=true",
            original=f"{prefix}/{corpus.large_id}",
        )


if __name__ == "__main__":
    main()
