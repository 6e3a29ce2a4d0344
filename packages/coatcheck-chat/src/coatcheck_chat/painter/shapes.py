"""Signed distances to plane shapes, negative inside, in the units of their arguments."""

from collections.abc import Sequence

import numpy as np

from coatcheck_chat.painter.noise import Array

Point = tuple[float, float]


def disc(u: Array, v: Array, center: Point, radius: float, squash: float = 1.0) -> Array:
    """Return the distance to a disc; `squash` < 1 flattens it into an ellipse (approximately)."""
    du, dv = u - np.float32(center[0]), (v - np.float32(center[1])) / np.float32(squash)
    return np.asarray(np.sqrt(du * du + dv * dv) - np.float32(radius), np.float32)


def box(u: Array, v: Array, left: float, right: float, bottom: float, top: float) -> Array:
    """Return the (Chebyshev) distance to an upright rectangle."""
    du = np.abs(u - np.float32((left + right) / 2)) - np.float32((right - left) / 2)
    dv = np.abs(v - np.float32((bottom + top) / 2)) - np.float32((top - bottom) / 2)
    return np.asarray(np.maximum(du, dv), np.float32)


def taper(u: Array, v: Array, span: tuple[float, float], low: float, high: float) -> Array:
    """Return the distance to a centerd trapezium: half width `low` at span[0], then `high`."""
    bottom, top = span
    t = np.clip((v - np.float32(bottom)) / np.float32(top - bottom), 0, 1)
    side = np.abs(u) - (np.float32(low) + np.float32(high - low) * t)
    ends = np.maximum(np.float32(bottom) - v, v - np.float32(top))
    return np.asarray(np.maximum(side, ends), np.float32)


def stroke(u: Array, v: Array, a: Point, b: Point, width: float, end: float | None = None) -> Array:
    """Return the distance to a round-ended stroke from a to b; half width `width` to `end`."""
    pu, pv = u - np.float32(a[0]), v - np.float32(a[1])
    bu, bv = b[0] - a[0], b[1] - a[1]
    t = np.clip((pu * np.float32(bu) + pv * np.float32(bv)) / np.float32(bu * bu + bv * bv), 0, 1)
    du, dv = pu - np.float32(bu) * t, pv - np.float32(bv) * t
    half = np.float32(width) + np.float32((width if end is None else end) - width) * t
    return np.asarray(np.sqrt(du * du + dv * dv) - half, np.float32)


def polygon(u: Array, v: Array, points: Sequence[Point]) -> Array:
    """Return the distance to a closed polygon (even-odd rule).

    After "sdPolygon" by Inigo Quilez (MIT), https://iquilezles.org/articles/distfunctions2d/.
    """
    best = np.full(np.broadcast_shapes(u.shape, v.shape), np.inf, np.float32)
    inside = np.zeros(best.shape, np.bool_)
    for (au, av), (bu, bv) in zip(points, [*points[1:], points[0]], strict=True):
        eu, ev = np.float32(bu - au), np.float32(bv - av)
        wu, wv = u - np.float32(au), v - np.float32(av)
        t = np.clip((wu * eu + wv * ev) / max(eu * eu + ev * ev, np.float32(1e-12)), 0, 1)
        best = np.minimum(best, (wu - eu * t) ** 2 + (wv - ev * t) ** 2)
        spans = (v >= np.float32(av)) != (v >= np.float32(bv))
        inside ^= spans & ((wu * ev < wv * eu) == (ev > 0))
    return np.asarray(np.where(inside, -1, 1) * np.sqrt(best), np.float32)


def curve(points: Sequence[Point], steps: int = 5) -> list[Point]:
    """Return a closed Catmull-Rom spline through `points` as a polygon, `steps` points an edge."""
    out: list[Point] = []
    n = len(points)
    for k in range(n):
        p, q, r, s = (np.array(points[(k + d) % n]) for d in (-1, 0, 1, 2))
        for t in np.arange(steps) / steps:
            at = 0.5 * (
                2 * q
                + (r - p) * t
                + (2 * p - 5 * q + 4 * r - s) * t**2
                + (3 * q - p - 3 * r + s) * t**3
            )
            out.append((float(at[0]), float(at[1])))
    return out
