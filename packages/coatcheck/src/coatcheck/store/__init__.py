"""The store: bytes in, references out.

`MediaStore` is the one object that an application holds. It asks the catalog for references itself
and has a part for each of its tasks: `admission` for a put, `reading` for bytes, `renditions` for
variants and edits, `removal` and `verification`.

Beside it are the records that it gives out, the media types that it knows, and what has tables of
its own in its database.
"""

from coatcheck.mediatype import IMAGE_TYPES, RASTER_TYPES, extension_for, sniff
from coatcheck.ports import (
    THUMBNAIL,
    Fetcher,
    Inspected,
    ListedMedia,
    MediaCursor,
    MediaRecord,
    Participant,
    RenderedImage,
    Schema,
    SharedDatabase,
    SharedTransaction,
    Shrinker,
    Swatch,
    VariantRecord,
)
from coatcheck.store.media_store import MediaStore, MediaStream
from coatcheck.store.verification import BlobFinding
from coatcheck.variants import VariantSpec

__all__ = [
    "IMAGE_TYPES",
    "RASTER_TYPES",
    "THUMBNAIL",
    "BlobFinding",
    "Fetcher",
    "Inspected",
    "ListedMedia",
    "MediaCursor",
    "MediaRecord",
    "MediaStore",
    "MediaStream",
    "Participant",
    "RenderedImage",
    "Schema",
    "SharedDatabase",
    "SharedTransaction",
    "Shrinker",
    "Swatch",
    "VariantRecord",
    "VariantSpec",
    "extension_for",
    "sniff",
]
