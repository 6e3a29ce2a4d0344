"""Where one box goes in another, and how large the first one is. Pure."""

from typing import Final, Literal

Size = tuple[int, int]
"""Width and height in pixels."""

Anchor = Literal[
    "center",
    "top",
    "bottom",
    "left",
    "right",
    "top-left",
    "top-right",
    "bottom-left",
    "bottom-right",
]
"""A corner, the middle of an edge, or the center."""


VECTOR_EDGE: Final = 1024
"""Longest edge in pixels at which a smaller vector image is edited: it has none of its own."""


def canvas(size: Size, *, is_vector: bool) -> Size:
    """The size at which edits begin for an image of `size`."""
    longest = max(size)
    if not is_vector or longest >= VECTOR_EDGE:
        return size
    width, height = (max(1, round(edge * VECTOR_EDGE / longest)) for edge in size)
    return width, height


def place(anchor: Anchor, outer: Size, inner: Size, margin: int = 0) -> tuple[int, int]:
    """Left and top of a box of size `inner` at `anchor` in one of size `outer`, in pixels.

    Args:
        anchor: where it goes.
        outer: the size of the box that it goes into.
        inner: its own size.
        margin: how far from an edge that it goes to.
    """
    free = outer[0] - inner[0], outer[1] - inner[1]
    left, top = free[0] // 2, free[1] // 2
    if "left" in anchor:
        left = margin
    if "right" in anchor:
        left = free[0] - margin
    if "top" in anchor:
        top = margin
    if "bottom" in anchor:
        top = free[1] - margin
    return left, top
