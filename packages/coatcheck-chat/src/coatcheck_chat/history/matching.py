"""Where terms stand in messages: SQLite's trigram index if this build has it, else a scan.

A term matches anywhere in a text, be it at the beginning of a word or in the middle of a line of
Chinese, and both ways of looking find the same. The index needs three characters to go by; shorter
terms are looked for in what is left after the longer ones.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, literal_column, select, text, true
from sqlalchemy.ext.asyncio import AsyncConnection

from coatcheck_chat.history.tables import messages

_GRAM: Final = 3


async def has_index(connection: AsyncConnection) -> bool:
    """Whether the messages of this SQLite database are indexed."""
    found = await connection.scalar(
        text("SELECT 1 FROM sqlite_master WHERE name = 'message_index'")
    )
    return found is not None


def holds_all(column: ColumnElement[str], terms: Sequence[str]) -> ColumnElement[bool]:
    """Whether a folded text holds every one of the folded terms."""
    return and_(true(), *[column.contains(term, autoescape=True) for term in terms])


def message_matches(terms: Sequence[str], *, indexed: bool) -> ColumnElement[bool]:
    """Whether a message holds every one of the folded terms."""
    grams = [term for term in terms if len(term) >= _GRAM] if indexed else []
    if not grams:
        return holds_all(messages.c.folded, terms)
    phrases = " AND ".join('"' + gram.replace('"', '""') + '"' for gram in grams)
    hits: Select[tuple[int]] = (
        select(literal_column("rowid"))
        .select_from(text("message_index"))
        .where(text("message_index MATCH :phrases").bindparams(phrases=phrases))
    )
    rest = [term for term in terms if term not in grams]
    return and_(messages.c.id.in_(hits), holds_all(messages.c.folded, rest))
