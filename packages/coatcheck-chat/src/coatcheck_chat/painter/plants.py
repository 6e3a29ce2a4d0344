"""Plants close by: tree, pines, palm, cactus. One local unit is their height."""

from itertools import pairwise

import numpy as np

from coatcheck_chat.painter.easel import Brush, Easel
from coatcheck_chat.painter.noise import Array, fractal, smooth
from coatcheck_chat.painter.palette import field, ink
from coatcheck_chat.painter.shapes import box, disc, stroke
from coatcheck_chat.painter.trees import foliage

_BARK = ink("6b4f42")


def tree(easel: Easel) -> None:
    """Paint a broad tree: forked trunk, a crown of several heaps of leaves."""
    brush = easel.frame(-0.7, 0.7, -0.05, 1.1)
    u, v = brush.u, brush.v
    dice = easel.dice
    trunk = stroke(u, v, (0, -0.04), (0.01, 0.4), 0.05, 0.03)
    for to in ((-0.22, 0.62), (0.2, 0.66), (0.03, 0.72), (-0.08, 0.7)):
        trunk = np.minimum(trunk, stroke(u, v, (0.005, 0.3), to, 0.026, 0.008))
    brush.round(trunk, _BARK, 0.07)
    first, second = foliage(easel.scene, "round")
    bare = easel.scene.season == "winter"
    leaf = _leaves(brush, 26)
    heaps = [
        (
            dice.between(f"u{k}", -0.3, 0.3),
            dice.between(f"v{k}", 0.5, 0.82),
            dice.between(f"r{k}", 0.13, 0.2),
        )
        for k in range(7)
    ]
    heaps = [*sorted(heaps, key=lambda heap: heap[1]), (0.0, 0.68, 0.26)]
    for k, (at, high, radius) in enumerate(reversed(heaps)):
        edge = disc(u, v, (at, high), radius * (0.72 if bare else 1), 0.86) + leaf * np.float32(
            0.03
        )
        # The heap's own roundness and the whole crown's, both lit from above and from the side.
        du, dv = (
            (u - np.float32(at)) / np.float32(radius),
            (v - np.float32(high)) / np.float32(radius),
        )
        light = du * np.float32(easel.towards * 0.3) + dv * np.float32(0.34)
        light = light + u * np.float32(easel.towards * 0.55) + (v - 0.62) * 0.5 + leaf * 0.16
        tone = first if k % 2 else second
        shade = easel.palette.dark(second) * np.float32(0.92)
        color = field(shade, easel.palette.lit(tone), np.clip(light + 0.48, 0, 1))
        brush.frame.fill(edge, color, brush.opacity * (0.9 if bare else 1))


def _leaves(brush: Brush, frequency: float) -> Array:
    rows = brush.v[:, 0]
    columns = brush.frame.u[0]
    return fractal(
        columns * np.float32(frequency),
        rows * np.float32(frequency),
        brush.easel.dice.seed("leaf"),
        octaves=3,
    )


def pine(easel: Easel) -> None:
    """Paint a group of three tall conifers with hanging branches."""
    for at, size in ((-0.2, 0.68), (0.21, 0.56), (0.0, 1.0)):
        brush = easel.frame(at - 0.3 * size, at + 0.3 * size, -0.05, size * 1.02)
        u, v = (brush.u - np.float32(at)) / np.float32(size), brush.v / np.float32(size)
        brush.round(box(u, v, -0.016, 0.016, -0.06, 0.2), _BARK, 0.02)
        down = 1 - v
        leaf = _leaves(brush, 30)
        hang = down - np.abs(u) * np.float32(0.5)
        tooth = np.mod(hang * np.float32(11) + leaf * np.float32(0.2), 1)
        half = down * np.float32(0.215) * (np.float32(0.5) + np.float32(0.5) * tooth) + 0.004
        half = half + leaf * np.float32(0.01) * down
        distance = np.maximum(np.abs(u) - half, np.float32(0.08) - v + leaf * 0.01)
        light = smooth(-0.7, 0.9, u * np.float32(easel.towards) / np.maximum(half, 1e-4))
        light = np.clip(light * (0.55 + 0.45 * tooth) + leaf * 0.1, 0, 1)
        first, second = foliage(easel.scene, "conifer")
        if easel.scene.season == "winter":
            first, second = ink("f0f4f8"), ink("4f6c6a")
            light = light * (0.35 + 0.65 * (1 - tooth))
        shade = easel.palette.dark(second) * np.float32(0.85)
        brush.frame.fill(
            distance * np.float32(size),
            field(shade, easel.palette.lit(first), light),
            brush.opacity,
        )


