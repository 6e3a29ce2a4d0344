"""References in SQL, through SQLAlchemy Core: one implementation for every database."""

import secrets as random
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    delete,
    exists,
    func,
    select,
    union_all,
)
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite import insert as insert_or
from sqlalchemy.ext.asyncio import AsyncConnection

from coatcheck.mediatype import OPAQUE_TYPE
from coatcheck.ports import (
    THUMBNAIL,
    BlobRecord,
    CatalogTransaction,
    ErasureReceipt,
    ExportedRow,
    ListedMedia,
    MediaCursor,
    MediaRecord,
    NewMedia,
    Participant,
    VariantRecord,
)
from coatcheck.storage.catalog.database import Database
from coatcheck.storage.catalog.exporting import export_rows
from coatcheck.storage.catalog.holding import (
    Names,
    adopt,
    erase_media_of,
    forget_media_of,
    hold,
    release_holders,
    require_media,
)
from coatcheck.storage.catalog.listing import MediaListing
from coatcheck.storage.catalog.records import (
    find_blob,
    find_in_conversation,
    find_records,
    find_reusable,
    reuse_key,
    to_milliseconds,
)
from coatcheck.storage.catalog.releasing import release
from coatcheck.storage.catalog.tables import blobs, media, secrets, tombstones, variants
from coatcheck.storage.catalog.usage import bytes_of, count_in, count_out, forget_owner
from coatcheck.variants import PREPARED

_PAGE: Final = 500
_SECRET_BYTES: Final = 32


class SqlCatalog:
    """A `Catalog` in a `Database`.

    Args:
        database: where it is kept, opened with the schemas of all participants.
        participants: what has rows of its own beside the catalog's.
    """

    def __init__(self, database: Database, participants: Sequence[Participant] = ()) -> None:
        self._database = database
        self._participants = participants
        self._listing = MediaListing(participants)

    async def aclose(self) -> None:
        """Close the database."""
        await self._database.aclose()

    async def find(self, reference_id: str, *, fresh: bool = False) -> MediaRecord | None:  # noqa: ARG002 - always fresh
        """The record of a reference, or None."""
        return (await self.find_many([reference_id])).get(reference_id)

    def recall(self, reference_id: str) -> MediaRecord | None:  # noqa: ARG002 - as the port has it
        """None: nothing is remembered."""
        return None

    async def find_many(self, reference_ids: Collection[str]) -> Mapping[str, MediaRecord]:
        """The records of those references that there are, by id."""
        async with self._database.read() as connection:
            records = await find_records(connection, reference_ids)
        return {record.reference.id: record for record in records}

    async def find_reusable(self, new: NewMedia, digest: str) -> MediaRecord | None:
        """The reference that `add_media` would return without recording one."""
        async with self._database.read() as connection:
            return await find_reusable(connection, new, digest)

    async def secret(self, name: str) -> bytes:
        """Random bytes of this name, the same for all who share the database."""
        known = select(secrets.c.value).where(secrets.c.name == name)
        async with self._database.read() as connection:
            value: bytes | None = await connection.scalar(known)
        if value is None:
            made = insert_or(secrets).values(name=name, value=random.token_bytes(_SECRET_BYTES))
            async with self._database.write() as connection:
                # Another process may have been first: what is there is what counts.
                await connection.execute(made.on_conflict_do_nothing())
                value = (await connection.execute(known)).scalar_one()
        return value

    async def find_blob(self, digest: str) -> tuple[BlobRecord, Sequence[VariantRecord]] | None:
        """The record of a blob and its variants, or None."""
        async with self._database.read() as connection:
            return await find_blob(connection, digest)

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
        async with self._database.read() as connection:
            return await find_in_conversation(
                connection, conversation_id, owner=owner, also=also, before=before, limit=limit
            )

    async def list_media(
        self, *, owner: str | None, before: MediaCursor | None, limit: int
    ) -> Sequence[ListedMedia]:
        """The media of an owner, newest first."""
        async with self._database.read() as connection:
            return await self._listing.page(connection, owner=owner, before=before, limit=limit)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[CatalogTransaction]:
        """A write transaction; at most one is under way at a time, across all processes."""
        async with self._database.write() as connection:
            yield _SqlTransaction(connection, self._participants)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """A connection whose statements see one state of the database."""
        async with self._database.read() as connection:
            yield connection

    @asynccontextmanager
    async def export_rows(self, owner: str | None) -> AsyncIterator[AsyncGenerator[ExportedRow]]:
        """The rows of all schemas, or those of an owner, from one state of the database."""
        async with (
            self._database.read() as connection,
            aclosing(export_rows(connection, self._participants, owner)) as rows,
        ):
            yield rows

    async def owner_bytes(self, owner: str | None) -> int:
        """The size of what an owner's references refer to, each content counted once."""
        async with self._database.read() as connection:
            return await bytes_of(connection, owner)

    async def rendered_bytes(self) -> int:
        """The size of all variants but thumbnails and `PREPARED` ones."""
        total = select(func.coalesce(func.sum(variants.c.size), 0)).where(
            variants.c.name.not_in([THUMBNAIL, PREPARED.name])
        )
        async with self._database.read() as connection:
            return int(await connection.scalar(total) or 0)

    async def tombstones(self, *, after: str, limit: int) -> Sequence[str]:
        """Digests of bytes that no row used any more when their tombstone was set, by digest."""
        page = (
            select(tombstones.c.digest)
            .where(tombstones.c.digest > after)
            .order_by(tombstones.c.digest)
            .limit(limit)
        )
        async with self._database.read() as connection:
            return (await connection.scalars(page)).all()

    async def expected_blobs(self) -> AsyncGenerator[tuple[str, int]]:
        """Digest and size of every blob and variant that the catalog knows, by digest."""
        last = ""
        while True:
            # A page at a time: no transaction stays open while the caller hashes gigabytes.
            async with self._database.read() as connection:
                rows = (await connection.execute(_expected_after(last))).all()
            for row in rows:
                yield row.digest, row.size
            if len(rows) < _PAGE:
                return
            last = rows[-1].digest


