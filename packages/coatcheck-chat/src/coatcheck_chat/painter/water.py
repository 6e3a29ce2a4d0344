"""Water: it mirrors what has been painted above it, broken by ripples."""

import numpy as np

from coatcheck_chat.painter.canvas import Canvas
from coatcheck_chat.painter.noise import (
    Array,
    displaced,
    fractal,
    hashed,
    line,
    ridge,
    sheet,
    smooth,
)
from coatcheck_chat.painter.palette import Palette, ink, mix
from coatcheck_chat.painter.scene import Scene
from coatcheck_chat.painter.sky import light_at

_DEEP = {"dawn": "3f6f92", "day": "1f6f96", "dusk": "2c3a6e", "night": "0b2244"}


def paint_water(
    canvas: Canvas, scene: Scene, palette: Palette, shore: float, mask: Array | None = None
) -> None:
    """Paint water below world y `shore`, mirroring the canvas above it.

    `mask` (rows below the shore, width) limits it, for a river.
    """
    rows = canvas.rows(shore, 1)
    y = canvas.y[rows]
    if not y.size:
        return
    rough = {"sea": 1.0, "lake": 0.34, "river": 0.5}.get(scene.water, 0.4)
    if scene.weather in {"storm", "rain"}:
        rough *= 1.6
    depth = np.maximum((y - np.float32(shore)) / np.float32(1 - shore), 0)
    # Perspective: equal waves shrink towards the shore line, v is the distance in wave lengths.
    v = np.float32(26) * np.log(depth + np.float32(0.07))
    seed = scene.dice.seed("ripples")
    swell = fractal(canvas.x * 3.2, v * 0.9, seed, octaves=4, gain=0.6)
    mirror = _mirror(canvas, rows, shore, swell, rough, depth)
    deep = ink(_DEEP[scene.time])
    if palette.tint is not None:
        deep = mix(deep, palette.tint * np.float32(0.6), 0.35)
    deep = mix(deep, palette.sky[1], 0.3)
    # Looking down into near water shows its own color, looking along it shows the mirror.
    share = (0.16 + (0.5 if scene.water == "sea" else 0.3) * depth)[:, None]
    share = np.clip(share + swell * np.float32(0.2 * rough), 0, 0.9)
    mirror += (deep[:, None, None] - mirror) * share
    crests = smooth(0.75, 1.25, swell) * (np.float32(0.32 * rough) * (1 - 0.5 * depth[:, None]))
    mirror += (mix(palette.sky[-2], palette.glow, 0.4)[:, None, None] - mirror) * crests
    if mask is None:
        canvas.rgb[:, rows] = mirror
    else:
        canvas.blend(mask, mirror, rows)
    if scene.place != "space":
        _glitter(canvas, scene, palette, rows, v, depth, mask)


def _mirror(
    canvas: Canvas, rows: slice, shore: float, swell: Array, rough: float, depth: Array
) -> Array:
    height = canvas.height
    first = int(np.clip(round(shore * height), 1, height))
    count = rows.stop - rows.start
    # Mirrored rows are compressed a little on short skies, so that they never run out.
    ratio = min(1.15, (first - 1) / max(count, 1))
    source = np.clip(first - 1 - np.arange(count) * ratio, 0, first - 1).astype(np.int64)
    image = canvas.rgb[:, source]
    reach = (np.float32(0.002) + depth * np.float32(0.02)) * np.float32(rough)
    dx = swell * (reach * np.float32(1.2 * height))[:, None]
    dy = swell[:, ::-1] * (reach * np.float32(1.5 * height))[:, None]
    return displaced(image, dx, dy)


