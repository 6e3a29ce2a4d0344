"""The agent's tools as plain functions; an integration offers them to its framework."""

import math
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from coatcheck.agent.previews import Previews, Show, watch
from coatcheck.agent.providers.image import ImageProvider, ImageRequest
from coatcheck.errors import CoatcheckError, GenerationError, InvalidInputError
from coatcheck.payload import media_part
from coatcheck.payload.projection import result_line, result_urls
from coatcheck.reference import ALT_WEIGHT, MediaReference, MediaUrls, clean_text
from coatcheck.store import MediaStore
from coatcheck.workers import WorkerPool

ASPECT_RATIOS: Final = {
    "1:1": (1024, 1024),
    "16:9": (1280, 720),
    "9:16": (720, 1280),
    "4:3": (1152, 864),
    "3:4": (864, 1152),
    "3:2": (1152, 768),
    "2:3": (768, 1152),
    "21:9": (1344, 576),
}
"""Pixels of each aspect ratio: about a megapixel, every ratio exact."""

MAX_PROMPT: Final = 4000
EDGES: Final = range(64, 2049)
_SEEDS: Final = 2**31
_SHOWN_PROMPT_WEIGHT: Final = 120  # the reference's own text holds more of it
_PLOT_SIZE: Final = (1024, 768)

Announce = Callable[[dict[str, Any]], Awaitable[None]]
"""Takes a ``data-media`` part for the user to see while a tool is at work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext:
    """What the tools work with.

    Attributes:
        store: where media goes.
        provider: who draws.
        painters: worker processes that offer the task ``plot``.
        urls: mints the URLs of UI forms.
        conversation_id: what the media belongs to; None outside a conversation.
        owner: whom the media belongs to; None where nobody is told apart.
        previews: shows pictures while they are being made; None where nobody looks.
    """

    store: MediaStore
    provider: ImageProvider
    painters: WorkerPool
    urls: MediaUrls
    conversation_id: str | None = None
    owner: str | None = None
    previews: Previews | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageResult:
    """What a tool made, with the two faces of its result."""

    reference: MediaReference
    prompt: str
    model: str
    message: str
    timestamp: datetime

    def to_ui(self, urls: MediaUrls) -> dict[str, Any]:
        """The tool's result as the user's side gets it (``spec/wire.md``)."""
        return {
            "success": True,
            "data": {
                "imageReference": self.reference.to_ui(urls),
                **result_urls(self.reference, urls),
                "prompt": clean_text(self.prompt, _SHOWN_PROMPT_WEIGHT),
                "model": self.model,
                "mode": "generate",
                "size": f"{self.reference.width}x{self.reference.height}",
                "message": self.message,
                "timestamp": self.timestamp.isoformat(timespec="seconds"),
            },
        }

    def to_model(self) -> str:
        """The tool's result as the model gets it: text of one line, no URL, no bytes."""
        return result_line(self.message, self.reference)


async def generate_image(
    context: ToolContext,
    announce: Announce,
    *,
    part_id: str,
    prompt: str,
    aspect_ratio: str | None = None,
    width: int | None = None,
    height: int | None = None,
    seed: int | None = None,
    filename: str | None = None,
) -> ImageResult:
    """Draw a picture and keep it.

    Args:
        context: what to work with.
        announce: told of the picture's states: pending, previews, then ready or failed.
        part_id: the id of the part that shows them.
        prompt: what to draw; 1 to `MAX_PROMPT` characters.
        aspect_ratio: a key of `ASPECT_RATIOS`; 1:1 when nothing else says the size.
        width: pixels, 64 to 2048; overrides the aspect ratio together with `height`.
        height: pixels, 64 to 2048.
        seed: the same prompt, size and seed give the same picture; drawn at random when None.
        filename: what to save it as; made from the prompt when None.

    Raises:
        InvalidInputError: an argument cannot be used; the message tells a model how to mend it.
        GenerationError: the provider made no picture.
        StorageError: the picture could not be kept.
    """
    words = prompt.strip()
    if not words:
        raise InvalidInputError("The prompt is empty; say in a few words what to draw.")
    if len(words) > MAX_PROMPT:
        raise InvalidInputError(f"The prompt is longer than {MAX_PROMPT} characters; shorten it.")
    size = _size(aspect_ratio, width, height)
    drawn_seed = secrets.randbelow(_SEEDS) if seed is None else seed % _SEEDS
    request = ImageRequest(
        prompt=words,
        width=size[0],
        height=size[1],
        seed=drawn_seed,
        previews=0 if context.previews is None else context.previews.count,
    )

    async def draw(show: Show) -> bytes:
        last = await watch(
            context.provider.generate(request),
            show,
            context.previews,
            owner=context.owner,
            conversation_id=context.conversation_id,
        )
        if last is None or last.progress < 1:
            raise GenerationError(f"{context.provider.model} ended without a picture.")
        return last.data

    return await _make(
        context,
        announce,
        part_id=part_id,
        draw=draw,
        size=size,
        caption=words,
        filename=filename or f"{_slug(words)}.png",
        model=context.provider.model,
        message="Image generated.",
    )


