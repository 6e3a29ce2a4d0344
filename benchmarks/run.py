"""Every benchmark, one after the other: ``make bench``, or ``python -m benchmarks.run [--full]``.

Absolute times belong to the machine they are measured on; what is worth quoting are the ratios,
each taken within one run. At the end is one table of every target, the missed ones included.
``python -m benchmarks.readme`` then puts the figures into the README and into
``docs/explanation/benchmarks.md``.
"""

import argparse
import asyncio
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks import delivery, headline, intake, payload, prompt_cache, stream, targets
from benchmarks.browser import gallery, ten, visit
from benchmarks.chats import __main__ as chats
from benchmarks.peers.processes import OtherWork, UnavailableError
from coatcheck_chat.cli import stream_cost

RESULTS: Final = Path("benchmarks-results")
"""Where figures, tables, targets and charts are written."""


def run(output: Path, *, full: bool) -> None:
    """Run them all.

    Args:
        output: folder for what they write; targets of an earlier run go.
        full: every case of the browser's benchmark and of the chats', which takes hours, instead of
            some of each.
    """
    start, others = time.monotonic(), OtherWork()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores")
    print(f"Load average {os.getloadavg()[0]:.1f} at the start\n")
    for file in output.glob("targets-*.json"):
        file.unlink()
    benchmarks: Mapping[str, Callable[[], object]] = {
        "One picture where messages go": lambda: asyncio.run(stream_cost.run(output)),
        "The stream": lambda: asyncio.run(stream.run()),
        "The browser": lambda: headline.run(output, full=full),
        "The page": lambda: visit.run(output, rounds=5 if full else 2),
        "The gallery": lambda: gallery.run(output, rounds=3 if full else 1),
        "Ten pictures at once": lambda: ten.run(output),
        "The chats": lambda: chats.show(chats.measure(quick=not full, output=output)),
        "Taking a picture in": lambda: asyncio.run(intake.run(output)),
        "Payloads": lambda: asyncio.run(payload.run(output)),
        "Prompt caches": lambda: asyncio.run(prompt_cache.run()),
        "Delivery": lambda: delivery.run(output),
    }
    failed = [name for name, benchmark in benchmarks.items() if not _runs(name, benchmark)]
    show_targets(output)
    print(
        f"All of it took {(time.monotonic() - start) / 60:.0f} minutes; other processes had"
        f" {others.share():.0%} of the machine meanwhile"
    )
    if failed:
        sys.exit(f"These failed: {', '.join(failed)}")


def _runs(name: str, benchmark: Callable[[], object]) -> bool:
    """Run a benchmark; whether it came to its end. The others are run all the same."""
    start = time.monotonic()
    try:
        benchmark()
    except UnavailableError as error:
        print(f"{name}: {error}\n")
    except Exception:  # noqa: BLE001 - it is shown, and the exit code says so
        traceback.print_exc()
        return False
    print(f"{name}: {time.monotonic() - start:.0f} s\n")
    return True


def show_targets(output: Path) -> None:
    """Print what every benchmark has kept of its targets, and write it as ``targets.md``."""
    found = [each for some in targets.kept(output).values() for each in some]
    table = targets.table("What was wanted, and whether it holds", found)
    Console(width=140).print(table.rich())
    print(targets.summary(found))
    Path(output, "targets.md").write_text(targets.table("", found).markdown(), "utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run")
    parser.add_argument("--full", action="store_true", help="every case; takes hours")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--targets", action="store_true", help="show those of the last run alone")
    arguments = parser.parse_args()
    if arguments.targets:
        show_targets(arguments.output)
    else:
        run(arguments.output, full=arguments.full)


if __name__ == "__main__":
    main()
