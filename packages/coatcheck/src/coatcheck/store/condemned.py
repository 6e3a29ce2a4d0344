"""Content that could not be decoded, remembered by its digest and not tried again soon."""

import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from coatcheck.errors import CoatcheckError, UnprocessableMediaError, WorkerTimeoutError

CONDEMNED_SECONDS: Final = 300.0
"""How long content that could not be decoded is not tried again."""

_MAX_CONDEMNED: Final = 1000


@dataclass(frozen=True, slots=True)
class _Finding:
    error: type[CoatcheckError]
    message: str
    until: float


class Condemned:
    """Remembers what hangs or ends a decoder: it does so again, and costs as much each time."""

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[str, str], _Finding] = OrderedDict()

    def check(self, digest: str, operation: str) -> None:
        """Raise again what `operation` on this content raised a short time ago."""
        found = self._found.get((digest, operation))
        if found is not None and time.monotonic() < found.until:
            raise found.error(found.message)

    @contextmanager
    def remembering(self, digest: str, operation: str) -> Iterator[None]:
        """Remember if the image, or the time that it takes, makes `operation` fail."""
        try:
            yield
        except (UnprocessableMediaError, WorkerTimeoutError) as error:
            key = (digest, operation)
            self._found[key] = _Finding(
                type(error), error.message, time.monotonic() + CONDEMNED_SECONDS
            )
            self._found.move_to_end(key)
            if len(self._found) > _MAX_CONDEMNED:
                self._found.popitem(last=False)
            raise
