"""The commands and what their help says.

What a command needs is imported when it runs: help and completion answer without the database.
"""

from enum import StrEnum
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import anyio
import typer
from rich.console import Console

from coatcheck.cli import running
from coatcheck.cli.running import Host, Port, Version
from coatcheck.errors import ConfigurationError

if TYPE_CHECKING:
    from coatcheck.server.settings import Settings

app = typer.Typer(
    name="coatcheck",
    help="Keep pictures out of an AI application's message stream.",
    epilog="Data lives in .coatcheck/ unless COATCHECK_DATA says otherwise.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

_INTERRUPTED = 130  # 128 and the number of SIGINT, as shells have it


def main() -> None:
    """Run a command; a `CoatcheckError` becomes one line on standard error and exit code 1."""
    running.run(app)


@app.callback()
def options(*, version: Version = False) -> None:
    """Keep pictures out of an AI application's message stream."""


@app.command()
def demo(host: Host = "127.0.0.1", port: Port = 8787) -> None:
    """Start the chat of coatcheck-chat and open it in the browser. Needs no key and no network."""
    found = entry_points(group="coatcheck.demo")
    if not found:
        raise ConfigurationError(
            "The demo is a package of its own. Install it with: pip install coatcheck-chat"
        )
    next(iter(found)).load()(host, port)


@app.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8787,
    workers: Annotated[
        int, typer.Option(help="Processes that answer requests.", min=1, max=64)
    ] = 1,
) -> None:
    """Start the media service: upload, originals, thumbnails and variants over HTTP."""
    from coatcheck.server.app import create_app  # noqa: PLC0415 - see above
    from coatcheck.server.settings import (  # noqa: PLC0415 - see above
        ServiceSettings,
        read_settings,
    )

    settings, name = read_settings(ServiceSettings), "Coatcheck's media service"
    if workers > 1:
        running.serve_with_workers(settings, host, port, workers, name=name)
        return
    running.serve(
        lambda hosts: create_app(settings, allowed_hosts=hosts), settings, host, port, name=name
    )


@app.command()
def put(
    files: Annotated[list[Path], typer.Argument(help="Files to store.", metavar="FILE...")],
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each reference as one line of JSON.")
    ] = False,
) -> None:
    """Store files and print their references.

    A file that is refused is reported, the others are stored, and the exit code is 1.
    """
    from coatcheck.cli import media  # noqa: PLC0415 - see above

    refused = anyio.run(media.put, _settings(), files, as_json)
    raise typer.Exit(1 if refused else 0)


@app.command()
def get(
    reference_id: Annotated[str, typer.Argument(help="The id of a reference.", metavar="ID")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write; standard output without it."),
    ] = None,
) -> None:
    """Write the original bytes of a reference to a file or to standard output."""
    from coatcheck.cli import media  # noqa: PLC0415 - see above

    anyio.run(media.get, _settings(), reference_id, output)


@app.command()
def verify() -> None:
    """Hash every stored blob anew; report missing and damaged ones.

    The exit code is 1 if there are any. Orphans, which a crash may leave, are counted and harmless.
    """
    from coatcheck.cli import media  # noqa: PLC0415 - see above

    broken = anyio.run(media.verify, _settings())
    raise typer.Exit(1 if broken else 0)


class MigrateMode(StrEnum):
    """The modes of ``migrate``."""

    SCAN = "scan"
    REWRITE = "rewrite"
    VERIFY = "verify"


@app.command()
def migrate(
    source: Annotated[
        str,
        typer.Argument(
            help="A JSONL file, a SQLite database (path or sqlite:///path) or postgresql://…"
        ),
    ],
    mode: Annotated[
        MigrateMode, typer.Argument(help="Report, rewrite, or check what was rewritten.")
    ] = MigrateMode.SCAN,
    *,
    table: Annotated[str | None, typer.Option(help="The table, for a database.")] = None,
    column: Annotated[str | None, typer.Option(help="Its column with JSON or text.")] = None,
    key: Annotated[
        str | None, typer.Option(help="A column that names rows; else the primary key or rowid.")
    ] = None,
    files: Annotated[
        Path | None, typer.Option(help="The only directory that named files are read from.")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Whom the media belongs to.")] = None,
    log: Annotated[
        Path | None, typer.Option(help="Where rewritten rows are listed; else beside the source.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With rewrite: report only, as scan does.")
    ] = False,
    vacuum: Annotated[
        bool, typer.Option("--vacuum/--no-vacuum", help="Give the room back to the disk.")
    ] = True,
    trust_schema: Annotated[
        bool,
        typer.Option(
            "--trust-schema",
            help="For your own SQLite database: its triggers may use virtual tables and functions.",
        ),
    ] = False,
) -> None:
    """Take the pictures out of an old history, references in their place.

    An interrupted rewrite goes on where it was when it is run again.
    """
    from coatcheck.cli import migrate as command  # noqa: PLC0415 - see above

    history = command.History(
        source=source,
        table=table,
        column=column,
        key=key,
        log=log,
        files=files,
        owner=owner,
        vacuum=vacuum,
        trust_schema=trust_schema,
    )
    try:
        if mode is MigrateMode.VERIFY:
            broken = anyio.run(command.verify_history, _settings(), history)
            raise typer.Exit(1 if broken else 0)
        if mode is MigrateMode.SCAN or dry_run:
            anyio.run(command.scan_history, _settings(), history)
        else:
            anyio.run(command.rewrite_history, _settings(), history)
    except KeyboardInterrupt:
        Console(stderr=True).print("Stopped. What is rewritten stays so; run this again to go on.")
        raise typer.Exit(_INTERRUPTED) from None


def _settings() -> "Settings":
    from coatcheck.server.settings import Settings, read_settings  # noqa: PLC0415 - see above

    return read_settings(Settings)
