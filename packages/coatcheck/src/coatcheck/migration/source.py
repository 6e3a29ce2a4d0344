"""What a history is: rows with a text each, read and written in batches; where that text lies."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

Key = int | str
"""What names a row: the value of its key, or the number of a line."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How much is read, stored and written together.

    Attributes:
        rows: how many rows.
        size: bytes of them together; a larger row is a batch of its own.
    """

    rows: int = 500
    size: int = 8 * 1024 * 1024


DEFAULT_LIMITS: Final = BatchLimits()


@dataclass(frozen=True, slots=True)
class Row:
    """A row with text in it."""

    key: Key
    value: str | bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a run came: the last row of the last batch, and how much of a new file is written."""

    key: Key
    position: int


class Source(Protocol):
    """A history. What is written to it meanwhile by others is never overwritten."""

    async def count(self) -> int:
        """How many rows there are, those without text too."""
        ...

    async def size(self) -> int:
        """Bytes that the history takes, with what is unused in it."""
        ...

    def batches(self, after: Key | None = None) -> AsyncGenerator[Sequence[Row]]:
        """The rows with text in the order of their keys, from behind `after` on."""
        ...

    async def begin(self, backup: str | None, checkpoint: Checkpoint | None) -> tuple[str, bool]:
        """Make a backup, or go on with a run.

        Args:
            backup: the one of the run that is gone on with.
            checkpoint: how far that run came.

        Returns:
            The backup's name, and whether `checkpoint` is good still: what is before it is done.
        """
        ...

    async def write(self, rows: Sequence[Row], changes: Mapping[Key, str | bytes]) -> Sequence[Key]:
        """Write a batch, wholly or not at all.

        Args:
            rows: the batch as it was read.
            changes: what some of its rows are to hold.

        Returns:
            The keys of the rows that were changed; the others hold something else by now.
        """
        ...

    async def position(self) -> int:
        """How much of a new file is written; 0 where rows are changed in their place."""
        ...

    async def finish(self, *, compact: bool) -> None:
        """Put the new file in the place of the old one; give room back if asked to."""
        ...

    async def original(self, backup: str, key: Key) -> str | bytes | None:
        """What a row held before; None if the backup has no such row."""
        ...

    async def aclose(self) -> None:
        """Close files and connections."""
        ...
