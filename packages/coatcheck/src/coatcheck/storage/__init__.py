"""Blob stores: where bytes live, content-addressed and written once."""

from coatcheck.storage.local import LocalBlobStore

__all__ = ["LocalBlobStore"]
