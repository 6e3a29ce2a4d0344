"""Tables of what was measured, and a line for each target."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.peers.load import Load
from benchmarks.peers.trials import READERS, Memory

Series = Mapping[str, Sequence[Load]]

_WIDTH = 110


@dataclass(frozen=True, slots=True)
class Target:
    """What was set out to be reached.

    Attributes:
        text: of what, against whom.
        value: what was measured; None where the peer is missing.
        bound: what it is to be at least.
    """

    text: str
    value: float | None
    bound: float

    def __str__(self) -> str:
        if self.value is None:
            return f"not measured  {self.text}"
        if self.value >= self.bound:
            return f"reached       {self.text}: {self.value:.2f} (at least {self.bound:g})"
        return (
            f"MISSED        {self.text}: {self.value:.2f}, which is"
            f" {self.value / self.bound:.0%} of {self.bound:g}"
        )


def ratio(series: Series, name: str, baseline: str, *, per_core: bool = False) -> float | None:
    """The median over the rounds of one contender's rate by another's; None if one is missing."""
    if name not in series or baseline not in series:
        return None
    pairs = zip(series[name], series[baseline], strict=True)
    if per_core:
        return statistics.median(ours.per_core / theirs.per_core for ours, theirs in pairs)
    return statistics.median(ours.rate / theirs.rate for ours, theirs in pairs)


def show(
    title: str,
    series: Series,
    baseline: str,
    *,
    missing: Mapping[str, str],
    unit: str = "requests/s",
    scale: float = 1.0,
) -> None:
    """Print a table: rates, spread, ratios to the baseline, and CPU time."""
    columns = (unit, "min–max", f"÷ {baseline}", "÷ per core", "CPU s per 1,000", "errors")
    table = Table("", *columns)
    table.title = title
    for column in table.columns[1:]:
        column.justify = "right"
    for name, loads in series.items():
        rates = [load.rate * scale for load in loads]
        table.add_row(
            name,
            f"{statistics.median(rates):,.0f}",
            f"{min(rates):,.0f}–{max(rates):,.0f}",
            _number(ratio(series, name, baseline)),
            _number(ratio(series, name, baseline, per_core=True)),
            f"{statistics.median(1000 / load.per_core for load in loads):.3f}",
            str(sum(load.errors for load in loads)),
        )
    for name, reason in missing.items():
        table.add_row(name, reason)
    Console(width=_WIDTH).print(table)


def show_memory(memory: Mapping[str, Memory]) -> None:
    """Print what slow readers cost."""
    table = Table("", "before MiB", "peak MiB", "growth per reader KiB")
    table.title = f"Resident memory, {READERS} slow readers of a 3 MB original"
    for column in table.columns[1:]:
        column.justify = "right"
    for name, one in memory.items():
        table.add_row(
            name,
            f"{one.before / 2**20:.1f}",
            f"{one.peak / 2**20:.1f}",
            f"{one.per_reader / 1024:.0f}",
        )
    Console(width=_WIDTH).print(table)


def show_targets(targets: Sequence[Target]) -> None:
    """Print what was reached and what was missed."""
    print(*targets, sep="\n")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
