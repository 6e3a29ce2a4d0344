"""``python -m benchmarks.chats``: measure, print the tables, write JSON and a chart."""

import argparse
import asyncio
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from benchmarks.browser.bench import find_chromium
from benchmarks.browser.chromium import Chromium
from benchmarks.chats import report
from benchmarks.chats.album import Album
from benchmarks.chats.bench import FULL, QUICK, Case, Result, run
from benchmarks.chats.contenders import EVERY, start_all
from benchmarks.peers.processes import OtherWork, UnavailableError

_QUICK_ROUNDS = 2
_FULL_ROUNDS = 5
_WIDTH = 160


def measure(
    *,
    quick: bool,
    output: Path,
    rounds: int | None = None,
    names: Sequence[str] = tuple(EVERY),
    markdown: bool = False,
) -> None:
    """Run the quick or the full mode.

    Args:
        quick: 1 and 3 pictures of 1024², two rounds, instead of 1 and 10 of 1024² and 2048², five.
        output: folder for ``chats.json`` and ``chats.svg``.
        rounds: how often each conversation is timed; the mode's own number if None.
        names: which chats take part.
        markdown: print Markdown, not tables for a terminal.

    Raises:
        UnavailableError: there is no browser, or none of the chats can be had.
    """
    executable = find_chromium()
    progress = Console(stderr=True)
    load, start, others = os.getloadavg()[0], time.strftime("%Y-%m-%d"), OtherWork()
    cases = QUICK if quick else FULL
    results, missing, versions = _run(
        cases,
        executable,
        names,
        rounds=rounds or (_QUICK_ROUNDS if quick else _FULL_ROUNDS),
        progress=progress,
    )
    conditions = {
        "date": start,
        "browser": asyncio.run(Chromium(executable, "").version()),
        "chats": versions,
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": round(load, 2),
        "otherWork": round(others.share(), 3),
    }
    out = Console(width=_WIDTH)
    for table in report.tables(results, missing):
        if markdown:
            print(table.markdown())
        else:
            out.print(table.rich())
    out.print(report.LEGEND, highlight=False)
    for name, value in conditions.items():
        out.print(f"{name}: {value}", highlight=False)
    output.mkdir(parents=True, exist_ok=True)
    report.write_json(results, missing, output / "chats.json", conditions)
    (output / "chats.svg").write_text(report.draw(results), "utf-8")
    print(f"Written: {output / 'chats.json'}, {output / 'chats.svg'}")


def _run(
    cases: Sequence[Case],
    executable: Path,
    names: Sequence[str],
    *,
    rounds: int,
    progress: Console,
) -> tuple[list[Result], dict[str, str], dict[str, str]]:
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        pictures = Path(place, "pictures")
        pictures.mkdir()
        chats, missing = start_all(stack, names, pictures, Path(place))
        for name, why in missing.items():
            progress.print(f"{name}: {why}", highlight=False)
        if not chats:
            raise UnavailableError("none of the chats can be had")
        results = asyncio.run(
            run(
                cases,
                chats,
                Album(pictures),
                executable,
                rounds=rounds,
                progress=lambda text: progress.print(text, highlight=False),
            )
        )
        return results, missing, {chat.name: chat.version for chat in chats}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chats")
    parser.add_argument("--quick", action="store_true", help="1 and 3 pictures of 1024², 2 rounds")
    parser.add_argument("--output", type=Path, default=Path("benchmarks-results"))
    parser.add_argument("--rounds", type=int, help="how often each conversation is timed")
    parser.add_argument("--only", nargs="+", choices=EVERY, default=tuple(EVERY), metavar="CHAT")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    arguments = parser.parse_args()
    try:
        measure(
            quick=arguments.quick,
            output=arguments.output,
            rounds=arguments.rounds,
            names=arguments.only,
            markdown=arguments.markdown,
        )
    except UnavailableError as error:
        sys.exit(f"The chats' benchmark: {error}")


if __name__ == "__main__":
    main()
