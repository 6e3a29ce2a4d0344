"""The store: bytes in, references out.

`MediaStore` is the one object that an application holds. A put goes through `admission`;
`reading` answers what leaves media as it is, with `renditions` for thumbnails and variants;
`removal` and `verification` do what their names say.

Beside it are the records that it gives out, the media types that it knows, and what has tables of
its own in its database.
"""

from coatcheck.mediatype import IMAGE_TYPES, RASTER_TYPES, extension_for, sniff
from coatcheck.ports import (
    THUMBNAIL,
    Fetcher,
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
from coatcheck.store.media_store import MediaStore
from coatcheck.store.reading import MediaStream
from coatcheck.store.verification import BlobFinding
from coatcheck.variants import VariantSpec

__all__ = [
    "IMAGE_TYPES",
    "RASTER_TYPES",
    "THUMBNAIL",
    "BlobFinding",
    "Fetcher",
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
