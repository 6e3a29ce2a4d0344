"""The port of the renderer, which decodes images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from coatcheck.edits import Edit
from coatcheck.variants import VariantSpec

PREVIEW_EDGE: Final = 512
"""Longest edge of a preview in pixels: half of a typical picture's."""

PREVIEW_BYTES: Final = 240 * 1024
"""Most bytes of a preview; with a header it still fits into a binary frame of 256 KiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedImage:
    """An encoded image. Edges in pixels.

    Attributes:
        data: the encoded bytes.
        media_type: its type, for example ``image/png``.
        width: pixels.
        height: pixels.
    """

    data: bytes
    media_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """The results of decoding an image. Edges in pixels as displayed, `placeholder` as base64.

    Attributes:
        width: pixels as displayed.
        height: pixels as displayed.
        frames: how many images it holds.
        placeholder: a ThumbHash in base64.
        thumbnail: the WebP thumbnail.
        prepared: the variant `PREPARED`, where `is_prepared`; None where it is made on request.
    """

    width: int
    height: int
    frames: int
    placeholder: str
    thumbnail: RenderedImage
    prepared: RenderedImage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """An image that is being put, before it is stored: enough to draw its box and its blur.

    Attributes:
        media_type: the sniffed type.
        width: pixels as displayed.
        height: pixels as displayed.
        placeholder: a ThumbHash in base64.
    """

    media_type: str
    width: int
    height: int
    placeholder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Swatch:
    """A color of an image: sRGB from 0 to 255, and its share of the image from 0 to 1.

    Attributes:
        red: 0 to 255.
        green: 0 to 255.
        blue: 0 to 255.
        share: of the image, 0 to 1.
    """

    red: int
    green: int
    blue: int
    share: float


class Renderer(Protocol):
    """Decodes images off the event loop, in a process that may crash."""

    @property
    def has_time(self) -> bool:
        """Whether nothing is worked on or waits, and there is room for what comes meanwhile."""
        ...

    async def warm(self) -> None:
        """Get ready, so that the first image does not wait for it.

        Raises:
            WorkerError: no worker starts.
        """
        ...

    async def inspect(self, path: Path, media_type: str, *, share: str | None = None) -> ImageFacts:
        """Check the header against the budgets, then decode once.

        Args:
            path: a local file with its bytes.
            media_type: its type, for example ``image/png``.
            share: on whose behalf; no share keeps the others from their turn. None for no owner.

        Raises:
            PixelBudgetError: the canvas is larger than allowed, or is gone over too often; nothing
                was decoded.
            UnprocessableMediaError: the image is damaged or cut short, or ended its decoder.
            WorkerTimeoutError: the decoder took too long.
            OverloadedError: too many images are waiting already.
        """
        ...

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

        Args:
            path: the original.
            media_type: its stored type.
            spec: what to render.
            on_start: called when the work leaves the queue.
            share: on whose behalf, as for `inspect`.

        Raises:
            UnprocessableMediaError: the image cannot be decoded.
            WorkerTimeoutError: it took too long.
            OverloadedError: too many renditions are waiting already.
        """
        ...

    async def edit(self, path: Path, media_type: str, edits: Sequence[Edit]) -> RenderedImage:
        """Edit an image: oriented, in sRGB, without metadata, in its own format or as PNG.

        Args:
            path: the original.
            media_type: its stored type.
            edits: what to do, in order.

        Raises:
            InvalidInputError: an edit does not fit the image; the message says which and why.
            PixelBudgetError: the image is larger than allowed, or would be; nothing was decoded.
            UnprocessableMediaError: the image cannot be decoded.
            WorkerTimeoutError: it took too long.
            OverloadedError: too many images are waiting already.
        """
        ...

    async def palette(self, path: Path, media_type: str) -> Sequence[Swatch]:
        """The main colors of a small image, largest share first.

        Args:
            path: a local file with its bytes.
            media_type: its type, for example ``image/png``.

        Raises:
            UnprocessableMediaError: the image cannot be decoded.
            OverloadedError: too many images are waiting already.
        """
        ...

    async def aclose(self) -> None:
        """Stop the workers."""
        ...


class Shrinker(Protocol):
    """Makes small pictures of drafts, which are not stored."""

    async def shrink(self, data: bytes) -> RenderedImage:
        """Return a WebP of at most `PREVIEW_EDGE` pixels and `PREVIEW_BYTES`.

        Raises:
            UnprocessableMediaError: `data` is no image, or cannot be decoded.
            PixelBudgetError: its canvas is larger than allowed.
            WorkerTimeoutError: it took too long.
            OverloadedError: all workers are busy with other tasks.
        """
        ...


class QueuedRenderer(Renderer, Protocol):
    """A renderer that reports the length of its queue."""

    @property
    def waiting(self) -> int:
        """How many images wait for a worker now."""
        ...
