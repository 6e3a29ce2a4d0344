"""The easel: a local window with light and colors, which every subject is painted on."""

from dataclasses import dataclass

import numpy as np

from coatcheck_chat.painter.canvas import Canvas, Frame
from coatcheck_chat.painter.dice import Dice
from coatcheck_chat.painter.noise import Array, line
from coatcheck_chat.painter.palette import Palette, ink
from coatcheck_chat.painter.scene import Scene
from coatcheck_chat.painter.sky import light_at


@dataclass(frozen=True, slots=True, eq=False)
class Easel:
    """One subject's place in the picture.

    Attributes:
        x: world x of its foot.
        y: world y of its foot.
        size: world length of a local unit; most subjects are one unit tall.
        towards: -1 when the light stands to its left, 1 when to its right.
        mirrored: paint its reflection in water below the foot instead.
    """

    canvas: Canvas
    scene: Scene
    palette: Palette
    name: str
    x: float
    y: float
    size: float
    mirrored: bool = False

    @property
    def towards(self) -> float:
        """Return the side the light comes from."""
        return -1.0 if light_at(self.canvas, self.scene)[0] < self.x else 1.0

    @property
    def dice(self) -> Dice:
        """Return the subject's own draws."""
        return self.scene.dice.child(self.name)

    @property
    def lamps(self) -> bool:
        """Tell whether lamps are lit at this hour and weather."""
        return self.scene.time in {"dusk", "night"} or self.scene.weather in {
            "storm",
            "rain",
            "fog",
        }

    def accent(self, default: str) -> Array:
        """Return the color the prompt gives the subject, or a hexadecimal default."""
        named = self.scene.accent(self.name)
        return ink(default) if named is None else np.array(named, np.float32)

    def frame(self, left: float, right: float, bottom: float, top: float) -> "Brush":
        """Open the window (local units, v upwards) to paint in."""
        if not self.mirrored:
            frame = self.canvas.frame(self.x, self.y, self.size, (left, right, bottom, top))
            return Brush(frame, frame.u, frame.v, self, 1.0)
        frame = self.canvas.frame(self.x, self.y, self.size, (left, right, -top, -bottom))
        down = np.maximum(-frame.v, 0)
        wobble = line(frame.v * np.float32(17), self.dice.seed("wobble")) * (0.012 + 0.05 * down)
        return Brush(frame, (frame.u + wobble).astype(np.float32), -frame.v, self, 0.42)


@dataclass(frozen=True, slots=True, eq=False)
class Brush:
    """A window's axes and the ways to put color on it.

    Attributes:
        u: local x, (1, w) or, mirrored, (h, w).
        v: local y, upwards, (h, 1).
        opacity: factor of every stroke, below 1 in reflections.
    """

    frame: Frame
    u: Array
    v: Array
    easel: Easel
    opacity: float

    def flat(self, distance: Array, color: Array, alpha: float = 1.0) -> None:
        """Paint a shape (signed distance, negative inside) in one color."""
        self.frame.fill(distance, color, alpha * self.opacity)

    def lit(self, distance: Array, surface: Array, share: float = 1.0, alpha: float = 1.0) -> None:
        """Paint a flat face with `share` in [0, 1] of the light on it."""
        palette = self.easel.palette
        dark = palette.dark(surface)
        self.flat(distance, dark + (palette.lit(surface) - dark) * np.float32(share), alpha)

    def round(self, distance: Array, surface: Array, reach: float, center: float = 0.0) -> None:
        """Paint an upright round body of half width `reach`, shaded from the light's side."""
        self.shaded(distance, surface, (self.u - np.float32(center)) / np.float32(reach))

    def shaded(self, distance: Array, surface: Array, across: Array) -> None:
        """Paint with light by `across`: -1 at the left edge, 1 at the right one."""
        palette = self.easel.palette
        t = np.clip(across * np.float32(self.easel.towards * 0.5) + np.float32(0.5), 0, 1)
        t = t * t * (3 - 2 * t)
        dark, lit = palette.dark(surface), palette.lit(surface)
        color = dark[:, None, None] + (lit - dark)[:, None, None] * t[None]
        self.frame.fill(distance, color, self.opacity)

    def glow(self, at: tuple[float, float], radius: float, color: Array, strength: float) -> None:
        """Lay a soft light around a point."""
        r2 = (self.u - np.float32(at[0])) ** 2 + (self.v - np.float32(at[1])) ** 2
        mask = np.float32(strength * self.opacity) * np.exp(-r2 / np.float32(radius * radius))
        self.frame.veil(np.asarray(mask, np.float32), color)

    def lamp(self, distance: Array) -> None:
        """Paint a window: lamplight when lamps are lit, dark glass otherwise."""
        easel = self.easel
        self.flat(
            distance, easel.palette.window if easel.lamps else easel.palette.dark(ink("4a5666"))
        )
