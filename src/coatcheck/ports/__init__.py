"""The small protocols between Coatcheck's parts, and the records that pass through them. A leaf.

A back end implements a protocol; whoever needs it receives it. ``tests/contracts`` holds the suites
that every implementation must pass.
"""

from coatcheck.ports.blobs import BlobStore, LocalPaths, StagedBlob
from coatcheck.ports.catalog import (
    THUMBNAIL,
    BlobRecord,
    Catalog,
    CatalogTransaction,
    MediaRecord,
    NewMedia,
    VariantRecord,
)
from coatcheck.ports.chat import (
    ConversationCursor,
    ConversationDirectory,
    ConversationLog,
    ConversationMatch,
    ConversationRecord,
    MessageRecord,
    NewMessage,
    Opening,
    Responder,
)
from coatcheck.ports.fetching import FetchedMedia, Fetcher
from coatcheck.ports.imaging import ImageFacts, QueuedRenderer, RenderedImage, Renderer

__all__ = [
    "THUMBNAIL",
    "BlobRecord",
    "BlobStore",
    "Catalog",
    "CatalogTransaction",
    "ConversationCursor",
    "ConversationDirectory",
    "ConversationLog",
    "ConversationMatch",
    "ConversationRecord",
    "FetchedMedia",
    "Fetcher",
    "ImageFacts",
    "LocalPaths",
    "MediaRecord",
    "MessageRecord",
    "NewMedia",
    "NewMessage",
    "Opening",
    "QueuedRenderer",
    "RenderedImage",
    "Renderer",
    "Responder",
    "StagedBlob",
    "VariantRecord",
]
