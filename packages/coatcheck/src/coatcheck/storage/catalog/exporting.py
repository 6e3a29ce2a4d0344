"""Every row of every schema, or those of an owner: what a copy or an export walks over."""

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TypeAlias

from sqlalchemy import ColumnElement, Table, false, select
from sqlalchemy.ext.asyncio import AsyncConnection

from coatcheck.ports import ExportedRow, Participant
from coatcheck.storage.catalog.schema import MEDIA
from coatcheck.storage.catalog.tables import blobs, holders, media, owners, variants
from coatcheck.storage.catalog.usage import key_of

IsOwned: TypeAlias = Callable[[Table, str], ColumnElement[bool]]


async def export_rows(
    connection: AsyncConnection, participants: Sequence[Participant], owner: str | None
) -> AsyncGenerator[ExportedRow]:
    """The rows, schema by schema, each table after those that it refers to; see the port."""
    every: list[tuple[str, Sequence[Table], IsOwned]] = [
        (MEDIA.name, MEDIA.metadata.sorted_tables, _is_owned),
        *(
            (one.schema.name, one.schema.metadata.sorted_tables, one.is_owned)
            for one in participants
        ),
    ]
    for schema, tables, is_owned in every:
        for table in tables:
            statement = select(table).order_by(*table.primary_key)
            if owner is not None:
                statement = statement.where(is_owned(table, owner))
            # As plain strings: SQLAlchemy's own kind of name is refused by strict JSON encoders.
            name, columns = str(table.name), [str(column.name) for column in table.columns]
            async for row in await connection.stream(statement):
                yield ExportedRow(schema, name, dict(zip(columns, row, strict=True)))


def _is_owned(table: Table, owner: str) -> ColumnElement[bool]:
    """Whether a row of the store's own schema is the owner's."""
    own = select(media.c.digest).where(media.c.owner == owner)
    conditions: dict[Table, ColumnElement[bool]] = {
        media: media.c.owner == owner,
        blobs: blobs.c.digest.in_(own),
        variants: variants.c.source.in_(own),
        holders: holders.c.owner == owner,
        owners: owners.c.owner == key_of(owner),
    }
    return conditions.get(table, false())