class _SqlTransaction:
    def __init__(self, connection: AsyncConnection, participants: Sequence[Participant]) -> None:
        self._connection = connection
        self._participants = participants

    @property
    def connection(self) -> AsyncConnection:
        return self._connection

    async def require_media(self, reference_ids: Collection[str]) -> None:
        await require_media(self._connection, reference_ids)

    async def hold(
        self,
        conversation_id: str,
        holder: str,
        reference_ids: Collection[str],
        *,
        owner: str | None,
    ) -> None:
        await hold(self._connection, conversation_id, holder, reference_ids, owner)

    async def release(self, conversation_id: str, holders: Names) -> None:
        await release_holders(self._connection, conversation_id, holders)

    async def adopt(self, conversation_id: str, holders: Names, *, owner: str | None) -> None:
        await adopt(self._connection, conversation_id, holders, owner)

    async def forget_conversation(self, conversation_id: str, *, owner: str | None) -> None:
        digests = await forget_media_of(self._connection, conversation_id, owner)
        for participant in self._participants:
            await participant.forget_conversation(self, conversation_id)
        await release(self._connection, digests)

    async def find_blob(self, digest: str) -> BlobRecord | None:
        known = await find_blob(self._connection, digest)
        return None if known is None else known[0]

    async def is_used(self, digest: str) -> bool:
        return await self._exists(blobs.c.digest == digest) or await self._exists(
            variants.c.digest == digest
        )

    async def owner_bytes(self, owner: str | None, *, besides: str) -> int:
        return await bytes_of(self._connection, owner, besides=besides)

    async def add_blob(self, blob: BlobRecord, renditions: Sequence[VariantRecord]) -> None:
        await self._connection.execute(_adding_blob(), asdict(blob))
        await self._insert_variants(blob.digest, renditions)

    async def add_variant(self, source: str, rendition: VariantRecord) -> VariantRecord | None:
        if not await self._exists(blobs.c.digest == source):
            return None
        await self._insert_variants(source, [rendition])
        known = await find_blob(self._connection, source)
        recorded = known[1] if known else ()
        return next(one for one in recorded if one.name == rendition.name)

    async def add_media(self, new: NewMedia, digest: str) -> MediaRecord:
        await count_in(self._connection, new.owner, digest)
        key = reuse_key(new, digest) if new.reuse else None
        values = {
            "id": new.id,
            "digest": digest,
            "display_name": None if new.reuse else new.display_name,
            "alt": None if new.reuse else new.alt,
            "owner": new.owner,
            "conversation_id": new.conversation_id,
            "created_at": to_milliseconds(new.created_at),
            "reuse_key": key,
            "opaque_type": new.opaque_type,
        }
        recorded_id = new.id
        if key is None:
            await self._connection.execute(insert_or(media), values)
        else:
            once = insert_or(media).on_conflict_do_nothing(index_elements=[media.c.reuse_key])
            await self._connection.execute(once, values)
            named = select(media.c.id).where(media.c.reuse_key == key)
            recorded_id = (await self._connection.execute(named)).scalar_one()
        (record,) = await find_records(self._connection, [recorded_id])
        return record

    async def remove_media(self, reference_id: str) -> Sequence[str] | None:
        removed = delete(media).where(media.c.id == reference_id)
        row = (
            await self._connection.execute(removed.returning(media.c.owner, media.c.digest))
        ).one_or_none()
        if row is None:
            return None
        await count_out(self._connection, [(row.owner, row.digest)])
        return await release(self._connection, [row.digest])

    async def erase_owner(self, owner: str) -> tuple[ErasureReceipt, Sequence[str]]:
        digests, places = await erase_media_of(self._connection, owner)
        rows = {
            participant.schema.name: await participant.erase_owner(self, owner)
            for participant in self._participants
        }
        receipt = ErasureReceipt(
            media=len(digests),
            bytes=await forget_owner(self._connection, owner),
            conversations=len(places),
            rows=rows,
        )
        return receipt, await release(self._connection, set(digests))

    async def remove_tombstone(self, digest: str) -> None:
        await self._connection.execute(delete(tombstones).where(tombstones.c.digest == digest))

    async def _insert_variants(self, source: str, renditions: Sequence[VariantRecord]) -> None:
        if renditions:
            rows = [{"source": source, **asdict(rendition)} for rendition in renditions]
            await self._connection.execute(insert_or(variants).on_conflict_do_nothing(), rows)

    async def _exists(self, condition: ColumnElement[bool]) -> bool:
        return bool(await self._connection.scalar(select(exists().where(condition))))


