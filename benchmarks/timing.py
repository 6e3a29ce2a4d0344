"""Fair timing on a noisy machine: alternating rounds, and the median of the ratios."""

import statistics
import time
from collections.abc import Awaitable, Callable, Mapping

from rich.console import Console
from rich.table import Table

Action = Callable[[], Awaitable[object]]


async def alternate(
    actions: Mapping[str, Action], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Seconds of each action in each round; one round that does not count comes first."""
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for number in range(rounds + 1):
        for name, action in actions.items():
            start = clock()
            await action()
            if number > 0:
                seconds[name].append(clock() - start)
    return seconds


def ratio(seconds: dict[str, list[float]], name: str, baseline: str) -> float:
    """The median over the rounds of `name` divided by `baseline`."""
    pairs = zip(seconds[name], seconds[baseline], strict=True)
    return statistics.median(a / b for a, b in pairs)


def show(title: str, seconds: dict[str, list[float]], baseline: str) -> None:
    """Print a table of medians, spreads and ratios to `baseline`."""
    table = Table("", "median ms", "min–max ms", f"ratio to {baseline}", title=title)
    for name, values in seconds.items():
        table.add_row(
            name,
            f"{statistics.median(values) * 1000:.2f}",
            f"{min(values) * 1000:.2f}–{max(values) * 1000:.2f}",
            f"{ratio(seconds, name, baseline):.2f}",
        )
    Console().print(table)
