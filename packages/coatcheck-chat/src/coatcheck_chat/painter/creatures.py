"""Animals, boats and what flies: silhouettes with a lit rim."""

from itertools import pairwise

import numpy as np

from coatcheck_chat.painter.easel import Brush, Easel
from coatcheck_chat.painter.noise import Array, hashed, line
from coatcheck_chat.painter.palette import ink, mix
from coatcheck_chat.painter.shapes import Point, box, curve, disc, polygon, stroke


def boat(easel: Easel) -> None:
    """Paint a sailing boat: hull, mast, mainsail and jib. One unit is the mast."""
    brush = easel.frame(-0.6, 0.6, -0.06, 1.05)
    # Sails before a wind that blows towards the light.
    u, v = brush.u * np.float32(easel.towards), brush.v
    sail = easel.accent("f6ecd8")
    hull = [(-0.4, 0.1), (0.46, 0.14), (0.32, -0.02), (-0.3, -0.02)]
    brush.lit(stroke(u, v, (0.0, 0.08), (0.0, 1.0), 0.01, 0.006), ink("5b3d30"), 0.4)
    main = curve([(-0.02, 0.96), (-0.16, 0.6), (-0.36, 0.2), (-0.2, 0.17), (-0.02, 0.18)], 4)
    jib = curve([(0.03, 0.88), (0.2, 0.5), (0.42, 0.2), (0.22, 0.2), (0.03, 0.22)], 4)
    brush.shaded(
        polygon(u, v, main), sail, brush.u * np.float32(2) + np.float32(0.55 * easel.towards)
    )
    brush.shaded(
        polygon(u, v, jib), sail, brush.u * np.float32(2) + np.float32(0.1 * easel.towards)
    )
    seams = np.maximum(polygon(u, v, main), np.abs(v % 0.16 - 0.08) - 0.003)
    brush.flat(seams, easel.palette.dark(sail), 0.4)
    paint = ink("a8483c") if easel.scene.accent("boat") is None else ink("4a3a38")
    brush.lit(polygon(u, v, hull), paint, 0.5)
    brush.lit(
        polygon(u, v, [(-0.4, 0.1), (0.46, 0.14), (0.435, 0.108), (-0.38, 0.07)]),
        ink("f3e6d0"),
        0.8,
    )
    pennant = [(0.0, 1.0), (-0.12, 0.985), (0.0, 0.955)]
    brush.lit(polygon(u, v, pennant), ink("d8573f"), 0.9)


def whale(easel: Easel) -> None:
    """Paint a whale's flukes, falling drops and foam. One unit is their height."""
    brush = easel.frame(-1.2, 1.2, -0.2, 1.2)
    u, v = brush.u, brush.v
    foam = mix(easel.palette.sky[-1], ink("ffffff"), 0.4)
    half = [
        (0.0, 0.78),
        (0.2, 0.96),
        (0.55, 1.02),
        (0.86, 0.86),
        (0.6, 0.78),
        (0.32, 0.66),
        (0.15, 0.42),
    ]
    right = [*half, (0.14, 0.15), (0.3, -0.08)]
    left = [(-a, b) for a, b in reversed(right)]
    shape = polygon(u, v, curve([*right, *left[:-1]], 4))
    brush.shaded(np.maximum(shape, -0.03 - v), ink("5c7186"), u / np.float32(0.8))
    spots = line(u * 9 + 3, 11) * line(v * 9 + u * 4, 12)
    brush.lit(
        np.maximum(shape + 0.02, np.float32(0.5) - spots * 2.0 + (v < 0.5)), ink("e8ecec"), 0.5, 0.5
    )
    ripple = line(u * 7, easel.dice.seed("foam")) * np.float32(0.03)
    brush.flat(disc(u, v, (0, -0.03), 0.62, 0.13) + ripple, foam, 0.65)
    if easel.mirrored:
        return
    index = np.arange(90)
    side = hashed(index, 1) * 2 - 1
    fall = hashed(index, 2)
    easel.canvas.stamp(
        (easel.x + side * easel.size * 0.8).astype(np.float32),
        (easel.y - (0.75 * fall * np.abs(side) ** 0.6) * easel.size).astype(np.float32),
        (np.float32(0.002) + 0.004 * hashed(index, 3)) * np.float32(easel.size * 4),
        foam,
        0.3 + 0.5 * hashed(index, 4),
    )


