"""Colors: the moods of the hours, and what light does to a surface.

All colors are gamma-encoded sRGB in [0, 1], float32 arrays of shape (3,).
"""

from dataclasses import dataclass

import numpy as np

from coatcheck_chat.painter.noise import Array
from coatcheck_chat.painter.scene import Scene


def ink(code: str) -> Array:
    """Return the color of a hexadecimal code such as "f4c095"."""
    return np.array([int(code[k : k + 2], 16) / 255 for k in (0, 2, 4)], np.float32)


def mix(a: Array, b: Array, t: float) -> Array:
    """Return the color between `a` (t=0) and `b` (t=1)."""
    return np.asarray(a + (b - a) * np.float32(t), np.float32)


def field(a: Array, b: Array, t: Array) -> Array:
    """Return a color field (3, h, w) between `a` and `b` (colors or fields), with t (h, w)."""
    first = a[:, None, None] if a.ndim == 1 else a
    second = b[:, None, None] if b.ndim == 1 else b
    return np.asarray(first + (second - first) * t[None], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """The colors of an hour.

    Attributes:
        sky: stops from the zenith to the horizon, shape (n, 3).
        glow: the air around sun or moon.
        sun: the disc of sun or moon.
        haze: what distance fades to.
        key: multiplier of a surface the light falls on.
        fill: multiplier of a surface in shade.
        window: lamplight.
        tint: the color the prompt names, or None.
    """

    sky: Array
    glow: Array
    sun: Array
    haze: Array
    key: Array
    fill: Array
    window: Array
    tint: Array | None

    def lit(self, surface: Array) -> Array:
        """Return the color of `surface` in the light."""
        return np.asarray(np.minimum(self._leaning(surface) * self.key, 1), np.float32)

    def dark(self, surface: Array) -> Array:
        """Return the color of `surface` in shade."""
        return np.asarray(np.minimum(self._leaning(surface) * self.fill, 1), np.float32)

    def _leaning(self, surface: Array) -> Array:
        return surface if self.tint is None else tinted(surface, self.tint, 0.22)


def tinted(color: Array, tint: Array, amount: float) -> Array:
    """Lean `color` ((3,) or (n, 3)) to the hue of `tint`, keeping its lightness roughly."""
    weights = np.array([0.3, 0.59, 0.11], np.float32)
    own, other = color @ weights, float(tint @ weights)
    target = np.clip(tint * (np.asarray(own)[..., None] / other), 0, 1)
    return np.asarray(color + (target - color) * np.float32(amount), np.float32)


# zenith..horizon | glow | sun | haze | key | fill
_MOODS: dict[str, tuple[str, ...]] = {
    "dawn": (
        "587cac 989ec8 e6b0ba fcc49c ffe2ac|fff0c4|fffbe6|eebfae|ffd3b4|737499",
        "3f7d9f 80b3be e6cdb2 ffc68e ffe2a2|fff2c8|fffdf0|f0cfae|ffdcb2|66789a",
        "6d6aa6 a585b6 e3a0ac f9bf9f fddfae|ffe4ae|fff6da|e8afab|ffc9a6|6c6793",
    ),
    "day": (
        "2f78b4 5b9fcf 94c6e2 c6e2ea eef2e2|fff6d8|fffceb|c9dfe6|fffaea|8397b4",
        "2c8298 5caebb 98cfca cfe3cb f7efcd|fff3cd|fffbe8|cde2d2|fff6de|7c99a8",
        "3c6fae 6c9bd0 a3c3e4 d6dfe8 f7e8d6|fff0d2|fffaf0|d5dbe4|fff4e4|8892b6",
    ),
    "dusk": (
        "2a2a5c 5c3c7c a84e7c e8755f fbb871|ffd58a|fff0c0|c8677a|f59a6c|4a3a68",
        "1d3a58 3a6878 8e8a86 eaa168 ffd28b|ffe0a0|fff4cc|c98f7c|f3a873|3c4560",
        "3a2d63 7a4a85 cc6885 f59b82 fdd2a0|ffdfb0|fff3d4|d57f8a|f8a888|523e70",
    ),
    "night": (
        "0b1433 142551 20417a 37689a 6694b4|a9cbe0|f6f2dc|2d5280|7f9cc6|1c2a4e",
        "08202e 0f3a4a 1b5a68 35828a 6fb0a8|b2dccf|f4f3dc|276470|84b4b8|16333f",
        "150f38 2b1f5c 4a3584 75569c a885ae|d8b8d8|fbeede|503c80|a191cc|251d4a",
    ),
    "storm": (
        "2c3542 434f5c 66727a 97a09c cfcdb4|e4e0c0|f2eed6|7f8a8c|b4b8b0|4a5564",
        "2a2f40 454a5e 6e6f80 a59ea0 d8c4b0|e8d4b8|f4ead8|8c8890|bcb4b0|4c4e62",
    ),
    "fog": (
        "9db1bb b5c4c8 cbd3d0 dfdfd4 ece6d6|fbf3de|fffdf2|d5d8d0|d8d6cc|74838c",
        "a9a6b8 bfb8c4 d4cac9 e6dacb f2e6d2|fff2da|fffdf4|dcd2cc|ddd2c8|7d7a8c",
    ),
    "winter": (
        "5c87b4 8bb0d2 b9d0e2 dde4ea f7ebe2|fff3e4|fffdf6|d4e0ea|fbf4f0|8fa4c8",
        "6f8fae a2b8cc cdd3dc e9dfdc f9e6d4|fff0dc|fffcf2|dfdfe4|fdf0e4|949fc0",
    ),
}


def palette_for(scene: Scene) -> Palette:
    """Choose and tint the palette of `scene`."""
    mood = scene.time
    if scene.place == "space":
        mood = "night"
    elif scene.time != "night" and scene.weather in {"storm", "rain"}:
        mood = "storm"
    elif scene.time in {"day", "dawn"} and scene.weather == "fog":
        mood = "fog"
    elif scene.time == "day" and scene.season == "winter":
        mood = "winter"
    sky, glow, sun, haze, key, fill = scene.dice.pick("palette", _MOODS[mood]).split("|")
    stops = np.stack([ink(code) for code in sky.split()])
    colors = [ink(code) for code in (glow, sun, haze)]
    tint = None
    if scene.tint is not None:
        tint = np.array(scene.tint, np.float32)
        stops = tinted(stops, tint, 0.42)
        colors = [
            tinted(c, tint, amount) for c, amount in zip(colors, (0.2, 0.1, 0.4), strict=True)
        ]
    return Palette(
        sky=stops,
        glow=colors[0],
        sun=colors[1],
        haze=colors[2],
        key=ink(key) * np.float32(1.06),
        fill=ink(fill) * np.float32(1.0),
        window=ink("ffd27a"),
        tint=tint,
    )


_TO_CONE = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_FROM_CONE = np.linalg.inv(_TO_CONE)


def gradient(stops: Array, t: Array) -> Array:
    """Interpolate `stops` (n, 3), evenly spaced over t in [0, 1]; t (m,) gives (3, m).

    The blend runs on the cube roots of the cone responses, Oklab's first step (Bjoern Ottosson,
    https://bottosson.github.io/posts/oklab/): sRGB would go grey between orange and blue.
    """
    linear = np.where(stops <= 0.04045, stops / 12.92, ((stops + 0.055) / 1.055) ** 2.4)
    cones = np.cbrt(linear @ _TO_CONE.T)
    at = np.clip(t, 0, 1) * (len(stops) - 1)
    blended = np.stack([np.interp(at, np.arange(len(stops)), cones[:, k]) for k in range(3)])
    light = np.clip(_FROM_CONE @ blended**3, 0, 1)
    encoded = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(encoded, np.float32)
