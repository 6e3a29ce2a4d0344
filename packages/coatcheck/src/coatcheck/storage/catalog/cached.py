"""A catalog that remembers for a moment what it read: one wrapper around any `Catalog`."""

import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Collection,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy import SelectBase
from sqlalchemy.ext.asyncio import AsyncConnection

from coatcheck.bounded import BoundedMemory
from coatcheck.ports import (
    BlobRecord,
    Catalog,
    CatalogTransaction,
    ErasureReceipt,
    ExportedRow,
    ListedMedia,
    MediaCursor,
    MediaRecord,
    NewMedia,
    VariantRecord,
)

SECONDS: Final = 2.0
"""How long a record is believed. What this process changes it sees at once; what another process
deletes may be served for so long, while its bytes are still there or in memory."""

ENTRIES: Final = 10_000
"""Records that are remembered, about a kilobyte each."""


class CachedCatalog:
    """Answers `find` and `find_many` from memory where it can; passes everything else on.

    Args:
        catalog: what is wrapped.
        clock: a monotonic clock in seconds.
    """

    def __init__(self, catalog: Catalog, clock: Callable[[], float] = time.monotonic) -> None:
        self._catalog = catalog
        self._records = BoundedMemory[str, MediaRecord](
            entries=ENTRIES, seconds=SECONDS, clock=clock
        )
        self._changes = 0

    async def find(self, reference_id: str, *, fresh: bool = False) -> MediaRecord | None:
        """The record of a reference, or None; `fresh` reads it from the database."""
        known = None if fresh else self._records.get(reference_id)
        return known or (await self._read([reference_id])).get(reference_id)

    def recall(self, reference_id: str) -> MediaRecord | None:
        """The record if it is remembered; it is believed as long as `find` believes it."""
        return self._records.get(reference_id)

    async def find_many(self, reference_ids: Collection[str]) -> Mapping[str, MediaRecord]:
        """The records of those references that there are, by id."""
        recalled = {given: self._records.get(given) for given in reference_ids}
        known = {reference_id: record for reference_id, record in recalled.items() if record}
        unknown = recalled.keys() - known.keys()
        return {**known, **await self._read(unknown)} if unknown else known

    async def _read(self, reference_ids: Collection[str]) -> Mapping[str, MediaRecord]:
        changes = self._changes
        found = dict(await self._catalog.find_many(reference_ids))
        for reference_id in set(reference_ids) - found.keys():
            self._records.forget(reference_id)
        # What was read while something changed may be how it was before.
        if changes == self._changes:
            for record in found.values():
                self._records.put(record.reference.id, record)
        return found

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[CatalogTransaction]:
        """A write transaction of the wrapped catalog; what it changes is forgotten here."""
        async with self._catalog.transaction() as transaction:
            watched = _Watched(transaction)
            try:
                yield watched
            finally:
                # Before the commit and after it: a read may fall between the two.
                self._forget(watched)
        self._forget(watched)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """A connection whose statements see one state of the database."""
        async with self._catalog.snapshot() as connection:
            yield connection

    @asynccontextmanager
    async def export_rows(self, owner: str | None) -> AsyncIterator[AsyncGenerator[ExportedRow]]:
        """The rows of all schemas, or those of an owner, from one state of the database."""
        async with self._catalog.export_rows(owner) as rows:
            yield rows

    async def find_reusable(self, media: NewMedia, digest: str) -> MediaRecord | None:
        """The reference that `add_media` would return without recording one."""
        return await self._catalog.find_reusable(media, digest)

    async def secret(self, name: str) -> bytes:
        """Random bytes of this name, the same for all who share the catalog."""
        return await self._catalog.secret(name)

    async def find_blob(self, digest: str) -> tuple[BlobRecord, Sequence[VariantRecord]] | None:
        """The record of a blob and its variants, or None."""
        return await self._catalog.find_blob(digest)

    async def conversation_media(
        self,
        conversation_id: str,
        *,
        owner: str | None,
        also: Collection[str],
        before: str | None,
        limit: int,
    ) -> Sequence[MediaRecord]:
        """The media of a conversation and an owner, newest first."""
        return await self._catalog.conversation_media(
            conversation_id, owner=owner, also=also, before=before, limit=limit
        )

    async def list_media(
        self, *, owner: str | None, before: MediaCursor | None, limit: int
    ) -> Sequence[ListedMedia]:
        """The media of an owner, newest first."""
        return await self._catalog.list_media(owner=owner, before=before, limit=limit)

    async def rendered_bytes(self) -> int:
        """The size of all variants but thumbnails and `PREPARED` ones."""
        return await self._catalog.rendered_bytes()

    async def owner_bytes(self, owner: str | None) -> int:
        """The size of an owner's media, each content counted once."""
        return await self._catalog.owner_bytes(owner)

    async def tombstones(self, *, after: str, limit: int) -> Sequence[str]:
        """Digests of bytes that a deletion may not have come to remove, by digest."""
        return await self._catalog.tombstones(after=after, limit=limit)

    def expected_blobs(self) -> AsyncGenerator[tuple[str, int]]:
        """Digest and size of every blob and variant that the catalog knows."""
        return self._catalog.expected_blobs()

    async def aclose(self) -> None:
        """Release what the wrapped catalog holds."""
        self._records.clear()
        await self._catalog.aclose()

    def _forget(self, changed: "_Watched") -> None:
        if not (changed.references or changed.digests or changed.owners):
            return
        self._changes += 1
        for reference_id in changed.references:
            self._records.forget(reference_id)
        if changed.digests or changed.owners:
            stale = [
                record.reference.id
                for record in self._records.values()
                if record.reference.digest in changed.digests or record.owner in changed.owners
            ]
            for reference_id in stale:
                self._records.forget(reference_id)


