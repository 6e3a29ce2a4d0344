"""Sync files and directories to the disk, on every platform."""

import contextlib
import fcntl
import os
from pathlib import Path


def sync_file(descriptor: int) -> None:
    """Make what was written to an open file survive a power cut."""
    # fsync on macOS leaves the data in the drive's own cache; F_FULLFSYNC is what reaches the disk.
    full_sync = getattr(fcntl, "F_FULLFSYNC", None)
    if full_sync is not None:
        with contextlib.suppress(OSError):  # not every file system knows it; fsync follows
            fcntl.fcntl(descriptor, full_sync)
            return
    os.fsync(descriptor)


def sync_directory(path: Path) -> None:
    """Make the names in a directory, new ones and removed ones, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sync_file(descriptor)
    finally:
        os.close(descriptor)
