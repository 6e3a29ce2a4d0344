"""The command line: ``coatcheck``."""

import sys

__all__ = ["main"]

_EXTRA = frozenset({"pydantic", "pydantic_settings", "rich", "typer"})


def main() -> None:
    """Run a command, or say which extra brings it."""
    try:
        from coatcheck.cli.commands import main as run  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        sys.exit(
            f"The command line needs '{error.name}'. Install it with: pip install 'coatcheck[cli]'"
        )
    run()
