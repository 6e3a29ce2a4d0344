"""The store's own schema, which every database has."""

from pathlib import Path
from typing import Final

from coatcheck.ports import Schema
from coatcheck.storage.catalog.tables import metadata

MEDIA: Final = Schema(
    name="media",
    metadata=metadata,
    migrations=Path(__file__).parent / "migrations" / "versions",
    revision="0002",
)
"""Media, their contents and what shows them."""