class _Watched:
    """A transaction that notes which records it makes stale."""

    def __init__(self, transaction: CatalogTransaction) -> None:
        self._transaction = transaction
        self.references: set[str] = set()
        self.digests: set[str] = set()
        self.owners: set[str | None] = set()

    async def find_blob(self, digest: str) -> BlobRecord | None:
        return await self._transaction.find_blob(digest)

    async def is_used(self, digest: str) -> bool:
        return await self._transaction.is_used(digest)

    async def owner_bytes(self, owner: str | None, *, besides: str) -> int:
        return await self._transaction.owner_bytes(owner, besides=besides)

    async def add_blob(self, blob: BlobRecord, variants: Sequence[VariantRecord]) -> None:
        await self._transaction.add_blob(blob, variants)

    async def add_variant(self, source: str, variant: VariantRecord) -> VariantRecord | None:
        self.digests.add(source)
        return await self._transaction.add_variant(source, variant)

    async def add_media(self, media: NewMedia, digest: str) -> MediaRecord:
        return await self._transaction.add_media(media, digest)

    async def remove_media(self, reference_id: str) -> Sequence[str] | None:
        self.references.add(reference_id)
        return await self._transaction.remove_media(reference_id)

    @property
    def connection(self) -> AsyncConnection:
        return self._transaction.connection

    async def require_media(self, reference_ids: Collection[str]) -> None:
        await self._transaction.require_media(reference_ids)

    async def hold(
        self,
        conversation_id: str,
        holder: str,
        reference_ids: Collection[str],
        *,
        owner: str | None,
    ) -> None:
        await self._transaction.hold(conversation_id, holder, reference_ids, owner=owner)

    async def release(self, conversation_id: str, holders: Collection[str] | SelectBase) -> None:
        await self._transaction.release(conversation_id, holders)

    async def adopt(
        self,
        conversation_id: str,
        holders: Collection[str] | SelectBase,
        *,
        owner: str | None,
    ) -> None:
        await self._transaction.adopt(conversation_id, holders, owner=owner)

    async def forget_conversation(self, conversation_id: str, *, owner: str | None) -> None:
        # Its records are believed until their time is over: their bytes are swept later than that.
        await self._transaction.forget_conversation(conversation_id, owner=owner)

    async def erase_owner(self, owner: str) -> tuple[ErasureReceipt, Sequence[str]]:
        self.owners.add(owner)
        return await self._transaction.erase_owner(owner)

    async def remove_tombstone(self, digest: str) -> None:
        await self._transaction.remove_tombstone(digest)
