"""Blob stores: where bytes live, content-addressed and written once."""

from coatcheck.blobs.local import LocalBlobStore

__all__ = ["LocalBlobStore"]
