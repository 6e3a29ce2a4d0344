"""A renderer that counts what it renders: one wrapper around any `QueuedRenderer`."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from coatcheck.delivery.metrics import Metrics
from coatcheck.edits import Edit
from coatcheck.errors import OverloadedError
from coatcheck.ports import ImageFacts, QueuedRenderer, RenderedImage, Swatch
from coatcheck.variants import VariantSpec


class MeasuredRenderer:
    """Passes everything on and counts it.

    Args:
        renderer: what is wrapped.
        metrics: where it is counted.
        clock: a monotonic clock in seconds.
    """

    def __init__(
        self,
        renderer: QueuedRenderer,
        metrics: Metrics,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._renderer = renderer
        self._metrics = metrics
        self._clock = clock
        metrics.watch_queue(lambda: renderer.waiting)

    @property
    def waiting(self) -> int:
        """Images that wait for a worker now."""
        return self._renderer.waiting

    @property
    def has_time(self) -> bool:
        """See `Renderer.has_time`."""
        return self._renderer.has_time

    async def warm(self) -> None:
        """See `Renderer.warm`. No image of anyone is decoded, so nothing is counted."""
        await self._renderer.warm()

    async def inspect(self, path: Path, media_type: str, *, share: str | None = None) -> ImageFacts:
        """See `Renderer.inspect`."""
        with self._counted("inspect"):
            self._metrics.count_encode_start("inspect")
            return await self._renderer.inspect(path, media_type, share=share)

    async def render(
        self,
        path: Path,
        media_type: str,
        spec: VariantSpec,
        *,
        on_start: Callable[[], None],
        share: str | None = None,
    ) -> RenderedImage:
        """See `Renderer.render`."""

        def start() -> None:
            self._metrics.count_encode_start("render")
            on_start()

        with self._counted("render"):
            return await self._renderer.render(path, media_type, spec, on_start=start, share=share)

    async def edit(self, path: Path, media_type: str, edits: Sequence[Edit]) -> RenderedImage:
        """See `Renderer.edit`."""
        with self._counted("edit"):
            self._metrics.count_encode_start("edit")
            return await self._renderer.edit(path, media_type, edits)

    async def palette(self, path: Path, media_type: str) -> Sequence[Swatch]:
        """See `Renderer.palette`. Nothing is encoded, so nothing is counted."""
        return await self._renderer.palette(path, media_type)

    async def aclose(self) -> None:
        """Stop the workers."""
        await self._renderer.aclose()

    @contextmanager
    def _counted(self, operation: str) -> Iterator[None]:
        began = self._clock()
        outcome = "dropped"  # unless one of these happens
        try:
            yield
            outcome = "finished"
        except OverloadedError:
            outcome = "refused"
            raise
        except Exception:
            outcome = "failed"
            raise
        finally:
            self._metrics.count_encode(operation, outcome, self._clock() - began)
