"""A pool of worker processes that can be killed at any time.

A pool of `concurrent.futures` cannot end a single task that hangs, breaks as a whole when one
process dies, unpickles what a worker sends, and imports the application's main module again in each
child. Here, a worker is a plain subprocess with a bounded pipe protocol (``wire.py``).
"""

import asyncio
import contextlib
import functools
import logging
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import anyio
from anyio import to_thread

from coatcheck.errors import (
    CoatcheckError,
    DamagedBlobError,
    StorageError,
    WorkerCrashError,
    WorkerError,
    WorkerTimeoutError,
    error_for,
)
from coatcheck.workers import wire
from coatcheck.workers.turns import Share, Turns

_logger: Final = logging.getLogger(__name__)

# What a worker sees of the environment: enough to run, no keys and no secrets.
_ENVIRONMENT: Final = frozenset({"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"})
_ENVIRONMENT_PREFIXES: Final = ("LD_", "DYLD_", "OPENBLAS_")
_START_SECONDS: Final = 30.0
_MESSAGE_LENGTH: Final = 500  # of a task's error: it is shown to clients


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLimits:
    """Limits of a worker.

    Attributes:
        processes: how many work beside each other.
        waiting: how many tasks may wait for one of them.
        seconds: wall-clock time of one task.
        cpu_seconds: CPU time of one task; the worker is ended up to two seconds above it.
        memory_bytes: address space of one process (Linux).
        tasks_per_process: after how many tasks a process is replaced, against slow leaks.
        scratch: whether a task may write files, in a temporary directory of the pool.
    """

    processes: int = 2
    waiting: int = 64
    seconds: float = 20.0
    cpu_seconds: int = 20
    memory_bytes: int = 2 * 1024**3
    tasks_per_process: int = 500
    scratch: bool = False


