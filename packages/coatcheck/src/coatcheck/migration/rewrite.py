"""Scan and rewrite a history: both try every row on a store, and one of them keeps the outcome."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from anyio import to_thread

from coatcheck.errors import CoatcheckError, NotFoundError, StorageError
from coatcheck.legacy.modern import WantedFile
from coatcheck.legacy.modernizing import NOBODY, ReadFile, Scope, modernize_document
from coatcheck.migration.log import MigrationLog, entry
from coatcheck.migration.retyping import retyped
from coatcheck.migration.source import Checkpoint, Key, Row, Source
from coatcheck.payload.offload import OffloadReport
from coatcheck.reference import MediaReference
from coatcheck.store import MediaStore

Advance = Callable[[int], None]
"""Called with the number of rows that were just finished."""

CHANGED_MEANWHILE: Final = "changed_meanwhile"
"""The reason why a row stays: it was changed after it was read."""

MAX_PLACES: Final = 100
"""Places in `Summary.places` at most."""

_logger: Final = logging.getLogger(__name__)

# The store failed, not the picture. In the report it has a prefix where the picture was in a file.
_FATAL: Final = frozenset(
    {"storage_failed", "storage_full", "damaged_blob", "quota_exceeded", "unexpected"}
)
_OF_A_FILE: Final = "file_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """A row, and what becomes of it.

    Attributes:
        key: names the row.
        before: its text as it was read.
        after: the text in today's form; the very same object if there is nothing to change.
        report: what offloading did.
        files: ids of the references to pictures that were in files.
        retyped: where an object takes the place of a string; see `coatcheck.migration.retyping`.
    """

    key: Key
    before: str | bytes
    after: str | bytes
    report: OffloadReport
    files: frozenset[str] = frozenset()
    retyped: tuple[str, ...] = ()

    @property
    def is_changed(self) -> bool:
        """Whether there is anything to write."""
        return self.after is not self.before

    def entry(self) -> dict[str, Any]:
        """What the log says about it."""
        return entry(self.key, self.before, self.after, self.report.references, files=self.files)


@dataclass(slots=True)
class Summary:
    """What was done, or would be.

    Attributes:
        rows: rows with text that were looked at.
        changed: rows that were rewritten, or would be.
        images: media that was found inline, every copy counted.
        before: length of the rows with media.
        after: what these rows have afterwards.
        left: why media stays, and how many times.
        retyped: strings in the place of which there is an object.
        places: the first `MAX_PLACES` of them, as ``(key, JSON Pointer)``.
    """

    rows: int = 0
    changed: int = 0
    images: int = 0
    before: int = 0
    after: int = 0
    left: Counter[str] = field(default_factory=Counter)
    retyped: int = 0
    places: list[tuple[Key, str]] = field(default_factory=list)

    def add(self, row: Rewritten, *, is_written: bool = True) -> None:
        """Count a row.

        Args:
            row: the row.
            is_written: False for one that was changed meanwhile.
        """
        self.rows += 1
        self.left.update(row.report.left)
        self.images += row.report.found
        if row.report.found or row.is_changed:
            self.before += len(row.before)
            self.after += len(row.after if is_written else row.before)
        if not row.is_changed:
            return
        if not is_written:
            self.left[CHANGED_MEANWHILE] += 1
            return
        self.changed += 1
        self.retyped += len(row.retyped)
        room = MAX_PLACES - len(self.places)
        self.places += [(row.key, pointer) for pointer in row.retyped[:room]]


class Walk:
    """The way through a history that `scan` and `rewrite` have in common.

    Args:
        store: where media goes.
        scope: whom it belongs to.
        read_file: stores the files that legacy results name; None to leave those alone.
    """

    def __init__(
        self, store: MediaStore, scope: Scope = NOBODY, read_file: ReadFile | None = None
    ) -> None:
        self._store = store
        self._scope = scope
        self._read_file = read_file

    async def batch(self, rows: Sequence[Row]) -> list[Rewritten]:
        """The rows in today's form, their media in the store.

        Raises:
            StorageError: the store did not take something; it forgets the batch's other media.
        """
        done: list[Rewritten] = []
        for row in rows:
            done.append(await self._row(row))
            failed = _failures(done[-1].report)
            if failed:
                await self._give_up(done)
                raise StorageError(
                    f"The store did not take a picture ({', '.join(failed)})."
                    " What is rewritten stays so; run this again once it does."
                )
        return done

    async def forget(self, rows: Iterable[Rewritten]) -> None:
        """Delete the media of rows that are not written."""
        for row in rows:
            for reference in row.report.references:
                with suppress(NotFoundError):
                    await self._store.delete(reference.id)

    async def _row(self, row: Row) -> Rewritten:
        files: set[str] = set()
        modern, report = await modernize_document(
            row.value,
            self._store,
            scope=self._scope,
            read_file=None if self._read_file is None else _noting(self._read_file, files),
        )
        places: tuple[str, ...] = ()
        if modern is not row.value:
            places = await to_thread.run_sync(retyped, row.value, modern)
        return Rewritten(
            key=row.key,
            before=row.value,
            after=modern,
            report=report,
            files=frozenset(files),
            retyped=places,
        )

    async def _give_up(self, rows: Iterable[Rewritten]) -> None:
        # What failed is raised by the caller. A full disk may not even take a deletion; then there
        # is media that nothing refers to, as after a crash.
        try:
            await self.forget(rows)
        except CoatcheckError as error:
            _logger.warning("Media that nothing refers to stays in the store: %s", error.message)


async def scan(source: Source, walk: Walk, *, advance: Advance) -> Summary:
    """What `rewrite` would do; the history is only read.

    Args:
        source: the history.
        walk: goes through it. Its store should be one that is thrown away: what is put into it is
            deleted again, a batch at a time.
        advance: told of each batch.

    Raises:
        StorageError: the store or the history failed.
    """
    summary = Summary()
    async with aclosing(source.batches()) as batches:
        async for rows in batches:
            batch = await walk.batch(rows)
            await walk.forget(batch)
            for row in batch:
                summary.add(row)
            advance(len(rows))
    return summary


async def rewrite(
    source: Source, walk: Walk, log: MigrationLog, *, advance: Advance, compact: bool = True
) -> Summary:
    """Rewrite a history; a run that did not come to its end is gone on with.

    Each batch goes through the store, then into the log, then into the history: killed anywhere,
    it leaves rows old or new, and at most media that nothing refers to.

    Args:
        source: the history.
        walk: goes through it.
        log: says how far an earlier run came, and records each row before it is written.
        advance: told of each batch.
        compact: give room back to the disk at the end.

    Raises:
        StorageError: the store or the history failed; what is done stays done.
    """
    summary = Summary()
    unfinished = await log.unfinished()
    backup, is_good = await source.begin(
        None if unfinished is None else unfinished.backup,
        None if unfinished is None else unfinished.checkpoint,
    )
    if unfinished is None or backup != unfinished.backup:
        await log.begin(backup)
    checkpoint = unfinished.checkpoint if unfinished is not None and is_good else None
    after = None if checkpoint is None else checkpoint.key
    async with aclosing(source.batches(after)) as batches:
        async for rows in batches:
            batch = await walk.batch(rows)
            changed = [row for row in batch if row.is_changed]
            await log.rewriting(await to_thread.run_sync(_entries, changed))
            written = set(await source.write(rows, {row.key: row.after for row in changed}))
            await walk.forget(row for row in changed if row.key not in written)
            for row in batch:
                summary.add(row, is_written=row.key in written)
            await log.batch(Checkpoint(rows[-1].key, await source.position()))
            advance(len(rows))
    await source.finish(compact=compact)
    await log.end()
    return summary


def _noting(read_file: ReadFile, ids: set[str]) -> ReadFile:
    """`read_file`, noting the ids of what it stored."""

    async def read(wanted: WantedFile) -> MediaReference:
        reference = await read_file(wanted)
        ids.add(reference.id)
        return reference

    return read


def _entries(rows: Sequence[Rewritten]) -> list[dict[str, Any]]:
    return [row.entry() for row in rows]


def _failures(report: OffloadReport) -> list[str]:
    """Why the store failed, as far as it did: a history is not half rewritten for that."""
    return sorted(reason for reason in report.left if reason.removeprefix(_OF_A_FILE) in _FATAL)
