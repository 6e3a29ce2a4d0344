"""How media goes: first its rows, with tombstones for the bytes; the bytes; then the tombstones.

A process that ends in between leaves tombstones. The next sweep finishes what it began, and
does no harm where it was finished already.
"""

from collections.abc import Callable, Iterable
from typing import Final

from anyio import CancelScope

from coatcheck.errors import NotFoundError, StorageError
from coatcheck.ports import BlobStore, Catalog
from coatcheck.reference import normalize_reference_id

_BATCH: Final = 100


class Removal:
    """Deletes references, and the bytes that nothing refers to any longer.

    Args:
        blobs: where bytes are removed.
        catalog: where references are forgotten.
        forget: told of each digest whose bytes are removed.
    """

    def __init__(
        self, *, blobs: BlobStore, catalog: Catalog, forget: Callable[[str], None]
    ) -> None:
        self._blobs = blobs
        self._catalog = catalog
        self._forget = forget

    async def delete(self, reference_id: str) -> None:
        """Forget a reference and what it alone kept; see `MediaStore.delete`."""
        canonical = normalize_reference_id(reference_id) or ""
        with CancelScope(shield=True):
            async with self._catalog.transaction() as transaction:
                unused = await transaction.remove_media(canonical)
            if unused is None:
                raise NotFoundError("There is no media under this id.")
            await self.remove_bytes(unused)

    async def remove_bytes(self, digests: Iterable[str]) -> None:
        """Remove bytes that have a tombstone, all that can be.

        Raises:
            StorageError: some are left, with their tombstones.
        """
        failure = None
        for digest in digests:
            try:
                await self._bury(digest)
            except StorageError as error:
                failure = error  # the others need not wait for this one
        if failure is not None:
            raise failure

    async def sweep(self) -> int:
        """Remove what has a tombstone; how many there were. See `MediaStore.sweep`."""
        swept, last, failure = 0, "", None
        while digests := await self._catalog.tombstones(after=last, limit=_BATCH):
            for last in digests:
                try:
                    await self._bury(last)
                except StorageError as error:
                    failure = error  # the others need not wait for this one
                else:
                    swept += 1
        if failure is not None:
            raise failure
        return swept

    async def _bury(self, digest: str) -> None:
        with CancelScope(shield=True):
            # Under the write lock: a put of the same content comes wholly before or after.
            async with self._catalog.transaction() as transaction:
                if not await transaction.is_used(digest):
                    await self._blobs.remove(digest)
                await transaction.remove_tombstone(digest)
            self._forget(digest)
