"""The browser's figures as Markdown, for ``docs/explanation/benchmarks.md``."""

from collections.abc import Callable, Iterator, Sequence

from benchmarks.browser.cases import Outcome, Result, groups
from benchmarks.browser.figures import count, decimal, size, unfinished
from benchmarks.browser.work import Work

_Cell = Callable[[Outcome], str]

_COLUMNS: dict[str, _Cell] = {
    "socket": lambda o: size(o.number("bytes")),
    "handler": lambda o: decimal(o.number("longestHandler")),
    "parse": lambda o: decimal(o.number("parsing")),
    "tasks": lambda o: count(o.number("longTasks")),
    "blocked": lambda o: count(o.number("blocking")),
    "viol.": lambda o: count(len(o.violations)) if o.seconds else "",
    "thread": lambda o: count(o.main_thread_ms),
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
