"""Smooth noise on hashed lattices, the same at every resolution.

A lattice point's value is a hash of its integer coordinates and a seed; between points a uniform
cubic B-spline interpolates. The coordinates form a grid (one vector for each axis), so that the
spline is separable: four gathers along each axis instead of sixteen for each pixel.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

# The spline flattens the lattice's variance; these bring the standard deviation to about 0.5.
_GAIN_1D = 1.25
_GAIN_2D = 1.8


def lattice(i: NDArray[np.int64], j: NDArray[np.int64], seed: int) -> Array:
    """Hash integer coordinates (broadcast together) to uniform values in [-1, 1)."""
    h = (
        np.asarray(i).astype(np.uint32) * np.uint32(0x9E3779B1)
        ^ np.asarray(j).astype(np.uint32) * np.uint32(0x85EBCA77)
        ^ np.uint32(seed & 0xFFFFFFFF)
    )
    # The finalizer of MurmurHash3 (public domain, Austin Appleby).
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return (h.astype(np.float32) * np.float32(2.0**-31)) - np.float32(1.0)


def hashed(index: NDArray[np.int64], seed: int) -> Array:
    """Return a uniform value in [0, 1) for each integer of `index` (any shape)."""
    return lattice(index, np.zeros(1, np.int64), seed) * np.float32(0.5) + np.float32(0.5)


def _spline(coordinates: Array) -> tuple[NDArray[np.int64], tuple[Array, Array, Array, Array]]:
    floor = np.floor(coordinates)
    t = coordinates - floor
    s = 1 - t
    sixth = np.float32(1 / 6)
    near = (3 * t * t * t - 6 * t * t + 4) * sixth
    far = (3 * s * s * s - 6 * s * s + 4) * sixth
    return floor.astype(np.int64), (s * s * s * sixth, near, far, t * t * t * sixth)


def line(x: Array, seed: int) -> Array:
    """Return 1-D noise at lattice coordinates `x` (any shape), about [-1, 1]."""
    x = np.asarray(x, np.float32)
    cell, weights = _spline(x)
    row = np.zeros(1, np.int64)
    total = np.zeros_like(x)
    for k, weight in enumerate(weights):
        total += weight * lattice(cell + (k - 1), row, seed)
    return total * np.float32(_GAIN_1D)


def sheet(x: Array, y: Array, seed: int) -> Array:
    """Return 2-D noise, shape (len(y), len(x)), about [-1, 1], at lattice coordinates x and y."""
    if not x.size or not y.size:
        return np.zeros((y.size, x.size), np.float32)
    column, across = _spline(np.asarray(x, np.float32))
    row, down = _spline(np.asarray(y, np.float32))
    first, last = int(row.min()) - 1, int(row.max()) + 2
    rows = np.arange(first, last + 1)[:, None]
    # Interpolate along x on the few lattice rows first, then along y on all pixels.
    strip = np.zeros((rows.size, x.size), np.float32)
    for k, weight in enumerate(across):
        strip += weight * lattice(column[None, :] + (k - 1), rows, seed)
    strip *= np.float32(_GAIN_2D)
    total = strip[row - 1 - first] * down[0][:, None]
    for k in (1, 2, 3):
        total += strip[row + (k - 1) - first] * down[k][:, None]
    return total


def _octaves(
    octaves: int, gain: float, step: float, sample: Callable[[float, int], Array]
) -> Array:
    # Octaves finer than the pixels fade out instead of aliasing; the norm counts all of them, so
    # that the coarse shapes keep their amplitude at every resolution.
    norm = sum(gain ** (2 * k) for k in range(octaves)) ** -0.5
    total = sample(1.0, 0) * np.float32(norm)
    for k in range(1, octaves):
        fade = min(1.0, 2.0 - 4.0 * step * 2.0**k)
        if fade <= 0:
            break
        total += sample(2.0**k, k) * np.float32(norm * fade * gain**k)
    return total


def _step(coordinates: Array) -> float:
    return float(abs(coordinates[1] - coordinates[0])) if coordinates.size > 1 else 0.0


def ridge(x: Array, seed: int, *, octaves: int = 5, gain: float = 0.5) -> Array:
    """Return 1-D fractal noise for the sorted vector `x`; octaves stop at the pixel."""
    return _octaves(octaves, gain, _step(x), lambda f, k: line(x * np.float32(f), seed + 101 * k))


def fractal(x: Array, y: Array, seed: int, *, octaves: int = 5, gain: float = 0.5) -> Array:
    """Return 2-D fractal noise, shape (len(y), len(x)); octaves stop at the pixel.

    `y` may be spaced unevenly (a perspective); the finer of both axes' first steps is what counts.
    """
    step = min(s for s in (_step(x), _step(y), 9.0) if s >= 0)
    return _octaves(
        octaves,
        gain,
        step,
        lambda f, k: sheet(x * np.float32(f), y * np.float32(f), seed + 101 * k),
    )


def displaced(field: Array, dx: Array, dy: Array) -> Array:
    """Return `field` (..., h, w) read at pixels moved by dx, dy (pixels, broadcast to (h, w)).

    Reading past an edge mirrors the field.
    """
    h, w = field.shape[-2:]
    column = np.arange(w)[None, :] + np.rint(dx).astype(np.int32)
    row = np.arange(h)[:, None] + np.rint(dy).astype(np.int32)
    column = _mirrored(column, w)
    row = _mirrored(row, h)
    return np.asarray(field[..., row, column], np.float32)


def _mirrored(index: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    index = np.abs(index) % (2 * size)
    return np.minimum(index, 2 * size - 1 - index)


def smooth(low: float, high: float, value: Array) -> Array:
    """Return the smoothstep of `value`: 0 at `low`, 1 at `high` (which may be the lower one)."""
    t = np.clip((value - np.float32(low)) * np.float32(1 / (high - low)), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
