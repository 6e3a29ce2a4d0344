"""The command and what its help says."""

from typing import Annotated

import typer

import coatcheck.cli
from coatcheck.cli import Host, Port, Version
from coatcheck_chat.cli import bench

app = typer.Typer(
    name="coatcheck-chat",
    epilog="Data lives in .coatcheck/ unless COATCHECK_DATA says otherwise.",
    pretty_exceptions_enable=False,
)
app.add_typer(bench.app, name="bench")


def main() -> None:
    """Run the command; a `CoatcheckError` becomes one line on standard error."""
    coatcheck.cli.run(app)


@app.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    *,
    host: Host = "127.0.0.1",
    port: Port = 8787,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the page in the browser.")
    ] = False,
    version: Version = False,  # noqa: ARG001 - its callback answers
) -> None:
    """Serve the chat: the page, the WebSocket and the media. Needs no key and no network."""
    if context.invoked_subcommand is None:
        _serve(host, port, open_browser=open_browser)


def demo(host: str, port: int) -> None:
    """Run `coatcheck demo`: the chat, opened in the browser."""
    _serve(host, port, open_browser=True)


def _serve(host: str, port: int, *, open_browser: bool) -> None:
    # Imported here: help answers without the database and the agent.
    from coatcheck.server import read_settings  # noqa: PLC0415
    from coatcheck_chat.app import create_app  # noqa: PLC0415
    from coatcheck_chat.settings import Settings  # noqa: PLC0415

    settings = read_settings(Settings)
    coatcheck.cli.serve(
        lambda hosts: create_app(settings, allowed_hosts=hosts),
        settings,
        host,
        port,
        name="Coatcheck's chat",
        details=[f"Model: {settings.model}"],
        open_browser=open_browser,
    )
