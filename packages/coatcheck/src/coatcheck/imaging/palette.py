"""The colors that an image is made of. Pure."""

import math
from dataclasses import dataclass
from typing import Final

Swatch = tuple[int, int, int, float]
"""Red, green and blue (0 to 255), and share of the image (0 to 1)."""

MAX_SWATCHES: Final = 5
"""Most colors that are told."""

_LEAST_SHARE: Final = 0.04
_STEP_BITS: Final = 4  # colors that differ in lower bits only are counted as one
_NEAR: Final = 48.0  # distance in RGB below which two colors are told as one
_PIXEL: Final = 4  # bytes
_OPAQUE: Final = 128


@dataclass(slots=True)
class _Group:
    """Pixels of similar colors."""

    red: int = 0
    green: int = 0
    blue: int = 0
    count: int = 0

    @property
    def center(self) -> tuple[float, float, float]:
        return self.red / self.count, self.green / self.count, self.blue / self.count

    @property
    def rounded(self) -> tuple[int, int, int]:
        red, green, blue = self.center
        return round(red), round(green), round(blue)

    def add(self, red: int, green: int, blue: int, count: int = 1) -> None:
        self.red += red
        self.green += green
        self.blue += blue
        self.count += count


def dominant_colors(rgba: bytes) -> list[Swatch]:
    """The main colors of an image, largest share first.

    Args:
        rgba: pixels of four bytes; those that are more than half transparent do not count.
    """
    cells: dict[tuple[int, int, int], _Group] = {}
    for start in range(0, len(rgba), _PIXEL):
        red, green, blue, alpha = rgba[start : start + _PIXEL]
        if alpha >= _OPAQUE:
            key = (red >> _STEP_BITS, green >> _STEP_BITS, blue >> _STEP_BITS)
            cells.setdefault(key, _Group()).add(red, green, blue)
    groups: list[_Group] = []
    # From the largest, and ties by color: the order of the pixels must not decide.
    for cell in sorted(cells.values(), key=lambda cell: (-cell.count, cell.center)):
        near = [group for group in groups if math.dist(group.center, cell.center) < _NEAR]
        if near:
            closest = min(near, key=lambda group: math.dist(group.center, cell.center))
            closest.add(cell.red, cell.green, cell.blue, cell.count)
        else:
            groups.append(cell)
    total = sum(group.count for group in groups)
    groups.sort(key=lambda group: (-group.count, group.center))
    return [
        (*group.rounded, group.count / total)
        for group in groups[:MAX_SWATCHES]
        if group.count >= _LEAST_SHARE * total
    ]