def palm(easel: Easel) -> None:
    """Paint two leaning palms."""
    for at, size, lean in ((0.1, 0.78, 0.2), (0.0, 1.0, -0.16)):
        brush = easel.frame(at - 0.75, at + 0.75, -0.05, 1.15)
        u, v = brush.u - np.float32(at), brush.v
        bend = u - np.float32(lean) * (np.maximum(v, 0) / np.float32(size)) ** 2
        half = np.float32(0.024) - np.float32(0.01) * v + np.mod(v * np.float32(24), 1) * 0.004
        trunk = np.maximum(np.abs(bend) - half, np.maximum(-v - 0.04, v - np.float32(size * 0.84)))
        brush.shaded(trunk, ink("8a6a50"), np.asarray(bend / 0.03, np.float32))
        crown = (lean * 0.72, size * 0.84)
        for k, angle in enumerate((-0.5, 0.15, 0.75, 1.3, 1.85, 2.4, 3.0, 3.65)):
            _frond(brush, u, crown, angle, size, 0.25 + 0.6 * (k % 3) / 2)
        for du in (-0.025, 0.02):
            brush.lit(disc(u, v, (crown[0] + du, crown[1] - 0.025), 0.02), ink("6b4a30"), 0.5)


def _frond(
    brush: Brush, u: Array, root: tuple[float, float], angle: float, size: float, light: float
) -> None:
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    reach = np.float32(0.4 * size)
    side = np.float32(1.0 if cos >= 0 else -1.0)
    t = (u - np.float32(root[0])) * side / (reach * max(abs(cos), np.float32(0.35)))
    arch = np.float32(root[1]) + reach * (sin * t - np.float32(0.85) * t * t)
    width = np.float32(0.07 * size) * np.sqrt(np.clip(t * (1 - t), 0, 1)) * 1.5
    comb = np.float32(0.7) + np.float32(0.3) * np.abs(np.mod(t * 13, 1) - np.float32(0.5)) * 2
    off = brush.v - arch
    distance = np.maximum(
        np.abs(off + width * np.float32(0.3)) - width * comb, np.maximum(-t, t - 1) * reach
    )
    brush.lit(distance * np.float32(0.8), ink("5f8f58"), light)


def cactus(easel: Easel) -> None:
    """Paint a saguaro with two arms."""
    brush = easel.frame(-0.45, 0.45, -0.05, 1.05)
    u, v = brush.u, brush.v
    green = easel.accent("5f8a5c")
    for path, width in (
        (((-0.02, 0.34), (-0.24, 0.36), (-0.26, 0.66)), 0.055),
        (((0.02, 0.46), (0.21, 0.48), (0.23, 0.82)), 0.05),
    ):
        for a, b in pairwise(path):
            arm = stroke(u, v, a, b, width)
            brush.shaded(arm, green, (u - np.float32(path[2][0])) / np.float32(width))
    body = stroke(u, v, (0, -0.1), (0, 0.92), 0.085, 0.075)
    brush.round(np.maximum(body, -0.04 - v), green, 0.085)
    ribs = np.maximum(body + 0.006, np.abs((u + np.float32(0.5)) % 0.036 - 0.018) - 0.003)
    brush.flat(np.maximum(ribs, -0.04 - v), easel.palette.dark(green), 0.45)
