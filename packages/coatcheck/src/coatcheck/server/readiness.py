"""Whether the server can do its work: a look at an image in a worker, and a look at the catalog."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import anyio
from starlette.requests import Request
from starlette.responses import Response

from coatcheck.delivery.uncached import UncachedJson
from coatcheck.errors import CoatcheckError, NotReadyError, OverloadedError
from coatcheck.ports import Catalog, Renderer

KEPT_SECONDS: Final = 5.0
"""How long a finding is given out again: asking more often costs nothing more."""

_CHECK_SECONDS: Final = 15.0
_SAMPLE: Final = Path(__file__).with_name("readiness.png")
_UNUSED_ID: Final = "00000000-0000-4000-8000-000000000000"
_log = logging.getLogger(__name__)


class Readiness:
    """Checks what every request depends on, once for all who ask within `KEPT_SECONDS`.

    A server whose encoder is merely busy is ready: it still serves what is rendered, and a balancer
    that turned away from it would only move the load to the next.

    Args:
        catalog: is read.
        renderer: is given an image of 16 pixels to inspect.
        clock: a monotonic clock in seconds.
    """

    def __init__(
        self,
        catalog: Catalog,
        renderer: Renderer,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalog = catalog
        self._renderer = renderer
        self._clock = clock
        self._lock = anyio.Lock()
        self._expires = float("-inf")
        self._failed: str | None = None

    async def check(self) -> None:
        """Return if everything works.

        Raises:
            NotReadyError: something does not.
        """
        async with self._lock:
            if self._clock() >= self._expires:
                # To the end, even if the client leaves: a check that is cut off kills its worker.
                with anyio.CancelScope(shield=True):
                    self._failed = await self._find_failure()
                self._expires = self._clock() + KEPT_SECONDS
            failed = self._failed
        if failed is not None:
            raise NotReadyError(f"The {failed} does not work.")

    async def answer(self, _request: Request) -> Response:
        """``/readyz``: 200, or 503 with what does not work."""
        await self.check()
        return UncachedJson({"status": "ready"})

    async def _find_failure(self) -> str | None:
        for part, attempt in (("catalog", self._read), ("encoder", self._encode)):
            try:
                with anyio.fail_after(_CHECK_SECONDS):
                    await attempt()
            except (CoatcheckError, TimeoutError):
                _log.warning("not ready: the %s does not work", part, exc_info=True)
                return part
        return None

    async def _read(self) -> None:
        await self._catalog.find(_UNUSED_ID)

    async def _encode(self) -> None:
        try:
            await self._renderer.inspect(_SAMPLE, "image/png")
        except OverloadedError:
            return
