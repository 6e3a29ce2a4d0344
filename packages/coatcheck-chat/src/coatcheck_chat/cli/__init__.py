"""The command line: ``coatcheck-chat``."""

from coatcheck_chat.cli.commands import app, demo, main

__all__ = ["app", "demo", "main"]
