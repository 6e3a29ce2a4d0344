"""Lights in the sky besides sun and moon: stars, aurora, rainbow, lightning, space."""

from itertools import pairwise

import numpy as np

from coatcheck_chat.painter import shapes
from coatcheck_chat.painter.canvas import Canvas
from coatcheck_chat.painter.noise import (
    Array,
    displaced,
    fractal,
    hashed,
    line,
    ridge,
    smooth,
)
from coatcheck_chat.painter.palette import Palette, field, ink, mix
from coatcheck_chat.painter.scene import Scene


def paint_stars(canvas: Canvas, scene: Scene, palette: Palette) -> None:
    """Scatter stars over the sky: many faint ones, few bright ones, denser along a milky band."""
    dice = scene.dice.child("stars")
    low = 1.0 if scene.place == "space" else scene.horizon
    count = int((1500 if scene.has("stars") or scene.place == "space" else 800) * canvas.aspect)
    index = np.arange(count)
    x = (hashed(index, dice.seed("x")) - np.float32(0.5)) * np.float32(canvas.aspect)
    y = hashed(index, dice.seed("y")) ** np.float32(1.25) * np.float32(low)
    if scene.has("stars") or scene.place == "space":
        _milky_way(canvas, scene, palette, low)
        # Draw a third of them towards the band.
        band = _band(x, scene)
        third = index % 3 == 0
        y = np.where(third, band + (y - low / 2) * np.float32(0.3), y).astype(np.float32)
    magnitude = hashed(index, dice.seed("magnitude")) ** 7
    radius = np.float32(0.0008) + magnitude * np.float32(0.0016)
    alpha = (np.float32(0.35) + magnitude) * np.float32(0.95)
    alpha *= np.clip((np.float32(low) - y) * 6, 0, 1) if low < 1 else np.float32(1)
    warmth = hashed(index, dice.seed("warmth"))
    cold, warm = ink("dbe8ff"), ink("fff1d0")
    color = cold[:, None] + (warm - cold)[:, None] * warmth
    canvas.stamp(x, y, radius, color, alpha)


def _band(x: Array, scene: Scene) -> Array:
    tilt = scene.dice.between("milky tilt", 0.25, 0.6) * -scene.side
    return np.asarray(0.27 + x * np.float32(tilt), np.float32)


def _milky_way(canvas: Canvas, scene: Scene, palette: Palette, low: float) -> None:
    rows = canvas.rows(0, low)
    y = canvas.y[rows]
    seed = scene.dice.seed("milky way")
    cloud = fractal(canvas.x * 3.2, y * 3.2, seed, octaves=5, gain=0.55)
    off = (y[:, None] - _band(canvas.x, scene)[None, :]) / np.float32(0.11) + cloud * 0.5
    band = np.exp(-(off**2)) * np.clip(0.55 + cloud * 0.5, 0, 1)
    color = mix(palette.sky[4], palette.glow, 0.5)
    canvas.blend(np.asarray(band * np.float32(0.42), np.float32), color, rows)


def paint_aurora(canvas: Canvas, scene: Scene, palette: Palette) -> None:
    """Hang curtains of light: a sharp lower hem, rays fading upwards, green to violet."""
    dice = scene.dice.child("aurora")
    rows = canvas.rows(0, scene.horizon)
    y = canvas.y[rows][:, None]
    green = ink("6ff0b0") if palette.tint is None else mix(ink("6ff0b0"), palette.tint, 0.4)
    for k in range(3):
        seed = dice.seed(f"curtain {k}")
        base = 0.36 + 0.07 * k + ridge(canvas.x * 1.5, seed, octaves=3, gain=0.35) * 0.11
        tall = 0.27 + 0.07 * line(canvas.x * 2.2, seed + 5)
        rays = 0.62 + 0.5 * ridge(canvas.x * 13 + base * 20, seed + 9, octaves=3, gain=0.6)
        fold = smooth(-0.6, 0.5, line(canvas.x * 1.7, seed + 13)) * rays
        up = np.maximum((base[None, :] - y) / tall[None, :], -0.2)
        body = np.exp(-np.maximum(up, 0) * 2.3) * smooth(-0.13, 0.1, up)
        mask = np.clip(body * np.clip(fold, 0, 1.2)[None, :] * np.float32(0.62), 0, 0.85)
        canvas.blend(mask, field(green, ink("a46be0"), smooth(0.1, 1.1, up)), rows)


def paint_rainbow(canvas: Canvas, scene: Scene) -> None:
    """Span a rainbow over the horizon, fading towards its feet."""
    center = scene.side * canvas.aspect * scene.dice.between("rainbow", 0.02, 0.14)
    radius = min(0.56, 0.5 * canvas.aspect)
    frame = canvas.frame(center, scene.horizon + 0.06, radius, (-1.1, 1.1, 0, 1.1))
    r = np.sqrt(frame.u**2 + frame.v**2)
    t = (r - 0.87) / 0.13
    bands = [ink(c) for c in ("8a63c8", "4f86d8", "56b890", "d8dc6a", "f4b04e", "e8604e")]
    at = np.clip(t, 0, 1) * (len(bands) - 1)
    planes = [np.interp(at, np.arange(len(bands)), [b[k] for b in bands]) for k in range(3)]
    mask = smooth(-0.15, 0.18, t) * smooth(1.15, 0.82, t) * np.clip(frame.v * 2.2 + 0.15, 0, 1)
    frame.veil(mask * np.float32(0.5), np.stack(planes).astype(np.float32))


