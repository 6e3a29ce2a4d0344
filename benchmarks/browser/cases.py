"""What is measured: the cases, and what came out of one."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from coatcheck_chat.comparison import Side, Way

WAYS: Sequence[Way] = ("frame", "growing", "tokens")
SIDES: Sequence[Side] = ("references", "legacy")


@dataclass(frozen=True, slots=True)
class Case:
    """One conversation, sent in one way to one browser.

    Attributes:
        way: how its messages arrive.
        count: how many there are, each with a picture.
        edge: width and height of the pictures, pixels.
        slowdown: by how much the page's CPU is throttled; 1 for not at all.
    """

    way: Way
    count: int
    edge: int
    slowdown: int

    def __str__(self) -> str:
        return f"{self.count} × {self.edge}², {self.way}, {self.slowdown}×"

    def trial(self, side: Side) -> dict[str, Any]:
        """What the page is told to play; see ``web/app/src/compare/trial.ts``."""
        path = f"/ws/compare/{self.edge}"
        return {"path": path, "side": side, "way": self.way, "count": self.count}

    def extends(self, other: "Case") -> bool:
        """Whether this is `other` with more pictures."""
        return replace(self, count=other.count) == other and self.count > other.count


QUICK = [
    Case(way, count, 1024, slowdown)
    for slowdown, way, count in product((1, 4), WAYS, (1, 10))
    if (way, count) != ("tokens", 10)  # with base64 it takes longer than anybody waits
]
FULL = [
    Case(way, count, edge, slowdown)
    for edge, slowdown, way, count in product((1024, 2048), (1, 4), WAYS, (1, 10, 50))
]


@dataclass(frozen=True, slots=True)
class Violation:
    """A line that Chrome reports to its console.

    Attributes:
        text: such as ``'message' handler took 212ms``.
        url: of the script whose handler it was.
    """

    text: str
    url: str

    @property
    def ours(self) -> bool:
        """Whether it was a message's handler in the page's own script, not React's scheduler."""
        return self.text.startswith("'message'") and "vendor" not in self.url


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one side of a case did.

    Attributes:
        figures: what the page measured; see ``web/app/src/compare/trial.ts``. None if it did not
            finish.
        seconds: how long it was waited for; 0 if it was not tried.
        violations: what Chrome reported, also of what did not finish.
        main_thread: seconds that the page's main thread was busy.
        heap: bytes of JavaScript objects after a collection, less what the empty page had.
        second_visit: bytes of media that another visit took from the network.
    """

    figures: dict[str, Any] | None
    seconds: float
    violations: list[Violation] = field(default_factory=list)
    main_thread: float | None = None
    heap: int | None = None
    second_visit: int | None = None

    @property
    def main_thread_ms(self) -> float | None:
        """Milliseconds that the page's main thread was busy; None if it did not finish."""
        return None if self.main_thread is None else self.main_thread * 1000

    @property
    def finished(self) -> bool:
        """Whether everything was painted within the time that was given."""
        return self.figures is not None

    def number(self, name: str) -> float | None:
        """One of the page's figures; None if it did not finish."""
        return None if self.figures is None else float(self.figures[name])

    def pictures(self, moment: str, pick: Callable[[Sequence[float]], float]) -> float | None:
        """Milliseconds from a picture's message to one of its moments, over all that had it."""
        if self.figures is None:
            return None
        times = [each[moment] for each in self.figures["pictures"] if each[moment] is not None]
        return pick(times) if times else None

    def median(self, moment: str) -> float | None:
        """The median over the pictures of `moment`."""
        return self.pictures(moment, statistics.median)


@dataclass(frozen=True, slots=True)
class Result:
    """Both sides of a case."""

    case: Case
    outcomes: dict[Side, Outcome]

    def ratio(self, read: Callable[[Outcome], float | None]) -> float | None:
        """Legacy by references; None where either is missing or nothing."""
        legacy, references = read(self.outcomes["legacy"]), read(self.outcomes["references"])
        return legacy / references if legacy is not None and references else None


def groups(results: Sequence[Result]) -> Iterator[tuple[str, list[Result]]]:
    """The results by size of the pictures and slow-down, with a title for each group."""
    keys = dict.fromkeys((each.case.edge, each.case.slowdown) for each in results)
    for edge, slowdown in keys:
        mine = [
            each for each in results if (each.case.edge, each.case.slowdown) == (edge, slowdown)
        ]
        yield f"Pictures of {edge}×{edge}, CPU slowed down {slowdown}×", mine
