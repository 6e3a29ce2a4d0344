"""The canvas: coordinates, windows and blending.

World coordinates: y runs from 0 (top edge) to 1 (bottom edge), x from -aspect/2 to aspect/2, both
in units of the picture's height. Colors are gamma-encoded sRGB in [0, 1]; pixels are kept as three
planes (3, height, width), float32, because NumPy is slow on an inner axis of three.
"""

from dataclasses import dataclass

import numpy as np

from coatcheck_chat.painter.noise import Array


class Canvas:
    """A picture being painted.

    Attributes:
        x: world x of the pixel columns, shape (width,).
        y: world y of the pixel rows, shape (height,).
        rgb: the planes, shape (3, height, width).
        pixel: the height of a pixel in world units.
        aspect: width / height of the full-size picture.
    """

    def __init__(self, width: int, height: int, aspect: float) -> None:
        """Make an all-black canvas of width x height pixels."""
        self.width, self.height = width, height
        self.aspect = aspect
        self.pixel = 1.0 / height
        across = (np.arange(width) + 0.5) / width
        self.x: Array = np.asarray((across - 0.5) * aspect, np.float32)
        self.y: Array = np.asarray((np.arange(height) + 0.5) / height, np.float32)
        self.rgb: Array = np.zeros((3, height, width), np.float32)

    @property
    def scale(self) -> float:
        """Size factor for subjects: 1, but less on upright formats, where the width is scarce."""
        return min(1.0, self.aspect / 0.95)

    def rows(self, top: float, bottom: float) -> slice:
        """Return the slice of rows between two world heights, clipped to the picture."""
        first = int(np.clip(np.floor(top * self.height), 0, self.height))
        return slice(first, int(np.clip(np.ceil(bottom * self.height), first, self.height)))

    def columns(self, left: float, right: float) -> slice:
        """Return the slice of columns between two world positions, clipped to the picture."""
        at = [(e / self.aspect + 0.5) * self.width for e in (left, right)]
        first = int(np.clip(np.floor(at[0]), 0, self.width))
        return slice(first, int(np.clip(np.ceil(at[1]), first, self.width)))

    def below(self, line: Array, soft: float = 0.0) -> tuple[slice, Array]:
        """Return the rows that reach below the profile `line` (world y, shape (width,)).

        The second value is the anti-aliased mask (rows, width) of what lies below it; `soft` widens
        the edge (world units).
        """
        rows = self.rows(float(line.min()) - soft - self.pixel, 1.0)
        edge = max(self.pixel, soft)
        mask = (self.y[rows, None] - line[None, :]) * np.float32(1 / edge) + np.float32(0.5)
        return rows, np.clip(mask, 0, 1, out=mask)

    def calmed(self, line: Array, reach: float = 0.03) -> Array:
        """Return the profile `line` averaged over `reach` (world units), without its twigs."""
        size = max(1, round(reach * self.width / self.aspect / 2))
        padded = np.pad(line, size, mode="edge")
        sums = np.cumsum(np.insert(padded.astype(np.float64), 0, 0.0))
        window = 2 * size + 1
        return np.asarray((sums[window:] - sums[:-window]) / window, np.float32)

    def blend(
        self,
        mask: Array,
        color: Array,
        rows: slice = slice(None),
        columns: slice = slice(None),
    ) -> None:
        """Lay `color` ((3,) or (3, h, w)-broadcastable) over the window with `mask` in [0, 1]."""
        if color.ndim == 1:
            color = color[:, None, None]
        window = self.rgb[:, rows, columns]
        paint = np.broadcast_to(color, (3, *color.shape[1:]))
        # One plane at a time: the temporaries stay a third as large.
        for k in range(3):
            window[k] += (paint[k] - window[k]) * mask

    def stamp(self, x: Array, y: Array, radius: Array, color: Array, alpha: Array) -> None:
        """Add many small soft dots (vectors of equal length n; color (3,) or (3, n)).

        A dot narrower than a pixel spreads its energy over one, so previews keep the brightness.
        """
        inside = (np.abs(x) < self.aspect / 2 + 0.02) & (y > -0.02) & (y < 1.02)
        x, y, radius, alpha = x[inside], y[inside], radius[inside], alpha[inside]
        if not x.size:
            return
        if color.ndim == 2:
            color = color[:, inside]
        column = (x / self.aspect + 0.5) * self.width - 0.5
        row = y * self.height - 0.5
        r = radius * self.height
        wide = np.maximum(r, 0.75)
        alpha = np.asarray(alpha * (r / wide) ** 2, np.float32)
        reach = int(np.ceil(float(wide.max()) * 2.2))
        for dj in range(-reach, reach + 1):
            for di in range(-reach, reach + 1):
                i = np.rint(column).astype(np.int64) + di
                j = np.rint(row).astype(np.int64) + dj
                d2 = ((i - column) ** 2 + (j - row) ** 2) / wide**2
                keep = (i >= 0) & (i < self.width) & (j >= 0) & (j < self.height) & (d2 < 6)
                if not keep.any():
                    continue
                a = np.exp(-d2[keep]) * alpha[keep]
                for plane, paint in zip(self.rgb, color, strict=True):
                    tone = paint[keep] if np.ndim(paint) else paint
                    # Lerp, not add: overlapping dots must not burn out.
                    old = plane[j[keep], i[keep]]
                    plane[j[keep], i[keep]] = old + (tone - old) * np.clip(a, 0, 1)

    def frame(
        self, x: float, y: float, size: float, box: tuple[float, float, float, float]
    ) -> "Frame":
        """Open a window with local axes at (x, y): u to the right, v upwards, unit `size`.

        `box` is (left, right, bottom, top) in local units; what lies outside is not painted.
        """
        left, right, bottom, top = box
        rows = self.rows(y - top * size, y - bottom * size)
        columns = self.columns(x + left * size, x + right * size)
        return Frame(
            self,
            rows,
            columns,
            ((self.x[columns] - np.float32(x)) / np.float32(size))[None, :],
            ((np.float32(y) - self.y[rows]) / np.float32(size))[:, None],
            self.pixel / size,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A window of a canvas with local axes.

    Attributes:
        u: local x, shape (1, w).
        v: local y, upwards, shape (h, 1).
        pixel: a pixel's height in local units.
    """

    canvas: Canvas
    rows: slice
    columns: slice
    u: Array
    v: Array
    pixel: float

    def fill(self, distance: Array, color: Array, alpha: float = 1.0, soft: float = 0.0) -> None:
        """Paint where the signed `distance` (local units, negative inside) is below zero."""
        edge = max(self.pixel, soft)
        mask = np.clip(np.float32(0.5) - distance * np.float32(1 / edge), 0, 1)
        self.canvas.blend(mask * np.float32(alpha), color, self.rows, self.columns)

    def veil(self, mask: Array, color: Array) -> None:
        """Paint with a ready mask in [0, 1] (a glow, a beam)."""
        self.canvas.blend(mask, color, self.rows, self.columns)
