"""The catalog: where references and conversations live, in SQL."""

from coatcheck.catalog.cached import CachedCatalog
from coatcheck.catalog.conversations import SqlConversationLog
from coatcheck.catalog.database import Database
from coatcheck.catalog.directory import SqlConversationDirectory
from coatcheck.catalog.sql import SqlCatalog

__all__ = [
    "CachedCatalog",
    "Database",
    "SqlCatalog",
    "SqlConversationDirectory",
    "SqlConversationLog",
]
