"""A pool of worker processes that may be killed without harm.

Why not `concurrent.futures`: a pool there cannot end one task that hangs, breaks as a whole when
one process dies, unpickles what a worker says, and imports the application's main module again in
each child. Here a worker is a plain subprocess with a bounded pipe protocol (``wire.py``).
"""

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import anyio

from coatcheck.errors import (
    CoatcheckError,
    OverloadedError,
    WorkerCrashError,
    WorkerError,
    WorkerTimeoutError,
    error_for,
)
from coatcheck.workers import wire

# What a worker sees of the environment: enough to run, no keys and no secrets.
_ENVIRONMENT: Final = frozenset({"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"})
_ENVIRONMENT_PREFIXES: Final = ("LD_", "DYLD_", "OPENBLAS_")
_START_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLimits:
    """What a worker may use.

    Attributes:
        processes: how many work beside each other.
        waiting: how many tasks may wait for one of them.
        seconds: wall-clock and CPU time of one task.
        memory_bytes: address space of one process (Linux).
        tasks_per_process: after how many tasks a process is replaced, against slow leaks.
    """

    processes: int = 2
    waiting: int = 64
    seconds: float = 20.0
    memory_bytes: int = 2 * 1024**3
    tasks_per_process: int = 500


class _Worker:
    def __init__(self, process: Process) -> None:
        self._process = process
        self.tasks = 0

    async def exchange(self, request: bytes | None) -> tuple[dict[str, Any], bytes]:
        """Send a request (none to await the greeting) and read the answer."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:  # both are pipes since the process was started
            raise WorkerError
        try:
            if request is not None:
                stdin.write(request)
                await stdin.drain()
            header_length, payload_length = wire.decode_prefix(
                await stdout.readexactly(wire.PREFIX.size)
            )
            header = wire.decode_header(await stdout.readexactly(header_length))
            payload = await stdout.readexactly(payload_length)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise WorkerCrashError from error
        self.tasks += 1
        return header, payload

    async def stop(self) -> None:
        """Kill the process and wait until it is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        with anyio.CancelScope(shield=True):
            # communicate, not wait: it also reads the pipes to their end and closes them.
            await self._process.communicate()


class WorkerPool:
    """Runs the tasks of one module in worker processes, started as they are needed.

    Args:
        module: dotted name of a module with a ``TASKS`` mapping.
        limits: what a worker may use.
    """

    def __init__(self, module: str, limits: WorkerLimits) -> None:
        self._module = module
        self._limits = limits
        self._slots = asyncio.Semaphore(limits.processes)
        self._idle: list[_Worker] = []
        self._waiting = 0
        self._closed = False

    @property
    def waiting(self) -> int:
        """Tasks that wait for a worker now."""
        return self._waiting

    async def run(
        self,
        task: str,
        *,
        max_waiting: int | None = None,
        on_start: Callable[[], None] = lambda: None,
        payload: bytes = b"",
        **arguments: Any,
    ) -> tuple[dict[str, Any], bytes]:
        """Run `task` with `arguments` (JSON) and return its JSON object and bytes.

        Cancelling the call kills the worker that is at it, or leaves the queue.

        Args:
            task: a name among the module's ``TASKS``.
            max_waiting: refuse when this many wait already, if that is fewer than the limits allow.
            on_start: called when the task leaves the queue.
            payload: bytes that the task takes as an argument of this name; none if it is empty.
            arguments: what else the task takes.

        Raises:
            OverloadedError: too many tasks wait already.
            WorkerTimeoutError: the task took too long; its worker was killed.
            WorkerCrashError: the worker died at the task or ran out of memory.
            WorkerError: no worker starts, or the task raised something that is no `CoatcheckError`.
            CoatcheckError: what the task itself raised.
        """
        request = wire.encode(
            {
                "task": task,
                "arguments": arguments,
                "cpu_seconds": max(1, round(self._limits.seconds)),
            },
            payload,
        )
        async with self._slot(max_waiting):
            on_start()
            worker = self._idle.pop() if self._idle else await self._start()
            try:
                with anyio.fail_after(self._limits.seconds):
                    header, payload = await worker.exchange(request)
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
        if "result" in header:
            return header["result"], payload
        raise _error(header)

    async def aclose(self) -> None:
        """Stop the idle workers now and the busy ones with their task. Repeating it is harmless."""
        self._closed = True
        while self._idle:
            await self._idle.pop().stop()

    @asynccontextmanager
    async def _slot(self, max_waiting: int | None) -> AsyncIterator[None]:
        bound = self._limits.waiting
        if self._slots.locked():
            if self._waiting >= min(bound, bound if max_waiting is None else max_waiting):
                raise OverloadedError
            self._waiting += 1
            try:
                await self._slots.acquire()
            finally:
                self._waiting -= 1
        else:
            await self._slots.acquire()
        try:
            yield
        finally:
            self._slots.release()

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
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-P", "-m", "coatcheck.workers.child", self._module, str(self._limits.memory_bytes)),
            stdin=PIPE,
            stdout=PIPE,
            env=environment,
            limit=1024 * 1024,
        )
        worker = _Worker(process)
        try:
            with anyio.fail_after(_START_SECONDS):
                await worker.exchange(None)
        except (TimeoutError, WorkerCrashError) as error:
            await worker.stop()
            raise WorkerError("A worker process does not start.") from error
        except BaseException:
            await worker.stop()
            raise
        return worker


def _error(header: dict[str, Any]) -> CoatcheckError:
    """What the task raised in the worker, raised again here."""
    code, message = str(header.get("error")), str(header.get("message"))
    known = error_for(code, message)
    return WorkerError(f"A worker's task failed: {message}") if known is None else known
