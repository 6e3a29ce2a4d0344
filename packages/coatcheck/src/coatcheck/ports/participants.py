"""Share the store's database: schemas beside the store's own, holders and participants.

An application that keeps messages, or anything else that shows media, keeps it in tables of its own
in the same database. It writes them in `MediaStore.transaction`, together with what it says about
media there, and reads them in `MediaStore.snapshot`.
"""

import re
from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from coatcheck.errors import ConfigurationError

if TYPE_CHECKING:  # importing a port loads no engine
    from sqlalchemy import ColumnElement, MetaData, SelectBase, Subquery, Table
    from sqlalchemy.ext.asyncio import AsyncConnection

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """A set of tables with its own migrations, beside other schemas in one database.

    Attributes:
        name: the schema's name: lower-case letters, digits and underscores, at most 40. Its Alembic
            version table is named after it.
        metadata: its tables after the newest migration. No other schema may have tables of these
            names.
        migrations: a directory of Alembic revisions. A revision uses `alembic.op` as usual.
        revision: the newest revision. A database at this revision opens without loading Alembic.
    """

    name: str
    metadata: "MetaData"
    migrations: Path
    revision: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"{self.name!r} cannot name a schema: use a-z, 0-9 and _, a letter first."
            )

    @property
    def version_table(self) -> str:
        """The table in which Alembic keeps the schema's revision."""
        return f"alembic_version_{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureReceipt:
    """A count of what an erasure deleted.

    Attributes:
        media: how many references.
        bytes: how many bytes they occupied, each content counted once. This includes content that
            other owners have too, which stays.
        conversations: how many conversations had or showed the owner's media.
        rows: how many rows of each participant were deleted, by the name of its schema.
    """

    media: int
    bytes: int
    conversations: int
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ExportedRow:
    """A row of one of the schemas in the store's database.

    Attributes:
        schema: the name of the schema.
        table: the name of the table.
        values: the values of its columns, by name, as SQLAlchemy reads them.
    """

    schema: str
    table: str
    values: Mapping[str, Any]


class SharedTransaction(Protocol):
    """A write transaction on the store's database, for the store's and participants' tables.

    It commits when its context ends without an exception, otherwise it rolls back.

    A holder shows media in a conversation, for example a message; it is any name that is unique in
    the conversation. Media that another holder of the same owner shows survives the conversation
    that it belongs to. The store knows only the ids of conversations.
    """

    @property
    def connection(self) -> "AsyncConnection":
        """The connection, for statements on a participant's own tables. Do not commit it."""
        ...

    async def require_media(self, reference_ids: Collection[str]) -> None:
        """Check that all of this media exists; it stays until the transaction ends.

        Args:
            reference_ids: the references, by their ids.

        Raises:
            NotFoundError: at least one does not exist.
        """
        ...

    async def hold(
        self,
        conversation_id: str,
        holder: str,
        reference_ids: Collection[str],
        *,
        owner: str | None,
    ) -> None:
        """Record that a holder shows more media.

        The media need not exist, nor belong to the owner: holding media of another owner has no
        effect on it.

        Args:
            conversation_id: the conversation that the holder stands in.
            holder: the holder.
            reference_ids: the references, by their ids.
            owner: the owner of the conversation; None if there are no owners.
        """
        ...

    async def release(self, conversation_id: str, holders: "Collection[str] | SelectBase") -> None:
        """Record that these holders no longer show any media. This removes no media.

        Args:
            conversation_id: the conversation that they stand in.
            holders: their names, or a statement that selects them.
        """
        ...

    async def adopt(
        self,
        conversation_id: str,
        holders: "Collection[str] | SelectBase",
        *,
        owner: str | None,
    ) -> None:
        """Give the conversation the media that these holders show and no conversation owns yet.

        Without this, an upload whose holders are released would outlive the conversation.

        Args:
            conversation_id: the conversation that they stand in.
            holders: their names, or a statement that selects them.
            owner: the owner of the conversation; media of other owners stays as it is.
        """
        ...

    async def forget_conversation(self, conversation_id: str, *, owner: str | None) -> None:
        """Delete a conversation: its media, its holders, and every participant's rows of it.

        This deletes the conversation's own media, and media of no conversation that its holders
        show. Media that a holder in another conversation of the media's owner shows stays, and then
        belongs to that conversation. `MediaStore.sweep` removes bytes that are no longer used.

        Args:
            conversation_id: the conversation.
            owner: its owner; None if there are no owners.
        """
        ...


class SharedDatabase(Protocol):
    """The store's database, as participants use it; `MediaStore` implements it."""

    def transaction(self) -> AbstractAsyncContextManager[SharedTransaction]:
        """A write transaction; at most one is under way at a time, across all processes."""
        ...

    def snapshot(self) -> "AbstractAsyncContextManager[AsyncConnection]":
        """A read-only connection whose statements see one state of the database."""
        ...


class Participant(Protocol):
    """Owns tables in the store's database, and answers the store's questions about their rows."""

    @property
    def schema(self) -> Schema:
        """Its tables."""
        ...

    def is_withdrawn(self, conversation_id: "ColumnElement[str]") -> "ColumnElement[bool]":
        """Return SQL: whether a conversation is deleted, but its rows still exist.

        Lists do not show media that would be deleted with it.

        Args:
            conversation_id: a column of the enclosing statement.
        """
        ...

    def select_places(self, held: "Subquery") -> "SelectBase":
        """Return SQL that selects at most one place for each media, to show in lists.

        It selects `media_id`, `conversation_id` and `holder` from the held places.

        Args:
            held: all candidate places, with these three columns.
        """
        ...

    async def forget_conversation(
        self, transaction: SharedTransaction, conversation_id: str
    ) -> None:
        """Delete the rows of a conversation.

        Args:
            transaction: the transaction in which the store forgets its media.
            conversation_id: the conversation; it may have no rows.
        """
        ...

    def is_owned(self, table: "Table", owner: str) -> "ColumnElement[bool]":
        """Return SQL: whether a row of one of its tables belongs to an owner, for an export.

        Args:
            table: a table of its schema, the one that the enclosing statement selects from.
            owner: the owner.
        """
        ...

    async def erase_owner(self, transaction: SharedTransaction, owner: str) -> int:
        """Delete all rows of an owner, including those of deleted conversations, and count them.

        Args:
            transaction: the transaction in which the store erases the owner's media.
            owner: the owner; there may be no rows.
        """
        ...
