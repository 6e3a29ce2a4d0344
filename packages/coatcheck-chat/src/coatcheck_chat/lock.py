"""One chat server for a data directory: its conversations' turns live in one process's memory."""

import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from anyio import to_thread

from coatcheck.errors import DataInUseError, StorageError

LOCK_FILE: Final = "chat.lock"
"""Its name in the data directory. It stays there; what counts is who has it locked."""


@asynccontextmanager
async def chat_lock(data: Path) -> AsyncIterator[None]:
    """Keep other chat servers from the directory for as long as the context lasts.

    The operating system gives the lock back when the process ends, however it ends. Stores and
    media endpoints do not take it: they may share the directory.

    Raises:
        DataInUseError: another chat server has it.
        StorageError: the directory cannot be used.
    """
    descriptor = await to_thread.run_sync(_lock, data)
    try:
        yield
    finally:
        os.close(descriptor)


def _lock(data: Path) -> int:
    try:
        data.mkdir(parents=True, exist_ok=True)
        # Not inherited: a worker that outlives the server would keep the lock.
        descriptor = os.open(data / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageError(f"The data directory cannot be used: {error.strerror}.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise DataInUseError from error
    except OSError as error:
        os.close(descriptor)
        raise StorageError(f"The data directory cannot be locked: {error.strerror}.") from error
    return descriptor
