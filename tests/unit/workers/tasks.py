"""Tasks that behave well, badly and very badly."""

import fcntl
import os
import signal
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from coatcheck.errors import InvalidInputError

Answer = tuple[dict[str, Any], bytes]


def echo(*, value: Any) -> Answer:
    return {"value": value}, b"payload"


def reverse(*, payload: bytes = b"nothing") -> Answer:
    return {"size": len(payload)}, payload[::-1]


def process() -> Answer:
    return {"id": os.getpid()}, b""


def refuse(*, message: str) -> Answer:
    raise InvalidInputError(message)


def fail() -> Answer:
    raise ZeroDivisionError("with a secret in its text")


def die() -> Answer:
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError


def hang() -> Answer:
    time.sleep(600)
    raise AssertionError


def sleep(*, seconds: float) -> Answer:
    time.sleep(seconds)
    return {}, b""


def allocate(*, size: int) -> Answer:
    return {"size": len(bytearray(size))}, b""


def chatter() -> Answer:
    print("a library that prints", flush=True)  # noqa: T201 - what is tested
    os.write(1, b"and one that writes to descriptor 1\n")
    return {"said": True}, b""


def environment() -> Answer:
    return {"names": sorted(os.environ)}, b""


def burn() -> Answer:
    while True:
        pass


def contents(*, file: int) -> Answer:
    return {"descriptor": file}, os.pread(file, 1000, 0)


def attempt(*, path: str, port: int) -> Answer:
    """What a worker that hostile media has taken over would try; the refusals by name."""
    server = os.getppid()
    attempts: dict[str, Callable[[], object]] = {
        "read the server's environment": Path(f"/proc/{server}/environ").read_bytes,
        "read the server's memory": lambda: os.open(f"/proc/{server}/mem", os.O_RDONLY),
        "list the server's files": lambda: list(Path(f"/proc/{server}/fd").iterdir()),
        "read a file": Path(path).read_bytes,
        "list a directory": lambda: list(Path(path).parent.iterdir()),
        "change a file": lambda: Path(path).open("ab").close(),
        "make a file": lambda: Path(path).with_name("made").open("xb").close(),
        "make a file in /tmp": lambda: Path(f"/tmp/made-by-{os.getpid()}").open("xb").close(),  # noqa: S108
        "remove a file": Path(path).unlink,
        "run a program": lambda: os.execv("/bin/sh", ["sh", "-c", ":"]),  # noqa: S606
        "connect": lambda: socket.socket().connect(("127.0.0.1", port)),
        "listen": lambda: socket.create_server(("127.0.0.1", 0)).close(),
        "signal the server": lambda: os.kill(server, 0),
    }
    outcomes = {}
    for name, try_it in attempts.items():
        try:
            try_it()
            outcomes[name] = "done"
        except PermissionError:
            outcomes[name] = "refused"
    return outcomes, b""


def scribble() -> Answer:
    import tempfile  # noqa: PLC0415 - after TMPDIR is set

    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(b"kept")
    Path(file.name).rename(f"{file.name}-2")
    directory = Path(tempfile.gettempdir())
    return {"directory": str(directory), "kept": [path.name for path in directory.iterdir()]}, b""


def forge(*, answer: str, repeat: int = 1) -> Answer:
    """An answer that this process writes by itself, past the code that serves tasks."""
    for descriptor in range(3, 64):
        try:
            is_pipe = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
            flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
        except OSError:
            continue
        if is_pipe and flags & os.O_WRONLY:
            for _ in range(repeat):
                os.write(descriptor, bytes.fromhex(answer))
    time.sleep(600)
    raise AssertionError


TASKS = {
    task.__name__: task
    for task in (
        echo,
        reverse,
        process,
        refuse,
        fail,
        die,
        hang,
        sleep,
        allocate,
        chatter,
        environment,
        burn,
        contents,
        attempt,
        scribble,
        forge,
    )
}
