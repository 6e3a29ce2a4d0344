"""Several server processes on one listening socket, and the process that keeps them running.

A worker is a program of its own. It inherits the listening socket and a socket to the supervisor,
over which it says that it answers requests. The same socket ends the worker when the supervisor is
gone, however that came about.
"""

import logging
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import anyio
from anyio import CancelScope
from anyio.abc import Process

GRACE_SECONDS: Final = 15.0
"""How long workers may take to finish what they are doing, once they are told to stop. They give
their own requests less."""

_SOON: Final = 5.0  # a worker that ends within so many seconds is not replaced at once
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_log: Final = logging.getLogger("uvicorn.error")


def supervise(
    command: Callable[[int, int, int, Path], Sequence[str]],
    listener: socket.socket,
    count: int,
    *,
    on_started: Callable[[], object],
) -> None:
    """Keep `count` workers running until SIGINT or SIGTERM, then end by the same signal.

    The first worker starts alone: what keeps it from starting would keep the others, too.

    Args:
        command: returns the command of a worker, given its number from 1, the descriptors of the
            listening socket and of the socket to the supervisor, and a directory for the workers.
        listener: the listening socket.
        count: how many workers.
        on_started: called once all of them answer requests.

    Raises:
        SystemExit: the first worker could not start, and has said why; with its exit code.
    """
    with TemporaryDirectory(prefix="coatcheck-") as directory:
        supervisor = _Supervisor(
            lambda number, channel: command(number, listener.fileno(), channel, Path(directory)),
            listener,
        )
        received = anyio.run(supervisor.run, count, on_started)
    if received is not None:
        signal.raise_signal(received)


class _Supervisor:
    def __init__(
        self, command: Callable[[int, int], Sequence[str]], listener: socket.socket
    ) -> None:
        self._command = command
        self._listener = listener
        self._running: set[Process] = set()
        self._stopping = anyio.Event()
        self._received: int | None = None

    async def run(self, count: int, on_started: Callable[[], object]) -> int | None:
        """Return the signal that ended it."""
        failure: list[int] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._await_signal, tasks.cancel_scope)
            for number in range(1, count + 1):
                ready = anyio.Event()
                tasks.start_soon(self._keep, number, ready, failure)
                await ready.wait()
                if self._stopping.is_set() or failure:
                    break
            else:
                on_started()
            if failure:
                tasks.cancel_scope.cancel()
        if failure:
            sys.exit(failure[0])
        return self._received

    async def _await_signal(self, scope: CancelScope) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for number in signals:
                if self._stopping.is_set():  # a second time: at once
                    self._signal(signal.SIGKILL)
                    continue
                self._stopping.set()
                self._received = number
                self._signal(signal.SIGTERM)
                scope.deadline = anyio.current_time() + GRACE_SECONDS

    def _signal(self, number: signal.Signals) -> None:
        for process in self._running:
            if process.returncode is None:
                process.send_signal(number)

    async def _keep(self, number: int, ready: anyio.Event, failure: list[int]) -> None:
        """Run a worker, and another one when it ends."""
        pause = 0.0
        while not self._stopping.is_set():
            began = time.monotonic()
            async with self._worker(number) as (process, channel):
                if await _says_started(channel):
                    ready.set()
                code = await process.wait()
            if self._stopping.is_set():
                break
            if not ready.is_set():
                failure.append(code)
                break
            soon = time.monotonic() - began < _SOON
            pause = min(max(2 * pause, _FIRST_PAUSE), _LONGEST_PAUSE) if soon else 0.0
            _log.error(
                "Worker %d ended with exit code %d and is replaced%s.",
                number,
                code,
                f" in {pause:.1f} s" if pause else "",
            )
            await anyio.sleep(pause)
        ready.set()

    @asynccontextmanager
    async def _worker(self, number: int) -> AsyncIterator[tuple[Process, socket.socket]]:
        ours, theirs = socket.socketpair()
        with ours:
            ours.setblocking(False)
            with theirs:
                process = await anyio.open_process(
                    self._command(number, theirs.fileno()),
                    stdin=None,
                    stdout=None,
                    stderr=None,
                    pass_fds=(self._listener.fileno(), theirs.fileno()),
                    start_new_session=True,  # Ctrl+C is for the supervisor, which tells the others
                )
            self._running.add(process)
            try:
                yield process, ours
            finally:
                self._running.discard(process)
                with anyio.CancelScope(shield=True):
                    if process.returncode is None:
                        process.kill()
                    await process.wait()


async def _says_started(channel: socket.socket) -> bool:
    await anyio.wait_readable(channel)
    try:
        return bool(channel.recv(1))
    except ConnectionError:
        return False
