"""Bytes on their way out: small blobs from memory, large ones streamed."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Final

from coatcheck.bounded import BoundedMemory
from coatcheck.errors import DamagedBlobError, NotFoundError
from coatcheck.ports import BlobStore, Catalog

LARGEST: Final = 64 * 1024
"""Bytes of a blob that is remembered."""

CAPACITY: Final = 32 * 1024 * 1024
"""Bytes that are remembered together; the least recently read go first."""


class BlobReader:
    """Reads blobs and remembers small ones: thumbnails are read far more often than they change.

    A blob never changes under its digest, so that nothing remembered is ever out of date.

    A record may have been remembered for a moment while another process deleted it. So bytes that
    are missing are damage only while the reference is still in the catalog, which is asked then.

    Args:
        blobs: where blobs live.
        catalog: where references live.
        small: where small blobs are remembered, by their digests.
    """

    def __init__(
        self, blobs: BlobStore, catalog: Catalog, small: BoundedMemory[str, bytes]
    ) -> None:
        self._blobs = blobs
        self._catalog = catalog
        self._small = small

    def read(
        self, digest: str, *, size: int, start: int, end: int, reference_id: str | None = None
    ) -> AsyncGenerator[bytes]:
        """The bytes from `start` up to but without `end` of a blob of `size` bytes.

        Raises:
            NotFoundError: while iterating: the blob is missing, and so is the reference.
            DamagedBlobError: while iterating: the blob is missing or ends too early.
        """
        if size > LARGEST:
            return self.stream(digest, start=start, end=end, reference_id=reference_id)
        return self._read_small(digest, size, slice(start, end), reference_id)

    async def stream(
        self, digest: str, *, start: int, end: int, reference_id: str | None
    ) -> AsyncGenerator[bytes]:
        """As `read`, from the storage and never from memory."""
        try:
            async with aclosing(self._blobs.read(digest, start=start, end=end)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except DamagedBlobError:
            await self._require(reference_id)
            raise

    @asynccontextmanager
    async def kept(self, reference_id: str) -> AsyncIterator[None]:
        """Bytes that are missing within are damage only while the reference is there.

        Raises:
            NotFoundError: they are missing, and so is the reference.
        """
        try:
            yield
        except DamagedBlobError:
            await self._require(reference_id)
            raise

    async def _read_small(
        self, digest: str, size: int, part: slice, reference_id: str | None
    ) -> AsyncGenerator[bytes]:
        content = self._small.use(digest)
        if content is None:
            chunks = self.stream(digest, start=0, end=size, reference_id=reference_id)
            async with aclosing(chunks):
                content = b"".join([chunk async for chunk in chunks])
            self._small.put(digest, content)
        yield content[part]

    async def _require(self, reference_id: str | None) -> None:
        if reference_id is None:
            return
        if await self._catalog.find(reference_id, fresh=True) is None:
            raise NotFoundError("There is no media under this id.")
