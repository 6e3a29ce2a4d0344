"""``migrate``: histories with pictures in them, scanned, rewritten and verified."""

from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

from anyio import TemporaryDirectory
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from coatcheck.errors import InvalidInputError
from coatcheck.legacy.modernizing import Scope
from coatcheck.migration.files import AllowedFiles
from coatcheck.migration.log import MigrationLog
from coatcheck.migration.opening import log_path, open_source, sqlite_path
from coatcheck.migration.rewrite import Summary, Walk, rewrite, scan
from coatcheck.migration.source import Source
from coatcheck.migration.verify import verify
from coatcheck.opening import Backends, open_backends
from coatcheck.server.settings import Settings

_MEGA = 1_000_000
_SHOWN_BROKEN = 20
_SHOWN_PLACES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Which history, and how it is treated; see the command's options."""

    source: str
    table: str | None
    column: str | None
    key: str | None
    log: Path | None
    files: Path | None
    owner: str | None
    vacuum: bool
    trust_schema: bool


async def scan_history(settings: Settings, history: History) -> None:
    """Print what `rewrite_history` would do; pictures are tried on a store that is thrown away."""
    _refuse_own(settings, history)
    async with (
        TemporaryDirectory(prefix="coatcheck-scan-") as directory,
        # What the owner has stored already does not count here.
        open_backends(
            replace(settings.store_options, data=Path(directory), owner_bytes=0)
        ) as backends,
        aclosing(await _open(history)) as source,
    ):
        walk = await _walk(backends, history)
        size = await source.size()
        with _progress() as progress:
            task = progress.add_task("Scanning", total=await source.count())
            summary = await scan(source, walk, advance=lambda rows: progress.advance(task, rows))
    _print(
        summary, "would be rewritten", "would become", size, size - summary.before + summary.after
    )


async def rewrite_history(settings: Settings, history: History) -> None:
    """Rewrite a history and print what was done."""
    _refuse_own(settings, history)
    async with (
        open_backends(settings.store_options) as backends,
        aclosing(await _open(history)) as source,
    ):
        log = _log(history)
        walk = await _walk(backends, history)
        size = await source.size()
        with _progress() as progress:
            task = progress.add_task("Rewriting", total=await source.count())
            summary = await rewrite(
                source,
                walk,
                log,
                advance=lambda rows: progress.advance(task, rows),
                compact=history.vacuum,
            )
        _print(summary, "rewritten", "became", size, await source.size())
    Console().print(f"Log: {escape(str(log.path))}", highlight=False, soft_wrap=True)


async def verify_history(settings: Settings, history: History) -> int:
    """Check a rewritten history, print what is wrong, and return how much that is."""
    async with (
        open_backends(settings.store_options) as backends,
        aclosing(await _open(history)) as source,
    ):
        with _progress() as progress:
            task = progress.add_task("Verifying", total=await source.count())
            findings = await verify(
                source,
                backends.store,
                _log(history),
                advance=lambda rows: progress.advance(task, rows),
            )
    complaints = Console(stderr=True)
    for broken in findings.broken[:_SHOWN_BROKEN]:
        complaints.print(f"[bold red]broken[/] {_shown(broken)}", highlight=False, soft_wrap=True)
    if len(findings.broken) > _SHOWN_BROKEN:
        complaints.print(f"and {len(findings.broken) - _SHOWN_BROKEN:,} more")
    Console().print(
        f"Verified: {findings.rows:,} rows, {findings.references:,} references read back,"
        f" {findings.originals:,} pictures as in the backup, {findings.inline:,} inline still,"
        f" {len(findings.broken):,} broken.",
        highlight=False,
        soft_wrap=True,
    )
    return len(findings.broken)


async def _open(history: History) -> Source:
    return await open_source(
        history.source,
        table=history.table,
        column=history.column,
        key=history.key,
        trust_schema=history.trust_schema,
    )


async def _walk(backends: Backends, history: History) -> Walk:
    files = (
        None
        if history.files is None
        else await AllowedFiles.open(history.files, backends.store, owner=history.owner)
    )
    return Walk(backends.store, Scope(owner=history.owner), None if files is None else files.read)


def _log(history: History) -> MigrationLog:
    return MigrationLog(history.log or log_path(history.source))


def _refuse_own(settings: Settings, history: History) -> None:
    path = sqlite_path(history.source)
    own = settings.data / "catalog.sqlite3"
    if path is not None and path.exists() and own.exists() and path.samefile(own):
        raise InvalidInputError(
            "This is Coatcheck's own catalog: it rewrites its conversations itself when they are"
            " read."
        )


def _progress() -> Progress:
    # On standard error, and gone at the end: what a command prints can be piped.
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _print(summary: Summary, done: str, became: str, before: int, after: int) -> None:
    table = Table(box=None, show_header=False)
    table.add_row("rows with text", f"{summary.rows:,}")
    table.add_row(f"rows {done}", f"{summary.changed:,}")
    table.add_row("images found", f"{summary.images:,}")
    table.add_row("MB in these rows", _change(summary.before, summary.after))
    table.add_row("MB of the whole", _change(before, after))
    for reason, count in sorted(summary.left.items()):
        table.add_row(f"stays: {reason}", f"{count:,}")
    table.add_row(f"strings that {became} objects", f"{summary.retyped:,}")
    console = Console()
    console.print(table, highlight=False)
    for key, pointer in summary.places[:_SHOWN_PLACES]:
        place = f"  row {key}: {pointer or 'the whole text'}"
        console.print(_shown(place), highlight=False, soft_wrap=True)
    if summary.retyped > _SHOWN_PLACES:
        console.print(f"  and {summary.retyped - _SHOWN_PLACES:,} more")


def _shown(text: str) -> str:
    """A text for the console; a history may name rows and members with what moves the cursor."""
    return escape("".join(one if one.isprintable() else ascii(one)[1:-1] for one in text))


def _change(before: int, after: int) -> str:
    return f"{before / _MEGA:,.2f} before, {after / _MEGA:,.2f} after"
