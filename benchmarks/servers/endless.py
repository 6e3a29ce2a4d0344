"""Request heads that never end, and what each server does about them."""

import contextlib
import socket
import time
from dataclasses import dataclass
from threading import Thread

from benchmarks.peers.client import get
from benchmarks.peers.contenders import Contender
from benchmarks.peers.processes import family, resident_bytes

_SECONDS = 4.0
_PIECE = 64 * 1024
_TIMEOUT = 0.5
_OPENING = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
HEADERS = b"".join(b"x-%06d: %s\r\n" % (number, b"a" * 48) for number in range(1024))
VALUE = b"a" * _PIECE


@dataclass(frozen=True, slots=True)
class Head:
    """What came of one head without an end.

    Attributes:
        taken: bytes that the server read.
        growth: bytes by which its processes grew.
        ended: whether the server ended the connection.
        healthz: the longest that another client waited for an answer, in seconds.
    """

    taken: int
    growth: int
    ended: bool
    healthz: float

    def __str__(self) -> str:
        end = "ended by the server" if self.ended else "still open"
        return (
            f"{self.taken / 2**20:.1f} MiB read, {self.growth / 2**20:+.0f} MiB of memory,"
            f" {end}; /healthz within {self.healthz:.2f} s"
        )


def pour(server: Contender, opening: bytes, piece: bytes) -> Head:
    """Send `piece` over and over after `opening`, for a while or until the server hangs up."""
    before = resident_bytes(family(server.pid))
    taken, ended, slowest = 0, False, 0.0
    with socket.socket() as one:
        one.settimeout(_TIMEOUT)
        one.connect(("127.0.0.1", server.port))
        end = time.monotonic() + _SECONDS
        next_visit = time.monotonic()
        one.sendall(_OPENING + opening)
        while time.monotonic() < end and not ended:
            try:
                taken += one.send(piece)
            except TimeoutError:
                continue
            except OSError:
                ended = True
            if time.monotonic() >= next_visit:
                start = time.monotonic()
                get(server.port, "/healthz")
                slowest = max(slowest, time.monotonic() - start)
                next_visit = time.monotonic() + _TIMEOUT
        growth = resident_bytes(family(server.pid)) - before
    start = time.monotonic()
    get(server.port, "/healthz")
    return Head(taken, growth, ended, max(slowest, time.monotonic() - start))


class IdleHead:
    """A connection on which half a head was sent, and then nothing.

    Args:
        server: gets the half.
        seconds: how long its end is waited for, in a thread.
    """

    def __init__(self, server: Contender, seconds: float) -> None:
        self._seconds = seconds
        self._ended: float | None = None
        self._thread = Thread(target=self._wait, args=(server.port,), daemon=True)
        self._thread.start()

    def outcome(self) -> str:
        """When the server ended it."""
        self._thread.join()
        if self._ended is None:
            return f"still open after {self._seconds:.0f} s"
        return f"ended after {self._ended:.0f} s"

    def _wait(self, port: int) -> None:
        start = time.monotonic()
        with socket.socket() as one:
            one.settimeout(self._seconds)
            one.connect(("127.0.0.1", port))
            one.sendall(_OPENING)
            with contextlib.suppress(ConnectionError, TimeoutError):
                while one.recv(_PIECE):
                    pass
        took = time.monotonic() - start
        self._ended = took if took < self._seconds else None
