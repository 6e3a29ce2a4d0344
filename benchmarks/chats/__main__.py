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
from benchmarks.chats.bench import FULL, LOOPBACK, QUICK, Result
from benchmarks.chats.bench import run as measure_cases
from benchmarks.chats.contenders import EVERY, behind, start_all
from benchmarks.chats.report import Run
from benchmarks.chats.targets import targets
from benchmarks.network import BROADBAND
from benchmarks.peers.processes import OtherWork, UnavailableError
from benchmarks.targets import keep as keep_targets

_QUICK_ROUNDS = 2
_FULL_ROUNDS = 5
_WIDTH = 160


def measure(
    *,
    quick: bool,
    output: Path,
    rounds: int | None = None,
    names: Sequence[str] = tuple(EVERY),
) -> Run:
    """Run the quick or the full mode.

    Args:
        quick: some cases, two rounds, instead of every case, five.
        output: folder for ``chats.json``, ``chats.md``, ``chats.svg`` and ``targets-chats.json``.
        rounds: how often each conversation is timed; the mode's own number if None.
        names: which chats take part.

    Raises:
        UnavailableError: there is no browser, or none of the chats can be had.
    """
    executable = find_chromium()
    cases = QUICK if quick else FULL
    rounds = rounds or (_QUICK_ROUNDS if quick else _FULL_ROUNDS)
    load, others, progress = os.getloadavg()[0], OtherWork(), Console(stderr=True)
    conditions = {
        "date": time.strftime("%Y-%m-%d"),
        "rounds": rounds,
        "load": round(load, 2),
        "browser": asyncio.run(Chromium(executable, "").version()),
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
    }
    run = Run(conditions, {}, [])
    output.mkdir(parents=True, exist_ok=True)

    def keep(results: Sequence[Result]) -> None:
        run.results[:] = results
        run.write(output / "chats.json")
        (output / "chats.svg").write_text(report.draw(results), "utf-8")

    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        pictures = Path(place, "pictures")
        pictures.mkdir()
        chats, missing = start_all(stack, names, pictures, Path(place))
        run.missing.update(missing)
        for name, why in missing.items():
            progress.print(f"{name}: {why}", highlight=False)
        if not chats:
            raise UnavailableError("none of the chats can be had")
        run.conditions["chats"] = {chat.name: chat.version for chat in chats}
        networks = {LOOPBACK: chats, str(BROADBAND): behind(stack, chats, BROADBAND, Path(place))}
        asyncio.run(
            measure_cases(
                cases,
                networks,
                Album(pictures),
                executable,
                rounds=rounds,
                progress=lambda text: progress.print(text, highlight=False),
                keep=keep,
            )
        )
    # The chats and the browsers are ours: they count as such once they have ended.
    run.conditions["otherWork"] = round(others.share(), 3)
    run.write(output / "chats.json")
    (output / "chats.md").write_text(report.markdown(run), "utf-8")
    keep_targets(output, "chats", list(targets(run.results)))
    return run


def show(run: Run, *, markdown: bool = False) -> None:
    """Print tables.

    Args:
        run: of what.
        markdown: as Markdown, not for a terminal.
    """
    out = Console(width=_WIDTH)
    if markdown:
        print(report.markdown(run))
        return
    for table in (*report.tables(run), report.verdicts(run)):
        out.print(table.rich())
    out.print(report.LEGEND, highlight=False)
    for name, value in run.conditions.items():
        out.print(f"{name}: {value}", highlight=False)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chats")
    parser.add_argument("--quick", action="store_true", help="some of the cases, 2 rounds")
    parser.add_argument("--output", type=Path, default=Path("benchmarks-results"))
    parser.add_argument("--rounds", type=int, help="how often each conversation is timed")
    parser.add_argument("--only", nargs="+", choices=EVERY, default=tuple(EVERY), metavar="CHAT")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    parser.add_argument("--show", type=Path, metavar="JSON", help="print an earlier run again")
    arguments = parser.parse_args()
    if arguments.show is not None:
        show(Run.read(arguments.show), markdown=arguments.markdown)
        return
    output: Path = arguments.output
    try:
        run = measure(
            quick=arguments.quick, output=output, rounds=arguments.rounds, names=arguments.only
        )
    except UnavailableError as error:
        sys.exit(f"The chats' benchmark: {error}")
    show(run, markdown=arguments.markdown)
    print(f"Written: {output / 'chats.json'}, {output / 'chats.svg'}")


if __name__ == "__main__":
    main()
