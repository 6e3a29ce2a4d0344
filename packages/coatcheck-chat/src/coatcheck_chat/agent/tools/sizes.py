"""How large a picture is drawn. Pure."""

from typing import Final

from coatcheck.errors import InvalidInputError

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

EDGES: Final = range(64, 2049)
"""Allowed pixels of an edge."""


def drawn_size(
    aspect_ratio: str | None,
    width: int | None,
    height: int | None,
    *,
    like: tuple[int, int] | None = None,
) -> tuple[int, int]:
    """The size in pixels to draw.

    Args:
        aspect_ratio: a key of `ASPECT_RATIOS`.
        width: pixels; with `height` it overrides the ratio, alone the other follows from the ratio.
        height: pixels.
        like: the size of another picture, whose shape is taken where nothing else says one.

    Raises:
        InvalidInputError: there is no such ratio, or an edge is not in `EDGES`.
    """
    if like is not None and aspect_ratio is None and width is None and height is None:
        return _within(like)
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


def _within(size: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, EDGES[-1] / max(size))
    width, height = (max(EDGES[0], round(edge * scale)) for edge in size)
    return width, height
