"""The command and what its help says."""

from typing import TYPE_CHECKING, Annotated

import typer

from coatcheck.cli.running import Host, Port, data_of, print_version, run
from coatcheck_chat.cli import bench

if TYPE_CHECKING:
    from coatcheck_chat.settings import Settings

app = typer.Typer(
    name="coatcheck-chat",
    epilog="Data lives in .coatcheck/ unless COATCHECK_DATA says otherwise.",
    pretty_exceptions_enable=False,
)
app.add_typer(bench.app, name="bench")


def main() -> None:
    """Run the command; a `CoatcheckError` becomes one line on standard error."""
    run(app)


@app.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    *,
    host: Host = "127.0.0.1",
    port: Port = 8787,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the page in the browser.")
    ] = False,
    version: Annotated[  # noqa: ARG001 - the callback answers
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", is_eager=True, callback=print_version
        ),
    ] = False,
) -> None:
    """Serve the chat: the page, the WebSocket and the media. Needs no key and no network."""
    if context.invoked_subcommand is None:
        _serve(host, port, open_browser=open_browser)


def demo(host: str, port: int) -> None:
    """What `coatcheck demo` runs: the chat, opened in the browser."""
    _serve(host, port, open_browser=True)


def _serve(host: str, port: int, *, open_browser: bool) -> None:
    # Imported here: help answers without the database and the agent.
    from coatcheck.server.running import run_server  # noqa: PLC0415
    from coatcheck_chat.app import create_app  # noqa: PLC0415

    settings = _settings()
    with data_of(settings):
        run_server(
            lambda hosts: create_app(settings, allowed_hosts=hosts),
            settings,
            host,
            port,
            name="Coatcheck's chat",
            details=[f"Model: {settings.model}"],
            open_browser=open_browser,
        )


def _settings() -> "Settings":
    from coatcheck.server.settings import read_settings  # noqa: PLC0415 - as above
    from coatcheck_chat.settings import Settings  # noqa: PLC0415 - as above

    return read_settings(Settings)
