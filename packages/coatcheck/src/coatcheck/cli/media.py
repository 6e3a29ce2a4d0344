"""``put``, ``get`` and ``verify``: the store from the command line."""

import json
import sys
from collections import Counter
from contextlib import aclosing
from pathlib import Path

from anyio import to_thread
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Column, Table

from coatcheck.errors import CoatcheckError, InvalidInputError
from coatcheck.opening import open_backends
from coatcheck.reference import MediaReference
from coatcheck.server.settings import Settings
from coatcheck.store import MediaStream


async def put(settings: Settings, files: list[Path], as_json: bool) -> int:  # noqa: FBT001 - anyio.run passes by position
    """Store `files`, print their references, and return how many were refused."""
    stored: list[MediaReference] = []
    refused = 0
    complaints = Console(stderr=True)
    async with open_backends(settings.store_options) as backends:
        with _progress(MofNCompleteColumn()) as progress:
            for file in progress.track(files, description="Storing"):
                try:
                    reference = await backends.store.put(file, display_name=file.name)
                except CoatcheckError as error:
                    refused += 1
                    complaints.print(
                        f"[bold red]Refused[/] {escape(str(file))} ({error.code}): "
                        f"{escape(error.message)}"
                    )
                else:
                    stored.append(reference)
                    if as_json:
                        print(json.dumps(reference.to_stored(), ensure_ascii=False))  # noqa: T201
    if stored and not as_json:
        Console().print(_table(stored))
    return refused


async def get(settings: Settings, reference_id: str, output: Path | None) -> None:
    """Write the original of a reference.

    Raises:
        NotFoundError: there is none.
        InvalidInputError: the output file cannot be written.
    """
    async with open_backends(settings.store_options) as backends:
        stream = await backends.store.open(reference_id)
        if output is None:
            async with aclosing(stream.chunks) as chunks:
                async for chunk in chunks:
                    await to_thread.run_sync(sys.stdout.buffer.write, chunk)
            sys.stdout.buffer.flush()
            return
        try:
            await _save(stream, output)
        except OSError as error:
            raise InvalidInputError(f"{output} cannot be written: {error.strerror}.") from error


async def verify(settings: Settings) -> int:
    """Report what `MediaStore.verify` finds, and return how many blobs are missing or damaged."""
    found: Counter[str] = Counter()
    console, complaints = Console(), Console(stderr=True)
    async with open_backends(settings.store_options) as backends:
        with _progress(MofNCompleteColumn()) as progress:
            task = progress.add_task("Verifying", total=await backends.store.blob_count())
            async for finding in backends.store.verify():
                found[finding.state] += 1
                if finding.state in {"missing", "damaged"}:
                    complaints.print(f"[bold red]{finding.state}[/] {finding.digest}")
                if finding.state != "orphan":
                    progress.advance(task)
    summary = ", ".join(f"{count} {state}" for state, count in sorted(found.items()))
    console.print(f"Verified: {summary or 'nothing is stored'}.")
    return found["missing"] + found["damaged"]


async def _save(stream: MediaStream, output: Path) -> None:
    with _progress(DownloadColumn()) as progress:
        task = progress.add_task("Writing", total=stream.end - stream.start)
        file = await to_thread.run_sync(output.open, "wb")
        with file:
            async with aclosing(stream.chunks) as chunks:
                async for chunk in chunks:
                    await to_thread.run_sync(file.write, chunk)
                    progress.advance(task, len(chunk))


def _progress(*columns: DownloadColumn | MofNCompleteColumn) -> Progress:
    # On standard error, and gone at the end: what a command prints can be piped.
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *columns,
        console=Console(stderr=True),
        transient=True,
    )


def _table(references: list[MediaReference]) -> Table:
    # Whole in a terminal of any width: the id is what the next command asks for.
    identifier = Column("id", min_width=36, no_wrap=True)
    table = Table(identifier, "name", "type", "pixels", "bytes", box=None, header_style="bold")
    for reference in references:
        pixels = f"{reference.width}×{reference.height}" if reference.width else ""
        table.add_row(
            reference.id,
            escape(reference.display_name or ""),
            reference.mime_type,
            pixels,
            f"{reference.size:,}",
        )
    return table
