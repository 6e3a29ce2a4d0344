"""What a database of the demo holds, as text."""

import sqlite3
from pathlib import Path


def dump_of(data: Path) -> str:
    """Every row of the catalog in a data directory.

    The search index is left out: it is binary, and so in hexadecimal digits in a dump.
    """
    with sqlite3.connect(data / "catalog.sqlite3") as connection:
        lines = connection.iterdump()
        return "\n".join(line for line in lines if "message_index_data" not in line)
