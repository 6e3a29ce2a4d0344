"""Runs the commands of a page in a shell, one after the other, as its reader types them.

A ``console`` block has commands behind ``$ `` and what they print behind that, where ``…`` stands
for anything. An ``sh`` block is a script. Environment and directory last from one command to the
next. The ports that a page names are replaced by free ones, ``/var/lib`` by a directory.
"""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.docs.blocks import Block
from tests.docs.fixtures import provide

COMMAND_SECONDS: Final = 60
STATE: Final = ".state"
# What a shell leaves for the next one.
_WRAPPED: Final = """set -euo pipefail
[ ! -f "$STATE" ] || . "$STATE"
{command}
{{ export -p; printf 'cd %q\\n' "$PWD"; }} > "$STATE"
"""


@dataclass
class Shell:
    """A directory in which a page's blocks are run; leave it by `close`."""

    directory: Path
    environment: Mapping[str, str]
    ports: dict[str, str] = field(default_factory=dict)
    _servers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def run(self, block: Block) -> None:
        """Run the block's commands.

        Raises:
            AssertionError: one of them fails, or prints something else than the page says.
        """
        for name in block.needs:
            provide(name, self.directory)
        port = block.marks.get("keeps running")
        commands = list(commands_of(block))
        for number, (command, expected) in enumerate(commands, 1):
            if port and number == len(commands):
                self._serve(block, command, self.ports[port])
            else:
                self._finish(block, command, expected)

    def find_ports(self, blocks: Iterable[Block]) -> None:
        """Choose a free port for each that these blocks' servers listen on."""
        for block in blocks:
            if port := block.marks.get("keeps running"):
                self.ports.setdefault(port, str(free_port()))

    def write(self, block: Block) -> None:
        """Write the file that the block is."""
        path = self.directory / block.marks["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self._localised(block.text), "utf-8")

    def close(self) -> None:
        """Stop what still runs."""
        for port in list(self._servers):
            self._stop(port)

    def _localised(self, text: str) -> str:
        for port, free in self.ports.items():
            text = re.sub(rf"\b{port}\b", free, text)
        return text.replace("/var/lib/", f"{self.directory}/")

    def _finish(self, block: Block, command: str, expected: str) -> None:
        done = subprocess.run(
            ["bash", "-c", _WRAPPED.format(command=self._localised(command))],
            cwd=self.directory,
            env={**self.environment, "STATE": str(self.directory / STATE)},
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        told = f"{block.name}: {command}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == 0, told
        if expected:
            pattern = _pattern(self._localised(expected))
            assert re.fullmatch(pattern, done.stdout.strip(), re.DOTALL), told

    def _stop(self, port: str) -> None:
        """As Ctrl+C does it."""
        server = self._servers.pop(port, None)
        if server is None or server.poll() is not None:
            return
        os.killpg(server.pid, signal.SIGINT)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()

    def _serve(self, block: Block, command: str, port: str) -> None:
        self._stop(port)
        log = self.directory / f"{port}.log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                ["bash", "-c", _WRAPPED.format(command=self._localised(command))],
                cwd=self.directory,
                env={**self.environment, "STATE": str(self.directory / STATE)},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._servers[port] = server
        deadline = time.monotonic() + COMMAND_SECONDS
        while not _answers(port):
            assert server.poll() is None, f"{block.name}: {command}\n{log.read_text()}"
            assert time.monotonic() < deadline, f"{block.name}: nothing listens on {port}"
            time.sleep(0.05)


@contextmanager
def shell_in(
    directory: Path, *, home: Path = Path(sys.prefix), **variables: str
) -> Iterator[Shell]:
    """A shell whose `coatcheck`, `python` and `.venv/bin` are those of the environment `home`."""
    (directory / ".venv").symlink_to(home)
    # What a server answers with an error is an error of the command.
    (directory / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\nmax-time = 30\n")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COATCHECK_", "VIRTUAL_ENV", "PYTHON"))
    }
    environment = kept | {
        "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "CURL_HOME": str(directory),
        "COLUMNS": "100",
        "NO_COLOR": "1",
        **variables,
    }
    shell = Shell(directory, environment)
    try:
        yield shell
    finally:
        shell.close()


def commands_of(block: Block) -> Iterator[tuple[str, str]]:
    """Each command of a block, and what the page says that it prints."""
    if block.language == "sh":
        yield block.text, ""
        return
    command, printed = "", ""
    for line in block.text.splitlines():
        if _goes_on(command):
            command += "\n" + line
        elif line.startswith("$ "):
            if command:
                yield command, printed.strip()
            command, printed = line.removeprefix("$ "), ""
        else:
            assert command or not line.strip(), f"{block.name}: it does not begin with a command"
            printed += line + "\n"
    yield command, printed.strip()


def _goes_on(command: str) -> bool:
    if command.endswith("\\"):
        return True
    try:
        shlex.split(command, comments=True)
    except ValueError:  # a quotation is open
        return True
    return False


def _pattern(printed: str) -> str:
    return ".*".join(re.escape(part) for part in printed.split("…"))


def _answers(port: str) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", int(port))) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
