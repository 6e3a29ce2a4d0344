"""An SVG of two measures: both sides of each case, on a logarithmic scale."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.browser.cases import SIDES, Outcome, Result

_LABEL, _PLOT, _VALUE, _BAR, _GAP, _HEAD = 190, 520, 170, 13, 12, 44
_WIDTH = _LABEL + _PLOT + _VALUE

_STYLE = """
  svg { background: #fbf8f3; color: #241d18; font: 13px system-ui, sans-serif; }
  text { fill: currentColor } .title { font-weight: 600; font-size: 15px }
  .references { fill: #80590f } .legacy { fill: #a9a094 }
  @media (prefers-color-scheme: dark) {
    svg { background: #171411; color: #eee7dd }
    .references { fill: #d9b66f } .legacy { fill: #6b6156 }
  }
"""


@dataclass(frozen=True, slots=True)
class Panel:
    """One measure of every case.

    Attributes:
        title: what it is, with its unit.
        read: the measure.
        write: a value as text.
    """

    title: str
    read: Callable[[Outcome], float | None]
    write: Callable[[float], str]


PANELS = (
    Panel("Bytes over the socket", lambda o: o.number("bytes"), lambda v: f"{v:,.0f}"),
    Panel(
        "Milliseconds until all has come and is painted",
        lambda o: o.number("settled"),
        lambda v: f"{v:,.0f} ms",
    ),
)


def draw(results: Sequence[Result], panels: Sequence[Panel] = PANELS) -> str:
    """The chart. Bars begin at 1: the scale is logarithmic."""
    parts: list[str] = []
    top = 0
    for panel in panels:
        parts.append(f'<text class="title" x="16" y="{top + 28}">{escape(panel.title)}</text>')
        values = [v for r in results for o in r.outcomes.values() if (v := panel.read(o))]
        decades = max(math.log10(max(values, default=10.0)), 1.0)
        top += _HEAD
        for result in results:
            name = escape(str(result.case))
            parts.append(f'<text x="16" y="{top + _BAR + 4}">{name}</text>')
            for side in SIDES:
                parts.append(_bar(panel, result.outcomes[side], side, top, decades))
                top += _BAR
            top += _GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top + 36}" role="img"'
        f' aria-label="References and legacy, compared"><style>{_STYLE}</style>\n'
        + "\n".join(parts)
        + f'\n<rect class="references" x="16" y="{top + 8}" width="12" height="12"/>'
        f'<text x="34" y="{top + 19}">references</text>'
        f'<rect class="legacy" x="124" y="{top + 8}" width="12" height="12"/>'
        f'<text x="142" y="{top + 19}">legacy; logarithmic scale</text></svg>\n'
    )


def _bar(panel: Panel, outcome: Outcome, side: str, top: int, decades: float) -> str:
    value = panel.read(outcome)
    if value is None:
        why = f"not finished after {outcome.seconds:.0f} s" if outcome.seconds else "not tried"
        return f'<text x="{_LABEL + 6}" y="{top + _BAR - 2}">{why}</text>'
    length = max(math.log10(max(value, 1.0)) / decades * _PLOT, 2.0)
    return (
        f'<rect class="{side}" x="{_LABEL}" y="{top}" width="{length:.1f}" height="{_BAR - 1}"/>'
        f'<text x="{_LABEL + length + 6:.1f}" y="{top + _BAR - 2}">'
        f"{escape(panel.write(value))}</text>"
    )
