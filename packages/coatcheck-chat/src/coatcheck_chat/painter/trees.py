"""Rows of trees along a crest: conifers and round crowns."""

from dataclasses import dataclass

import numpy as np

from coatcheck_chat.painter.canvas import Canvas
from coatcheck_chat.painter.noise import Array, fractal, hashed, smooth
from coatcheck_chat.painter.palette import Palette, field, ink, mix
from coatcheck_chat.painter.scene import Scene


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A row of trees.

    Attributes:
        tall: mean height, world units.
        far: 0 (close) to 1 (lost in the haze).
        kind: "conifer" or "round".
        density: share of the places that carry a tree, in [0, 1].
        surface: foliage color; None takes the season's.
        dark: how far the row is drawn as a silhouette, in [0, 1].
    """

    tall: float
    far: float
    kind: str = "conifer"
    density: float = 0.95
    surface: Array | None = None
    dark: float = 0.0


def foliage(scene: Scene, kind: str) -> tuple[Array, Array]:
    """Return the two colors a season's leaves vary between."""
    if kind == "conifer":
        pair = ("52796a", "3d6258") if scene.season != "winter" else ("8fa6ae", "5d7c80")
    else:
        pair = {
            "autumn": ("e39a3c", "c4542e"),
            "winter": ("dfe3ea", "b9c2d0"),
            "spring": ("f4bfcd", "e694b0"),
        }.get(scene.season, ("86ac5c", "5a8a50"))
    return ink(pair[0]), ink(pair[1])


def paint_row(
    canvas: Canvas, scene: Scene, palette: Palette, name: str, ground: Array, row: Row
) -> None:
    """Plant a row of trees on `ground` (world y for each column, shape (width,))."""
    dice = scene.dice.child(name)
    spacing = row.tall * (0.27 if row.kind == "conifer" else 0.5)
    cells = canvas.x / np.float32(spacing)
    rows = canvas.rows(float(ground.min()) - row.tall * 1.5, float(ground.max()) + 0.01)
    y = canvas.y[rows][:, None]
    if not y.size:
        return
    first, second = foliage(scene, row.kind)
    if row.surface is not None:
        first = second = row.surface
    towards = -1.0 if scene.light[0] < 0 else 1.0
    haze = mix(palette.haze, palette.glow, 0.2)
    speckle = None
    if row.kind == "round":
        speckle = fractal(canvas.x * 60, canvas.y[rows] * 60, dice.seed("leaf"), octaves=2)
    for turn in (0, 2, 4, 1, 3):
        # Each column's nearest tree of every fifth: the order of overlaps is the same everywhere.
        index = (np.rint((cells - 0.5 - turn) / 5) * 5 + turn).astype(np.int64)
        x = (index + 0.5 + 0.7 * (hashed(index, dice.seed("x")) - 0.5)) * np.float32(spacing)
        tall = row.tall * (0.55 + 0.75 * hashed(index, dice.seed("tall")) ** 1.5)
        tall = np.where(hashed(index, dice.seed("there")) < row.density, tall, 0.0001)
        base = np.interp(x, canvas.x, ground) + 0.004
        dx = (canvas.x - x)[None, :].astype(np.float32)
        v = ((y - (base - tall)[None, :]) / tall[None, :]).astype(np.float32)
        tone = hashed(index, dice.seed("tone"))[None, :]
        if row.kind == "conifer":
            distance, light = _conifer(dx, v, tall[None, :], tone, towards)
        else:
            distance, light = _crown(dx, v, tall[None, :], tone, towards, speckle)
        mask = np.clip(0.5 - distance * np.float32(canvas.height), 0, 1)
        mask *= (v > -0.05) & (v < 1.3)
        leaf = field(first, second, tone)
        key, fill = palette.key[:, None, None], palette.fill[:, None, None]
        color = leaf * (fill + (key - fill) * (light * (1 - row.dark) * 0.8)[None])
        color *= 1 - np.float32(0.35 * row.dark)
        fade = row.far + (1 - row.far) * row.far * np.clip(v, 0, 1) ** 2 * 0.9
        color = color + (haze[:, None, None] - color) * fade
        canvas.blend(mask.astype(np.float32), color.astype(np.float32), rows)


def _conifer(dx: Array, v: Array, tall: Array, tone: Array, towards: float) -> tuple[Array, Array]:
    # Branches: a saw tooth that widens downwards and hangs a little to the sides.
    hang = v - np.abs(dx) / tall * np.float32(0.45)
    tooth = np.mod(hang * (np.float32(7) + tone * 3) + tone * 5, 1)
    half = tall * (np.maximum(v, 0) * np.float32(0.19) + np.float32(0.006))
    half = half * (np.float32(0.58) + np.float32(0.42) * tooth)
    light = smooth(-0.5, 0.8, dx * np.float32(towards) / np.maximum(half, 1e-5)) * (1 - v * 0.3)
    return np.abs(dx) - half, np.clip(light * (0.7 + 0.3 * tooth), 0, 1)


def _crown(
    dx: Array, v: Array, tall: Array, tone: Array, towards: float, speckle: Array | None
) -> tuple[Array, Array]:
    bump = 0 if speckle is None else speckle * tall * np.float32(0.06)
    dv = (v - np.float32(0.52)) * tall
    wide = np.float32(0.34) + tone * np.float32(0.12)
    distance = np.sqrt((dx / wide) ** 2 + (dv / 0.52) ** 2) * wide - tall * wide + bump
    trunk = np.maximum(np.abs(dx) - tall * np.float32(0.035), np.float32(0.4) * tall - dv - tall)
    light = (dx * np.float32(towards) - dv * np.float32(0.9)) / tall * np.float32(1.3) + 0.45
    if speckle is not None:
        light = light + speckle * np.float32(0.22)
    return np.minimum(distance, np.maximum(trunk, v - 1.02)), np.clip(light, 0, 1)
