"""``python -m coatcheck.cli.worker``: one of the processes of ``coatcheck serve --workers``.

The supervisor starts it, with descriptors that only it can pass on.
"""

from pathlib import Path

import typer

from coatcheck.cli import running
from coatcheck.server.settings import ServiceSettings, read_settings

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def work(host: str, number: int, listener: int, channel: int, directory: Path) -> None:
    """Serve media until told to stop."""
    running.work(read_settings(ServiceSettings), host, number, listener, channel, directory)


if __name__ == "__main__":
    running.run(app)
