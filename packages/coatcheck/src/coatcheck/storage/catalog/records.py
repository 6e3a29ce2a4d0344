"""Records of media as the port has them: each with its variants, read in one statement."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Row,
    Select,
    Subquery,
    bindparam,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from coatcheck.ports import BlobRecord, MediaRecord, NewMedia, VariantRecord
from coatcheck.reference import MediaReference
from coatcheck.storage.catalog.tables import blobs, media, variants
from coatcheck.storage.catalog.usage import belongs_to

_IDS: Final = 500  # well under what a statement may have of parameters
_RENDERED: Final = [column.label(f"variant_{column.name}") for column in variants.c]


async def find_records(
    connection: AsyncConnection, reference_ids: Collection[str]
) -> Sequence[MediaRecord]:
    """The records of the references that exist, in any order."""
    ids = list(reference_ids)
    if len(ids) == 1:
        return _records(await connection.execute(_one_described(), {"id": ids[0]}))
    found: list[MediaRecord] = []
    for start in range(0, len(ids), _IDS):
        chosen = select(media).where(media.c.id.in_(ids[start : start + _IDS]))
        found += await _read(connection, chosen)
    return found


async def find_reusable(
    connection: AsyncConnection, new: NewMedia, digest: str
) -> MediaRecord | None:
    """The reference that stands for this content, owner and conversation already, or None."""
    chosen = select(media).where(media.c.reuse_key == reuse_key(new, digest))
    return next(iter(await _read(connection, chosen)), None)


async def find_in_conversation(
    connection: AsyncConnection,
    conversation_id: str,
    *,
    owner: str | None,
    also: Collection[str],
    before: str | None,
    limit: int,
) -> Sequence[MediaRecord]:
    """The media of a conversation and an owner, newest first; see the port."""
    # Of two from the same millisecond the id decides: any order will do, if it stays.
    position = tuple_(media.c.created_at, media.c.id)
    older: ColumnElement[bool] = true()
    if before is not None:
        last = select(media.c.created_at, media.c.id).where(media.c.id == before)
        older = position < last.scalar_subquery()
    chosen = (
        select(media)
        .where(
            belongs_to(owner),
            or_(media.c.conversation_id == conversation_id, media.c.id.in_(also)),
            older,
        )
        .order_by(media.c.created_at.desc(), media.c.id.desc())
        .limit(limit)
    )
    return await _read(connection, chosen)


async def find_blob(
    connection: AsyncConnection, digest: str
) -> tuple[BlobRecord, Sequence[VariantRecord]] | None:
    """The record of a blob and its variants, or None."""
    rows = (await connection.execute(_blob_with_variants(), {"of": digest})).all()
    if not rows:
        return None
    members = {column.name: rows[0]._mapping[column] for column in blobs.c}  # noqa: SLF001 - SQLAlchemy's public name
    return BlobRecord(**members), _variants(rows)


async def _read(
    connection: AsyncConnection, chosen: Select[tuple[Any, ...]]
) -> Sequence[MediaRecord]:
    """The records of the rows of media that are chosen, newest first."""
    return _records(await connection.execute(_described(chosen.subquery("chosen"))))


# Statements of every put and every read are built once: building one takes longer than running it.


@cache
def _one_described() -> Select[tuple[Any, ...]]:
    return _described(select(media).where(media.c.id == bindparam("id")).subquery("chosen"))


@cache
def _blob_with_variants() -> Select[tuple[Any, ...]]:
    return (
        select(blobs, *_RENDERED)
        .outerjoin(variants, variants.c.source == blobs.c.digest)
        .where(blobs.c.digest == bindparam("of"))
    )


def _records(rows: CursorResult[Any]) -> Sequence[MediaRecord]:
    by_id: dict[str, list[Row[Any]]] = {}
    for row in rows:
        by_id.setdefault(row.id, []).append(row)
    return [_record(same) for same in by_id.values()]


def _described(chosen: Subquery) -> Select[tuple[Any, ...]]:
    """Each row with its blob, once for each variant, and once where there is none."""
    described = (
        blobs.c.media_type,
        blobs.c.size,
        blobs.c.width,
        blobs.c.height,
        blobs.c.placeholder,
    )
    return (
        select(chosen, *described, *_RENDERED)
        .join_from(chosen, blobs, blobs.c.digest == chosen.c.digest)
        .outerjoin(variants, variants.c.source == chosen.c.digest)
        .order_by(chosen.c.created_at.desc(), chosen.c.id.desc())
    )


def _record(rows: Sequence[Row[Any]]) -> MediaRecord:
    row = rows[0]
    reference = to_reference(row)
    return MediaRecord(
        reference=reference,
        created_at=from_milliseconds(row.created_at),
        owner=row.owner,
        conversation_id=row.conversation_id,
        variants={} if reference.opaque else {one.name: one for one in _variants(rows)},
    )


def _variants(rows: Sequence[Row[Any]]) -> list[VariantRecord]:
    return [
        VariantRecord(
            name=row.variant_name,
            digest=row.variant_digest,
            size=row.variant_size,
            media_type=row.variant_media_type,
            width=row.variant_width,
            height=row.variant_height,
        )
        for row in rows
        if row.variant_name is not None
    ]


def to_reference(row: Row[Any]) -> MediaReference:
    """The reference in a row with the columns of media and of its blob."""
    is_opaque = row.opaque_type is not None
    return MediaReference(
        id=row.id,
        mime_type=row.opaque_type if is_opaque else row.media_type,
        size=row.size,
        digest=row.digest,
        # The same bytes may have been looked at for another reference.
        width=None if is_opaque else row.width,
        height=None if is_opaque else row.height,
        display_name=row.display_name,
        placeholder=None if is_opaque else row.placeholder,
        alt=row.alt,
        opaque=is_opaque,
    )


def reuse_key(new: NewMedia, digest: str) -> str:
    """The unique key of a reused reference: a hash of content, owner and conversation.

    A unique index over the columns would not do, because SQL's NULLs are never equal. A missing
    owner and an empty one give different keys. Each text is hashed with its length, so that two
    texts cannot be split in another place.
    """
    key = hashlib.sha256()
    opaque = () if new.opaque_type is None else (new.opaque_type,)
    for text in (digest, new.owner, new.conversation_id, *opaque):
        data = b"" if text is None else text.encode("utf-8", "surrogatepass")
        key.update(b"-" if text is None else b"%d:" % len(data))
        key.update(data)
    return key.hexdigest()


def to_milliseconds(instant: datetime) -> int:
    """Milliseconds since 1970 UTC."""
    return round(instant.timestamp() * 1000)


def from_milliseconds(instant: int) -> datetime:
    """The inverse of `to_milliseconds`, in UTC."""
    return datetime.fromtimestamp(instant / 1000, UTC)