def _expected_after(last: str) -> Select[tuple[Any, ...]]:
    """The first page of digests after `last`, with their sizes.

    Blobs and variants are each cut to a page by their own index before they are merged: a union
    that is cut as a whole would read all that is left for every page.
    """
    recorded = (
        select(blobs.c.digest, blobs.c.size)
        .where(blobs.c.digest > last)
        .order_by(blobs.c.digest)
        .limit(_PAGE)
        .subquery()
    )
    rendered = (
        select(variants.c.digest, func.max(variants.c.size).label("size"))
        .where(variants.c.digest > last)
        .group_by(variants.c.digest)
        .order_by(variants.c.digest)
        .limit(_PAGE)
        .subquery()
    )
    known = union_all(select(recorded), select(rendered)).subquery()
    return (
        select(known.c.digest, func.max(known.c.size).label("size"))
        .group_by(known.c.digest)
        .order_by(known.c.digest)
        .limit(_PAGE)
    )


@cache  # every put of new content runs it, and building it takes longer than that
def _adding_blob() -> Insert:
    adding = insert_or(blobs)
    return adding.on_conflict_do_update(
        index_elements=[blobs.c.digest],
        set_={column.name: adding.excluded[column.name] for column in blobs.c},
        where=blobs.c.media_type == OPAQUE_TYPE,
    )
