"""All media of an owner in SQL, a page at a time, each with where it is shown."""

from collections.abc import Mapping, Sequence

from sqlalchemy import (
    ColumnElement,
    and_,
    exists,
    false,
    literal,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from coatcheck.ports import ListedMedia, MediaCursor, Participant, Place
from coatcheck.storage.catalog.rows import from_milliseconds, to_milliseconds, to_reference
from coatcheck.storage.catalog.tables import blobs, holders, media
from coatcheck.storage.catalog.usage import belongs_to


async def list_media(
    connection: AsyncConnection,
    participants: Sequence[Participant],
    *,
    owner: str | None,
    before: MediaCursor | None,
    limit: int,
) -> Sequence[ListedMedia]:
    """What belongs to an owner, newest first; see the port."""
    # The rows of the page first: what is joined to them is looked up for those alone.
    page = (
        select(media)
        .where(belongs_to(owner), _older_than(before), ~_goes_with_a_conversation(participants))
        # By the owner too, though all have one: PostgreSQL sees in that the order of the index.
        .order_by(media.c.owner.desc(), media.c.created_at.desc(), media.c.id.desc())
        .limit(limit)
        .subquery("page")
    )
    described = (blobs.c.media_type, blobs.c.size, blobs.c.width, blobs.c.height)
    statement = (
        select(page, *described, blobs.c.placeholder)
        .join_from(page, blobs, blobs.c.digest == page.c.digest)
        .order_by(page.c.created_at.desc(), page.c.id.desc())
    )
    rows = (await connection.execute(statement)).all()
    places = await _places(connection, participants, [row.id for row in rows])
    return [
        ListedMedia(
            reference=to_reference(row),
            created_at=from_milliseconds(row.created_at),
            conversation_id=place.conversation_id if place else row.conversation_id,
            holder=place.holder if place else None,
        )
        for row in rows
        for place in [places.get(row.id)]
    ]


async def _places(
    connection: AsyncConnection, participants: Sequence[Participant], ids: Sequence[str]
) -> Mapping[str, Place]:
    """Where the participants say that media is shown; of two the first one's answer counts."""
    held = (
        select(holders.c.media_id, holders.c.conversation_id, holders.c.holder)
        .join_from(holders, media, media.c.id == holders.c.media_id)
        .where(media.c.id.in_(ids), _same_owner())
        .subquery("held")
    )
    places: dict[str, Place] = {}
    for participant in participants if ids else ():
        found = await participant.find_places(connection, held)
        places = {**found, **places}
    return places


def _older_than(cursor: MediaCursor | None) -> ColumnElement[bool]:
    if cursor is None:
        return true()
    place = tuple_(media.c.created_at, media.c.id)
    return place < tuple_(literal(to_milliseconds(cursor.created_at)), literal(cursor.id))


def _goes_with_a_conversation(participants: Sequence[Participant]) -> ColumnElement[bool]:
    """Whether it is what will be forgotten together with a conversation that is deleted."""

    def is_withdrawn(conversation_id: ColumnElement[str]) -> ColumnElement[bool]:
        return or_(false(), *[one.is_withdrawn(conversation_id) for one in participants])

    def is_shown(where: ColumnElement[bool]) -> ColumnElement[bool]:
        return exists().where(holders.c.media_id == media.c.id, _same_owner(), where)

    holders_conversation = is_withdrawn(holders.c.conversation_id)
    uploaded = and_(media.c.conversation_id.is_(None), is_shown(holders_conversation))
    return and_(
        or_(is_withdrawn(media.c.conversation_id), uploaded), ~is_shown(~holders_conversation)
    )


def _same_owner() -> ColumnElement[bool]:
    """Whether a holder is of the owner of the media; one of anyone else is no place of it."""
    return holders.c.owner.is_not_distinct_from(media.c.owner)
