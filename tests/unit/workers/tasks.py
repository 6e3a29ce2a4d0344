"""Tasks that behave well, badly and very badly."""

import os
import signal
import time
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
    )
}
