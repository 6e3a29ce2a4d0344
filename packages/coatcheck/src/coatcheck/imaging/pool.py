"""The `Renderer`: image operations in worker processes with limits."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from coatcheck.edits import Edit
from coatcheck.edits.reading import to_json
from coatcheck.errors import UnprocessableMediaError, WorkerCrashError, WorkerError
from coatcheck.mediatype import RASTER_TYPES, SNIFF_BYTES, sniff
from coatcheck.ports import PREVIEW_BYTES, PREVIEW_EDGE, ImageFacts, RenderedImage, Swatch
from coatcheck.variants import PREPARED, VariantSpec
from coatcheck.workers import WorkerLimits, WorkerPool
from coatcheck.workers.turns import Share

DECODE_CPU_SECONDS: Final = 10
"""CPU time that decoding an image for its thumbnail may take: an AVIF of 50 megapixels has one."""

_UNREADABLE: Final = "A worker's answer cannot be read."

_Edge = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class _Size(Struct):
    width: _Edge
    height: _Edge


class _Prepared(_Size):
    size: _Edge


class _Facts(_Size):
    frames: _Edge
    placeholder: Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]{1,34}={0,2}$")]
    thumbnail: _Size
    prepared: _Prepared | None


class _Edited(_Size):
    media_type: Literal["image/png", "image/jpeg", "image/webp", "image/avif"]


_Color = Annotated[int, Meta(ge=0, le=255)]


class _Palette(Struct):
    colors: list[tuple[_Color, _Color, _Color, float]]


_Kind = TypeVar("_Kind", bound=Struct)


class ImagingPool:
    """Inspects images in worker processes, so that a codec's bug ends a worker and not the server.

    Args:
        max_pixels: budget for width × height × frames of one image.
        limits: what a worker may use.
        max_renditions_waiting: how many renditions may wait for a worker, those of one share half
            as many; intake may wait longer.
    """

    def __init__(
        self, *, max_pixels: int, limits: WorkerLimits, max_renditions_waiting: int = 10
    ) -> None:
        self._max_pixels = max_pixels
        self._limits = limits
        self._max_renditions_waiting = max_renditions_waiting
        self._pool = WorkerPool("coatcheck.imaging.tasks", limits)

    @property
    def waiting(self) -> int:
        """Images that wait for a worker now."""
        return self._pool.waiting

    @property
    def has_time(self) -> bool:
        """Whether nothing is worked on or waits, and another worker is left for what comes."""
        return self._limits.processes > 1 and self._pool.working == self._pool.waiting == 0

    async def warm(self) -> None:
        """Start all workers, and let each set up what a first picture would wait for.

        Raises:
            WorkerError: no worker starts.
        """
        await self._pool.warm("warm")

    async def inspect(self, path: Path, media_type: str, *, share: str | None = None) -> ImageFacts:
        """Check the header against the budget, then decode once.

        One `share` may fill half of the queue, and takes turns with the others.

        Raises:
            PixelBudgetError: the canvas is larger than allowed; nothing was decoded.
            UnprocessableMediaError: the image is damaged or cut short, or ended its decoder.
            WorkerTimeoutError: the decoder took too long.
            OverloadedError: too many images are waiting already.
        """
        with _crash_is_the_images():
            answer, data = await self._pool.run(
                "inspect",
                share=self._share("inspect", share, self._limits.processes, self._limits.waiting),
                cpu_seconds=DECODE_CPU_SECONDS,
                file=path,
                media_type=media_type,
                max_pixels=self._max_pixels,
            )
        facts = _believed(answer, _Facts)
        prepared = None
        if facts.prepared is not None:
            end = len(data) - facts.prepared.size
            if end <= 0:
                raise WorkerError(_UNREADABLE)
            data, rest = data[:end], data[end:]
            prepared = _image(rest, PREPARED.media_type, facts.prepared)
        return ImageFacts(
            width=facts.width,
            height=facts.height,
            frames=facts.frames,
            placeholder=facts.placeholder,
            thumbnail=_image(data, "image/webp", facts.thumbnail),
            prepared=prepared,
        )

    async def render(
        self,
        path: Path,
        media_type: str,
        spec: VariantSpec,
        *,
        on_start: Callable[[], None],
        share: str | None = None,
    ) -> RenderedImage:
        """Render a variant: oriented, in sRGB, without metadata.

        One `share` never holds the last of several workers, may fill half of the queue, and takes
        turns with the others.

        Raises:
            UnprocessableMediaError: the image cannot be decoded, or ended its decoder.
            WorkerTimeoutError: it took too long.
            OverloadedError: too many renditions are waiting already.
        """
        with _crash_is_the_images():
            answer, data = await self._pool.run(
                "render",
                share=self._share(
                    "render",
                    share,
                    max(1, self._limits.processes - 1),
                    self._max_renditions_waiting,
                ),
                max_waiting=self._max_renditions_waiting,
                on_start=on_start,
                file=path,
                media_type=media_type,
                width=spec.width,
                format=spec.format,
            )
        return _image(data, spec.media_type, _believed(answer, _Size))

    async def edit(self, path: Path, media_type: str, edits: Sequence[Edit]) -> RenderedImage:
        """Edit an image; see `Renderer.edit`."""
        with _crash_is_the_images():
            answer, data = await self._pool.run(
                "edit",
                file=path,
                media_type=media_type,
                edits=to_json(edits),
                max_pixels=self._max_pixels,
            )
        edited = _believed(answer, _Edited)
        return _image(data, edited.media_type, edited)

    async def palette(self, path: Path, media_type: str) -> Sequence[Swatch]:
        """The main colors of a small image; see `Renderer.palette`."""
        with _crash_is_the_images():
            answer, _ = await self._pool.run(
                "palette", cpu_seconds=DECODE_CPU_SECONDS, file=path, media_type=media_type
            )
        return [
            Swatch(red=red, green=green, blue=blue, share=share)
            for red, green, blue, share in _believed(answer, _Palette).colors
        ]

    async def shrink(self, data: bytes) -> RenderedImage:
        """A small WebP of a draft. It never waits: what is kept comes first.

        Raises:
            UnprocessableMediaError: it is no image, cannot be decoded, or ended its decoder.
            PixelBudgetError: the canvas is larger than allowed.
            WorkerTimeoutError: it took too long.
            OverloadedError: every worker is busy.
        """
        media_type = sniff(data[:SNIFF_BYTES])
        if media_type not in RASTER_TYPES:
            raise UnprocessableMediaError("The draft is no image.")
        with _crash_is_the_images():
            answer, preview = await self._pool.run(
                "shrink",
                max_waiting=0,
                cpu_seconds=DECODE_CPU_SECONDS,
                payload=data,
                media_type=media_type,
                edge=PREVIEW_EDGE,
                max_bytes=PREVIEW_BYTES,
                max_pixels=self._max_pixels,
            )
        return _image(preview, "image/webp", _believed(answer, _Size))

    async def aclose(self) -> None:
        """Stop the workers."""
        await self._pool.aclose()

    def _share(self, task: str, name: str | None, places: int, waiting: int) -> Share | None:
        if name is None:
            return None
        return Share(name=f"{task} {name}", places=places, waiting=(waiting + 1) // 2)


def _believed(answer: dict[str, Any], kind: type[_Kind]) -> _Kind:
    """A worker's answer, checked against `kind`: hostile media may have taken the worker over."""
    try:
        return msgspec.convert(answer, kind)
    except msgspec.ValidationError as error:
        raise WorkerError(_UNREADABLE) from error


def _image(data: bytes, media_type: str, size: _Size) -> RenderedImage:
    return RenderedImage(data=data, media_type=media_type, width=size.width, height=size.height)


@contextmanager
def _crash_is_the_images() -> Iterator[None]:
    try:
        yield
    except WorkerCrashError as error:
        raise UnprocessableMediaError("The image ended its decoder.") from error
