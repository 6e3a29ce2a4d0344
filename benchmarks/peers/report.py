"""Tables of what was measured."""

import statistics
from collections.abc import Mapping, Sequence

from benchmarks.peers.load import Load
from benchmarks.peers.trials import READERS, Memory
from benchmarks.tables import Table

Series = Mapping[str, Sequence[Load]]


def ratio(series: Series, name: str, baseline: str, *, per_core: bool = False) -> float | None:
    """The median over the rounds of one contender's rate by another's.

    None if one is missing, or had no answer in any round of the other's.
    """
    pairs = zip(series.get(name, ()), series.get(baseline, ()), strict=False)
    found = [
        ours.per_core / theirs.per_core if per_core else ours.rate / theirs.rate
        for ours, theirs in pairs
        if theirs.answers
    ]
    return statistics.median(found) if found else None


def rates(
    title: str,
    series: Series,
    baseline: str,
    *,
    missing: Mapping[str, str],
    unit: str = "requests/s",
    scale: float = 1.0,
) -> Table:
    """Rates, spread, ratios to the baseline, and CPU time."""
    columns = (unit, "min–max", f"÷ {baseline}", "÷ per core", "CPU s per 1,000", "errors")
    rows: list[Sequence[str]] = []
    for name, loads in series.items():
        found = [load.rate * scale for load in loads]
        costs = [1000 / load.per_core for load in loads if load.answers]
        rows.append(
            (
                name,
                f"{statistics.median(found):,.0f}",
                f"{min(found):,.0f}–{max(found):,.0f}",
                _number(ratio(series, name, baseline)),
                _number(ratio(series, name, baseline, per_core=True)),
                f"{statistics.median(costs):.3f}" if costs else "",
                str(sum(load.errors for load in loads)),
            )
        )
    rows += [(name, reason, *[""] * (len(columns) - 1)) for name, reason in missing.items()]
    return Table(title, ("", *columns), rows)


def growth(memory: Mapping[str, Memory]) -> Table:
    """What slow readers cost."""
    rows = [
        (
            name,
            f"{one.before / 2**20:.1f}",
            f"{one.peak / 2**20:.1f}",
            f"{one.per_reader / 1024:.0f}",
        )
        for name, one in memory.items()
    ]
    title = f"Resident memory, {READERS} slow readers of a 3 MB original"
    return Table(title, ("", "before MiB", "peak MiB", "growth per reader KiB"), rows)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
