"""Runs the cases, one after the other, both sides of each in turn."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.browser.cases import SIDES, Case, Outcome, Result
from benchmarks.browser.chromium import Chromium
from benchmarks.browser.page import WEB, build
from benchmarks.browser.pictures import painted
from benchmarks.peers.processes import UnavailableError, free_port, started
from coatcheck_chat.comparison import Side

Progress = Callable[[Case, Side, Outcome], None]
"""Called after each side of each case."""

_MODULE = "benchmarks.browser.server"
_WARM_SECONDS = 60.0


def find_chromium() -> Path:
    """The browser that CHROMIUM names, or one that is installed.

    Raises:
        UnavailableError: there is none.
    """
    finder = Path(WEB.parent, "scripts", "find-chromium")
    found = subprocess.run([finder], capture_output=True, text=True, check=False)
    path = shutil.which(found.stdout.strip() or "chromium")
    if path is None:
        raise UnavailableError("no Chromium was found; CHROMIUM= names one")
    return Path(path)


@contextmanager
def running(cases: Sequence[Case]) -> Iterator[str]:
    """The benchmark's server with the pictures of `cases`, as its URL.

    Raises:
        UnavailableError: the page cannot be built, or the server does not start.
    """
    counts = {
        edge: max(c.count for c in cases if c.edge == edge) for edge in {c.edge for c in cases}
    }
    pictures = [file for edge, count in counts.items() for file in painted(count, edge)]
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        build(folder / "page")
        options: list[str | Path] = [
            "--port",
            str(port),
            "--data",
            folder / "data",
            "--page",
            folder / "page",
        ]
        with started(
            [sys.executable, "-m", _MODULE, *options, *pictures],
            port=port,
            log=folder / "log",
            environment={"PYTHONPATH": os.pathsep.join(sys.path)},
        ):
            yield f"http://127.0.0.1:{port}/"


async def run(
    cases: Sequence[Case], chromium: Chromium, *, seconds: float, progress: Progress
) -> list[Result]:
    """Measure `cases`.

    Args:
        cases: what to measure, short conversations before long ones: where a short one does not
            finish, the longer ones are not tried.
        chromium: the browser, on the server's page.
        seconds: how long one side of a case is waited for.
        progress: hears of each side.
    """
    # Widths are rendered when they are first asked for; every case finds them rendered.
    for edge in dict.fromkeys(case.edge for case in cases):
        count = max(case.count for case in cases if case.edge == edge)
        await chromium.measure(Case("frame", count, edge, 1), "references", seconds=_WARM_SECONDS)
    results: list[Result] = []
    for case in cases:
        outcomes: dict[Side, Outcome] = {}
        for side in SIDES:
            if any(
                case.extends(each.case) and not each.outcomes[side].finished for each in results
            ):
                outcomes[side] = Outcome(None, 0)
            else:
                outcomes[side] = await chromium.measure(case, side, seconds=seconds)
            progress(case, side, outcomes[side])
        results.append(Result(case, outcomes))
    return results
