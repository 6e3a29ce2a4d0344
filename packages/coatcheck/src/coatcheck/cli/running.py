"""How a command runs: options in common, the version, and errors as one line."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from coatcheck.errors import CoatcheckError, StorageError
from coatcheck.version import __version__

if TYPE_CHECKING:
    from coatcheck.server.settings import Settings

_UNUSABLE_DATA = 2

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(help="Port to listen on.", envvar="PORT", min=0, max=65535)]


def run(app: typer.Typer) -> None:
    """Run a command; a `CoatcheckError` becomes one line on standard error and exit code 1."""
    try:
        app()
    except CoatcheckError as error:
        _tell(error, error.message)
        sys.exit(1)


@contextmanager
def data_of(settings: "Settings") -> Iterator[None]:
    """End a server whose data cannot be used with exit code 2, and name the directory."""
    try:
        yield
    except StorageError as error:  # its message has no path: it may reach a client elsewhere
        _tell(error, f"{settings.data.absolute()}: {error.message}")
        raise typer.Exit(_UNUSABLE_DATA) from None


def _tell(error: CoatcheckError, text: str) -> None:
    console = Console(stderr=True, soft_wrap=True)  # one line, also in a narrow terminal
    console.print(Text.assemble(("Error", "bold red"), f" ({error.code}): {text}"), highlight=False)


def print_version(asked: bool) -> None:  # noqa: FBT001 - Typer's signature
    """Print the version and end, if that is asked for."""
    if asked:
        typer.echo(__version__)
        raise typer.Exit
