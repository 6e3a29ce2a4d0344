"""``python -m benchmarks.browser.ten``: ten pictures at once, as references and as base64.

Each picture comes in a message of its own, one right after the other: what a conversation that is
opened, or an answer with ten pictures, gives the page to do. Both sides take turns, each time in a
fresh browser, and a ratio is the median of the rounds' ratios. Times count from the opening of the
socket, as a reader waits, and on loopback also from the message of each picture: that leaves out
how long a message with base64 is under way.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from rich.console import Console

from benchmarks.browser.bench import find_chromium, running
from benchmarks.browser.cases import SIDES, Case, Outcome
from benchmarks.browser.chromium import Chromium
from benchmarks.browser.figures import count
from benchmarks.network import BROADBAND, proxy
from benchmarks.peers.processes import UnavailableError
from benchmarks.tables import Table
from benchmarks.targets import Target, keep
from benchmarks.targets import table as target_table
from coatcheck_chat.comparison import Side

ROUNDS: Final = 3

_LOOPBACK: Final = "loopback"
_TEN: Final = 10
_EDGE: Final = 1024
_SECONDS: Final = 60.0

_Read = Callable[[Outcome], float | None]


def seen(*moments: str, waiting: bool) -> _Read:
    """How to read the median over the pictures of the first of these moments.

    Args:
        moments: of the page's; a picture that has none of them is left out.
        waiting: from the opening of the socket, and not from the picture's own message.
    """

    def read(outcome: Outcome) -> float | None:
        if outcome.figures is None:
            return None
        times = [
            min(had) + (picture["arrived"] if waiting else 0)
            for picture in outcome.figures["pictures"]
            if (had := [picture[each] for each in moments if picture[each] is not None])
        ]
        return statistics.median(times) if times else None

    return read


_WAITING: Final[Mapping[str, _Read]] = {
    "first pixels": seen("firstPixels", waiting=True),
    "readable": seen("thumbnail", "full", waiting=True),
    "full picture": seen("full", waiting=True),
    "all painted": lambda outcome: outcome.number("settled"),
}
_AFTER_MESSAGE: Final[Mapping[str, _Read]] = {
    "first pixels after its message": seen("firstPixels", waiting=False),
    "readable after its message": seen("thumbnail", "full", waiting=False),
    "full picture after its message": seen("full", waiting=False),
}
COLUMNS: Final = {**_WAITING, **_AFTER_MESSAGE}
"""Milliseconds, by what they are until."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Under what the ten are shown.

    Attributes:
        network: what is between the page and the server.
        slowdown: by how much the page's CPU is throttled.
    """

    network: str
    slowdown: int

    def __str__(self) -> str:
        return f"{self.network}, {self.slowdown}×"

    @property
    def columns(self) -> Sequence[str]:
        """What is compared under it."""
        return tuple(COLUMNS if self.network == _LOOPBACK else _WAITING)


SETTINGS: Final = [
    Setting(network, slowdown) for network in (_LOOPBACK, str(BROADBAND)) for slowdown in (1, 4)
]

Rounds = Mapping[Side, Sequence[Outcome]]


async def measure(
    executable: Path, urls: Mapping[str, str], rounds: int, progress: Callable[[str], None]
) -> dict[Setting, Rounds]:
    """Play every setting.

    Args:
        executable: the browser.
        urls: of the benchmark's server, by network.
        rounds: how often each side is played under each setting.
        progress: hears of each.
    """
    warm = Chromium(executable, urls[_LOOPBACK])
    await warm.measure(Case("frame", _TEN, _EDGE, 1), "references", seconds=_SECONDS)
    found: dict[Setting, Rounds] = {}
    for setting in SETTINGS:
        chromium = Chromium(executable, urls[setting.network])
        case = Case("frame", _TEN, _EDGE, setting.slowdown)
        played: dict[Side, list[Outcome]] = {side: [] for side in SIDES}
        for number in range(rounds):
            for side in SIDES if number % 2 else tuple(reversed(SIDES)):
                progress(f"ten at once, {setting}, round {number + 1} of {rounds}: {side}")
                played[side].append(await chromium.measure(case, side, seconds=_SECONDS))
        found[setting] = played
    return found


def ratio(rounds: Rounds, read: _Read) -> float | None:
    """The median of references ÷ base64; None without a round that both ended."""
    pairs = zip(map(read, rounds["references"]), map(read, rounds["legacy"]), strict=True)
    found = [ours / theirs for ours, theirs in pairs if ours is not None and theirs]
    return statistics.median(found) if found else None


def targets(found: Mapping[Setting, Rounds]) -> Iterator[Target]:
    """References are to be sooner than base64 in every column."""
    for setting, rounds in found.items():
        for column in setting.columns:
            what = f"ten at once, {setting}: {column} ÷ base64's"
            yield Target(what, ratio(rounds, COLUMNS[column]), 1.0, "at most")


def times(found: Mapping[Setting, Rounds]) -> Table:
    """The medians of both sides in milliseconds."""
    rows = []
    for setting, rounds in found.items():
        for side in ("legacy", "references"):
            cells = []
            for column, read in COLUMNS.items():
                values = [each for each in map(read, rounds[side]) if each is not None]
                shown = column in setting.columns and values
                cells.append(count(statistics.median(values)) if shown else "")
            rows.append([f"{setting}: {side}", *cells])
    return Table("Ten pictures of 1024×1024 at once: ms", ["", *COLUMNS], rows)


def run(output: Path, rounds: int = ROUNDS) -> None:
    """Measure, print and write ``ten.md`` and ``targets-ten.json``.

    Args:
        output: folder for them.
        rounds: how often each side is played under each setting.

    Raises:
        UnavailableError: a browser, Node.js or the page's packages are missing.
    """
    progress = Console(stderr=True)
    with tempfile.TemporaryDirectory() as name, running([Case("frame", _TEN, _EDGE, 1)]) as url:
        port = urlsplit(url).port or 0
        with proxy(BROADBAND, port, Path(name, "proxy.log")) as slow:
            urls = {_LOOPBACK: url, str(BROADBAND): f"http://127.0.0.1:{slow}/"}
            found = asyncio.run(
                measure(
                    find_chromium(),
                    urls,
                    rounds,
                    lambda text: progress.print(text, highlight=False),
                )
            )
    reached = list(targets(found))
    tables = (times(found), target_table("Ten at once: references ÷ base64", reached))
    for each in tables:
        Console(width=120).print(each.rich())
    keep(output, "ten", reached)
    (output / "ten.md").write_text("\n".join(each.markdown() for each in tables), "utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.browser.ten")
    parser.add_argument("--output", type=Path, default=Path("benchmarks-results"))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    try:
        run(arguments.output, arguments.rounds)
    except UnavailableError as error:
        sys.exit(f"Ten pictures at once: {error}")


if __name__ == "__main__":
    main()
