"""The tables of what a browser did, and whether what is claimed shows in them."""

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.browser.cases import Outcome, Result, groups
from benchmarks.browser.figures import count, decimal, unfinished
from benchmarks.browser.work import Work

_Cell = Callable[[Outcome], str]

_WIDTH = 160
_BYTES_RATIO = 50.0
_BUSY_RATIO = 10.0
_HEAP_RATIO = 5.0
_HANDLER_MS = 5.0
_SLOWDOWN = 4


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that is said of references, and whether this run shows it.

    Attributes:
        text: what is said.
        shown: whether it shows.
        figure: what was measured.
    """

    text: str
    shown: bool
    figure: str

    def __str__(self) -> str:
        return f"{'shows' if self.shown else 'DOES NOT SHOW':14}{self.text}: {self.figure}"


def show(results: Sequence[Result], console: Console | None = None) -> None:
    """Print what each case cost and when its pictures were seen, then the claims."""
    out = console or Console(width=_WIDTH)
    for title, mine in groups(results):
        out.print(_table(f"{title}: what it cost", mine, _COSTS))
        out.print(_table(f"{title}: what was seen when", mine, _SIGHTS))
    out.print(_LEGEND, highlight=False)
    for claim in claims(results):
        out.print(str(claim), highlight=False, markup=False)


_LEGEND = """\
Milliseconds. Violations: of the socket's handler / of every kind. Blocking: what long tasks had
over 50 ms. Heap: after a collection, MB. First pixels, thumbnail, full: median over the pictures,
from each one's first frame. All: from opening the socket until every message has come and what is
in view is painted.
"""


def _table(title: str, results: Sequence[Result], columns: Mapping[str, _Cell]) -> Table:
    table = Table(title=title)
    table.add_column("way, pictures", no_wrap=True)
    table.add_column("", no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right", min_width=8)
    table.add_column("", no_wrap=True)
    for result in results:
        for side, outcome in result.outcomes.items():
            cells = [write(outcome) for write in columns.values()]
            name = f"{result.case.way} {result.case.count}"
            table.add_row(name, side, *cells, "" if outcome.finished else unfinished(outcome))
        table.add_section()
    return table


def _violations(outcome: Outcome) -> str:
    if not outcome.seconds:
        return ""
    return f"{sum(each.ours for each in outcome.violations)} / {len(outcome.violations)}"


def size(value: float | None) -> str:
    """Bytes for people."""
    if value is None or value < 10_000:
        return "" if value is None else f"{value:,.0f} B"
    return f"{value / 1e6:,.1f} MB" if value >= 1e6 else f"{value / 1e3:,.0f} KB"


_COSTS: Mapping[str, _Cell] = {
    "over the socket": lambda o: size(o.number("bytes")),
    "largest frame": lambda o: size(o.number("largestFrame")),
    "longest handler": lambda o: decimal(o.number("longestHandler")),
    "JSON .parse": lambda o: decimal(o.number("parsing")),
    "long tasks": lambda o: count(o.number("longTasks")),
    "blocking": lambda o: count(o.number("blocking")),
    "violations": _violations,
    "main thread": lambda o: count(o.main_thread_ms),
    "slowest input": lambda o: count(o.number("slowestInteraction")),
    "heap": lambda o: decimal(None if o.heap is None else o.heap / 1e6),
}

_SIGHTS: Mapping[str, _Cell] = {
    "first pixels": lambda o: count(o.median("firstPixels")),
    "thumbnail": lambda o: count(o.median("thumbnail")),
    "full": lambda o: count(o.median("full")),
    "all": lambda o: count(o.number("settled")),
    "layout shift": lambda o: "" if not o.finished else f"{o.number('layoutShift'):.3f}",
    "second visit: bytes of media": lambda o: count(o.second_visit),
}


def show_work(work: Sequence[Work]) -> None:
    """Print the longest pieces of work, as they are and at 4×."""
    table = Table(title="The longest pieces of work with references, ms of processor time")
    for name in ("way, pictures", "handler", "at 4×", "task", "at 4×"):
        table.add_column(name, justify="left" if name.startswith("way") else "right")
    for each in work:
        figures = (each.handler, _SLOWDOWN * each.handler, each.task, _SLOWDOWN * each.task)
        table.add_row(f"{each.case.way} {each.case.count}", *map(decimal, figures))
    Console(width=_WIDTH).print(table)


def claims(results: Sequence[Result]) -> Iterator[Claim]:
    """What is claimed, with what these results say to it. Legacy that did not finish counts not."""
    references = [each.outcomes["references"] for each in results]
    finished = [each for each in references if each.finished]
    yield Claim(
        "references finish",
        len(finished) == len(references),
        f"{len(finished)} of {len(references)}",
    )
    handlers = sum(v.ours for each in references for v in each.violations)
    others = sum(len(each.violations) for each in references) - handlers
    yield Claim("references: no violation of the socket's handler", handlers == 0, str(handlers))
    yield Claim("references: no other violation, such as React's", others == 0, str(others))
    tasks = sum(each.number("longTasks") or 0 for each in finished)
    yield Claim("references: no task over 50 ms", tasks == 0, f"{tasks:.0f}")
    shift = max((each.number("layoutShift") or 0 for each in finished), default=0)
    yield Claim("references: nothing moves", shift == 0, f"layout shift {shift:.3f} at most")
    handler = max((each.number("longestHandler") or 0 for each in finished), default=0)
    text = f"references: a message is handled within {_HANDLER_MS:.0f} ms"
    yield Claim(text, handler <= _HANDLER_MS, f"{handler:.1f} ms at most")
    again = max((each.second_visit or 0 for each in finished), default=0)
    yield Claim("references: a second visit fetches no media", again == 0, f"{again:,} bytes")
    yield from _ratios(results)
    yield from _legacy(results)


def _ratios(results: Sequence[Result]) -> Iterator[Claim]:
    longest = max((each.case.count for each in results), default=0)
    long = [each for each in results if each.case.count == longest]
    measures = (
        ("bytes over the socket", results, lambda o: o.number("bytes"), _BYTES_RATIO),
        (f"main thread, {longest} pictures", long, lambda o: o.main_thread, _BUSY_RATIO),
        (f"heap, {longest} pictures", long, lambda o: o.heap, _HEAP_RATIO),
    )
    for text, mine, read, bound in measures:
        found = [ratio for each in mine if (ratio := each.ratio(read)) is not None]
        if found:
            yield Claim(
                f"legacy ÷ references at least {bound:.0f}: {text}",
                min(found) >= bound,
                f"{min(found):,.1f} to {max(found):,.0f} in {len(found)} cases",
            )


def _legacy(results: Sequence[Result]) -> Iterator[Claim]:
    for way, text in (
        ("frame", "legacy, one frame: violations"),
        ("growing", "legacy, growing text: violations"),
        ("tokens", "legacy, tokens as Markdown: violations, or it does not finish"),
    ):
        tried = [
            outcome
            for each in results
            if each.case.way == way and (outcome := each.outcomes["legacy"]).seconds
        ]
        hit = sum(bool(each.violations) or not each.finished for each in tried)
        most = max((len(each.violations) for each in tried), default=0)
        stuck = sum(not each.finished for each in tried)
        figure = f"{hit} of {len(tried)} cases, {most} violations at most, {stuck} not finished"
        yield Claim(text, hit > 0, figure)
    slower = [
        each.case
        for each in results
        if (ours := each.outcomes["references"].median("full")) is not None
        and (theirs := each.outcomes["legacy"].median("full")) is not None
        and ours > theirs
    ]
    names = "; ".join(str(case) for case in slower) or "none"
    yield Claim("the full picture is never later than with legacy", not slower, f"later: {names}")


def write_json(
    results: Sequence[Result], work: Sequence[Work], target: Path, conditions: dict[str, Any]
) -> None:
    """Everything that was measured."""
    document = {
        "conditions": conditions,
        "results": [dataclasses.asdict(each) for each in results],
        "work": [dataclasses.asdict(each) for each in work],
        "claims": [dataclasses.asdict(each) for each in claims(results)],
    }
    target.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
