"""What was set out to be reached, and whether it was: written by each benchmark, shown by `run`.

A benchmark writes its targets with `keep`; ``benchmarks.run`` ends with one table of those of every
benchmark, the missed ones included.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from benchmarks.tables import Table

_PREFIX: Final = "targets-"
_COLUMNS: Final = ("target", "measured", "wanted", "holds")


@dataclass(frozen=True, slots=True)
class Target:
    """One figure and what it is to keep to.

    Attributes:
        what: of what, against which peer, in which case.
        value: what was measured; None where it was not, such as for a peer that is missing.
        bound: what is wanted; None for a figure that is shown without a target.
        sense: whether `value` is to be at most or at least `bound`.
        unit: of both; empty for a ratio.
        note: what belongs beside the figure, such as which peer was the fastest.
    """

    what: str
    value: float | None
    bound: float | None
    sense: Literal["at most", "at least"] = "at least"
    unit: str = ""
    note: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the target is reached; None without a measurement or a target."""
        if self.value is None or self.bound is None:
            return None
        return self.value <= self.bound if self.sense == "at most" else self.value >= self.bound

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """What, measured, wanted, and the verdict."""
        measured = "not measured" if self.value is None else self._figure(self.value)
        if self.note:
            measured = f"{measured} ({self.note})"
        sign = "≤" if self.sense == "at most" else "≥"
        wanted = "" if self.bound is None else f"{sign} {self._figure(self.bound)}"
        verdict = {True: "yes", False: "NO", None: ""}[self.holds]
        return self.what, measured, wanted, verdict

    def _figure(self, value: float) -> str:
        digits = f"{value:,.2f}".rstrip("0").rstrip(".") if abs(value) < 100 else f"{value:,.0f}"
        return f"{digits} {self.unit}".rstrip()


def table(title: str, targets: Iterable[Target]) -> Table:
    """One line for each target."""
    return Table(title, _COLUMNS, [each.cells for each in targets])


def summary(targets: Sequence[Target]) -> str:
    """How many hold, in one line."""
    held = sum(each.holds is True for each in targets)
    missed = sum(each.holds is False for each in targets)
    unmeasured = sum(each.value is None for each in targets)
    return f"{held} targets hold, {missed} do not, {unmeasured} were not measured"


def keep(folder: Path, benchmark: str, targets: Sequence[Target]) -> None:
    """Write the targets of a benchmark to ``targets-{benchmark}.json``; those of its last run go.

    Args:
        folder: for results; made when missing.
        benchmark: its module's name.
        targets: in the order in which they are shown.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = msgspec.json.format(msgspec.json.encode(targets), indent=1)
    Path(folder, f"{_PREFIX}{benchmark}.json").write_bytes(written + b"\n")


def kept(folder: Path) -> Mapping[str, Sequence[Target]]:
    """The targets that `keep` has written, by benchmark in the alphabet's order."""
    return {
        file.stem.removeprefix(_PREFIX): msgspec.json.decode(file.read_bytes(), type=list[Target])
        for file in sorted(folder.glob(f"{_PREFIX}*.json"))
    }
