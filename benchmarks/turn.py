"""What a turn costs the chat's server: processor time, frames and bytes, beside an earlier tree.

::

    python -m benchmarks.turn                     # this tree
    python -m benchmarks.turn --against a5d8114   # and that revision, in turn

A turn goes from ``message-send`` to ``finish``. The picture is at hand (no painter), the model is
the offline one, and what decodes the picture runs in other processes. Processor time is the
server's own, all of its threads: Linux alone tells it.
"""

import argparse
import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

import msgspec
from rich.console import Console
from rich.table import Table
from websockets.asyncio.client import ClientConnection, connect

ROUNDS: Final = 7
TURNS: Final = 8
QUESTIONS: Final = ("hello", "draw a lighthouse at dusk")

_SOURCE: Final = Path(__file__).parents[1]
_SERVER: Final = Path(__file__).parent / "servers" / "turns.py"
_START_SECONDS: Final = 60.0


@contextmanager
def served(tree: Path, place: Path) -> Iterator[tuple[int, str]]:
    """A chat of the packages in `tree`; its process's id and its ``host:port``.

    Raises:
        TimeoutError: it did not start.
    """
    place.mkdir()
    log = place / "log"
    packages = tree / "packages"
    environment = os.environ | {
        "COATCHECK_DATA": str(place / "data"),
        "COATCHECK_CHAT_MESSAGES": "1000000",
        "COLUMNS": "200",
        "PYTHONPATH": f"{packages}/coatcheck/src:{packages}/coatcheck-chat/src",
    }
    with log.open("wb") as output:
        command = [sys.executable, str(_SERVER), "--port", "0"]
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    try:
        yield process.pid, _address(log, process)
    finally:
        process.terminate()
        process.wait()


def _address(log: Path, process: "subprocess.Popen[bytes]") -> str:
    while (found := re.search(r"is on http://(\S+:\d+)", log.read_text("utf-8"))) is None:
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        raise TimeoutError(log.read_text("utf-8"))
    return found[1]


def processor_seconds(process: int) -> float:
    """Seconds of processor time that the process's threads have had."""
    tasks = Path(f"/proc/{process}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


async def converse(address: str, process: int, question: str) -> tuple[float, float, float]:
    """Ask so many times in a new conversation: seconds, frames and bytes of a turn."""
    conversation = str(uuid4())
    frames: list[str] = []
    async with connect(f"ws://{address}/ws/chat", max_queue=None) as socket:
        resume = {"type": "stream-resume", "seq": 0, "referencesOnce": True}
        await socket.send(msgspec.json.encode(resume | {"conversationId": conversation}).decode())
        await socket.recv()
        before = processor_seconds(process)
        for _ in range(TURNS):
            frames += await _turn(socket, conversation, question)
        spent = processor_seconds(process) - before
    size = sum(len(frame.encode()) for frame in frames)
    return spent / TURNS, len(frames) / TURNS, size / TURNS


async def _turn(socket: ClientConnection, conversation: str, question: str) -> list[str]:
    message = {"id": str(uuid4()), "role": "user", "parts": [{"type": "text", "text": question}]}
    asked = {"type": "message-send", "conversationId": conversation, "message": message}
    await socket.send(msgspec.json.encode(asked).decode())
    frames: list[str] = []
    while not frames or '"type":"finish"}' not in frames[-1]:
        frame = await socket.recv()
        assert isinstance(frame, str)  # noqa: S101 - no binary frames were agreed on
        frames.append(frame)
    return frames


async def run(trees: dict[str, Path]) -> None:
    """Measure each tree, one after the other in each round, and print a table."""
    figures: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = {
            name: stack.enter_context(served(tree, place / name)) for name, tree in trees.items()
        }
        for number in range(ROUNDS + 1):
            for question in QUESTIONS:
                for name, (process, address) in servers.items():
                    figure = await converse(address, process, question)
                    if number > 0:
                        figures.setdefault((question, name), []).append(figure)
    Console().print(table(figures))


def table(figures: dict[tuple[str, str], list[tuple[float, float, float]]]) -> Table:
    """Medians, and of processor time the ratio to the first tree within a round."""
    shown = Table("turn", "tree", "processor ms", "ratio", "frames", "bytes of text frames")
    for (question, name), measured in figures.items():
        first = next(each for (asked, _), each in figures.items() if asked == question)
        ratio = statistics.median(a[0] / b[0] for a, b in zip(measured, first, strict=True))
        spent, frames, size = (statistics.median(column) for column in zip(*measured, strict=True))
        shown.add_row(
            question, name, f"{spent * 1000:.1f}", f"{ratio:.2f}", f"{frames:.0f}", f"{size:,.0f}"
        )
    return shown


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", metavar="REVISION")
    revision = parser.parse_args(arguments).against
    with tempfile.TemporaryDirectory() as name:
        trees = {"this": _SOURCE}
        if revision is not None:
            archive = subprocess.run(
                ["git", "archive", revision, "packages"],
                cwd=_SOURCE,
                check=True,
                capture_output=True,
            ).stdout
            subprocess.run(["tar", "x", "-C", name], input=archive, check=True)
            trees = {revision: Path(name)} | trees
        asyncio.run(run(trees))


if __name__ == "__main__":
    main()
