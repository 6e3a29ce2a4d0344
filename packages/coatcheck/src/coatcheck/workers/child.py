"""The worker process: ``python -m coatcheck.workers.child MODULE MEMORY_BYTES FILES [DIRECTORY]``.

Runs one task after the other. A task is a function of MODULE listed in its ``TASKS``; it takes
keyword arguments of JSON, bytes as ``payload`` where it is given any, and the descriptor of a file
as ``file`` where one comes over the socket FILES. It returns a JSON object and bytes. Before the
first task the process confines itself: it may write to DIRECTORY alone. It ends when its standard
input does, and so with its server.
"""

import importlib
import os
import resource
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from coatcheck.errors import CoatcheckError, WorkerCrashError
from coatcheck.workers import wire
from coatcheck.workers.confinement import confine

Task = Callable[..., tuple[dict[str, Any], bytes]]


def serve(
    tasks: Mapping[str, Task], requests: BinaryIO, files: socket.socket, answers: BinaryIO
) -> None:
    """Answer requests until there are no more."""
    while prefix := requests.read(wire.PREFIX.size):
        header_length, payload_length = wire.decode_prefix(prefix)
        request = wire.decode_request(requests.read(header_length))
        arguments = request["arguments"]
        if payload_length:
            arguments["payload"] = requests.read(payload_length)
        if request["file"]:
            _, (arguments["file"],), _, _ = socket.recv_fds(files, 1, 1)
        _limit_cpu(request["cpu_seconds"])
        answers.write(_answer(tasks[request["task"]], arguments))
        answers.flush()
        if request["file"]:
            os.close(arguments["file"])


def _answer(task: Task, arguments: dict[str, Any]) -> bytes:
    try:
        result, payload = task(**arguments)
    except CoatcheckError as error:
        return wire.encode({"error": error.code, "message": error.message})
    except MemoryError:
        return wire.encode(
            {
                "error": WorkerCrashError.code,
                "message": "The task needs more memory than it may use.",
            }
        )
    except Exception as error:  # noqa: BLE001 - the seam: whatever a task raises is told, by kind only
        traceback.print_exc()  # to the server's standard error, for the developer of the task
        return wire.encode({"error": "unexpected", "message": type(error).__name__})
    return wire.encode({"result": result}, payload)


def _home_of(module: str) -> list[str]:
    """The package that a module is part of: a task imports more of it when it is run."""
    package, _, inside = module.partition(".")
    return list(sys.modules[package].__path__) if inside else []


def _limit_memory(limit: int) -> None:
    # macOS refuses or ignores RLIMIT_AS; the wall clock and the pixel budget are left there.
    if sys.platform != "darwin":
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _limit_cpu(seconds: int) -> None:
    # RLIMIT_CPU counts from the process's start: each task's allowance comes on top of that.
    used = resource.getrusage(resource.RUSAGE_SELF)
    allowance = int(used.ru_utime + used.ru_stime) + seconds + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (allowance, hard))


def main() -> None:
    """Serve on the process's own pipes."""
    module, memory, files, *writable = sys.argv[1:]
    # The answers get a descriptor of their own, so that a library that prints cannot corrupt them.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _limit_memory(int(memory))
    tasks: Mapping[str, Task] = importlib.import_module(module).TASKS
    # After the import, which may be from anywhere, and before the first hostile byte.
    reason = confine(writable, _home_of(module))
    answers.write(wire.encode({"result": {"ready": True}, "unconfined": reason}))
    answers.flush()
    serve(tasks, sys.stdin.buffer, socket.socket(fileno=int(files)), answers)


if __name__ == "__main__":
    main()
