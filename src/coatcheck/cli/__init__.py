"""The command line: ``coatcheck``."""

from coatcheck.cli.main import app, main

__all__ = ["app", "main"]
