"""Small blobs in memory: thumbnails are read far more often than they fit into one read."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from coatcheck.bounded import BoundedMemory
from coatcheck.ports import BlobStore

LARGEST: Final = 64 * 1024
"""Bytes of a blob that is remembered."""

CAPACITY: Final = 32 * 1024 * 1024
"""Bytes that are remembered together; the least recently read go first."""


class SmallBlobs:
    """Reads through to a blob store and remembers small blobs.

    A blob never changes under its digest, so that nothing remembered is ever out of date. `verify`
    reads past this: it is the disk that it asks about.

    Args:
        blobs: where blobs live.
    """

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._remembered = BoundedMemory[str, bytes](capacity=CAPACITY, weigh=len)

    def find(self, digest: str) -> bytes | None:
        """The whole blob, if it is remembered."""
        content = self._remembered.get(digest)
        if content is not None:
            self._remembered.refresh(digest)
        return content

    async def read(self, digest: str, *, size: int, start: int, end: int) -> AsyncGenerator[bytes]:
        """The bytes from `start` up to but without `end` of a blob of `size` bytes.

        Raises:
            DamagedBlobError: the blob is missing or ends too early.
        """
        content = self.find(digest)
        if content is not None:
            yield content[start:end]
            return
        if size > LARGEST:
            async with aclosing(self._blobs.read(digest, start=start, end=end)) as chunks:
                async for chunk in chunks:
                    yield chunk
            return
        async with aclosing(self._blobs.read(digest, end=size)) as chunks:
            content = b"".join([chunk async for chunk in chunks])
        self._remembered.put(digest, content)
        yield content[start:end]

    def forget(self, digest: str) -> None:
        """Remember the blob no more: it has been deleted."""
        self._remembered.forget(digest)
