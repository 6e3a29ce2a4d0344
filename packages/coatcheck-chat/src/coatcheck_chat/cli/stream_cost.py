"""``bench stream``: what one picture costs where messages go, as base64 and as a reference."""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pybase64
from rich.console import Console
from rich.table import Table

from coatcheck import __version__, for_storage, open_store
from coatcheck.reference import MediaUrls
from coatcheck.workers import WorkerPool
from coatcheck_chat.agent.tools import ImageResult
from coatcheck_chat.history.participant import ChatHistory
from coatcheck_chat.history.ports import NewMessage, Opening
from coatcheck_chat.history.sql_log import SqlConversationLog
from coatcheck_chat.painting import PAINTERS
from coatcheck_chat.streaming.events import encode_frame

EDGES: Final = (320, 1024, 2048)
"""Pixels. 320² is about 150 KB as PNG, and so 200 KB as base64."""

PICTURE_BYTES: Final = "the picture in the tool's result, bytes"
FRAME_BYTES: Final = "frame with the tool's result, bytes"
PARSING_MS: Final = "JSON parsing of it, ms"
MODEL_TOKENS: Final = "in the model's context, tokens"
DATABASE_BYTES: Final = "in the history's database, bytes"

_ROUNDS: Final = 30
_MESSAGES: Final = 20
_CHARACTERS_PER_TOKEN: Final = 4
_SOURCE: Final = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing, both ways.

    Attributes:
        name: what it is, with its unit.
        legacy: with the picture as base64.
        reference: with a reference to it.
    """

    name: str
    legacy: float
    reference: float

    @property
    def ratio(self) -> float:
        """Legacy by reference."""
        return self.legacy / self.reference


@dataclass(frozen=True, slots=True)
class Picture:
    """The cost of one picture.

    Attributes:
        edge: its width and height, pixels.
        size: its bytes.
        measures: each thing, both ways.
    """

    edge: int
    size: int
    measures: list[Measure]


async def run(output: Path) -> None:
    """Measure pictures of three sizes, print a table for each, and write ``stream.json``.

    Args:
        output: the folder for it.
    """
    console = Console()
    painters = WorkerPool("coatcheck_chat.painting", PAINTERS)
    pictures: list[Picture] = []
    try:
        for edge in EDGES:
            _, content = await painters.run(
                "paint", prompt="a lighthouse at dusk", seed=7, width=edge, height=edge, stage=1.0
            )
            pictures.append(Picture(edge, len(content), await measure(content)))
            console.print(_table(pictures[-1]))
    finally:
        await painters.aclose()
    console.print(
        f"Tokens are {_CHARACTERS_PER_TOKEN} characters each; a tokenizer finds more in base64."
        f" Python {platform.python_version()}, {os.cpu_count()} cores, load average"
        f" {os.getloadavg()[0]:.1f}.\n",
        highlight=False,
    )
    _write(output, pictures)


async def measure(content: bytes) -> list[Measure]:
    """The cost of a picture on the socket, in a parser, in the model's context and in SQLite."""
    with tempfile.TemporaryDirectory() as name:
        async with open_store(name) as store:
            picture = await store.put(content, display_name="lighthouse.png")
    result = ImageResult(
        reference=picture,
        prompt="a lighthouse at dusk",
        model="procedural",
        message="Image generated",
    )
    output = result.to_ui(MediaUrls())
    legacy = _with_base64(output, content)
    frames = [_frame(each) for each in (legacy, output)]
    parts = (legacy["data"]["imageData"], output["data"]["imageReference"])
    return [
        Measure(PICTURE_BYTES, *(len(json.dumps(each)) for each in parts)),
        Measure(FRAME_BYTES, *(len(frame) for frame in frames)),
        Measure(PARSING_MS, *_parsing_ms(*frames)),
        Measure(MODEL_TOKENS, *map(_tokens, (json.dumps(legacy), result.to_model()))),
        Measure(
            DATABASE_BYTES,
            await _database_bytes(legacy),
            await _database_bytes(for_storage(output)),
        ),
    ]


def run_browser(output: Path, *, full: bool) -> int:
    """Run the browser's part, which belongs to the source tree; its exit code.

    It adds what it finds to what `run` wrote into `output`.
    """
    if not Path(_SOURCE, "benchmarks", "browser").is_dir():
        print(  # noqa: T201 - what a command is for
            "The browser's part is not measured: it needs the source tree. There: make bench"
        )
        return 0
    command = [sys.executable, "-m", "benchmarks.headline", "--output", str(output.absolute())]
    command += ["--full"] if full else []
    return subprocess.run(command, cwd=_SOURCE, check=False).returncode  # noqa: S603 - our own


def _with_base64(output: Mapping[str, Any], content: bytes) -> dict[str, Any]:
    """The same result as it was before there were references."""
    told = {
        name: value
        for name, value in output["data"].items()
        if name not in {"imageReference", "fullImageUrl", "thumbnailUrl"}
    }
    address = f"data:image/png;base64,{pybase64.b64encode(content).decode()}"
    return {**output, "data": {"imageData": address, **told}}


def _frame(output: Mapping[str, Any]) -> str:
    chunk = {"type": "tool-output-available", "toolCallId": "call_1", "output": dict(output)}
    return encode_frame(1, chunk)


def _parsing_ms(legacy: str, reference: str) -> tuple[float, float]:
    """Medians of rounds that take turns, so that a busy moment meets both."""
    taken: dict[str, list[float]] = {legacy: [], reference: []}
    for _ in range(_ROUNDS):
        for frame, times in taken.items():
            start = time.perf_counter()
            json.loads(frame)
            times.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken[legacy]), statistics.median(taken[reference])


def _tokens(text: str) -> int:
    return -(-len(text) // _CHARACTERS_PER_TOKEN)


async def _database_bytes(output: Mapping[str, Any]) -> float:
    """Bytes that a message with this result adds to a history; the mean of twenty."""
    with tempfile.TemporaryDirectory() as name:
        async with open_store(name, participants=[ChatHistory()]):
            pass
        empty = _size(Path(name))
        conversation = str(uuid4())
        async with open_store(name, participants=[ChatHistory()]) as store:
            log = SqlConversationLog(store)
            for _ in range(_MESSAGES):
                part = {"type": "tool-generate_image", "state": "output-available"}
                message = {
                    "id": str(uuid4()),
                    "role": "assistant",
                    "parts": [{**part, "output": dict(output)}],
                }
                await log.append_message(
                    conversation,
                    NewMessage(content=message, text="", media=frozenset()),
                    at=datetime.now(UTC),
                    opening=Opening(title="A lighthouse", owner=None),
                )
        return (_size(Path(name)) - empty) / _MESSAGES


def _size(data: Path) -> int:
    return sum(file.stat().st_size for file in data.glob("catalog.sqlite3*"))


def _table(picture: Picture) -> Table:
    title = f"A picture of {picture.edge}×{picture.edge}, {picture.size:,} bytes"
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name in ("legacy", "reference", "legacy ÷ reference"):
        table.add_column(name, justify="right")
    for each in picture.measures:
        table.add_row(
            each.name, _number(each.legacy), _number(each.reference), f"{each.ratio:,.0f}"
        )
    return table


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.3f}"  # noqa: PLR2004 - digits that matter


def _write(output: Path, pictures: list[Picture]) -> None:
    output.mkdir(parents=True, exist_ok=True)
    document = {
        "version": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "pictures": [asdict(each) for each in pictures],
    }
    target = output / "stream.json"
    target.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
