"""What taking inline media out of payloads costs: time, memory, and blocking of the event loop.

Ratios are taken within one run. Blocking is told in time of the processor, so that what else the
machine does is not counted.
"""

import asyncio
import hashlib
import json
import logging
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import pybase64
from rich.console import Console
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from benchmarks import inputs
from benchmarks.targets import Target, keep
from benchmarks.targets import table as target_table
from benchmarks.timing import alternate, ratio
from coatcheck import open_store
from coatcheck.delivery.middleware import OffloadMiddleware
from coatcheck.payload.offload import offload
from coatcheck.payload.scrubbing import ScrubFilter
from coatcheck.reference import MediaReference
from coatcheck.store import MediaStore

ROUNDS: Final = 15
MESSAGES: Final = 5_000
SMALL: Final = 4096
STREAM_ROUNDS: Final = 5
STREAM_EVENTS: Final = 50_000
"""Events of all rounds of a stream together, at least: a short one takes a millisecond."""
DELTAS: Final = (4, 64, 4096)
"""Characters of a delta."""
BLOCKING_ROUNDS: Final = 3

_MICRO: Final = 1_000_000
_MILLI: Final = 1_000


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `most` is what was set out to be kept to, if anything was."""

    name: str
    value: float
    unit: str
    most: float = math.inf

    @property
    def target(self) -> Target:
        """The line for the table."""
        bound = None if self.most == math.inf else self.most
        return Target(self.name, self.value, bound, "at most", self.unit)


async def run(output: Path) -> None:
    """Measure everything; takes about a minute.

    Args:
        output: folder for ``payload.md`` and ``targets-payload.json``.
    """
    with tempfile.TemporaryDirectory() as data:
        async with open_store(data) as store:
            rows = [
                *await measure_small(store),
                await measure_rewriting(),
                *await measure_streams(),
                *measure_memory(),
                *await measure_blocking(store),
            ]
    _report([row.target for row in rows], output)


def _report(targets: Sequence[Target], output: Path) -> None:
    table = target_table("Inline media out of payloads", targets)
    Console(width=120).print(table.rich())
    keep(output, "payload", [each for each in targets if each.bound is not None])
    Path(output, "payload.md").write_text(table.markdown(), "utf-8")


# --- what passes without being changed ---------------------------------------------------------


async def measure_small(store: MediaStore) -> list[Row]:
    """What the middleware adds to messages without media, and the filter to a line of the log."""
    words = json.dumps({"type": "text-delta", "delta": "word " * 900})
    text = words[: SMALL - 2] + '"}'
    body = text.encode()
    frame: Message = {"type": "websocket.send", "text": text}
    event: Message = {
        "type": "http.response.body",
        "body": b"data: " + words[: SMALL - 10].encode() + b'"}\n\n',
        "more_body": True,
    }
    end: Message = {"type": "http.response.body", "body": b""}
    document: Message = {"type": "http.response.body", "body": body}
    return [
        await measure_added(
            "a WebSocket frame of 4 KiB", store, "websocket", [frame] * MESSAGES, 5
        ),
        await measure_added(
            "an SSE event of 4 KiB",
            store,
            "http",
            [_start(b"text/event-stream"), *[event] * MESSAGES, end],
        ),
        await measure_added(
            "a JSON body of 4 KiB",
            store,
            "http",
            [_start(b"application/json", len(body)), document],
            requests=MESSAGES // 10,
        ),
        await measure_filter(),
    ]


async def measure_added(
    name: str,
    store: MediaStore,
    kind: str,
    messages: Sequence[Message],
    most: float = math.inf,
    *,
    requests: int = 1,
) -> Row:
    """Microseconds that the middleware adds to each message, or to a request of two."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI's own
        for message in messages:
            await send(message)

    async def go(served: ASGIApp) -> None:
        for _ in range(requests):
            await served({"type": kind, "method": "GET", "headers": []}, _never, _nowhere)

    wrapped = OffloadMiddleware(app, store)
    seconds = await alternate({"bare": lambda: go(app), "wrapped": lambda: go(wrapped)}, ROUNDS)
    pairs = zip(seconds["wrapped"], seconds["bare"], strict=True)
    added = statistics.median(ours - bare for ours, bare in pairs)
    count = requests if requests > 1 else len(messages)
    return Row(f"{name}: added by OffloadMiddleware", added / count * _MICRO, "µs", most)


async def measure_filter() -> Row:
    """Microseconds that `ScrubFilter` adds to a line of an access log."""
    bare, filtered = logging.NullHandler(), logging.NullHandler()
    filtered.addFilter(ScrubFilter())

    async def log(handler: logging.Handler) -> None:
        for _ in range(MESSAGES):
            args = ("127.0.0.1:5", "GET", "/api/media/image/x?w=512", "1.1", 200)
            handler.filter(logging.LogRecord("a", 20, "x.py", 1, '%s - "%s %s" %s', args, None))

    seconds = await alternate(
        {"bare": lambda: log(bare), "filtered": lambda: log(filtered)}, ROUNDS
    )
    pairs = zip(seconds["filtered"], seconds["bare"], strict=True)
    added = statistics.median(ours - bare for ours, bare in pairs)
    return Row("a log record: added by ScrubFilter", added / MESSAGES * _MICRO, "µs")


def _start(media_type: bytes, length: int | None = None) -> Message:
    headers = [(b"content-type", media_type)]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    return {"type": "http.response.start", "status": 200, "headers": headers}