def paint_lightning(canvas: Canvas, scene: Scene) -> None:
    """Strike one forked bolt from the clouds to the horizon."""
    dice = scene.dice.child("bolt")
    x = -scene.side * canvas.aspect * dice.between("x", 0.08, 0.3)
    top, bottom = -0.02, scene.horizon + 0.01
    frame = canvas.frame(x, bottom, bottom - top, (-0.6, 0.6, -0.03, 1))
    points = [
        ((line(np.array([k * 0.9]), dice.seed("jag"))[0] * 0.11) * (1 - k / 11), 1 - k / 10)
        for k in range(11)
    ]
    distance = np.full((frame.v.size, frame.u.size), 9, np.float32)
    for a, b in pairwise(points):
        distance = np.minimum(distance, shapes.stroke(frame.u, frame.v, a, b, 0.004, 0.003))
    fork = points[4]
    for step in ((0.09, -0.12), (0.06, -0.1), (0.1, -0.09)):
        end = (fork[0] + step[0] * scene.side, fork[1] + step[1])
        distance = np.minimum(distance, shapes.stroke(frame.u, frame.v, fork, end, 0.002, 0.001))
        fork = end
    frame.veil(np.asarray(0.45 * np.exp(-np.maximum(distance, 0) * 14), np.float32), ink("cdbcf0"))
    frame.fill(distance, ink("fffaf0"), 0.95)


def paint_space(canvas: Canvas, scene: Scene, palette: Palette) -> None:
    """Paint a nebula, stars, a large planet (often ringed) and a small moon."""
    dice = scene.dice.child("space")
    flow = fractal(canvas.x * 1.7, canvas.y * 1.7, dice.seed("flow"), octaves=4)
    cloud = fractal(canvas.x * 2.3, canvas.y * 2.3, dice.seed("nebula"), octaves=6, gain=0.55)
    reach = 0.2 * canvas.height
    cloud = displaced(cloud, flow * reach, flow[:, ::-1] * reach)
    tilt = canvas.y[:, None] - 0.5 + canvas.x[None, :] * np.float32(0.7 * scene.side)
    cloud -= np.abs(tilt) * np.float32(1.3) - np.float32(0.25)
    veils = dice.pick("veils", (("c85a9a", "4fb0d0"), ("e8846a", "6a6ad8"), ("56c4a8", "8a5ad0")))
    canvas.blend(smooth(-0.4, 1.1, cloud) * np.float32(0.62), ink(veils[1]) * np.float32(0.6))
    canvas.blend(smooth(0.25, 1.4, cloud + flow * 0.4) * np.float32(0.7), ink(veils[0]))
    canvas.blend(smooth(0.8, 1.6, cloud) * np.float32(0.5), palette.sun)
    paint_stars(canvas, scene, palette)
    body = dice.pick("planet", (("e9b27a", "9a4f4a"), ("8fd0c8", "2f5a8a"), ("e6a0a8", "6a3f7a")))
    size = dice.between("size", 0.2, 0.28) * canvas.scale
    x = -scene.side * canvas.aspect * dice.between("x", 0.1, 0.22)
    _planet(canvas, (x, dice.between("y", 0.34, 0.46)), size, body, scene)
    moon = (scene.side * canvas.aspect * 0.3, dice.between("moon", 0.16, 0.3))
    _planet(canvas, moon, size * 0.24, ("d8d4c8", "6f6f88"), scene, ringed=False)


def _planet(
    canvas: Canvas,
    at: tuple[float, float],
    size: float,
    colors: tuple[str, str],
    scene: Scene,
    *,
    ringed: bool = True,
) -> None:
    frame = canvas.frame(*at, size, (-2.4, 2.4, -1.7, 1.7))
    u, v = frame.u, frame.v
    tilt = np.float32(0.32 * scene.side)
    across, along = u * np.cos(tilt) + v * np.sin(tilt), v * np.cos(tilt) - u * np.sin(tilt)
    ring_r = np.sqrt(across**2 + (along / 0.26) ** 2)
    grooves = np.interp(
        ring_r, [1.3, 1.42, 1.7, 1.74, 1.78, 2.1, 2.2], [0, 0.8, 0.7, 0.05, 0.7, 0.5, 0]
    )
    ring = np.asarray(grooves, np.float32) * np.float32(0.85)
    first, second = ink(colors[0]), ink(colors[1])
    ring_color = mix(first, ink("fff4e0"), 0.45)
    if ringed:
        frame.veil(ring * (along > 0), mix(ring_color, second, 0.3))
    bands = line(along * 3.4 + line(across * 1.7 + along * 3, 7) * 0.22, scene.dice.seed("bands"))
    towards = u * np.float32(-0.62 * scene.side) + v * np.float32(0.5)
    depth = np.sqrt(np.maximum(1 - u**2 - v**2, 0))
    light = smooth(-0.35, 0.95, towards + depth * np.float32(0.45))
    surface = field(second, first, np.clip(0.6 + bands * 0.55, 0, 1))
    shade = field(mix(second, ink("0b0f26"), 0.82), surface, light)
    r = np.sqrt(u**2 + v**2)
    frame.veil(np.asarray(np.exp(-np.maximum(r - 1, 0) * 16) * light * 0.4, np.float32), first)
    frame.fill(r - 1, shade)
    if ringed:
        frame.veil(ring * (along <= 0), ring_color)
