"""The store: bytes in, references out.

`MediaStore` is the one object that an application holds. It asks the catalog for references itself
and has a part for each of its tasks: `admission` for a put, `reading` for bytes, `renditions` for
variants and edits, `removal` and `verification`.
"""

from coatcheck.store.media_store import MediaStore, MediaStream

__all__ = ["MediaStore", "MediaStream"]
