"""A table, for a terminal and as Markdown."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table as RichTable


@dataclass(frozen=True, slots=True)
class Table:
    """Text in rows; the first column names the row, the others are figures.

    Attributes:
        title: what is in it.
        columns: their names.
        rows: as many cells each as there are columns.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def rich(self) -> RichTable:
        """For a terminal."""
        table = RichTable(title=self.title)
        for number, column in enumerate(self.columns):
            table.add_column(column, justify="right" if number else "left", no_wrap=not number)
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        """With its title, if it has one, as a line in bold type."""
        rules = ["---", *["---:"] * (len(self.columns) - 1)]
        lines = [_line(each) for each in (self.columns, rules, *self.rows)]
        title = [f"**{self.title}**", ""] if self.title else []
        return "\n".join([*title, *lines, ""])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def conditions_line(conditions: Mapping[str, Any]) -> str:
    """What a run's figures belong to, as a paragraph for a page."""
    parts = []
    for name, value in conditions.items():
        told = value
        if isinstance(value, Mapping):
            told = ", ".join(f"{key} {each}" for key, each in value.items())
        parts.append(f"{name}: {told}")
    return textwrap.fill("; ".join(parts) + ".", 110, break_on_hyphens=False)
