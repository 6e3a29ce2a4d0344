"""The command line ``coatcheck``, and helpers for other commands that run a server."""

import sys
from typing import TYPE_CHECKING

from coatcheck.lazy import lazily

if TYPE_CHECKING:
    from coatcheck.cli.running import Host, Port, Version, run, serve

__all__ = ["Host", "Port", "Version", "main", "run", "serve"]

if not TYPE_CHECKING:  # a type checker would take any name for one of these
    __getattr__ = lazily(
        __name__, {"coatcheck.cli.running": ["Host", "Port", "Version", "run", "serve"]}
    )

_EXTRA = frozenset({"pydantic", "pydantic_settings", "rich", "typer"})


def main() -> None:
    """Run a command, or say which extra contains it."""
    try:
        from coatcheck.cli.commands import main as command  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        sys.exit(
            f"The command line needs '{error.name}'. Install it with: pip install 'coatcheck[cli]'"
        )
    command()
