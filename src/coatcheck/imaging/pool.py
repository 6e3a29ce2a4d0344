"""The `Renderer`: image operations in worker processes with limits."""

from pathlib import Path

from coatcheck.errors import UnprocessableMediaError, WorkerCrashError
from coatcheck.ports import ImageFacts, RenderedImage
from coatcheck.workers import WorkerLimits, WorkerPool


class ImagingPool:
    """Inspects images in worker processes, so that a codec's bug ends a worker and not the server.

    Args:
        max_pixels: budget for width × height × frames of one image.
        limits: what a worker may use.
    """

    def __init__(self, *, max_pixels: int, limits: WorkerLimits) -> None:
        self._max_pixels = max_pixels
        self._pool = WorkerPool("coatcheck.imaging.operations", limits)

    async def inspect(self, path: Path, media_type: str) -> ImageFacts:
        """Check the header against the budget, then decode once.

        Raises:
            PixelBudgetError: the canvas is larger than allowed; nothing was decoded.
            UnprocessableMediaError: the image is damaged or cut short, or ended its decoder.
            WorkerTimeoutError: the decoder took too long.
            OverloadedError: too many images are waiting already.
        """
        try:
            facts, thumbnail = await self._pool.run(
                "inspect", path=str(path), media_type=media_type, max_pixels=self._max_pixels
            )
        except WorkerCrashError as error:
            raise UnprocessableMediaError("The image ended its decoder.") from error
        return ImageFacts(
            width=facts["width"],
            height=facts["height"],
            frames=facts["frames"],
            placeholder=facts["placeholder"],
            thumbnail=RenderedImage(
                data=thumbnail,
                media_type="image/webp",
                width=facts["thumbnail"]["width"],
                height=facts["thumbnail"]["height"],
            ),
        )

    async def aclose(self) -> None:
        """Stop the workers."""
        await self._pool.aclose()
