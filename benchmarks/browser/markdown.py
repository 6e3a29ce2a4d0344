"""The browser's figures as Markdown, for ``docs/explanation/benchmarks.md``."""

from collections.abc import Callable, Iterator, Sequence

from benchmarks.browser.cases import Outcome, Result, groups
from benchmarks.browser.work import Work

_Cell = Callable[[Outcome], str]

_COLUMNS: dict[str, _Cell] = {
    "socket": lambda o: size(o.number("bytes")),
    "handler": lambda o: decimal(o.number("longestHandler")),
    "parse": lambda o: decimal(o.number("parsing")),
    "tasks": lambda o: count(o.number("longTasks")),
    "blocked": lambda o: count(o.number("blocking")),
    "viol.": lambda o: count(len(o.violations)) if o.seconds else "",
    "thread": lambda o: count(None if o.main_thread is None else o.main_thread * 1000),
    "input": lambda o: count(o.number("slowestInteraction")),
    "heap": lambda o: size(o.heap),
    "first": lambda o: count(o.median("firstPixels")),
    "thumb": lambda o: count(o.median("thumbnail")),
    "full": lambda o: count(o.median("full")),
    "all": lambda o: count(o.number("settled")),
}


def write(results: Sequence[Result]) -> str:
    """A table for each size and slow-down."""
    return "\n\n".join(
        "\n".join([f"**{title}**", "", *_rows(mine)]) for title, mine in groups(results)
    )


def write_work(work: Sequence[Work]) -> str:
    """A table of the longest pieces of work."""
    lines = [
        f"| {each.case.way}, {each.case.count} | {each.handler:.2f} | {each.task:.1f} |"
        for each in work
    ]
    return "\n".join(
        ["| way, no. | longest handler | longest task |", "| --- | ---: | ---: |", *lines]
    )


def _rows(results: Sequence[Result]) -> Iterator[str]:
    yield f"| way, no. | side | {' | '.join(_COLUMNS)} |"
    yield f"| --- | --- |{' ---: |' * len(_COLUMNS)}"
    for result in results:
        for side in ("legacy", "references"):
            outcome = result.outcomes[side]
            cells = [cell(outcome) for cell in _COLUMNS.values()]
            if not outcome.finished:
                cells[0] = unfinished(outcome)
            yield f"| {result.case.way}, {result.case.count} | {side} | {' | '.join(cells)} |"


def unfinished(outcome: Outcome) -> str:
    """What stands for the figures of a side that has none."""
    return f"not finished after {outcome.seconds:.0f} s" if outcome.seconds else "not tried"


def count(value: float | None) -> str:
    """A whole number, nothing for None."""
    return "" if value is None else f"{value:,.0f}"


def decimal(value: float | None) -> str:
    """A number with one decimal, nothing for None."""
    return "" if value is None else f"{value:,.1f}"


def size(value: float | None) -> str:
    """Bytes as KB or MB, nothing for None."""
    if value is None:
        return ""
    return f"{value / 1e6:,.1f} MB" if value >= 100_000 else f"{value / 1e3:,.1f} KB"
