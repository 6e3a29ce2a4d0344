"""All media of an owner in SQL, a page at a time, each with where it is shown."""

from collections.abc import Sequence

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    exists,
    false,
    func,
    null,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from coatcheck.ports import ListedMedia, MediaCursor, Participant
from coatcheck.storage.catalog.records import from_milliseconds, to_milliseconds, to_reference
from coatcheck.storage.catalog.tables import blobs, holders, media


class MediaListing:
    """Lists media. Statements are built once: building one takes as long as running it.

    Args:
        participants: what says where media is shown, and what is not listed.
    """

    def __init__(self, participants: Sequence[Participant]) -> None:
        self._participants = participants
        self._statements: dict[tuple[bool, bool], Select[tuple[object, ...]]] = {}

    async def page(
        self,
        connection: AsyncConnection,
        *,
        owner: str | None,
        before: MediaCursor | None,
        limit: int,
    ) -> Sequence[ListedMedia]:
        """The media of an owner, newest first; see the port."""
        parameters: dict[str, object] = {"limit": limit}
        if owner is not None:
            parameters["owner"] = owner
        if before is not None:
            parameters["before"] = to_milliseconds(before.created_at)
            parameters["before_id"] = before.id
        kind = (owner is not None, before is not None)
        statement = self._statements.get(kind)
        if statement is None:
            statement = self._statements[kind] = _page(self._participants, *kind)
        rows = await connection.execute(statement, parameters)
        return [
            ListedMedia(
                reference=to_reference(row),
                created_at=from_milliseconds(row.created_at),
                conversation_id=row.shown_in or row.conversation_id,
                holder=row.holder,
            )
            for row in rows
        ]


def _page(
    participants: Sequence[Participant],
    is_owned: bool,  # noqa: FBT001 - a key of the statements
    is_later: bool,  # noqa: FBT001
) -> Select[tuple[object, ...]]:
    # Not `IS NOT DISTINCT FROM`, for which PostgreSQL uses no index.
    belongs = media.c.owner == bindparam("owner") if is_owned else media.c.owner.is_(None)
    place = tuple_(media.c.created_at, media.c.id)
    older = place < tuple_(bindparam("before", type_=BigInteger), bindparam("before_id"))
    # The rows of the page first: what is joined to them is looked up for those alone.
    page = (
        select(media)
        .where(belongs, older if is_later else true(), ~_goes_with_a_conversation(participants))
        # By the owner too, though all have one: PostgreSQL sees in that the order of the index.
        .order_by(media.c.owner.desc(), media.c.created_at.desc(), media.c.id.desc())
        .limit(bindparam("limit", type_=Integer))
        .cte("page")
    )
    return _with_places(page, participants)


def _with_places(page: CTE, participants: Sequence[Participant]) -> Select[tuple[object, ...]]:
    """Each row of the page with its blob, and where the first participant that knows shows it."""
    held = (
        select(holders.c.media_id, holders.c.conversation_id, holders.c.holder)
        .join_from(page, holders, holders.c.media_id == page.c.id)
        .where(_is_of(page.c.owner))
        .subquery("held")
    )
    places = [one.select_places(held).subquery() for one in participants]
    described = (blobs.c.media_type, blobs.c.size, blobs.c.width, blobs.c.height)
    statement = (
        select(
            page,
            *described,
            blobs.c.placeholder,
            _first([place.c.conversation_id for place in places]).label("shown_in"),
            _first([place.c.holder for place in places]).label("holder"),
        )
        .join_from(page, blobs, blobs.c.digest == page.c.digest)
        .order_by(page.c.created_at.desc(), page.c.id.desc())
    )
    for place in places:
        statement = statement.outerjoin(place, place.c.media_id == page.c.id)
    return statement


def _first(columns: Sequence[ColumnElement[str]]) -> ColumnElement[str | None]:
    return func.coalesce(null(), null(), *columns)  # two at least: there may be no participant


def _goes_with_a_conversation(participants: Sequence[Participant]) -> ColumnElement[bool]:
    """Whether it is what will be forgotten together with a conversation that is deleted."""

    def is_withdrawn(conversation_id: ColumnElement[str]) -> ColumnElement[bool]:
        return or_(false(), *[one.is_withdrawn(conversation_id) for one in participants])

    def is_shown(where: ColumnElement[bool]) -> ColumnElement[bool]:
        return exists().where(holders.c.media_id == media.c.id, _is_of(media.c.owner), where)

    holders_conversation = is_withdrawn(holders.c.conversation_id)
    uploaded = and_(media.c.conversation_id.is_(None), is_shown(holders_conversation))
    return and_(
        or_(is_withdrawn(media.c.conversation_id), uploaded), ~is_shown(~holders_conversation)
    )


def _is_of(owner: ColumnElement[str | None]) -> ColumnElement[bool]:
    """Whether a holder is of the owner of the media; one of anyone else is no place of it."""
    return holders.c.owner.is_not_distinct_from(owner)
