"""The catalog: where references and conversations live, in SQL."""

from coatcheck.storage.catalog.cached import CachedCatalog
from coatcheck.storage.catalog.conversations import SqlConversationLog
from coatcheck.storage.catalog.database import Database
from coatcheck.storage.catalog.directory import SqlConversationDirectory
from coatcheck.storage.catalog.sql import SqlCatalog

__all__ = [
    "CachedCatalog",
    "Database",
    "SqlCatalog",
    "SqlConversationDirectory",
    "SqlConversationLog",
]
