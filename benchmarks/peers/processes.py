"""Servers as processes: started on loopback, watched through /proc, stopped with their children."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_START_SECONDS = 90.0
_STOP_SECONDS = 8.0
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class UnavailableError(Exception):
    """A contender cannot take part; the message says why."""


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(
    command: Sequence[str | Path], *, port: int, log: Path, environment: Mapping[str, str]
) -> Iterator[int]:
    """A server that listens on `port`, as its process id; it and its children end with the context.

    Raises:
        UnavailableError: it ends or does not listen in time; the message has its last words.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _await_port(process, port, log)
        yield process.pid
    finally:
        _stop(process)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, its children, and theirs, the ended ones included."""
    ticks = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            ticks += sum(int(field) for field in _status(one)[11:15])
    return ticks / _TICKS


def resident_bytes(pids: Sequence[int]) -> int:
    """Resident memory of some processes together; what they share counts for each."""
    pages = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            pages += int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * _PAGE_BYTES


def family(pid: int) -> list[int]:
    """A process and all of its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                children.setdefault(int(_status(int(entry.name))[1]), []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


class OtherWork:
    """Watches what processes other than this one and its descendants do meanwhile."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._busy = _busy_seconds()
        self._own = sum(os.times()[:4])

    def share(self) -> float:
        """Their share of the machine's CPU time; 1 is all of its cores.

        Descendants count as ours once they have ended and been waited for.
        """
        busy = _busy_seconds() - self._busy
        own = sum(os.times()[:4]) - self._own
        cores = os.cpu_count() or 1
        return max(busy - own, 0.0) / (time.monotonic() - self._start) / cores


def _busy_seconds() -> float:
    # proc(5): user, nice, system, idle, iowait, irq, softirq, ...
    fields = [
        int(field) for field in Path("/proc/stat").read_text("ascii").split("\n")[0].split()[1:]
    ]
    return (sum(fields[:3]) + sum(fields[5:7])) / _TICKS


def _status(pid: int) -> list[str]:
    # The fields of proc(5) from the third on: the second is a name in brackets, with any content.
    return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()


def _await_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    give_up = time.monotonic() + _START_SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.connect(("127.0.0.1", port))
            return
        time.sleep(0.05)
    last_words = log.read_text("utf-8", "replace").strip().splitlines()[-1:] or ["no output"]
    raise UnavailableError(f"does not start: {last_words[0]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    # The server leads a session of its own: the signal reaches its workers, and nobody else.
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
