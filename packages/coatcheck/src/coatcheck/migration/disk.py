"""Files beside a history: free names for backups, errors in our own words."""

from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, ENOSPC
from pathlib import Path

from coatcheck.errors import StorageError, StorageFullError


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn an `OSError` into the project's own; `what` says what failed."""
    try:
        yield
    except OSError as error:
        if error.errno in {ENOSPC, EDQUOT}:
            raise StorageFullError from error
        raise StorageError(f"{what}: {error.strerror}.") from error


def free_name(path: Path) -> Path:
    """A name for a backup beside a file that nothing has yet."""
    number = 1
    while True:
        ending = ".before-coatcheck" + (f"-{number}" if number > 1 else "")
        name = path.with_name(path.name + ending)
        if not name.exists():
            return name
        number += 1