async def _never() -> Message:
    raise RuntimeError("These applications receive nothing.")


async def _nowhere(message: Message) -> None:
    """Send nothing: what a server does is not measured."""


# --- rewriting ---------------------------------------------------------------------------------


class Accepting(MediaStore):
    """Takes everything at once and keeps nothing: what a store costs is not measured here."""

    def __init__(self) -> None:
        self.max_bytes = 64 * 1024 * 1024

    async def put(self, content: Any, **_: Any) -> MediaReference:
        """Count the content, a list of chunks, and forget it."""
        size = sum(map(len, content))
        return MediaReference(
            id="9188cc90-b172-47e9-b493-4e22175bd478",
            mime_type="image/png",
            size=size,
            digest="sha-256:" + "0" * 64,
            width=1000,
            height=1000,
        )


async def measure_rewriting() -> Row:
    """A frame of 4 MB, against what cannot be done without: parse, decode, hash."""
    frame = inputs.frame()
    store = Accepting()

    async def rewrite() -> None:
        await offload(frame, store)

    async def necessary() -> None:
        value = msgspec.json.decode(frame)
        (image,) = value["output"]["content"]
        hashlib.sha256(pybase64.b64decode(image["data"], validate=True)).digest()

    _, report = await offload(frame, store)
    if report.offloaded != 1:
        raise RuntimeError("The image was not offloaded.")
    seconds = await alternate({"rewrite": rewrite, "necessary": necessary}, ROUNDS)
    name = f"a frame of {len(frame) / 1e6:.1f} MB: rewriting ÷ msgspec + pybase64 + sha-256"
    return Row(name, ratio(seconds, "rewrite", "necessary"), "×", 2)


# --- a picture in a stream ---------------------------------------------------------------------


async def measure_streams() -> list[Row]:
    """A picture over the deltas of a stream, against parsing the events that it comes in."""
    rows = []
    for size in DELTAS:
        events = inputs.deltas(size)
        took, sent = await measure_stream(events)
        name = f"1.3 MB over {len(events):,} deltas of {size:,} characters"
        rows.append(Row(f"{name}: OffloadMiddleware ÷ msgspec", took, "×", 2))
        beside = sent - inputs.bytes_of_text(size)
        rows.append(Row(f"{name}: sent in its place", beside / 1024, "KiB", 2))
    return rows


async def measure_stream(events: Sequence[bytes]) -> tuple[float, int]:
    """What the middleware adds to a stream, in time of parsing its events, and the bytes sent.

    It is processor time. A store costs nothing here, and computes no digest; that the base64 is
    decoded counts, as a store is given bytes.
    """
    sent = 0
    messages: list[Message] = [
        {"type": "http.response.body", "body": event, "more_body": True} for event in events
    ]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI's own
        await send(_start(b"text/event-stream"))
        for message in messages:
            await send(message)
        await send({"type": "http.response.body", "body": b""})

    async def count(message: Message) -> None:
        nonlocal sent
        sent += len(message.get("body", b""))

    async def go(served: ASGIApp) -> None:
        nonlocal sent
        sent = 0
        await served({"type": "http", "method": "GET", "headers": []}, _never, count)

    async def parse() -> None:
        for event in events[:-1]:
            msgspec.json.decode(event[6:-2])

    wrapped = OffloadMiddleware(app, Accepting())
    seconds = await alternate(
        {"parse": parse, "bare": lambda: go(app), "wrapped": lambda: go(wrapped)},
        max(STREAM_ROUNDS, STREAM_EVENTS // len(events)),
        time.process_time,
    )
    if not wrapped.totals.offloaded:
        raise RuntimeError("The picture was not offloaded.")
    rounds = zip(seconds["wrapped"], seconds["bare"], seconds["parse"], strict=True)
    return statistics.median((ours - bare) / parsing for ours, bare, parsing in rounds), sent


# --- memory ------------------------------------------------------------------------------------


def measure_memory() -> list[Row]:
    """A history with 30 images and the work on it, against its size."""
    rows = []
    hows = ["traced by Python", *(["resident"] if Path("/proc/self/status").exists() else [])]
    for how in hows:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.history_memory", how.partition(" ")[0]],
            capture_output=True,
            check=True,
        )
        told = json.loads(done.stdout)
        name = f"a history of {told['size'] / 1e6:.0f} MB, 30 images: peak memory ÷ size, {how}"
        rows.append(Row(name, told["peak"] / told["size"], "×", 2))
    return rows


# --- blocking ----------------------------------------------------------------------------------


async def measure_blocking(store: MediaStore) -> list[Row]:
    """The longest that the event loop is held up while input goes through, the best of three."""
    rows = []
    for name, make in inputs.bad_inputs().items():
        value = make()
        held = [await longest_block(value, store) for _ in range(BLOCKING_ROUNDS)]
        rows.append(Row(f"{name}: event loop held up", min(held) * _MILLI, "ms", 5))
    return rows


async def longest_block(value: Any, store: MediaStore) -> float:
    """Seconds of the processor between two turns of the event loop."""
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        last = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            longest = max(longest, now - last)
            last = now

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    await offload(value, store)
    await asyncio.sleep(0)
    watching.cancel()
    return longest


if __name__ == "__main__":
    asyncio.run(run(Path("benchmarks-results")))
