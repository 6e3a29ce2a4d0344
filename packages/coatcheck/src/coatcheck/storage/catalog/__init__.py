"""The catalog: where references live, in SQL, beside the tables of its participants."""

from coatcheck.storage.catalog.cached import CachedCatalog
from coatcheck.storage.catalog.database import Database
from coatcheck.storage.catalog.sql import SqlCatalog

__all__ = [
    "CachedCatalog",
    "Database",
    "SqlCatalog",
]
