"""The limits of both OpenAI APIs, and the costs of pictures. Pure.

Sources, as of November 2026:
https://developers.openai.com/api/docs/guides/images-vision (formats, lengths, formulas),
https://developers.openai.com/api/docs/guides/file-inputs (PDF).
"""

from math import ceil, floor, sqrt
from typing import Final

from coatcheck.payload.hydration.limits import MEGABYTE, MediaLimits, count_of

MAX_PATCHES: Final = 1536
"""Patches of 32 × 32 pixels that a model of the newer kind looks at."""

_PATCH: Final = 32
_SQUARE: Final = 2048
_SHORT_EDGE: Final = 768
_TILE: Final = 512
_BASE_TOKENS: Final = 85
_TILE_TOKENS: Final = 170


def tile_tokens(width: int, height: int) -> int:
    """Count the tokens of a picture for models that look at tiles (GPT-4o).

    It is scaled down to fit in 2048 × 2048, then to 768 pixels on its short edge. Each tile of
    512 × 512 costs 170 tokens, on top of 85.
    """
    scale = min(1.0, _SQUARE / max(width, height))
    scale = min(scale, _SHORT_EDGE / min(width, height))
    tiles = count_of(width * scale, _TILE) * count_of(height * scale, _TILE)
    return _BASE_TOKENS + _TILE_TOKENS * tiles


def patch_tokens(width: int, height: int) -> int:
    """Count the tokens of a picture for models that look at patches (GPT-4.1 and later).

    Each patch is one token. A picture of more than `MAX_PATCHES` is scaled down, to a whole number
    of patches along one edge.
    """
    patches = ceil(width / _PATCH) * ceil(height / _PATCH)
    if patches <= MAX_PATCHES:
        return patches
    scale = sqrt(MAX_PATCHES * _PATCH**2 / (width * height))
    across, down = width * scale / _PATCH, height * scale / _PATCH
    scale = min(floor(across) / across, floor(down) / down)
    patches = max(1, count_of(across * scale, 1)) * max(1, count_of(down * scale, 1))
    return min(MAX_PATCHES, patches)


def estimate_tokens(width: int, height: int) -> int:
    """Return the larger result of both formulas, because the model may be of either kind.

    Small models multiply the count: GPT-4.1 mini by 1.62, nano by 2.46.
    """
    return max(tile_tokens(width, height), patch_tokens(width, height))


def _fits(width: int, height: int) -> bool:
    patches = ceil(width / _PATCH) * ceil(height / _PATCH)
    return max(width, height) <= _SQUARE and patches <= MAX_PATCHES


LIMITS: Final = MediaLimits(
    # A GIF must not move, and whether one does is not known.
    image_types=frozenset({"image/png", "image/jpeg", "image/webp"}),
    fits=_fits,
    max_edge=8192,
    image_length=20 * MEGABYTE,
    request_length=48 * MEGABYTE,
    request_media=500,
    other_types=frozenset({"application/pdf", "audio/wav", "audio/mpeg"}),
    estimate_tokens=estimate_tokens,
)
"""20 MB an image, 50 MB and 500 images a request, of which 2 MB are left for text. A longest edge
is not documented; pictures with an edge over 8192 pixels are always scaled down."""
