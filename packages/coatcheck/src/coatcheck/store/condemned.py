"""Content that could not be decoded, remembered by its digest and not tried again soon."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from coatcheck.bounded import BoundedMemory
from coatcheck.errors import CoatcheckError, UnprocessableMediaError, WorkerTimeoutError

CONDEMNED_SECONDS: Final = 300.0
"""How long content that could not be decoded is not tried again."""

_MAX_CONDEMNED: Final = 1000


@dataclass(frozen=True, slots=True)
class _Finding:
    error: type[CoatcheckError]
    message: str


class Condemned:
    """Remembers what hangs or ends a decoder: it does so again, and costs as much each time."""

    def __init__(self) -> None:
        self._found = BoundedMemory[tuple[str, str], _Finding](
            entries=_MAX_CONDEMNED, seconds=CONDEMNED_SECONDS
        )

    def check(self, digest: str, operation: str) -> None:
        """Raise again what `operation` on this content raised a short time ago."""
        found = self._found.get((digest, operation))
        if found is not None:
            raise found.error(found.message)

    @contextmanager
    def remembering(self, digest: str, operation: str) -> Iterator[None]:
        """Remember if the image, or the time that it takes, makes `operation` fail."""
        try:
            yield
        except (UnprocessableMediaError, WorkerTimeoutError) as error:
            self._found.put((digest, operation), _Finding(type(error), error.message))
            raise
