"""An SVG of two measures: both sides of each case."""

from collections.abc import Callable, Sequence

from benchmarks import bars
from benchmarks.bars import Bar, Colors, Panel
from benchmarks.browser.cases import SIDES, Outcome, Result

_COLORS = {
    "references": Colors(light="#80590f", dark="#d9b66f"),
    "legacy": Colors(light="#a9a094", dark="#6b6156"),
}


def draw(results: Sequence[Result]) -> str:
    """The chart."""
    panels = (
        _panel("Bytes over the socket", results, lambda o: o.number("bytes"), "{:,.0f}"),
        _panel(
            "Milliseconds until all has come and is painted",
            results,
            lambda o: o.number("settled"),
            "{:,.0f} ms",
        ),
    )
    names: dict[str, str] = {side: side for side in SIDES}
    return bars.draw(panels, _COLORS, names, "References and legacy, compared")


def _panel(
    title: str, results: Sequence[Result], read: Callable[[Outcome], float | None], form: str
) -> Panel:
    def bar(side: str, outcome: Outcome) -> Bar:
        value = read(outcome)
        if value is not None:
            return Bar(side, value, form.format(value))
        tried = f"not finished after {outcome.seconds:.0f} s"
        return Bar(side, None, tried if outcome.seconds else "not tried")

    groups = {
        str(result.case): [bar(side, result.outcomes[side]) for side in SIDES] for result in results
    }
    return Panel(title, groups)
