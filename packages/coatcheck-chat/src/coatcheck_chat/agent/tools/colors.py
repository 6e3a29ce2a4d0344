"""Colors in words. Pure."""

import math
from collections.abc import Sequence
from typing import Final

from coatcheck.store import Swatch

# Where a hue of OKLCH ends, in degrees, and what it is called up to there.
_HUES: Final = (
    (12, "pink"),
    (42, "red"),
    (85, "orange"),
    (118, "yellow"),
    (165, "green"),
    (215, "cyan"),
    (282, "blue"),
    (338, "purple"),
    (360, "pink"),
)
_FULL: Final = 255
_GREY: Final = 0.025  # chroma
_MUTED: Final = 0.06
_EARTHY: Final = 0.12
_BLACK: Final = 0.2  # lightness
_DARK: Final = 0.45
_LIGHT: Final = 0.76
_WHITE: Final = 0.95
_BROWN: Final = 0.66
_MAGENTA: Final = 0.6


def describe_colors(swatches: Sequence[Swatch]) -> str:
    """The colors with their shares, such as ``dark blue 61 %, orange 20 %``."""
    shares: dict[str, float] = {}
    for swatch in swatches:
        name = color_name(swatch)
        shares[name] = shares.get(name, 0) + swatch.share
    ranked = sorted(shares.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {round(100 * share)} %" for name, share in ranked) or "none"


def color_name(swatch: Swatch) -> str:
    """The common name of a color: a hue, perhaps ``dark``, ``light`` or ``greyish``, or a gray."""
    lightness, chroma, hue = _oklch(swatch)
    if lightness < _BLACK and chroma < _MUTED:
        return "black"
    tone = "dark " if lightness < _DARK else "light " if lightness > _LIGHT else ""
    if chroma < _GREY:
        return "white" if lightness > _WHITE else f"{tone}grey"
    name = next(name for end, name in _HUES if hue <= end)
    if name in {"red", "orange"} and chroma < _EARTHY and lightness < _BROWN:
        return f"{tone}brown"
    if name == "purple" and lightness > _MAGENTA and chroma > _EARTHY:
        name = "pink"
    if name in {"yellow", "orange"} and tone == "light " and chroma > _EARTHY:
        return name  # these are light by nature
    return f"{tone}greyish {name}" if chroma < _MUTED else f"{tone}{name}"


def _oklch(swatch: Swatch) -> tuple[float, float, float]:
    """Lightness, chroma and hue in degrees (Björn Ottosson, 2020: A perceptual color space)."""
    red, green, blue = (_linear(part) for part in (swatch.red, swatch.green, swatch.blue))
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    lightness = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    across = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    down = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return lightness, math.hypot(across, down), math.degrees(math.atan2(down, across)) % 360


def _linear(part: int) -> float:
    """A channel of sRGB without its curve, 0 to 1."""
    value = part / _FULL
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - IEC 61966-2-1