def balloon(easel: Easel) -> None:
    """Paint a hot-air balloon with gores and a basket. One unit is its height."""
    brush = easel.frame(-0.5, 0.5, -0.05, 1.05)
    u, v = brush.u, brush.v
    half = [
        (0.0, 1.0),
        (0.2, 0.965),
        (0.34, 0.83),
        (0.37, 0.66),
        (0.29, 0.47),
        (0.14, 0.29),
        (0.06, 0.23),
    ]
    shape = polygon(u, v, curve([*half, *[(-a, b) for a, b in reversed(half[1:])]], 5))
    high = np.array([b for _, b in reversed(half)])
    wide = np.interp(v, high, np.array([a for a, _ in reversed(half)])).astype(np.float32) + 0.004
    across = np.clip(u / wide, -1, 1)
    turn = np.arcsin(across) / np.float32(np.pi) + np.float32(0.5)
    gore = np.floor(turn * 8).astype(np.int64)
    colors = [
        easel.accent(easel.dice.pick("cloth", ("cf4b3a", "2f7f86", "d9623f"))),
        ink("f4e6c8"),
    ]
    if easel.scene.accent("balloon") is None:
        colors.append(ink(easel.dice.pick("third", ("e9b23f", "35506e"))))
    for k, color in enumerate(colors):
        own = np.where(gore % len(colors) == k, shape, np.float32(9))
        brush.shaded(own, color, across * np.float32(1.1))
    band = np.maximum(shape, np.abs(v - np.float32(0.6) + across**2 * 0.02) - 0.03)
    brush.shaded(band, colors[0], across)
    seam = np.abs(np.mod(turn * 8 + 0.5, 1) - np.float32(0.5)) / 8 * wide * 2.6 - 0.0022
    brush.flat(np.maximum(shape, seam), easel.palette.dark(colors[0]), 0.3)
    for side in (-1, 1):
        brush.lit(
            stroke(u, v, (side * 0.055, 0.235), (side * 0.04, 0.09), 0.0035), ink("4a3530"), 0.4
        )
    brush.round(box(u, v, -0.05, 0.05, 0.0, 0.09), ink("9a6a3f"), 0.05)
    brush.lit(box(u, v, -0.056, 0.056, 0.078, 0.094), ink("6a4530"), 0.6)
    if easel.lamps:
        brush.glow((0, 0.36), 0.24, ink("ffc870"), 0.5)


def birds(easel: Easel) -> None:
    """Paint a loose flock of gliding birds. One unit is about the flock's width."""
    dice = easel.dice
    color = mix(easel.palette.dark(ink("4a4a58")), easel.palette.sky[1], 0.15)
    for k in range(9):
        at = (dice.between(f"u{k}", -0.6, 0.6), dice.between(f"v{k}", -0.2, 0.24) + 0.05 * k % 0.12)
        span = dice.between(f"s{k}", 0.05, 0.1)
        bank = dice.between(f"b{k}", -0.25, 0.25)
        lift = dice.between(f"l{k}", 0.22, 0.5)
        brush = easel.frame(at[0] - span * 1.2, at[0] + span * 1.2, at[1] - span, at[1] + span)
        u, v = (
            (brush.u - np.float32(at[0])) / np.float32(span),
            (brush.v - np.float32(at[1])) / np.float32(span),
        )
        wing = np.abs(u)
        arc = np.float32(lift) * (np.sin(wing * np.float32(2.7)) * 0.75 - wing**2 * 0.25) + u * bank
        thick = np.float32(0.085) * np.clip(1.04 - wing, 0, 1) ** 0.8 + np.float32(0.012)
        distance = np.maximum(np.abs(v - arc) - thick, wing - 1)
        body = disc(u, v, (0, -0.02), 0.12, 0.7)
        brush.flat(np.minimum(distance, body) * np.float32(span), color, 0.9)


def _animal(easel: Easel, brush: Brush, parts: list[Array], surface: Array) -> None:
    shape = parts[0]
    for part in parts[1:]:
        shape = np.minimum(shape, part)
    # Mostly against the light: dark body, a rim on the light's side.
    brush.lit(shape, surface, 0.14)
    rim = np.float32(easel.towards) * brush.u
    edge = np.maximum(shape, -shape - np.float32(0.028))
    mask = np.clip(0.5 - edge / np.float32(max(brush.frame.pixel, 0.012)), 0, 1)
    mask = mask * np.clip(rim * 3 + np.float32(0.35), 0, 1)
    brush.frame.veil((mask * np.float32(0.75)).astype(np.float32), easel.palette.lit(surface))


