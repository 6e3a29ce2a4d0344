"""``python -m benchmarks.headline``: one picture, as base64 and as a reference, in one table.

``coatcheck-chat bench stream`` runs it after it has measured what needs no browser. Every figure of
the table is of one run on one machine; where an effect does not show, its row says so.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.browser.__main__ import measure
from benchmarks.browser.cases import Outcome, Result
from benchmarks.browser.figures import count, decimal, size, unfinished
from benchmarks.peers.processes import UnavailableError
from coatcheck_chat.comparison import Way

EDGE: Final = 1024
"""Pixels of the picture: what image models give by default."""

_NOTICED: Final = 1.05  # a ratio nearer to one is noise
_COLUMNS: Final = ("", "legacy", "reference", "legacy ÷ reference")

_Read = Callable[[Outcome], float | None]
_Write = Callable[[float | None], str]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        name: what it is.
        legacy: with the picture as base64.
        reference: with a reference to it.
        verdict: their ratio, or that there is none to see.
    """

    name: str
    legacy: str
    reference: str
    verdict: str

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """In the order of the columns."""
        return self.name, self.legacy, self.reference, self.verdict


def compose(stream: Mapping[str, Any], results: Sequence[Result]) -> list[Row]:
    """The table.

    Args:
        stream: what ``stream.json`` holds.
        results: of the browser's cases; those that are missing have no rows.
    """
    return [*_without_browser(stream), *_in_browser(results)]


def _without_browser(stream: Mapping[str, Any]) -> Iterator[Row]:
    picture = next(each for each in stream["pictures"] if each["edge"] == EDGE)
    for each in picture["measures"]:
        legacy, reference = each["legacy"], each["reference"]
        write = _fine if each["name"].endswith("ms") else count
        yield Row(each["name"], write(legacy), write(reference), _ratio(legacy, reference))


def _in_browser(results: Sequence[Result]) -> Iterator[Row]:
    for way, pictures, title, measures in _PLAYED:
        for name, read, write in measures:
            yield from _rows(results, way, pictures, f"{title}: {name}", read, write)


def _rows(
    results: Sequence[Result], way: str, pictures: int, name: str, read: _Read, write: _Write
) -> Iterator[Row]:
    """One for each slow-down."""
    for result in results:
        case = result.case
        if (case.way, case.count, case.edge) == (way, pictures, EDGE):
            sides = [result.outcomes["legacy"], result.outcomes["references"]]
            cells = [write(read(o)) if o.finished else unfinished(o) for o in sides]
            verdict = _ratio(*(read(o) for o in sides)) if all(o.finished for o in sides) else ""
            yield Row(f"{name}, {case.slowdown}×", cells[0], cells[1], verdict)


def _ratio(legacy: float | None, reference: float | None) -> str:
    if legacy is None or reference is None:
        return ""
    if reference == 0:
        return "does not show" if legacy == 0 else ""
    ratio = legacy / reference
    if ratio >= _NOTICED:
        return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.1f}"
    return f"{ratio:.1f}: no gain"


def _fine(value: float | None) -> str:
    return "" if value is None else f"{value:,.3f}"


def _violations(outcome: Outcome) -> float:
    return len(outcome.violations)


_HANDLER = ("longest message handler, ms", lambda o: o.number("longestHandler"), decimal)
_PARSING = ("JSON.parse, ms", lambda o: o.number("parsing"), decimal)
_VIOLATIONS = ("Chrome's violations", _violations, count)
_FIRST = ("first pixels, ms", lambda o: o.median("firstPixels"), count)
_THUMBNAIL = ("thumbnail, ms", lambda o: o.median("thumbnail"), count)
_FULL = ("full picture, ms", lambda o: o.median("full"), count)
_BLOCKED = ("page blocked, ms", lambda o: o.number("blocking"), count)
_INPUT = ("slowest input, ms", lambda o: o.number("slowestInteraction"), count)
_THREAD = ("main thread busy, ms", lambda o: o.main_thread_ms, count)
_HEAP = ("JavaScript heap", lambda o: o.heap, size)
_SOCKET = ("over the socket", lambda o: o.number("bytes"), size)

_PLAYED: Final[Sequence[tuple[Way, int, str, Sequence[tuple[str, _Read, _Write]]]]] = (
    ("frame", 1, "one frame", (_HANDLER, _PARSING, _VIOLATIONS, _FIRST, _THUMBNAIL, _FULL)),
    (
        "tokens",
        1,
        "text that is rendered while it streams",
        (_BLOCKED, _VIOLATIONS, _INPUT, _FIRST, _FULL),
    ),
    ("frame", 10, "ten pictures, a frame each", (_SOCKET, _BLOCKED, _THREAD, _HEAP, _FULL)),
)


def to_markdown(rows: Sequence[Row]) -> str:
    """The table for a page."""
    lines = [f"| {' | '.join(row.cells)} |" for row in rows]
    return "\n".join([f"| {' | '.join(_COLUMNS)} |", "| --- | ---: | ---: | ---: |", *lines])


def run(output: Path, *, full: bool) -> None:
    """Measure in the browser, and put everything into one table.

    Args:
        output: folder in which ``stream.json`` is, for ``browser.json``, ``browser.md``,
            ``browser.svg``, ``headline.json`` and ``headline.md``.
        full: every case, instead of the quickest.

    Raises:
        UnavailableError: a browser, Node.js or the page's packages are missing.
    """
    results = measure(quick=not full, output=output)
    rows = compose(json.loads((output / "stream.json").read_text("utf-8")), results)
    table = Table(*_COLUMNS, title=f"One picture of {EDGE}×{EDGE}", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(*row.cells)
    Console(width=120).print(table)
    (output / "headline.md").write_text(to_markdown(rows) + "\n", "utf-8")
    figures = json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False)
    (output / "headline.json").write_text(figures + "\n", "utf-8")
    print(f"Written: {output / 'headline.json'}, {output / 'headline.md'}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.headline")
    parser.add_argument("--full", action="store_true", help="every case in the browser")
    parser.add_argument("--output", type=Path, required=True, help="folder with stream.json")
    arguments = parser.parse_args()
    try:
        run(arguments.output, full=arguments.full)
    except UnavailableError as error:
        sys.exit(f"The browser's part: {error}")


if __name__ == "__main__":
    main()
