"""All media of an owner in SQL, a page at a time, each with where it was said."""

from collections.abc import Sequence

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from coatcheck.ports import ListedMedia, MediaCursor
from coatcheck.storage.catalog.rows import from_milliseconds, to_milliseconds, to_reference
from coatcheck.storage.catalog.tables import blobs, conversations, media, message_media, messages
from coatcheck.storage.catalog.usage import belongs_to


async def list_media(
    connection: AsyncConnection, *, owner: str | None, before: MediaCursor | None, limit: int
) -> Sequence[ListedMedia]:
    """What belongs to an owner, newest first; see the port."""
    # The rows of the page first: what is joined to them is looked up for those alone.
    page = (
        select(media)
        .where(belongs_to(owner), _older_than(before), ~_goes_with_a_conversation())
        # By the owner too, though all have one: PostgreSQL sees in that the order of the index.
        .order_by(media.c.owner.desc(), media.c.created_at.desc(), media.c.id.desc())
        .limit(limit)
        .subquery("page")
    )
    rows = await connection.execute(_with_places(page))
    return [
        ListedMedia(
            reference=to_reference(row),
            created_at=from_milliseconds(row.created_at),
            conversation_id=row.said_in or row.conversation_id,
            message_id=row.message_id,
        )
        for row in rows
    ]


def _with_places(page: Subquery) -> Select[tuple[object, ...]]:
    """Each row of the page with its blob, and the first message that shows it."""
    first = (
        select(func.min(messages.c.id))
        .join_from(message_media, messages)
        .join(conversations)
        .where(
            message_media.c.media_id == page.c.id,
            conversations.c.deleted_at.is_(None),
            conversations.c.owner.is_not_distinct_from(page.c.owner),
        )
        .correlate(page)
        .scalar_subquery()
    )
    described = (blobs.c.media_type, blobs.c.size, blobs.c.width, blobs.c.height)
    return (
        select(
            page,
            *described,
            blobs.c.placeholder,
            messages.c.conversation_id.label("said_in"),
            messages.c.message_id,
        )
        .join_from(page, blobs, blobs.c.digest == page.c.digest)
        .outerjoin(messages, messages.c.id == first)
        .order_by(page.c.created_at.desc(), page.c.id.desc())
    )


def _older_than(cursor: MediaCursor | None) -> ColumnElement[bool]:
    if cursor is None:
        return true()
    place = tuple_(media.c.created_at, media.c.id)
    return place < tuple_(literal(to_milliseconds(cursor.created_at)), literal(cursor.id))


def _goes_with_a_conversation() -> ColumnElement[bool]:
    """Whether it is what the purge of a deleted conversation is going to remove."""
    own_is_deleted = exists().where(
        conversations.c.id == media.c.conversation_id, conversations.c.deleted_at.is_not(None)
    )
    uploaded = and_(
        media.c.conversation_id.is_(None), _is_said(conversations.c.deleted_at.is_not(None))
    )
    return and_(or_(own_is_deleted, uploaded), ~_is_said(conversations.c.deleted_at.is_(None)))


def _is_said(where: ColumnElement[bool]) -> ColumnElement[bool]:
    return (
        select(literal(1))
        .join_from(message_media, messages)
        .join(conversations)
        .where(
            message_media.c.media_id == media.c.id,
            conversations.c.owner.is_not_distinct_from(media.c.owner),
            where,
        )
        .correlate(media)
        .exists()
    )