def _glitter(
    canvas: Canvas,
    scene: Scene,
    palette: Palette,
    rows: slice,
    v: Array,
    depth: Array,
    limit: Array | None,
) -> None:
    x, _ = light_at(canvas, scene)
    strength = {"day": 0.4, "night": 0.8}.get(scene.time, 0.95)
    strength *= {"storm": 0.25, "rain": 0.25, "fog": 0.4}.get(scene.weather, 1.0)
    sway = line(v * np.float32(0.5), scene.dice.seed("sway")) * np.float32(0.016)
    width = (0.035 + depth * 0.085) * canvas.scale
    off = (canvas.x[None, :] - np.float32(x) - sway[:, None]) / width[:, None].astype(np.float32)
    path = np.exp(-(off**2))
    dashes = sheet(canvas.x * 9, v * np.float32(1.7), scene.dice.seed("dashes"))
    dashes += sheet(canvas.x * 22, v * np.float32(2.9), scene.dice.seed("sparks")) * np.float32(0.6)
    level = 1.15 - path * np.float32(1.35)
    mask = np.clip((dashes - level) * 3.0, 0, 1) * np.sqrt(path) * np.float32(strength)
    mask *= 1 - 0.35 * depth[:, None]
    mask += path * np.float32(0.22 * strength)
    if limit is not None:
        mask *= limit
    canvas.blend(np.clip(mask, 0, 1), mix(palette.glow, palette.sun, 0.4), rows)


def river_center(canvas: Canvas, scene: Scene, t: Array) -> Array:
    """Return the world x of the river's middle at depth t, 0 far away to 1 at the lower edge."""
    dice = scene.dice.child("river")
    turns, phase = dice.between("turns", 6.5, 8.5), dice.unit("phase") * 6
    swing = np.sin(np.sqrt(t) * np.float32(turns) + np.float32(phase))
    middle = swing * (0.03 + 0.17 * t) * canvas.scale + np.float32(-0.06 * scene.side)
    return np.asarray(middle, np.float32)


def river_mask(canvas: Canvas, scene: Scene, top: Array, start: float) -> tuple[float, Array]:
    """Return the shore height and mask (rows, width) of a river meandering to the viewer.

    `top` is the crest of the land it crosses (world y, shape (width,)); `start` its far end.
    """
    rows = canvas.rows(start, 1)
    t = np.maximum((canvas.y[rows] - np.float32(start)) / np.float32(1 - start), 0)[:, None]
    dice = scene.dice.child("river")
    center = river_center(canvas, scene, t)
    half = (0.006 + 0.17 * t**1.5) * np.float32(canvas.scale)
    bank = ridge(canvas.y[rows] * 9, dice.seed("bank"), octaves=4)[:, None] * 0.12 * half
    distance = np.abs(canvas.x[None, :] - center) - half - bank
    mask = np.clip(0.5 - distance * np.float32(canvas.height), 0, 1)
    mask *= canvas.y[rows][:, None] > top[None, :]
    return start, np.asarray(mask, np.float32)


def paint_mist(canvas: Canvas, scene: Scene, palette: Palette, at: float, amount: float) -> None:
    """Lay a band of mist along world y `at`, `amount` in [0, 1]."""
    rows = canvas.rows(at - 0.16, at + 0.1)
    y = canvas.y[rows]
    if not y.size:
        return
    noise = fractal(canvas.x * 1.6, y * 9, scene.dice.seed(f"mist {at:.3f}"), octaves=4)
    band = np.exp(-(((y - np.float32(at)) / np.float32(0.055)) ** 2))[:, None]
    mask = np.clip(band * (0.62 + noise * 0.5) * amount, 0, 1)
    canvas.blend(mask, mix(palette.haze, palette.glow, 0.45), rows)


def paint_falling(canvas: Canvas, scene: Scene, palette: Palette) -> None:
    """Let rain or snow fall over the whole picture, if the weather says so."""
    if scene.weather == "snow":
        index = np.arange(int(900 * canvas.aspect))
        dice = scene.dice.child("flakes")
        x = (hashed(index, dice.seed("x")) - np.float32(0.5)) * np.float32(canvas.aspect)
        near = hashed(index, dice.seed("near")) ** 5
        canvas.stamp(
            x,
            hashed(index, dice.seed("y")),
            0.0012 + near * 0.0045,
            mix(ink("ffffff"), palette.sky[-1], 0.15),
            0.75 - near * 0.3,
        )
    elif scene.weather in {"rain", "storm"}:
        streaks = sheet(canvas.x * 150, canvas.y * 7, scene.dice.seed("rain"))
        slant = (canvas.y[:, None] - np.float32(0.5)) * np.float32(0.2 * canvas.height)
        streaks = displaced(streaks, slant, np.zeros((1, 1), np.float32))
        canvas.blend(
            smooth(0.55, 1.5, streaks) * np.float32(0.2), mix(palette.haze, palette.sun, 0.5)
        )
