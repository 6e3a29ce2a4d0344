"""Load on one server for a while, and what it cost the server."""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import install
from benchmarks.peers.client import prepare
from benchmarks.peers.contenders import Contender
from benchmarks.peers.processes import UnavailableError, cpu_seconds

CONNECTIONS = 16
_REQUESTS = re.compile(r"(\d+) requests in ([\d.]+)(ms|s|m)")
_ERRORS = re.compile(r"Non-2xx or 3xx responses: (\d+)")
_SOCKET_ERRORS = re.compile(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}


@dataclass(frozen=True, slots=True)
class Load:
    """One round.

    Attributes:
        answers: how many came.
        errors: how many of them said so, or did not come whole.
        seconds: wall clock.
        cpu: CPU seconds of the server and its children.
    """

    answers: int
    errors: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answers / self.seconds

    @property
    def per_core(self) -> float:
        """Answers per second of CPU time."""
        return self.answers / max(self.cpu, 0.01)


def generator() -> Path | None:
    """The load generator wrk, where it is to be had."""
    try:
        return install.debian_program("wrk", "wrk", "libluajit-5.1-2")
    except UnavailableError:
        return None


def hammer(
    server: Contender, path: str, *, seconds: int, headers: Mapping[str, str] | None = None
) -> Load:
    """Ask a server the same for a while on `CONNECTIONS` connections."""
    wrk = generator()
    before = cpu_seconds(server.pid)
    if wrk is None:
        answers, errors, took = _with_client(server.port, path, seconds, headers or {})
    else:
        answers, errors, took = _with_wrk(wrk, server.port, path, seconds, headers or {})
    return Load(answers, errors, took, cpu_seconds(server.pid) - before)


def _with_wrk(
    wrk: Path, port: int, path: str, seconds: int, headers: Mapping[str, str]
) -> tuple[int, int, float]:
    extra = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    options = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", *extra]
    output = subprocess.run(
        [wrk, *options, f"http://127.0.0.1:{port}{path}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 30,
        env=install.library_path(),
    ).stdout
    total = _REQUESTS.search(output)
    if total is None:
        raise RuntimeError(f"wrk says: {output}")
    refused = _ERRORS.search(output)
    broken = _SOCKET_ERRORS.search(output)
    errors = int(refused[1]) if refused else 0
    errors += sum(int(count) for count in broken.groups()) if broken else 0
    return int(total[1]), errors, float(total[2]) * _UNITS[total[3]]


def _with_client(
    port: int, path: str, seconds: int, headers: Mapping[str, str]
) -> tuple[int, int, float]:
    with tempfile.NamedTemporaryFile() as request:
        request.write(prepare(path, headers))
        request.flush()
        arguments = (port, CONNECTIONS, seconds, request.name)
        output = subprocess.run(
            [sys.executable, "-m", "benchmarks.peers.client", *map(str, arguments)],
            capture_output=True,
            check=True,
            timeout=seconds + 30,
        ).stdout
    answers, errors, took = json.loads(output)
    return answers, errors, took
