"""How figures are written, in a terminal and in Markdown."""

from benchmarks.browser.cases import Outcome


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