class _Worker:
    def __init__(self, process: Process, files: socket.socket) -> None:
        self._process = process
        self._files = files
        self.tasks = 0

    async def exchange(
        self, request: bytes | None, file: int | None = None
    ) -> tuple[wire.Answer, bytes]:
        """Send a request (none to await the greeting) and read the answer."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:  # both are pipes since the process was started
            raise WorkerError
        try:
            if file is not None:
                # One byte, and none is on its way: this never waits.
                socket.send_fds(self._files, [b"f"], [file])
            if request is not None:
                stdin.write(request)
                await stdin.drain()
            header_length, payload_length = wire.decode_prefix(
                await stdout.readexactly(wire.PREFIX.size)
            )
            answer = wire.decode_answer(await stdout.readexactly(header_length))
            payload = await stdout.readexactly(payload_length)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise WorkerCrashError from error
        self.tasks += 1
        return answer, payload

    async def stop(self) -> None:
        """Kill the process and wait until it is gone."""
        self._files.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        with anyio.CancelScope(shield=True):
            # communicate, not wait: it also reads the pipes to their end and closes them.
            await self._process.communicate()


class WorkerPool:
    """Runs the tasks of one module in worker processes, which it starts on demand.

    Args:
        module: dotted name of a module with a ``TASKS`` mapping.
        limits: the limits of a worker.
    """

    def __init__(self, module: str, limits: WorkerLimits) -> None:
        self._module = module
        self._limits = limits
        self._turns = Turns(limits.processes)
        self._common = Share(places=limits.processes, waiting=limits.waiting)
        self._idle: list[_Worker] = []
        self._scratch: TemporaryDirectory[str] | None = None
        self._scratch_lock = asyncio.Lock()
        self._closed = False

    @property
    def waiting(self) -> int:
        """Tasks that wait for a worker now."""
        return self._turns.waiting

    @property
    def working(self) -> int:
        """Workers that run a task, or start for one, now."""
        return self._turns.held

    async def warm(self, task: str, **arguments: Any) -> None:
        """Start the workers that do not run yet, one after the other, and run `task` once in each.

        So the first tasks find processes that have loaded and set up what they need. A worker that
        is starting takes the place of one of `limits.processes`; a task that comes meanwhile gets
        another, or waits no longer than for a worker of its own.

        Args:
            task: a name among the module's ``TASKS``.
            arguments: what it takes, as JSON.

        Raises:
            WorkerError: no worker starts.
            CoatcheckError: what `run` raises.
        """
        request = self._request(task, arguments)
        # Idle ones have run something already, and those at work are about to.
        while not self._closed and len(self._idle) + self.working < self._limits.processes:
            async with self._turns.place(self._common, max_waiting=0):
                answer, _ = await self._exchange(await self._start(), request)
            if answer.result is None:
                raise _error(answer)

    async def run(
        self,
        task: str,
        *,
        share: Share | None = None,
        max_waiting: int | None = None,
        cpu_seconds: int | None = None,
        on_start: Callable[[], None] = lambda: None,
        payload: bytes = b"",
        file: Path | None = None,
        **arguments: Any,
    ) -> tuple[dict[str, Any], bytes]:
        """Run `task` with `arguments` (JSON) and return its JSON object and bytes.

        Cancelling the call kills the worker that is at it, or leaves the queue.

        Args:
            task: a name among the module's ``TASKS``.
            share: what the task's principal may have of the pool, by turns with the others; None
                for no limit but the pool's.
            max_waiting: refuse when this many wait already, if that is fewer than the limits allow.
            cpu_seconds: CPU time of this task, if that is less than the limits allow.
            on_start: called when the task leaves the queue.
            payload: bytes that the task takes as an argument of this name; none if it is empty.
            file: a file that the task takes as an argument of this name: a descriptor to read from.
                A worker opens no file of the server's by itself.
            arguments: what else the task takes.

        Raises:
            OverloadedError: too many tasks wait already.
            WorkerTimeoutError: the task took too long; its worker was killed.
            WorkerCrashError: the worker died at the task or ran out of memory.
            WorkerError: no worker starts, or the task raised something that is no `CoatcheckError`.
            DamagedBlobError: there is no such file.
            StorageError: the file cannot be opened.
            CoatcheckError: what the task itself raised.
        """
        request = self._request(task, arguments, cpu_seconds, payload, has_file=file is not None)
        bound = self._limits.waiting
        async with (
            self._turns.place(
                share or self._common,
                max_waiting=bound if max_waiting is None else min(bound, max_waiting),
            ),
            _opened(file) as descriptor,
        ):
            on_start()
            worker = self._idle.pop() if self._idle else await self._start()
            answer, payload = await self._exchange(worker, request, descriptor)
        if answer.result is None:
            raise _error(answer)
        return answer.result, payload

    async def aclose(self) -> None:
        """Stop the idle workers now and the busy ones with their task. Repeating it is harmless."""
        self._closed = True
        # Shielded: a server that is canceled leaves no process and no directory behind.
        with anyio.CancelScope(shield=True):
            while self._idle:
                await self._idle.pop().stop()
            async with self._scratch_lock:
                if self._scratch is not None:
                    await to_thread.run_sync(self._scratch.cleanup)

    def _request(
        self,
        task: str,
        arguments: dict[str, Any],
        cpu_seconds: int | None = None,
        payload: bytes = b"",
        *,
        has_file: bool = False,
    ) -> bytes:
        header = {
            "task": task,
            "arguments": arguments,
            "cpu_seconds": min(self._limits.cpu_seconds, cpu_seconds or sys.maxsize),
            "file": has_file,
        }
        return wire.encode(header, payload)

    async def _exchange(
        self, worker: _Worker, request: bytes, descriptor: int | None = None
    ) -> tuple[wire.Answer, bytes]:
        """Let a worker run a task, and keep it for the next one unless it failed."""
        try:
            with anyio.fail_after(self._limits.seconds):
                answer, payload = await worker.exchange(request, descriptor)
        except TimeoutError as error:
            await worker.stop()
            raise WorkerTimeoutError from error
        except BaseException:
            await worker.stop()
            raise
        if self._closed or worker.tasks >= self._limits.tasks_per_process:
            await worker.stop()
        else:
            self._idle.append(worker)
        return answer, payload

    async def _start(self) -> _Worker:
        environment = {
            name: value
            for name, value in os.environ.items()
            if name in _ENVIRONMENT or name.startswith(_ENVIRONMENT_PREFIXES)
        }
        # The child finds modules where this process does, but not in its own directory (-P).
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        # One thread each: the processes are the parallelism, and threads cost address space.
        environment |= dict.fromkeys(
            ("VIPS_CONCURRENCY", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"
        )
        environment["MPLBACKEND"] = "agg"
        scratch = await self._scratch_directory()
        if scratch is not None:
            environment |= dict.fromkeys(("TMPDIR", "MPLCONFIGDIR"), scratch)
        ours, theirs = socket.socketpair()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-m", "coatcheck.workers.child"),
                *(self._module, str(self._limits.memory_bytes), str(theirs.fileno())),
                *([] if scratch is None else [scratch]),
                stdin=PIPE,
                stdout=PIPE,
                pass_fds=[theirs.fileno()],
                env=environment,
                limit=1024 * 1024,
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        worker = _Worker(process, ours)
        try:
            with anyio.fail_after(_START_SECONDS):
                greeting, _ = await worker.exchange(None)
        except (TimeoutError, WorkerCrashError) as error:
            await worker.stop()
            raise WorkerError("A worker process does not start.") from error
        except BaseException:
            await worker.stop()
            raise
        if greeting.unconfined:
            _warn_unconfined()
        return worker

    async def _scratch_directory(self) -> str | None:
        if not self._limits.scratch:
            return None
        # Shielded: of a directory that a canceled task leaves half made, nothing is kept to remove.
        async with self._scratch_lock:
            with anyio.CancelScope(shield=True):
                if self._closed:
                    raise WorkerError("The pool is closed.")
                if self._scratch is None:
                    self._scratch = await to_thread.run_sync(_make_scratch)
                scratch = self._scratch
        return scratch.name


def _make_scratch() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="coatcheck-workers-", ignore_cleanup_errors=True)


@functools.cache  # once for each process of the server
def _warn_unconfined() -> None:
    _logger.warning(
        "This system has no Landlock, so workers can read what the server can read, its environment"
        " included. Give the server a user or a container of its own."
    )


@contextlib.asynccontextmanager
async def _opened(path: Path | None) -> AsyncIterator[int | None]:
    """A descriptor of the file; None for none."""
    if path is None:
        yield None
        return
    try:
        file = await to_thread.run_sync(functools.partial(path.open, "rb", buffering=0))
    except FileNotFoundError as error:
        raise DamagedBlobError("A stored blob is missing.") from error
    except OSError as error:
        raise StorageError("A stored file cannot be opened.") from error
    with file:
        yield file.fileno()


def _error(answer: wire.Answer) -> CoatcheckError:
    """What the task raised in the worker, raised again here."""
    message = answer.message[:_MESSAGE_LENGTH]
    known = error_for(answer.error, message)
    return WorkerError(f"A worker's task failed: {message}") if known is None else known
