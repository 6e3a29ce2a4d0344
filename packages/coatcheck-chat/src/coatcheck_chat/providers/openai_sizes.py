"""Which sizes OpenAI's image models draw. Pure.

The numbers are those of https://developers.openai.com/api/docs/guides/image-generation.
"""

import math
from typing import Final

FIXED_SIZES: Final = ((1024, 1024), (1536, 1024), (1024, 1536))
"""Sizes that models before gpt-image-2 draw, in pixels."""

STEP: Final = 16
"""Later models draw any size whose edges are multiples of this many pixels, within the bounds."""

MAX_RATIO: Final = 3
MAX_EDGE: Final = 3840
MIN_PIXELS: Final = 655_360
MAX_PIXELS: Final = 8_294_400

_FIXED_MODELS: Final = ("gpt-image-1", "chatgpt-image")


def fixed_sizes(model: str) -> tuple[tuple[int, int], ...]:
    """Every size that `model` draws; empty if it is one of the later ones."""
    return FIXED_SIZES if model.startswith(_FIXED_MODELS) else ()


def aligned(width: int, height: int) -> tuple[int, int]:
    """The size nearest to `width` × `height` pixels that the later models draw."""
    shorter = max(width, height) / MAX_RATIO
    across, down = max(width, shorter), max(height, shorter)
    scale = max(1.0, math.sqrt(MIN_PIXELS / (across * down)))
    scale = min(scale, math.sqrt(MAX_PIXELS / (across * down)), MAX_EDGE / max(across, down))
    sizes = [
        (STEP * to_integer(across * scale / STEP), STEP * to_integer(down * scale / STEP))
        for to_integer in (round, math.ceil, math.floor)
    ]
    return next(size for size in sizes if is_aligned(*size))


def is_aligned(width: int, height: int) -> bool:
    """Whether the later models draw this size."""
    longer, shorter = max(width, height), min(width, height)
    return (
        width % STEP == 0
        and height % STEP == 0
        and longer <= min(MAX_EDGE, MAX_RATIO * shorter)
        and MIN_PIXELS <= width * height <= MAX_PIXELS
    )
