"""Run commands: common options, servers, and errors as one line."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from coatcheck.errors import CoatcheckError, ConfigurationError, StorageError
from coatcheck.version import __version__

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from coatcheck.server.settings import ServiceSettings, Settings

_UNUSABLE_DATA = 2


def _print_version(asked: bool) -> None:  # noqa: FBT001 - Typer's signature
    """Print the version and exit, if the option is given."""
    if asked:
        typer.echo(__version__)
        raise typer.Exit


Host = Annotated[str, typer.Option(help="Address to listen on.")]
"""The option ``--host``."""

Port = Annotated[int, typer.Option(help="Port to listen on.", envvar="PORT", min=0, max=65535)]
"""The option ``--port``, or the variable PORT."""

Version = Annotated[
    bool,
    typer.Option(
        "--version", help="Print the version and exit.", is_eager=True, callback=_print_version
    ),
]
"""The option ``--version``, which prints the version and exits."""


def run(app: typer.Typer) -> None:
    """Run a command; a `CoatcheckError` becomes one line on standard error and exit code 1."""
    try:
        app()
    except CoatcheckError as error:
        _tell(error, error.message)
        sys.exit(1)


def serve(
    create_app: Callable[[list[str]], "ASGIApp"],
    settings: "Settings",
    host: str,
    port: int,
    *,
    name: str,
    details: Sequence[str] = (),
    open_browser: bool = False,
) -> None:
    """Serve an application until it is interrupted.

    Args:
        create_app: makes the application from the host names that it answers to.
        settings: the settings.
        host: the address to listen on.
        port: the port to listen on; 0 for a free one.
        name: the server's name in the first line on the terminal.
        details: more lines for the terminal.
        open_browser: open its page in a browser, if there is a screen.

    Raises:
        ConfigurationError: the port is taken, a setting cannot be used, or the extra ``server`` is
            not installed.
        typer.Exit: with code 2, after a message, if the data directory cannot be used.
    """
    with _server(settings) as running:
        running.run_server(
            create_app,
            settings,
            host,
            port,
            name=name,
            details=details,
            open_browser=open_browser,
        )


def serve_with_workers(
    settings: "ServiceSettings", host: str, port: int, workers: int, *, name: str
) -> None:
    """Serve media with several processes until interrupted; raises what `serve` raises.

    Args:
        settings: the settings.
        host: the address to listen on.
        port: the port to listen on; 0 for a free one.
        workers: how many processes answer requests.
        name: the server's name in the first line on the terminal.
    """
    with _server(settings) as running:
        running.run_workers(
            settings, host, port, workers, name=name, command="coatcheck.cli.worker"
        )


def work(
    settings: "ServiceSettings",
    host: str,
    number: int,
    listener: int,
    channel: int,
    directory: Path,
) -> None:
    """Serve media as one of several processes; raises what `serve` raises.

    Args:
        settings: the settings.
        host: the address that is listened on.
        number: of this worker, from 1.
        listener: descriptor of the listening socket.
        channel: descriptor of the socket to the supervisor.
        directory: where the workers meet.
    """
    with _server(settings) as running:
        running.run_worker(settings, host, number, listener, channel, directory)


@contextmanager
def _server(settings: "Settings") -> Iterator[ModuleType]:
    try:
        from coatcheck.server import running  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"The server needs '{error.name}'. Install it with: pip install 'coatcheck[server]'"
        ) from error
    try:
        yield running
    except StorageError as error:  # its message has no path: it may reach a client elsewhere
        _tell(error, f"{settings.data.absolute()}: {error.message}")
        raise typer.Exit(_UNUSABLE_DATA) from None


def _tell(error: CoatcheckError, text: str) -> None:
    console = Console(stderr=True, soft_wrap=True)  # one line, also in a narrow terminal
    console.print(Text.assemble(("Error", "bold red"), f" ({error.code}): {text}"), highlight=False)
