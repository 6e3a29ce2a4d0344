"""The near ground: the bank, cliff, meadow or quay the main subject stands on."""

import numpy as np

from coatcheck_chat.painter.canvas import Canvas
from coatcheck_chat.painter.noise import (
    Array,
    fractal,
    hashed,
    line,
    ridge,
    sheet,
    smooth,
)
from coatcheck_chat.painter.palette import Palette, field, ink, mix
from coatcheck_chat.painter.scene import Scene

_GRASS = {"summer": "7f9f57", "spring": "93b562", "autumn": "b39a52", "winter": "e6ebf2"}


def grass(scene: Scene) -> Array:
    """Return the color of the season's meadow."""
    if scene.place in {"desert", "beach"}:
        return ink("dba468" if scene.place == "desert" else "ead3a4")
    return ink(_GRASS[scene.season])


def bank(canvas: Canvas, scene: Scene, base: float, lift: float) -> Array:
    """Return a profile (world y, shape (width,)) that rises by `lift` on the subject's side."""
    side = np.float32(scene.side)
    t = canvas.x * side / np.float32(canvas.aspect)
    seed = scene.dice.seed("bank")
    swell = ridge(canvas.x * np.float32(2.2 / canvas.scale), seed, octaves=3, gain=0.4)
    rise = smooth(-0.35, 0.38, t)
    fine = ridge(canvas.x * np.float32(22), seed + 1, octaves=4, gain=0.6) * np.float32(0.0022)
    return np.asarray(base - rise * lift - swell * np.float32(0.014) - fine, np.float32)


def headland(canvas: Canvas, scene: Scene, shore: float, lift: float, *, stood_on: bool) -> Array:
    """Return a cliff's profile: flat top on the subject's side, a broken fall into the sea.

    A headland that is not `stood_on` stays at the picture's edge.
    """
    side = np.float32(scene.side)
    t = canvas.x * side / np.float32(canvas.aspect)
    seed = scene.dice.seed("headland")
    # Without anyone to stand on it, the land leaves the stage to the sea.
    aside = 0.0 if stood_on else 0.24
    end = scene.dice.between("headland end", -0.06, 0.04) + aside
    fall = smooth(end - 0.17, end + 0.1, t + ridge(t * 9, seed, octaves=3) * np.float32(0.018))
    steps = ridge(t * np.float32(20), seed + 1, octaves=5, gain=0.6) * np.float32(0.011)
    roll = line(t * np.float32(4.5), seed + 2) * np.float32(0.014)
    down = shore + 0.12 + (0.5 - t) * 0.05
    top = down - fall * (lift + 0.12 + roll + (t - end) * 0.1)
    return np.asarray(top + steps * fall, np.float32)


def paint_headland(
    canvas: Canvas, scene: Scene, palette: Palette, top: Array, shore: float
) -> None:
    """Paint cliffs below `top`: turf above, strata of rock, foam where they meet the sea."""
    side = np.float32(scene.side)
    t = canvas.x * side / np.float32(canvas.aspect)
    seed = scene.dice.seed("cliff")
    # The waterline comes towards the viewer on the land's side.
    foot = shore + 0.055 + smooth(-0.3, 0.55, t) * np.float32(0.2)
    foot = foot + ridge(t * np.float32(14), seed, octaves=4, gain=0.55) * np.float32(0.012)
    rows, mask = canvas.below(top)
    y = canvas.y[rows]
    wet = np.clip((foot[None, :] - y[:, None]) * np.float32(canvas.height) + np.float32(0.5), 0, 1)
    mask = mask * wet
    drop = y[:, None] - canvas.calmed(top, 0.02)[None, :]
    facets = fractal(canvas.x * 9, y * 5, seed + 1, octaves=6, gain=0.6)
    strata = fractal(canvas.x * 3, y * 46, seed + 2, octaves=4)
    # Buttresses: folded noise gives each a bright and a dark flank.
    fold = ridge(canvas.x * np.float32(7), seed + 5, octaves=3)[None, :] + facets * np.float32(0.45)
    flank = smooth(-0.12, 0.12, np.abs(fold) - np.float32(0.34))
    face = smooth(0.62, -0.2, t[None, :] + facets * np.float32(0.1))
    light = face * 0.72 + flank * 0.34 * (0.35 + face) + strata * 0.1 + facets * 0.12 - drop * 0.7
    light = np.clip(light, 0, 1)
    rock = ink("a89484")
    color = field(palette.dark(rock), palette.lit(rock), light)
    turf_depth = np.float32(0.022) + facets * np.float32(0.014)
    turf = smooth(0.008, -0.008, drop - turf_depth)
    turf_light = np.clip(0.75 + facets * 0.25 - drop * 9, 0, 1)
    green = field(palette.dark(grass(scene)), palette.lit(grass(scene)), turf_light)
    color = color + (green - color) * turf
    canvas.blend(mask, color, rows)
    near = np.abs(y[:, None] - foot[None, :] - np.float32(0.003))
    # Foam is broken, and thinner the farther it is.
    reach = np.clip((foot - np.float32(shore + 0.03)) * np.float32(6), 0.25, 1)[None, :]
    foam = smooth(0.006, 0.001, near / reach + np.abs(facets) * np.float32(0.007))
    foam *= smooth(-0.004, 0.006, foot - top)
    canvas.blend(foam * np.float32(0.8), mix(palette.sky[-1], ink("ffffff"), 0.45), rows)


