"""The small protocols between Coatcheck's parts, and the records that pass through them. A leaf.

An engine implements a protocol, and what needs it receives it. ``tests/contracts`` holds the suites
that every implementation must pass.
"""

from coatcheck.ports.blobs import BlobStore, LocalPaths, StagedBlob
from coatcheck.ports.catalog import (
    THUMBNAIL,
    BlobRecord,
    Catalog,
    CatalogTransaction,
    ListedMedia,
    MediaCursor,
    MediaRecord,
    NewMedia,
    VariantRecord,
)
from coatcheck.ports.fetching import FetchedMedia, Fetcher
from coatcheck.ports.imaging import (
    PREVIEW_BYTES,
    PREVIEW_EDGE,
    ImageFacts,
    Inspected,
    QueuedRenderer,
    RenderedImage,
    Renderer,
    Shrinker,
    Swatch,
)
from coatcheck.ports.participants import (
    ErasureReceipt,
    ExportedRow,
    Participant,
    Schema,
    SharedDatabase,
    SharedTransaction,
)
from coatcheck.ports.previews import MediaRecords, PreviewBoard

__all__ = [
    "PREVIEW_BYTES",
    "PREVIEW_EDGE",
    "THUMBNAIL",
    "BlobRecord",
    "BlobStore",
    "Catalog",
    "CatalogTransaction",
    "ErasureReceipt",
    "ExportedRow",
    "FetchedMedia",
    "Fetcher",
    "ImageFacts",
    "Inspected",
    "ListedMedia",
    "LocalPaths",
    "MediaCursor",
    "MediaRecord",
    "MediaRecords",
    "NewMedia",
    "Participant",
    "PreviewBoard",
    "QueuedRenderer",
    "RenderedImage",
    "Renderer",
    "Schema",
    "SharedDatabase",
    "SharedTransaction",
    "Shrinker",
    "StagedBlob",
    "Swatch",
    "VariantRecord",
]
