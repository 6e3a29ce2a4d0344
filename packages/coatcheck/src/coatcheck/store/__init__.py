"""The store: bytes in, references out.

`MediaStore` is the one object that an application holds. A put goes through `admission`;
`reading` answers what leaves media as it is, with `renditions` for thumbnails and variants;
`removal` and `verification` do what their names say.
"""

from coatcheck.store.media_store import MediaStore
from coatcheck.store.reading import MediaStream

__all__ = ["MediaStore", "MediaStream"]