async def plot(
    context: ToolContext,
    announce: Announce,
    *,
    part_id: str,
    expression: str,
    x_min: float = -10.0,
    x_max: float = 10.0,
    title: str | None = None,
) -> ImageResult:
    """Plot a function of x and keep the picture.

    Args:
        context: what to work with.
        announce: told of the picture's states.
        part_id: the id of the part that shows them.
        expression: arithmetic over x, for example ``sin(x)/x``.
        x_min: left end of the interval.
        x_max: right end of the interval.
        title: above the plot; the expression when None.

    Raises:
        InvalidInputError: the expression or the interval cannot be used; the message says why.
        WorkerError: the plotter failed.
        StorageError: the picture could not be kept.
    """

    async def draw(_show: Show) -> bytes:
        if not (math.isfinite(x_min) and math.isfinite(x_max)):  # JSON cannot carry others
            raise InvalidInputError("The plot needs an interval between two finite numbers.")
        _, data = await context.painters.run(
            "plot", expression=expression, x_min=x_min, x_max=x_max, title=title
        )
        return data

    return await _make(
        context,
        announce,
        part_id=part_id,
        draw=draw,
        size=_PLOT_SIZE,
        caption=f"plot of {expression.strip()} for x from {x_min:g} to {x_max:g}",
        filename=f"{_slug(f'plot {expression}')}.png",
        model="matplotlib",
        message="Plot drawn.",
    )


async def _make(
    context: ToolContext,
    announce: Announce,
    *,
    part_id: str,
    draw: Callable[[Show], Awaitable[bytes]],
    size: tuple[int, int],
    caption: str,
    filename: str,
    model: str,
    message: str,
) -> ImageResult:
    """Announce, draw, keep, announce again."""

    async def show(data: dict[str, Any]) -> None:
        await announce(media_part.media_part(part_id, data))

    alt = clean_text(caption, ALT_WEIGHT)
    await show(media_part.pending(width=size[0], height=size[1], alt=alt))
    try:
        reference = await context.store.put(
            await draw(show),
            display_name=filename,
            alt=alt,
            media_type="image/*",  # whatever a provider sends must be an image
            owner=context.owner,
            conversation_id=context.conversation_id,
        )
    except CoatcheckError as error:
        await show(media_part.failed(error))
        raise
    await show(media_part.ready(reference.to_ui(context.urls)))
    return ImageResult(
        reference=reference,
        prompt=caption,
        model=model,
        message=message,
        timestamp=datetime.now(UTC),
    )


def _size(aspect_ratio: str | None, width: int | None, height: int | None) -> tuple[int, int]:
    named = (aspect_ratio or "1:1").replace(" ", "")
    ratio = ASPECT_RATIOS.get(named)
    if ratio is None:
        raise InvalidInputError(
            f"aspect_ratio is {named[:20]!r}; it may be {', '.join(ASPECT_RATIOS)}."
        )
    if width is None and height is None:
        return ratio
    # One edge given: the other follows from the ratio.
    across = width if width is not None else round((height or 0) * ratio[0] / ratio[1])
    down = height if height is not None else round(across * ratio[1] / ratio[0])
    if across not in EDGES or down not in EDGES:
        raise InvalidInputError(
            f"The size is {across}×{down}; each edge may have {EDGES[0]} to {EDGES[-1]} pixels."
        )
    return across, down


def _slug(text: str) -> str:
    words = re.findall(r"\w+", text.lower())
    return "-".join(words)[:48].strip("-") or "picture"
