"""The space that each owner's media occupy: a stored number, so that a put does not sum it up.

A content counts once for an owner, however many references of theirs lead to it. The number changes
in the transaction that changes the media, so that the two agree at every commit. Write transactions
come one after another: what is read here stays true until the commit.
"""

from collections import defaultdict
from collections.abc import Collection
from functools import cache
from typing import Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    String,
    and_,
    bindparam,
    delete,
    exists,
    func,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite import insert as insert_or
from sqlalchemy.ext.asyncio import AsyncConnection

from coatcheck.storage.catalog.tables import blobs, media, owners

_BATCH: Final = 500  # well under what a statement may have of parameters


def belongs_to(owner: str | BindParameter[str] | None) -> ColumnElement[bool]:
    """Whether media is the owner's; None is the owner of what has none."""
    # Not `IS NOT DISTINCT FROM`, for which PostgreSQL uses no index.
    return media.c.owner.is_(None) if owner is None else media.c.owner == owner


async def bytes_of(connection: AsyncConnection, owner: str | None, *, besides: str = "") -> int:
    """The space of the owner's media, except the content with the digest `besides`."""
    used = select(owners.c.bytes).where(owners.c.owner == key_of(owner)).scalar_subquery()
    left_out = (
        select(blobs.c.size)
        .where(blobs.c.digest == besides, _refers_to_blob(owner))
        .scalar_subquery()
    )
    total = select(func.coalesce(used, 0) - func.coalesce(left_out, 0))
    return int(await connection.scalar(total) or 0)


async def count_in(connection: AsyncConnection, owner: str | None, digest: str) -> None:
    """Count a content of the owner's, before a reference to it is recorded."""
    values = {"counted_key": key_of(owner), "counted_digest": digest}
    if owner is not None:
        values["counted_owner"] = owner
    await connection.execute(_counting_in(has_owner=owner is not None), values)


@cache  # a put runs it, and building it takes longer than that
def _counting_in(*, has_owner: bool) -> Insert:
    added = select(bindparam("counted_key", type_=String), blobs.c.size).where(
        blobs.c.digest == bindparam("counted_digest"),
        ~_refers_to_blob(bindparam("counted_owner") if has_owner else None),
    )
    statement = insert_or(owners).from_select(["owner", "bytes"], added)
    return statement.on_conflict_do_update(
        index_elements=[owners.c.owner],
        set_={"bytes": owners.c.bytes + statement.excluded.bytes},
    )


async def count_out(
    connection: AsyncConnection, removed: Collection[tuple[str | None, str]]
) -> None:
    """Count contents no more, after references to them are gone and before their blobs are.

    Args:
        connection: the transaction that removed the references.
        removed: owner and digest of each.
    """
    contents: defaultdict[str | None, set[str]] = defaultdict(set)
    for owner, digest in removed:
        contents[owner].add(digest)
    for owner, digests in contents.items():
        ordered = sorted(digests)
        for start in range(0, len(ordered), _BATCH):
            await _subtract(connection, owner, ordered[start : start + _BATCH])
        await connection.execute(
            delete(owners).where(owners.c.owner == key_of(owner), owners.c.bytes == 0)
        )


async def forget_owner(connection: AsyncConnection, owner: str) -> int:
    """Count nothing of the owner's any more; what it was, in bytes."""
    counted = delete(owners).where(owners.c.owner == key_of(owner)).returning(owners.c.bytes)
    return int(await connection.scalar(counted) or 0)


async def _subtract(
    connection: AsyncConnection, owner: str | None, digests: Collection[str]
) -> None:
    freed = (
        select(func.coalesce(func.sum(blobs.c.size), 0))
        .where(blobs.c.digest.in_(digests), ~_refers_to_blob(owner))
        .scalar_subquery()
    )
    await connection.execute(
        update(owners).where(owners.c.owner == key_of(owner)).values(bytes=owners.c.bytes - freed)
    )


def _refers_to_blob(owner: str | BindParameter[str] | None) -> ColumnElement[bool]:
    """Whether the owner has a reference to the blob of the enclosing statement."""
    return exists().where(and_(media.c.digest == blobs.c.digest, belongs_to(owner)))


def key_of(owner: str | None) -> str:
    """The row of an owner in the table of owners."""
    # A prefix, since a primary key cannot be NULL and the empty string is an owner like any other.
    return "" if owner is None else f"={owner}"
