"""What shares the store's database: schemas beside the store's own, holders and participants.

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
    """Tables with migrations of their own, beside other schemas in one database.

    Attributes:
        name: the schema's name: letters in lower case, digits and underscores, at most 40. Its
            Alembic version table is called after it.
        metadata: its tables, as the newest migration leaves them. Their names must be its own.
        migrations: a directory of Alembic revisions. A revision uses `alembic.op` as usual.
        revision: the newest one. A database that has it is opened without loading Alembic.
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
    """What went when an owner was erased.

    Attributes:
        media: how many references.
        bytes: what they occupied, each content counted once. Contents that other owners have too
            are among it, and stay.
        conversations: in how many conversations the owner had or showed media.
        rows: how many rows of each participant, by the name of its schema.
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
        values: what each column has, by its name, as SQLAlchemy reads it.
    """

    schema: str
    table: str
    values: Mapping[str, Any]


class SharedTransaction(Protocol):
    """A write transaction on the store's database, for its own tables and for a participant's.

    It commits when its context ends without an exception, else it rolls back.

    A holder is what shows media in a conversation, such as a message: any name that is unique in
    the conversation. What another holder of the same owner shows survives the conversation that it
    belongs to. Conversations are ids and nothing more to the store.
    """

    @property
    def connection(self) -> "AsyncConnection":
        """The connection, for statements on a participant's own tables. Do not commit it."""
        ...

    async def require_media(self, reference_ids: Collection[str]) -> None:
        """Check that all of this media is there; it stays until the transaction ends.

        Args:
            reference_ids: the references, by their ids.

        Raises:
            NotFoundError: at least one is not there.
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
        """Record that a holder shows media, in addition to what it shows already.

        The media need not be there, nor be the owner's: holding media of another owner has no
        effect on it.

        Args:
            conversation_id: the conversation that the holder stands in.
            holder: what shows the media.
            reference_ids: the references, by their ids.
            owner: whose conversation it is; None where there are no owners.
        """
        ...

    async def release(self, conversation_id: str, holders: "Collection[str] | SelectBase") -> None:
        """Record that these holders show nothing any more. No media is removed by this.

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
        """Let the conversation own what these holders show and no conversation owns yet.

        Without this, an upload whose holders are released would outlive the conversation.

        Args:
            conversation_id: the conversation that they stand in.
            holders: their names, or a statement that selects them.
            owner: whose conversation it is; media of other owners stays as it is.
        """
        ...

    async def forget_conversation(self, conversation_id: str, *, owner: str | None) -> None:
        """Forget a conversation: its media, its holders, and every participant's rows of it.

        The conversation's own media goes, and so does media of no conversation that its holders
        show. Media that a holder in another conversation of the media's owner shows stays, and
        belongs to that conversation. Bytes that nothing uses any more are left to
        `MediaStore.sweep`.

        Args:
            conversation_id: the conversation.
            owner: whose it is; None where there are no owners.
        """
        ...


class SharedDatabase(Protocol):
    """The store's database as a participant uses it; `MediaStore` is one."""

    def transaction(self) -> AbstractAsyncContextManager[SharedTransaction]:
        """A write transaction; at most one is under way at a time, across all processes."""
        ...

    def snapshot(self) -> "AbstractAsyncContextManager[AsyncConnection]":
        """A connection whose statements see one state of the database. Only read."""
        ...


class Participant(Protocol):
    """Whose tables are in the store's database, and what the store asks about their rows."""

    @property
    def schema(self) -> Schema:
        """Its tables."""
        ...

    def is_withdrawn(self, conversation_id: "ColumnElement[str]") -> "ColumnElement[bool]":
        """SQL: whether a conversation is deleted, but not forgotten yet.

        Media that would be forgotten with it is not listed meanwhile.

        Args:
            conversation_id: a column of the enclosing statement.
        """
        ...

    def select_places(self, held: "Subquery") -> "SelectBase":
        """SQL: where a list says that media is shown, one row at most for each media.

        It selects `media_id`, `conversation_id` and `holder` from some of what is held.

        Args:
            held: all places in question, with these three columns.
        """
        ...

    async def forget_conversation(
        self, transaction: SharedTransaction, conversation_id: str
    ) -> None:
        """Delete the rows of a conversation.

        Args:
            transaction: the transaction in which the store forgets its media.
            conversation_id: the conversation; there may be no rows of it.
        """
        ...

    def is_owned(self, table: "Table", owner: str) -> "ColumnElement[bool]":
        """SQL: whether a row of one of its tables is an owner's, for an export.

        Args:
            table: a table of its schema, the one that the enclosing statement selects from.
            owner: the owner.
        """
        ...

    async def erase_owner(self, transaction: SharedTransaction, owner: str) -> int:
        """Delete all rows of an owner, those of deleted conversations too, and count them.

        Args:
            transaction: the transaction in which the store erases the owner's media.
            owner: the owner; there may be no rows of it.
        """
        ...
