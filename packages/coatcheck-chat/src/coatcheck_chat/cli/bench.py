"""``bench``: the commands that measure."""

from pathlib import Path
from typing import Annotated

import anyio
import typer

app = typer.Typer(help="Measure on this machine what references save.", no_args_is_help=True)


@app.callback()
def options() -> None:
    """Measure on this machine what references save."""


@app.command()
def stream(
    *,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Leave out what is measured in a browser.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="In the browser: everything. Takes a quarter of an hour.")
    ] = False,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="Folder for the figures as JSON and Markdown, the chart as SVG."
        ),
    ] = Path("coatcheck-bench"),
) -> None:
    """Compare pictures as base64 with references: socket, parsing, model, database, browser."""
    from coatcheck_chat.cli import stream_cost  # noqa: PLC0415 - help answers without the database

    anyio.run(stream_cost.run, output)
    if not no_browser:
        raise typer.Exit(stream_cost.run_browser(output, full=full))
