"""A skyline in three depths, with lit windows."""

import numpy as np

from coatcheck_chat.painter.canvas import Canvas, Frame
from coatcheck_chat.painter.dice import Dice
from coatcheck_chat.painter.noise import Array, lattice
from coatcheck_chat.painter.palette import Palette, ink, mix
from coatcheck_chat.painter.scene import Scene

_WALLS = ("a9a4a8", "c2a690", "8f9db0", "b98f86", "9aa79c")


def paint_city(canvas: Canvas, scene: Scene, palette: Palette) -> None:
    """Paint the skyline standing on the horizon."""
    scale = max(canvas.scale, 0.6)
    for k, (far, tall, width) in enumerate(
        ((0.72, 0.36, 0.05), (0.45, 0.3, 0.066), (0.1, 0.2, 0.085))
    ):
        dice = scene.dice.child(f"block {k}")
        step = width * scale
        count = int(canvas.aspect / step / 2) + 2
        # A hump towards the center reads as a downtown.
        for i in range(-count, count + 1):
            x = (i + dice.between(f"x{i}", -0.25, 0.25)) * step
            hump = np.exp(-(((x - scene.side * 0.12 * canvas.aspect) / (0.3 * canvas.aspect)) ** 2))
            high = tall * (0.3 + 0.75 * hump) * dice.between(f"h{i}", 0.45, 1.15)
            wide = step * dice.between(f"w{i}", 0.42, 0.62)
            _tower(canvas, scene, palette, (x, wide, high, far), dice.child(f"tower {i}"))


def _tower(
    canvas: Canvas,
    scene: Scene,
    palette: Palette,
    form: tuple[float, float, float, float],
    dice: Dice,
) -> None:
    x, half, high, far = form
    frame = canvas.frame(
        x, scene.horizon + 0.004, 1.0, (-half * 1.1, half * 1.1, -0.002, high * 1.35)
    )
    u, v = frame.u, frame.v
    if not u.size or not v.size:
        return
    wall = ink(dice.pick("wall", _WALLS))
    towards = -1.0 if x > scene.light[0] * canvas.aspect else 1.0
    split = half * dice.between("split", 0.1, 0.5) * towards
    lit = mix(palette.lit(wall), palette.haze, far)
    dark = mix(palette.dark(wall), palette.haze, far)
    faced = (u - np.float32(split)) * np.float32(towards) > 0
    color = np.where(faced[None], lit[:, None, None], dark[:, None, None])
    foot = np.clip(1 - v / np.float32(0.12), 0, 1) ** 2 * np.float32(0.4)
    color = color + (palette.haze[:, None, None] - color) * foot[None]
    distance = np.maximum(np.abs(u) - half, v - np.float32(high))
    style = dice.pick("roof", ("flat", "step", "spire", "flat", "slope", "dome"))
    distance = np.minimum(distance, _roof(u, v, half, high, style))
    frame.fill(distance, color.astype(np.float32))
    _light_windows(frame, scene, palette, form, dice)


def _roof(u: Array, v: Array, half: float, high: float, style: str) -> Array:
    over = v - np.float32(high)
    roof = np.full_like(over + u, 9)
    if style == "step":
        roof = np.maximum(np.abs(u) - half * 0.6, over - half * 0.7)
    elif style == "spire":
        cap = np.maximum(np.abs(u) - (half - over * np.float32(0.8)), over - half * 1.2)
        needle = np.maximum(np.abs(u) - 0.0014, over - np.float32(half * 1.2 + high * 0.22))
        roof = np.minimum(cap, needle)
    elif style == "slope":
        roof = np.maximum(np.abs(u) - half, over - (u + np.float32(half)) * np.float32(0.35))
    elif style == "dome":
        roof = np.sqrt(u**2 + np.maximum(over, 0) ** 2) - half * 0.8 + (over < 0)
    return np.asarray(roof, np.float32)


def _light_windows(
    frame: Frame,
    scene: Scene,
    palette: Palette,
    form: tuple[float, float, float, float],
    dice: Dice,
) -> None:
    _, half, high, far = form
    share = {"night": 0.5, "dusk": 0.38, "dawn": 0.2}.get(scene.time, 0.0)
    if scene.weather in {"storm", "rain"}:
        share = max(share, 0.35)
    wide, tall = half / 3.5 if half < 0.02 else half / 5.0, 0.0125
    column, row = frame.u / np.float32(wide), frame.v / np.float32(tall)
    on = lattice(np.floor(column).astype(np.int64), np.floor(row).astype(np.int64), dice.seed("on"))
    # Distances to the pane's edges, in world units, give panes that blur instead of flicker.
    du = (np.abs(column % 1 - np.float32(0.5)) - np.float32(0.27)) * np.float32(wide)
    dv = (np.abs(row % 1 - np.float32(0.5)) - np.float32(0.29)) * np.float32(tall)
    pane = np.clip(0.5 - np.maximum(du, dv) / np.float32(frame.pixel), 0, 1)
    inside = (np.abs(frame.u) < half * 0.93) & (frame.v < high - tall * 0.6) & (frame.v > tall)
    pane = pane * inside
    lamp = (on * 0.5 + 0.5) < share
    frame.veil(
        pane * ~lamp * np.float32(0.16 * (1 - far)), mix(palette.sky[0], palette.sky[1], 0.4)
    )
    strength = (0.95 - 0.6 * far) * (0.75 + 0.25 * np.sin(on * 40))
    frame.veil(np.asarray(pane * lamp * strength, np.float32), palette.window)
