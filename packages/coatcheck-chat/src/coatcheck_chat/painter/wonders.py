"""Fire and flight: campfire and rocket. One local unit is their height."""

import numpy as np

from coatcheck_chat.painter.easel import Easel
from coatcheck_chat.painter.noise import hashed, line
from coatcheck_chat.painter.palette import ink
from coatcheck_chat.painter.shapes import box, curve, disc, polygon, stroke


def campfire(easel: Easel) -> None:
    """Paint a fire of three logs, its light on the ground and rising sparks."""
    wide = easel.frame(-4, 4, -2, 4)
    wide.glow((0, 0.2), 1.9, ink("ff9a4a"), 0.42)
    wide.glow((0, 0.35), 0.8, ink("ffc870"), 0.5)
    brush = easel.frame(-0.8, 0.8, -0.2, 1.4)
    u, v = brush.u, brush.v
    sway = line(v * np.float32(3), easel.dice.seed("flame")) * v * np.float32(0.14)
    for reach, high, color in (
        (0.3, 1.15, "f2662c"),
        (0.21, 0.85, "fba23c"),
        (0.12, 0.52, "ffe9a0"),
    ):
        t = np.clip(v / np.float32(high), 0, 1)
        half = np.float32(reach) * np.sqrt(np.maximum(t + 0.12, 0)) * (1 - t) * np.float32(1.9)
        brush.flat(np.maximum(np.abs(u - sway) - half, -v), ink(color), 0.95)
    for a, b in (
        ((-0.5, -0.06), (0.34, 0.1)),
        ((0.5, -0.06), (-0.34, 0.1)),
        ((-0.4, -0.1), (0.42, -0.1)),
    ):
        brush.flat(stroke(u, v, a, b, 0.06), ink("4a2c22"))
        brush.flat(
            stroke(u, v, (a[0], a[1] + 0.035), (b[0], b[1] + 0.035), 0.018), ink("c8703a"), 0.7
        )
    index = np.arange(26)
    rise = hashed(index, 5)
    easel.canvas.stamp(
        (easel.x + (hashed(index, 6) - 0.5) * easel.size * (0.5 + 1.8 * rise)).astype(np.float32),
        (easel.y - (0.9 + 2.4 * rise) * easel.size).astype(np.float32),
        (0.0012 + 0.0012 * hashed(index, 7)).astype(np.float32),
        ink("ffc46a"),
        (0.9 - 0.6 * rise).astype(np.float32),
    )


def rocket(easel: Easel) -> None:
    """Paint a rocket under way, tilted, on a plume of fire."""
    tilt = 0.5 * -easel.scene.side
    brush = easel.frame(-1, 1, -0.8, 1.1)
    cos, sin = np.float32(np.cos(tilt)), np.float32(np.sin(tilt))
    u, v = brush.u * cos + brush.v * sin, brush.v * cos - brush.u * sin
    plume = (
        np.exp(-((u / (0.05 + np.maximum(-v, 0) * 0.12)) ** 2))
        * np.clip(1 + v / 0.85, 0, 1)
        * (v < 0.1)
    )
    brush.frame.veil((plume * np.float32(0.8)).astype(np.float32), ink("ffb35a"))
    core = np.exp(-((u / 0.045) ** 2)) * np.clip(1 + v / 0.4, 0, 1) * (v < 0.1)
    brush.frame.veil((core * np.float32(0.95)).astype(np.float32), ink("fff3c8"))
    red = easel.accent("d8503c")
    for side in (-1, 1):
        fin = [(side * 0.1, 0.3), (side * 0.24, 0.06), (side * 0.22, -0.06), (side * 0.08, 0.08)]
        brush.flat(polygon(u, v, fin), red * np.float32(0.75 if side == -easel.towards else 1))
    half = [(0.0, 1.0), (0.08, 0.84), (0.135, 0.6), (0.14, 0.35), (0.1, 0.06), (0.0, 0.05)]
    hull = polygon(u, v, curve([*half, *[(-a, b) for a, b in reversed(half[1:-1])]], 4))
    t = np.clip(u * np.float32(easel.towards * 4) + np.float32(0.55), 0, 1)
    white, shade = ink("f4efe6"), ink("8f94b0")
    brush.frame.fill(hull, shade[:, None, None] + (white - shade)[:, None, None] * t[None])
    brush.flat(np.maximum(hull, np.float32(0.78) - v), red)
    brush.flat(np.maximum(hull, np.abs(v - np.float32(0.16)) - 0.022), red)
    brush.flat(disc(u, v, (0, 0.55), 0.066), ink("4a5470"))
    brush.flat(disc(u, v, (0, 0.55), 0.05), ink("9adcf0"))
    brush.flat(disc(u, v, (-0.014, 0.565), 0.02), ink("eafaff"), 0.8)
    brush.flat(box(u, v, -0.06, 0.06, 0.0, 0.06), ink("4a4a58"))
