"""Holders keep media alive; the media that goes with a conversation, and the media that stays."""

from collections.abc import Collection, Sequence
from typing import TypeAlias

from sqlalchemy import ColumnElement, SelectBase, and_, delete, func, literal, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or
from sqlalchemy.ext.asyncio import AsyncConnection

from coatcheck.errors import NotFoundError
from coatcheck.storage.catalog.tables import holders, media
from coatcheck.storage.catalog.usage import count_out

Names: TypeAlias = Collection[str] | SelectBase


async def require_media(connection: AsyncConnection, reference_ids: Collection[str]) -> None:
    """Check that all of this media is there; see the port."""
    ids = set(reference_ids)
    if not ids:
        return
    found = await connection.scalar(
        select(func.count()).select_from(media).where(media.c.id.in_(ids))
    )
    if found != len(ids):
        raise NotFoundError("There is no media under this id.")


async def hold(
    connection: AsyncConnection,
    conversation_id: str,
    holder: str,
    reference_ids: Collection[str],
    owner: str | None,
) -> None:
    """Record that a holder shows media; see the port."""
    if not reference_ids:
        return
    place = {"conversation_id": conversation_id, "holder": holder, "owner": owner}
    await connection.execute(
        insert_or(holders).on_conflict_do_nothing(),
        [{**place, "media_id": one} for one in sorted(set(reference_ids))],
    )


async def release_holders(connection: AsyncConnection, conversation_id: str, names: Names) -> None:
    """Record that these holders no longer show any media; see the port."""
    await connection.execute(delete(holders).where(_among(conversation_id, names)))


async def adopt(
    connection: AsyncConnection, conversation_id: str, names: Names, owner: str | None
) -> None:
    """Let the conversation own what these holders show and no conversation owns; see the port."""
    shown = select(holders.c.media_id).where(_among(conversation_id, names))
    await connection.execute(
        update(media)
        .where(
            media.c.conversation_id.is_(None),
            media.c.owner.is_not_distinct_from(owner),
            media.c.id.in_(shown),
        )
        # The key names the conversation: the same content outside of one gets another reference.
        .values(conversation_id=conversation_id, reuse_key=None)
    )


async def forget_media_of(
    connection: AsyncConnection, conversation_id: str, owner: str | None
) -> Collection[str]:
    """Forget a conversation's media and holders; the digests of what went."""
    await _hand_over(connection, conversation_id)
    digests = await _remove_media(connection, conversation_id, owner)
    await connection.execute(delete(holders).where(holders.c.conversation_id == conversation_id))
    return digests


async def erase_media_of(
    connection: AsyncConnection, owner: str
) -> tuple[Sequence[str], Collection[str]]:
    """Forget all media and holders of an owner.

    Media of other owners that belongs to a conversation of this owner alone stays, outside of any.

    Returns:
        The digest of each reference that went, and the conversations that had or showed any.
    """
    erased = delete(media).where(media.c.owner == owner)
    gone = (
        await connection.execute(erased.returning(media.c.digest, media.c.conversation_id))
    ).all()
    await _leave_to_others(connection, owner)
    released = delete(holders).where(holders.c.owner == owner)
    own = set(await connection.scalars(released.returning(holders.c.conversation_id)))
    belonged = {row.conversation_id for row in gone if row.conversation_id is not None}
    return [row.digest for row in gone], own | belonged


async def _leave_to_others(connection: AsyncConnection, owner: str) -> None:
    """Take media of other owners out of the conversations in which this owner alone holds any."""
    own = select(holders.c.conversation_id).where(holders.c.owner == owner)
    shared = (
        select(literal(1))
        .where(
            holders.c.conversation_id == media.c.conversation_id,
            holders.c.owner.is_distinct_from(owner),
        )
        .exists()
    )
    await connection.execute(
        update(media)
        .where(media.c.owner.is_distinct_from(owner), media.c.conversation_id.in_(own), ~shared)
        .values(conversation_id=None, reuse_key=None)
    )


def _among(conversation_id: str, names: Names) -> ColumnElement[bool]:
    return and_(holders.c.conversation_id == conversation_id, holders.c.holder.in_(names))


async def _hand_over(connection: AsyncConnection, conversation_id: str) -> None:
    """Let media that other conversations of its owner show belong to one of them."""
    heir = (
        select(func.min(holders.c.conversation_id))
        .where(_held_beside(conversation_id))
        .scalar_subquery()
    )
    await connection.execute(
        update(media)
        .where(media.c.conversation_id == conversation_id, heir.is_not(None))
        .values(conversation_id=heir, reuse_key=None)
    )


def _held_beside(conversation_id: str) -> ColumnElement[bool]:
    """Whether a holder in another conversation shows the media, one of the same owner.

    A holder of anyone else may name an id that its author was told, and gains nothing by it.
    """
    return and_(
        holders.c.media_id == media.c.id,
        holders.c.conversation_id != conversation_id,
        holders.c.owner.is_not_distinct_from(media.c.owner),
    )


async def _remove_media(
    connection: AsyncConnection, conversation_id: str, owner: str | None
) -> set[str]:
    """Forget what belongs to the conversation, and what was uploaded for it; the digests."""
    shown = select(holders.c.media_id).where(holders.c.conversation_id == conversation_id)
    elsewhere = select(literal(1)).where(_held_beside(conversation_id)).exists()
    uploaded = (
        media.c.conversation_id.is_(None)
        & media.c.owner.is_not_distinct_from(owner)
        & media.c.id.in_(shown)
        & ~elsewhere
    )
    gone: set[tuple[str | None, str]] = set()
    for condition in (media.c.conversation_id == conversation_id, uploaded):
        removed = delete(media).where(condition).returning(media.c.owner, media.c.digest)
        gone.update((row.owner, row.digest) for row in await connection.execute(removed))
    await count_out(connection, gone)
    return {digest for _, digest in gone}