def paint_meadow(
    canvas: Canvas, scene: Scene, palette: Palette, top: Array, *, dark: float = 0.0
) -> None:
    """Paint the near ground below `top`, with blades along its crest; `dark` silhouettes it."""
    seed = scene.dice.seed("meadow")
    rows, mask = canvas.below(top)
    y = canvas.y[rows]
    if not y.size:
        return
    calm = canvas.calmed(top)
    drop = np.maximum(y[:, None] - calm[None, :], 0)
    patches = fractal(canvas.x * 4, y * 13, seed, octaves=6, gain=0.6)
    slope = np.gradient(calm) / np.float32(canvas.aspect / canvas.width)
    towards = -1.0 if scene.light[0] < 0 else 1.0
    light = 0.62 + patches * np.float32(0.3) - drop * np.float32(1.7)
    light += (np.tanh(slope * np.float32(3 * towards)) * np.float32(0.25))[None, :]
    light += np.exp(-drop * np.float32(90)) * np.float32(0.3)
    light = np.clip(light, 0, 1) * np.float32(1 - 0.75 * dark)
    body = grass(scene)
    shade = palette.dark(body) * np.float32(0.86 - 0.3 * dark)
    color = field(shade, palette.lit(body), light)
    if scene.place not in {"desert", "beach"}:
        touch = _dabs(canvas, y, float(top.min()), seed + 3, (210, 110), 24)
        ripe = np.minimum(body * np.array([1.25, 1.12, 0.85], np.float32), 1)
        color = field(
            color, palette.lit(ripe), np.maximum(touch, 0) * np.float32(0.34 * (1 - dark))
        )
        color = field(
            color,
            shade,
            np.maximum(-touch, 0) * np.float32(0.12 if scene.season == "winter" else 0.34),
        )
    else:
        ripple = _dabs(canvas, y, float(top.min()), seed + 3, (9, 5), 60)
        color = field(color, palette.lit(body), np.maximum(ripple, 0) * np.float32(0.3))
        color = field(color, shade, np.maximum(-ripple, 0) * np.float32(0.14))
    canvas.blend(mask, color, rows)
    if scene.place not in {"desert", "beach"} and scene.season != "winter":
        _paint_blades(canvas, scene, palette, top, dark)


def paint_surf(canvas: Canvas, scene: Scene, palette: Palette, top: Array) -> None:
    """Wash the edge `top` of a beach: wet sand, and two lines of foam before it."""
    rows = canvas.rows(float(top.min()) - 0.05, float(top.max()) + 0.03)
    y = canvas.y[rows]
    seed = scene.dice.seed("surf")
    drop = y[:, None] - canvas.calmed(top)[None, :]
    wash = ridge(canvas.x * np.float32(4), seed, octaves=3)[None, :] * np.float32(0.006)
    canvas.blend(
        smooth(0.02, 0.0, np.abs(drop)) * np.float32(0.3), palette.dark(grass(scene)), rows
    )
    lace = fractal(canvas.x * 18, y * 60, seed + 1, octaves=4, gain=0.6) * np.float32(0.004)
    white = mix(palette.sky[-1], ink("ffffff"), 0.55)
    for at, width in ((0.002, 0.006), (-0.022, 0.0035)):
        line_ = np.abs(drop - np.float32(at) + wash * np.float32(1 - at * 40)) + np.abs(lace)
        canvas.blend(smooth(width, width * 0.4, line_) * np.float32(0.85), white, rows)


