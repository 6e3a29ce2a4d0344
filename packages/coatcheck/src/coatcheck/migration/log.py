"""The log of a migration: a JSONL file with each rewritten row, by which a run is gone on with.

::

    {"run": "begin", "backup": "chat.db.before-coatcheck", "at": "2026-11-24T09:00:00+00:00"}
    {"row": 7, "before": {"digest": "sha-256:…", "size": 4194304}, "after": {…},
     "references": [{"id": "…", "digest": "sha-256:…", "size": 3145728, "file": false}]}
    {"batch": 7, "position": 0}
    {"run": "end", "at": "…"}

What a row is going to hold is on disk before the row is written: the log may name a row that was
not written, never the other way round. The later of two lines about a row counts. A picture with
`file` was read from a file that the row names, so it is not in the original itself.
"""

import hashlib
import os
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from anyio import to_thread

from coatcheck.durable import sync_directory, sync_file
from coatcheck.migration.disk import translated
from coatcheck.migration.source import Checkpoint, Key
from coatcheck.reference import MediaReference


@dataclass(frozen=True, slots=True)
class LoggedReference:
    """What the log says about a reference."""

    id: str
    digest: str
    is_file: bool


@dataclass(frozen=True, slots=True)
class RowEntry:
    """What the log says about a row."""

    key: Key
    backup: str
    before: str
    after: str
    references: Sequence[LoggedReference]


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run that did not come to its end."""

    backup: str
    checkpoint: Checkpoint | None


def digest_of(value: str | bytes) -> str:
    """``sha-256:`` and the digest of a row's text."""
    data = value.encode(errors="surrogatepass") if isinstance(value, str) else value
    return f"sha-256:{hashlib.sha256(data).hexdigest()}"


class MigrationLog:
    """The log in a file. It is only ever appended to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def unfinished(self) -> Unfinished | None:
        """The last run, if it did not come to its end."""

        def read() -> Unfinished | None:
            found: Unfinished | None = None
            for line in self._lines():
                if line.get("run") == "begin":
                    found = Unfinished(line["backup"], None)
                elif line.get("run") == "end":
                    found = None
                elif "batch" in line and found is not None:
                    checkpoint = Checkpoint(line["batch"], line["position"])
                    found = Unfinished(found.backup, checkpoint)
            return found

        with translated("The log cannot be read"):
            return await to_thread.run_sync(read)

    async def rows(self) -> dict[Key, RowEntry]:
        """The last entry about each row."""

        def read() -> dict[Key, RowEntry]:
            entries: dict[Key, RowEntry] = {}
            backup = ""
            for line in self._lines():
                if line.get("run") == "begin":
                    backup = line["backup"]
                elif "row" in line:
                    references = [
                        LoggedReference(one["id"], one["digest"], one.get("file", False))
                        for one in line["references"]
                    ]
                    entries[line["row"]] = RowEntry(
                        line["row"],
                        backup,
                        line["before"]["digest"],
                        line["after"]["digest"],
                        references,
                    )
            return entries

        with translated("The log cannot be read"):
            return await to_thread.run_sync(read)

    async def begin(self, backup: str) -> None:
        """A run begins."""
        await self._append([{"run": "begin", "backup": backup, "at": _now()}])

    async def end(self) -> None:
        """It came to its end."""
        await self._append([{"run": "end", "at": _now()}])

    async def batch(self, checkpoint: Checkpoint) -> None:
        """A batch is written."""
        await self._append([{"batch": checkpoint.key, "position": checkpoint.position}])

    async def rewriting(self, entries: Sequence[dict[str, Any]]) -> None:
        """Rows are about to be written; `entry` makes what is said about each."""
        if entries:
            await self._append(entries)

    async def _append(self, lines: Sequence[dict[str, Any]]) -> None:
        with translated("The log cannot be written"):
            await to_thread.run_sync(self._write, lines)

    def _write(self, lines: Sequence[dict[str, Any]]) -> None:
        with self.path.open("a+b") as file:
            # A run that was killed may have left half a line.
            end = file.seek(0, os.SEEK_END)
            if end and (file.seek(end - 1), file.read(1))[1] != b"\n":
                file.write(b"\n")
            file.write(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
            file.flush()
            sync_file(file.fileno())
        if not end:
            sync_directory(self.path.parent)  # its name is new

    def _lines(self) -> Iterator[dict[str, Any]]:
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for line in file:
                try:
                    value = msgspec.json.decode(line)
                except msgspec.DecodeError:
                    continue  # half a line
                if isinstance(value, dict):
                    yield value


def entry(
    key: Key,
    before: str | bytes,
    after: str | bytes,
    references: Sequence[MediaReference],
    *,
    files: Container[str] = (),
) -> dict[str, Any]:
    """What the log says about a row that is rewritten.

    Args:
        key: names the row.
        before: its text.
        after: the text that it is going to have.
        references: the references that were made for it.
        files: ids of those to pictures that were in files.
    """
    return {
        "row": key,
        "before": {"digest": digest_of(before), "size": len(before)},
        "after": {"digest": digest_of(after), "size": len(after)},
        "references": [
            {"id": one.id, "digest": one.digest, "size": one.size, "file": one.id in files}
            for one in references
        ],
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
