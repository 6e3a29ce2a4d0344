"""Release content without references: delete its rows, and mark its bytes for deletion."""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import Select, delete, exists, select, union
from sqlalchemy.dialects.sqlite import insert as insert_or
from sqlalchemy.ext.asyncio import AsyncConnection

from coatcheck.storage.catalog.tables import blobs, media, tombstones, variants

_BATCH: Final = 100  # with all their variants well under what a statement may have of parameters


async def release(connection: AsyncConnection, digests: Collection[str]) -> Sequence[str]:
    """Forget each of these blobs that no reference is left to, with its variants.

    Returns:
        The digests that no row uses any more. Each has a tombstone, so that its bytes are removed
        even if the process ends before it comes to that.
    """
    ordered = sorted(digests)
    unused: list[str] = []
    for start in range(0, len(ordered), _BATCH):
        unused += await _release(connection, ordered[start : start + _BATCH])
    return unused


async def _release(connection: AsyncConnection, digests: Sequence[str]) -> Sequence[str]:
    referred = exists().where(media.c.digest == blobs.c.digest)
    dead = (
        await connection.scalars(
            select(blobs.c.digest).where(blobs.c.digest.in_(digests), ~referred)
        )
    ).all()
    renditions = select(variants.c.digest).where(variants.c.source.in_(dead))
    candidates = set(dead) | set((await connection.scalars(renditions)).all())
    await connection.execute(delete(blobs).where(blobs.c.digest.in_(dead)))
    used = set((await connection.scalars(_used(candidates))).all())
    unused = sorted(candidates - used)
    if unused:
        await connection.execute(
            insert_or(tombstones).on_conflict_do_nothing(),
            [{"digest": digest} for digest in unused],
        )
    return unused


def _used(digests: Collection[str]) -> Select[tuple[str]]:
    """The digests that are still those of a blob or a variant."""
    found = union(
        select(blobs.c.digest).where(blobs.c.digest.in_(digests)),
        select(variants.c.digest).where(variants.c.digest.in_(digests)),
    ).subquery()
    return select(found.c.digest)