def _dabs(
    canvas: Canvas, y: Array, start: float, seed: int, rates: tuple[int, int], rows: float
) -> Array:
    """Return brush dabs that grow towards the viewer: 1 light, -1 dark, 0 none."""
    depth = np.maximum(y - np.float32(start), 0)
    v = np.float32(rows) * np.log(depth + np.float32(0.06))
    near = smooth(0.02, 0.25, depth)[:, None]
    total = np.zeros((y.size, canvas.x.size), np.float32)
    for k, sign in enumerate((1, -1)):
        fine, broad = (sheet(canvas.x * rate, v, seed + k + rate) for rate in rates)
        total += smooth(0.42, 0.6, fine + (broad - fine) * near) * np.float32(sign)
    return total


def _paint_blades(canvas: Canvas, scene: Scene, palette: Palette, top: Array, dark: float) -> None:
    seed = scene.dice.seed("blades")
    tuft = smooth(-0.2, 0.8, line(canvas.x * 7, seed))
    body = grass(scene)
    for k, spacing in enumerate((0.0036, 0.0052)):
        cell = canvas.x / np.float32(spacing)
        index = np.floor(cell).astype(np.int64)
        off = np.abs(cell - index - 0.5) * np.float32(2)
        tall = (0.25 + hashed(index, seed + k)) * (0.25 + tuft) * np.float32(0.016)
        blade = top - tall * np.maximum(1 - off * 1.1, 0)
        rows = canvas.rows(float(blade.min()), float(top.max()) + 0.002)
        y = canvas.y[rows][:, None]
        mask = np.clip((y - blade[None, :]) * canvas.height + 0.5, 0, 1)
        mask *= y < top[None, :] + np.float32(0.002)
        tone = mix(palette.dark(body) * np.float32(0.86), palette.lit(body), 0.65 * (1 - dark))
        canvas.blend(mask.astype(np.float32), tone, rows)


def paint_flowers(canvas: Canvas, scene: Scene, palette: Palette, top: Array) -> None:
    """Scatter flowers below `top`: dots far away, heads on stems close by."""
    dice = scene.dice.child("flowers")
    accent = scene.accent("flowers")
    kinds = ("d8452f", "e98a9a", "f2d15a", "f4efe2", "9a78c8")
    first = np.array(accent, np.float32) if accent else ink(dice.pick("kind", kinds))
    second = mix(first, ink("fff3dc"), 0.45) if accent else ink(dice.pick("other", kinds))
    count = int(1000 * canvas.aspect)
    index = np.arange(count)
    x = (hashed(index, dice.seed("x")) - np.float32(0.5)) * np.float32(canvas.aspect)
    start = np.interp(x, canvas.x, top).astype(np.float32)
    depth = hashed(index, dice.seed("y")) ** np.float32(1.25)
    y = start + np.float32(0.004) + depth * (np.float32(1.02) - start)
    order = np.argsort(y)
    x, y, depth, index = x[order], y[order], depth[order], index[order]
    clump = line(x * np.float32(5) + y * 9, dice.seed("clump"))
    near = (y - start.min()) / np.float32(1.02 - start.min())
    radius = np.float32(0.0016) + near**2 * np.float32(0.0068)
    alpha = np.clip(0.75 + clump, 0.05, 1).astype(np.float32) * np.float32(0.95)
    which = hashed(index, dice.seed("which")) < 0.72
    pair = np.stack([palette.lit(first), palette.lit(second)])
    lamp = np.float32(0.8) + np.float32(0.35) * hashed(index, dice.seed("lamp"))
    color = np.minimum(np.where(which[:, None], pair[0], pair[1]) * lamp[:, None], 1).T
    shade = color * np.float32(0.6)
    canvas.stamp(x + radius * 0.25, y + radius * 0.5, radius * 0.95, shade, alpha)
    canvas.stamp(x, y, radius, color, alpha)
    heart = (radius * np.float32(0.36)).astype(np.float32)
    canvas.stamp(
        x, y, heart, mix(palette.lit(ink("f2c84a")), palette.glow, 0.2), alpha * (near > 0.3)
    )
