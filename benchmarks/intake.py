"""What a put costs, against the least that a durable store can do."""

import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import anyio
import pyvips
from anyio import to_thread
from rich.console import Console

from benchmarks.targets import Target, keep
from benchmarks.targets import table as target_table
from benchmarks.timing import alternate, ratio, show
from coatcheck import MediaStore, open_store
from coatcheck_chat.painter import paint

ROUNDS = 15
AT_ONCE = 10
"""How many pictures an answer may have."""

IN_A_ROW = 20
"""Puts of known content that are timed together: one is short."""

_BARE: Final = "libvips: thumbnail and 512 pixels"
_NEW: Final = "put of a new picture"
_KNOWN: Final = "put of a known picture"
_MOST: Final = "at most"


def write_durably(directory: Path, content: bytes) -> None:
    """Hash, write, sync, rename, sync the directory: nothing less survives a power cut."""
    path = directory / hashlib.sha256(content).hexdigest()
    with path.with_suffix(".part").open("wb") as file:
        file.write(content)
        os.fsync(file.fileno())
    path.with_suffix(".part").rename(path)
    descriptor = os.open(directory, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def render_bare(content: bytes) -> None:
    """Make what a put makes of a picture, with libvips alone: one decode, two renditions."""
    # Any: the stubs have no names of libvips' flags.
    wide: Any = pyvips.Image.thumbnail_buffer(content, 512, height=10_000_000, size="down")
    wide = wide.copy_memory()
    wide.webpsave_buffer(Q=80, effort=2, keep="none")
    wide.thumbnail_image(256, height=256).webpsave_buffer(Q=80, effort=4, keep="none")


def processor_seconds() -> float:
    """Processor time of this process and of its workers that run (Linux)."""
    nanoseconds = 0
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text("ascii").split():
            for thread in Path("/proc", child, "task").iterdir():
                # Time on a processor, in nanoseconds; see proc-schedstat in the kernel's manual.
                nanoseconds += int((thread / "schedstat").read_text("ascii").split()[0])
    return time.process_time() + nanoseconds / 1e9


async def _at_once(action: Callable[[bytes], Awaitable[object]], contents: list[bytes]) -> None:
    async def act(content: bytes) -> None:
        await action(content)

    async with anyio.create_task_group() as tasks:
        for content in contents:
            tasks.start_soon(act, content)


async def _compare(
    title: str,
    actions: Mapping[str, Callable[[], Awaitable[object]]],
    baseline: str,
    rounds: int,
    pictures: int,
) -> dict[str, dict[str, list[float]]]:
    """Print a table of time and one of processor time, each for one picture; seconds by kind."""
    found = {}
    for kind, clock in (("time", time.perf_counter), ("processor time", processor_seconds)):
        seconds = await alternate(actions, rounds, clock)
        each = {name: [one / pictures for one in values] for name, values in seconds.items()}
        show(f"{title}: {kind} of one", each, baseline)
        found[kind] = each
    return found


async def run(output: Path) -> None:
    """Compare a durable write, bare libvips, and puts of new and known pictures and of other files.

    Args:
        output: folder for ``intake.md`` and ``targets-intake.json``.
    """
    # One thread each, as in a worker: ten at once are ten threads.
    vips: Any = pyvips  # the stubs have no such name
    vips.concurrency_set(1)
    known = paint("a lighthouse", seed=1, width=1024, height=1024)
    count = iter(range(1_000_000))
    with tempfile.TemporaryDirectory() as temporary:
        bare = Path(temporary) / "bare"
        bare.mkdir()
        async with open_store(Path(temporary) / "data") as store:
            await store.warm()
            await store.put(known)

            def new() -> bytes:
                # Bytes after a PNG's end: other content, and the same work.
                return known + next(count).to_bytes(8, "big")

            async def write() -> None:
                await to_thread.run_sync(write_durably, bare, new())

            async def render(content: bytes = known) -> None:
                await to_thread.run_sync(render_bare, content)

            single = await _compare(
                f"Taking in {len(known) / 1e6:.1f} MB",
                {
                    "durable write": write,
                    _BARE: render,
                    "put of a file": lambda: store.put(b"%PDF-" + new()),
                    _NEW: lambda: store.put(new()),
                },
                _BARE,
                ROUNDS,
                1,
            )
            crowd = await _compare_at_once(store, render, new)
            again = await _compare(
                "A picture that is known",
                {
                    "SHA-256": lambda: _in_a_row(lambda: to_thread.run_sync(_digest, known)),
                    _KNOWN: lambda: _in_a_row(lambda: store.put(known)),
                },
                "SHA-256",
                ROUNDS,
                IN_A_ROW,
            )
    _report(single, crowd, again, output)


def _report(
    single: Mapping[str, dict[str, list[float]]],
    crowd: Mapping[str, dict[str, list[float]]],
    again: Mapping[str, dict[str, list[float]]],
    output: Path,
) -> None:
    cpu, clock = "processor time", "time"
    known = statistics.median(again[cpu][_KNOWN]) * 1000
    targets = [
        Target(
            "put of a new picture ÷ bare libvips", ratio(single[clock], _NEW, _BARE), 1.4, _MOST
        ),
        Target(
            "put of a new picture ÷ bare libvips, processor time",
            ratio(single[cpu], _NEW, _BARE),
            None,
            _MOST,
        ),
        Target(
            "ten at once, put of one ÷ bare libvips", ratio(crowd[clock], _NEW, _BARE), 1.1, _MOST
        ),
        Target("put of a known picture, processor time", known, 3, _MOST, "ms"),
    ]
    table = target_table("What was wanted of a put", targets)
    Console(width=120).print(table.rich())
    keep(output, "intake", targets)
    (output / "intake.md").write_text(table.markdown(), "utf-8")


async def _compare_at_once(
    store: MediaStore, render: Callable[[bytes], Awaitable[object]], new: Callable[[], bytes]
) -> dict[str, dict[str, list[float]]]:
    return await _compare(
        f"{AT_ONCE} new pictures at once",
        {
            _BARE: lambda: _at_once(render, [new() for _ in range(AT_ONCE)]),
            _NEW: lambda: _at_once(store.put, [new() for _ in range(AT_ONCE)]),
        },
        _BARE,
        ROUNDS // 3,
        AT_ONCE,
    )


async def _in_a_row(action: Callable[[], Awaitable[object]]) -> None:
    for _ in range(IN_A_ROW):
        await action()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
