"""``python -m benchmarks.browser``: measure, print the tables, write JSON and a chart."""

import argparse
import asyncio
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.browser import chart, markdown, report
from benchmarks.browser.bench import find_chromium, run, running
from benchmarks.browser.cases import FULL, QUICK, Case, Outcome, Result
from benchmarks.browser.chromium import Chromium
from benchmarks.browser.work import Work, measure_work
from benchmarks.peers.processes import UnavailableError

_QUICK_SECONDS = 60.0
_FULL_SECONDS = 60.0


def measure(*, quick: bool, output: Path, seconds: float | None = None) -> list[Result]:
    """Run the quick or the full mode.

    Args:
        quick: 1 and 10 pictures of 1024², instead of everything.
        output: folder for ``browser.json``, ``browser.md`` and ``browser.svg``.
        seconds: how long one side of a case is waited for; the mode's own limit if None.

    Raises:
        UnavailableError: a browser, Node.js or the page's packages are missing.
    """
    cases = QUICK if quick else FULL
    console = Console(stderr=True)

    def progress(case: Case, side: str, outcome: Outcome) -> None:
        state = f"{outcome.seconds:.1f} s" if outcome.seconds else "not tried"
        console.print(f"{case}, {side}: {state}", highlight=False)

    load, start = os.getloadavg()[0], time.strftime("%Y-%m-%d")
    with running(cases) as url:
        chromium = Chromium(find_chromium(), url)
        version = asyncio.run(chromium.version())
        limit = seconds or (_QUICK_SECONDS if quick else _FULL_SECONDS)
        results = asyncio.run(run(cases, chromium, seconds=limit, progress=progress))
        console.print("The longest pieces of work ...", highlight=False)
        work = asyncio.run(_measure_work(cases, url))
    conditions = {
        "date": start,
        "browser": version,
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": round(load, 2),
        "limit": limit,
    }
    report.show(results)
    report.show_work(work)
    print(f"{version}, {os.cpu_count()} cores, load average {load:.1f} at the start")
    output.mkdir(parents=True, exist_ok=True)
    report.write_json(results, work, output / "browser.json", conditions)
    (output / "browser.svg").write_text(chart.draw(results), "utf-8")
    tables = f"{markdown.write(results)}\n\n{markdown.write_work(work)}\n"
    (output / "browser.md").write_text(tables, "utf-8")
    print(f"Written: browser.json, browser.md and browser.svg in {output}")
    return results


async def _measure_work(cases: Sequence[Case], url: str) -> list[Work]:
    """Of the references' cases that are not slowed down, of the usual size."""
    executable = find_chromium()
    wanted = [each for each in cases if (each.edge, each.slowdown) == (1024, 1)]
    return [await measure_work(executable, url, each) for each in wanted]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.browser")
    parser.add_argument("--quick", action="store_true", help="1 and 10 pictures of 1024²")
    parser.add_argument("--output", type=Path, default=Path("benchmarks-results"))
    parser.add_argument("--seconds", type=float, help="limit for one side of a case")
    arguments = parser.parse_args()
    try:
        measure(quick=arguments.quick, output=arguments.output, seconds=arguments.seconds)
    except UnavailableError as error:
        sys.exit(f"The browser benchmark: {error}")


if __name__ == "__main__":
    main()
