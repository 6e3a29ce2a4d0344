"""The benchmarks of the chat's own page: its server, and their command line."""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from benchmarks.peers.processes import UnavailableError, free_port, started


class Run(Protocol):
    """Measures, prints and writes."""

    def __call__(self, output: Path, *, rounds: int, scale: float) -> None:
        """Run a benchmark.

        Args:
            output: folder for what is written.
            rounds: how often each setting is measured.
            scale: device pixels of a CSS pixel.

        Raises:
            UnavailableError: a browser is missing, or the chat does not start.
        """
        ...


@contextmanager
def running_chat() -> Iterator[str]:
    """Run the chat on an empty directory and return its URL, without a slash at the end.

    Raises:
        UnavailableError: the chat does not start.
    """
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        command = [sys.executable, "-m", "coatcheck_chat", "--port", str(port)]
        environment = {"COATCHECK_DATA": str(folder / "data")}
        with started(command, port=port, log=folder / "log", environment=environment):
            yield f"http://127.0.0.1:{port}"


def command_line(name: str, run: Run, *, rounds: int, each: str, title: str) -> None:
    """Run a benchmark with the options of the command line.

    Args:
        name: of its module.
        run: the benchmark.
        rounds: how many by default.
        each: what there are so many of for each slow-down.
        title: what an error names it.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.browser.{name}")
    parser.add_argument("--output", type=Path, default=Path("benchmarks-results"))
    parser.add_argument("--rounds", type=int, default=rounds, help=f"{each} for each slow-down")
    parser.add_argument("--scale", type=float, default=1.0, help="device pixels of a CSS pixel")
    arguments = parser.parse_args()
    try:
        run(arguments.output, rounds=arguments.rounds, scale=arguments.scale)
    except UnavailableError as error:
        sys.exit(f"{title}: {error}")
