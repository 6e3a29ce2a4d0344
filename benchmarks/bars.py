"""A bar chart as SVG, on a logarithmic scale, in the reader's own color scheme."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

_LABEL, _PLOT, _VALUE, _BAR, _GAP, _HEAD = 190, 520, 170, 13, 12, 44
_WIDTH = _LABEL + _PLOT + _VALUE
_SWATCH, _LETTER, _BETWEEN = 18, 8, 16


@dataclass(frozen=True, slots=True)
class Colors:
    """A bar's colors on light and on dark ground."""

    light: str
    dark: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One value.

    Attributes:
        kind: whose it is: a key of the chart's colors, a CSS class.
        value: how long the bar is; None for none.
        text: what is written beside it.
    """

    kind: str
    value: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One measure.

    Attributes:
        title: what it is, with its unit.
        groups: the bars of each case, by the case's name.
    """

    title: str
    groups: Mapping[str, Sequence[Bar]]


def draw(
    panels: Sequence[Panel], colors: Mapping[str, Colors], names: Mapping[str, str], label: str
) -> str:
    """The chart. Bars begin at 1.

    Args:
        panels: one below the other.
        colors: of each kind.
        names: of each kind, for the key.
        label: what it says of itself to who does not see it.
    """
    parts: list[str] = []
    top = 0
    for panel in panels:
        parts.append(f'<text class="title" x="16" y="{top + 28}">{escape(panel.title)}</text>')
        values = [bar.value for bars in panel.groups.values() for bar in bars if bar.value]
        decades = max(math.log10(max(values, default=10.0)), 1.0)
        top += _HEAD
        for name, bars in panel.groups.items():
            parts.append(f'<text x="16" y="{top + _BAR + 4}">{escape(name)}</text>')
            for bar in bars:
                parts.append(_bar(bar, top, decades))
                top += _BAR
            top += _GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top + 36}" role="img"'
        f' aria-label="{escape(label)}"><style>{_style(colors)}</style>\n'
        + "\n".join([*parts, *_key(names, top)])
        + "</svg>\n"
    )


def _bar(bar: Bar, top: int, decades: float) -> str:
    if bar.value is None:
        return f'<text x="{_LABEL + 6}" y="{top + _BAR - 2}">{escape(bar.text)}</text>'
    length = max(math.log10(max(bar.value, 1.0)) / decades * _PLOT, 2.0)
    return (
        f'<rect class="{bar.kind}" x="{_LABEL}" y="{top}" width="{length:.1f}"'
        f' height="{_BAR - 1}"/>'
        f'<text x="{_LABEL + length + 6:.1f}" y="{top + _BAR - 2}">{escape(bar.text)}</text>'
    )


def _key(names: Mapping[str, str], top: int) -> list[str]:
    parts, left = [], 16
    for kind, name in names.items():
        parts.append(
            f'<rect class="{kind}" x="{left}" y="{top + 8}" width="12" height="12"/>'
            f'<text x="{left + _SWATCH}" y="{top + 19}">{escape(name)}</text>'
        )
        left += _SWATCH + _LETTER * len(name) + _BETWEEN
    parts.append(f'<text x="{left}" y="{top + 19}">logarithmic scale</text>')
    return parts


def _style(colors: Mapping[str, Colors]) -> str:
    light = " ".join(f".{kind} {{ fill: {each.light} }}" for kind, each in colors.items())
    dark = " ".join(f".{kind} {{ fill: {each.dark} }}" for kind, each in colors.items())
    return f"""
  svg {{ background: #fbf8f3; color: #241d18; font: 13px system-ui, sans-serif; }}
  text {{ fill: currentColor }} .title {{ font-weight: 600; font-size: 15px }}
  {light}
  @media (prefers-color-scheme: dark) {{
    svg {{ background: #171411; color: #eee7dd }}
    {dark}
  }}
"""
