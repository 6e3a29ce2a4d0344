"""Scan and rewrite a history."""

from collections import Counter
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Final

from anyio import to_thread

from coatcheck.chat.modernising import (
    NOBODY,
    ReadFile,
    Scope,
    measure_document,
    modernise_document,
)
from coatcheck.errors import NotFoundError, StorageError
from coatcheck.migration.log import MigrationLog, entry
from coatcheck.migration.source import Checkpoint, Key, Source
from coatcheck.payload.offload import OffloadReport
from coatcheck.reference import MediaReference
from coatcheck.store import MediaStore

Advance = Callable[[int], None]
"""Told how many more rows are done."""

CHANGED_MEANWHILE: Final = "changed_meanwhile"
"""The reason why a row stays: somebody else wrote it after it was read."""

_FATAL: Final = frozenset({"storage_failed", "storage_full", "quota_exceeded", "unexpected"})


@dataclass(slots=True)
class Summary:
    """What was found or done.

    Attributes:
        rows: rows with text that were looked at.
        changed: rows that were rewritten, or would be.
        images: media that was found inline, every copy counted.
        before: bytes of the rows with media.
        after: what these rows have afterwards; an estimate where nothing was rewritten.
        left: why media stays, and how many times.
    """

    rows: int = 0
    changed: int = 0
    images: int = 0
    before: int = 0
    after: int = 0
    left: Counter[str] = field(default_factory=Counter)

    def add(self, report: OffloadReport, before: int, after: int) -> None:
        """Count a row."""
        self.rows += 1
        self.left.update(report.left)
        self.images += report.found
        if report.found or before != after:
            self.before += before
            self.after += after
            self.changed += before != after


async def scan(source: Source, advance: Advance) -> Summary:
    """What a history holds; nothing is stored or written."""
    summary = Summary()
    async with aclosing(source.batches()) as batches:
        async for rows in batches:
            for row in rows:
                report = await measure_document(row.value)
                saved = report.bytes_before - report.bytes_after
                summary.add(report, len(row.value), len(row.value) - saved)
            advance(len(rows))
    return summary


async def rewrite(
    source: Source,
    store: MediaStore,
    log: MigrationLog,
    *,
    advance: Advance,
    scope: Scope = NOBODY,
    read_file: ReadFile | None = None,
    compact: bool = True,
) -> Summary:
    """Rewrite a history; a run that did not come to its end is gone on with.

    Each batch goes through the store, then into the log, then into the history: killed anywhere,
    it leaves rows old or new, and at most media that nothing refers to.

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
    if checkpoint is not None:
        advance(0)
    after = None if checkpoint is None else checkpoint.key
    async with aclosing(source.batches(after)) as batches:
        async for rows in batches:
            changes: dict[Key, str | bytes] = {}
            made: dict[Key, tuple[MediaReference, ...]] = {}
            entries = []
            for row in rows:
                modern, report = await modernise_document(
                    row.value, store, scope=scope, read_file=read_file
                )
                _require_stored(report)
                summary.add(report, len(row.value), len(modern))
                if modern is not row.value:
                    changes[row.key], made[row.key] = modern, report.references
                    about = (row.key, row.value, modern, report.references)
                    entries.append(await to_thread.run_sync(entry, *about))
            await log.rewriting(entries)
            written = await source.write(rows, changes)
            for key in changes.keys() - set(written):
                summary.left[CHANGED_MEANWHILE] += 1
                await _forget(store, made[key])
            await log.batch(Checkpoint(rows[-1].key, await source.position()))
            advance(len(rows))
    await source.finish(compact=compact)
    await log.end()
    return summary


def _require_stored(report: OffloadReport) -> None:
    """A history is not half rewritten because the disk is full: that is told."""
    failed = _FATAL.intersection(report.left)
    if failed:
        raise StorageError(
            f"The store did not take a picture ({', '.join(sorted(failed))})."
            " What is rewritten stays so; run this again once it does."
        )


async def _forget(store: MediaStore, references: tuple[MediaReference, ...]) -> None:
    for reference in references:
        with suppress(NotFoundError):
            await store.delete(reference.id)