def cat(easel: Easel) -> None:
    """Paint a sitting cat seen from behind, looking at the view."""
    brush = easel.frame(-0.7, 0.8, -0.06, 1.05)
    u, v = brush.u, brush.v
    body = curve(
        [
            (0, 0.66),
            (0.15, 0.6),
            (0.27, 0.3),
            (0.3, 0.04),
            (0.0, -0.02),
            (-0.3, 0.04),
            (-0.27, 0.3),
            (-0.15, 0.6),
        ]
    )
    tail: list[Point] = [(0.2, 0.03), (0.42, 0.02), (0.56, 0.1), (0.58, 0.24), (0.52, 0.34)]
    parts = [polygon(u, v, body), disc(u, v, (0, 0.74), 0.19, 0.85)]
    parts += [stroke(u, v, a, b, 0.045) for a, b in pairwise(tail)]
    for side in (-1, 1):
        ear: list[Point] = [(side * 0.17, 0.78), (side * 0.17, 1.0), (side * 0.03, 0.87)]
        parts.append(polygon(u, v, ear))
    _animal(easel, brush, parts, easel.accent("6a5a5c"))


def fox(easel: Easel) -> None:
    """Paint a sitting fox in profile, facing the light."""
    brush = easel.frame(-0.9, 0.7, -0.06, 1.05)
    if easel.towards < 0:
        brush = easel.frame(-0.7, 0.9, -0.06, 1.05)
    u, v = brush.u * np.float32(easel.towards), brush.v
    body = curve(
        [
            (0.12, 0.66),
            (0.24, 0.4),
            (0.2, 0.0),
            (-0.05, -0.02),
            (-0.32, 0.0),
            (-0.34, 0.22),
            (-0.16, 0.48),
        ]
    )
    head = curve([(0.06, 0.84), (0.2, 0.86), (0.5, 0.68), (0.46, 0.64), (0.24, 0.6), (0.06, 0.62)])
    tail = curve(
        [(-0.26, 0.1), (-0.5, 0.22), (-0.8, 0.2), (-0.86, 0.08), (-0.6, -0.01), (-0.3, -0.01)]
    )
    parts = [polygon(u, v, shape) for shape in (body, head, tail)]
    parts += [
        polygon(u, v, [(0.04, 0.78), (0.04, 1.03), (0.17, 0.84)]),
        box(u, v, 0.12, 0.21, -0.02, 0.5),
    ]
    _animal(easel, brush, parts, easel.accent("c9713a"))
    brush.lit(disc(u, v, (-0.83, 0.14), 0.07), ink("f4e8d8"), 0.6, 0.8)


def deer(easel: Easel) -> None:
    """Paint a stag in profile, facing the light."""
    brush = easel.frame(-0.75, 0.75, -0.05, 1.15)
    u, v = brush.u * np.float32(easel.towards), brush.v
    body = curve(
        [
            (-0.4, 0.55),
            (-0.42, 0.42),
            (-0.3, 0.34),
            (0.0, 0.33),
            (0.2, 0.34),
            (0.27, 0.45),
            (0.36, 0.72),
            (0.26, 0.76),
            (0.14, 0.6),
            (-0.1, 0.56),
            (-0.3, 0.6),
        ]
    )
    head = curve([(0.26, 0.78), (0.36, 0.82), (0.56, 0.7), (0.55, 0.66), (0.4, 0.67), (0.3, 0.68)])
    parts = [polygon(u, v, body), polygon(u, v, head)]
    for hip, knee, hoof in (
        ((-0.36, 0.42), (-0.4, 0.22), (-0.36, -0.03)),
        ((-0.28, 0.38), (-0.26, 0.2), (-0.24, -0.03)),
        ((0.14, 0.38), (0.13, 0.2), (0.12, -0.03)),
        ((0.2, 0.4), (0.24, 0.2), (0.22, -0.03)),
    ):
        parts += [stroke(u, v, hip, knee, 0.05, 0.022), stroke(u, v, knee, hoof, 0.022, 0.015)]
    for lean in (-0.06, 0.07):
        beam: list[Point] = [(0.3, 0.8), (0.24 + lean, 0.93), (0.3 + lean * 2, 1.08)]
        parts += [stroke(u, v, a, b, 0.013, 0.009) for a, b in pairwise(beam)]
        parts.append(stroke(u, v, beam[1], (beam[1][0] + 0.1, beam[1][1] + 0.07), 0.009, 0.005))
        parts.append(
            stroke(u, v, (0.27 + lean * 0.5, 0.87), (0.38 + lean * 0.5, 0.92), 0.009, 0.005)
        )
    parts.append(polygon(u, v, [(0.27, 0.79), (0.16, 0.84), (0.25, 0.74)]))
    parts.append(stroke(u, v, (-0.41, 0.54), (-0.46, 0.46), 0.025, 0.01))
    _animal(easel, brush, parts, easel.accent("8f6246"))
