"""ThumbHash: an image in about 25 bytes, drawn blurred until pixels arrive. Pure.

The format is Evan Wallace's (https://evanw.github.io/thumbhash/): a discrete cosine transform of
luminance (up to 7×7 terms), two color differences (3×3) and alpha (5×5, where there is any), each
factor in 4 bits. This encoder transforms rows and columns one after the other, which needs a tenth
of the multiplications that the double sum per factor needs. ``spec/vectors/thumbhash.json`` is
decoded by the browser's decoder in the tests.
"""

import math
from dataclasses import dataclass
from typing import Final

from coatcheck.errors import InvalidInputError

MAX_EDGE: Final = 100
"""Largest width and height that the format's encoder takes; more adds nothing to 7×7 terms."""

_LUMINANCE_TERMS: Final = 7
_LUMINANCE_TERMS_WITH_ALPHA: Final = 5
_ALPHA_TERMS: Final = 5
_COLOR_TERMS: Final = 3


@dataclass(frozen=True, slots=True)
class _Channel:
    mean: float
    scale: float
    factors: list[float]  # in 0…1, where 0.5 stands for none


def encode_thumbhash(rgba: bytes, width: int, height: int) -> bytes:
    """Encode an image.

    Args:
        rgba: width × height × 4 bytes, row by row, sRGB with straight alpha.
        width: 1 to `MAX_EDGE` pixels.
        height: 1 to `MAX_EDGE` pixels.

    Returns:
        5 to 25 bytes.

    Raises:
        InvalidInputError: an edge is out of bounds or `rgba` has another length.
    """
    if not (1 <= width <= MAX_EDGE and 1 <= height <= MAX_EDGE):
        raise InvalidInputError(f"A placeholder is made from 1 to {MAX_EDGE} pixels an edge.")
    if len(rgba) != width * height * 4:
        raise InvalidInputError("A placeholder is made from 4 bytes a pixel.")
    luminance, yellow_blue, red_green, alpha = _split(rgba)
    has_alpha = min(alpha) < 1
    terms = _LUMINANCE_TERMS_WITH_ALPHA if has_alpha else _LUMINANCE_TERMS
    across = max(1, _round(terms * width / max(width, height)))
    down = max(1, _round(terms * height / max(width, height)))
    size = (width, height)
    channels = [
        _transform(luminance, size, max(3, across), max(3, down)),
        _transform(yellow_blue, size, _COLOR_TERMS, _COLOR_TERMS),
        _transform(red_green, size, _COLOR_TERMS, _COLOR_TERMS),
    ]
    if has_alpha:
        channels.append(_transform(alpha, size, _ALPHA_TERMS, _ALPHA_TERMS))
    header = _header(channels, is_landscape=width > height, across=across, down=down)
    return header + _nibbles([factor for channel in channels for factor in channel.factors])


def _split(rgba: bytes) -> tuple[list[float], list[float], list[float], list[float]]:
    """Luminance, yellow-blue, red-green and alpha; transparent pixels take the mean color."""
    alpha = [value / 255 for value in rgba[3::4]]
    opacity = sum(alpha)
    opaque = []
    for offset in range(3):
        values = rgba[offset::4]
        covered = [value / 255 * a for value, a in zip(values, alpha, strict=True)]
        mean = sum(covered) / opacity if opacity else 0.0
        opaque.append([c + mean * (1 - a) for c, a in zip(covered, alpha, strict=True)])
    red, green, blue = opaque
    pixels = list(zip(red, green, blue, strict=True))
    return (
        [(r + g + b) / 3 for r, g, b in pixels],
        [(r + g) / 2 - b for r, g, b in pixels],
        [r - g for r, g, _ in pixels],
        alpha,
    )


def _transform(values: list[float], size: tuple[int, int], across: int, down: int) -> _Channel:
    """The factors below the diagonal of an `across` × `down` transform, and their scale."""
    width, height = size
    waves = [
        [math.cos(math.pi / width * k * (x + 0.5)) for x in range(width)] for k in range(across)
    ]
    rows = [values[start : start + width] for start in range(0, width * height, width)]
    by_row = [
        [sum(v * w for v, w in zip(row, wave, strict=True)) for row in rows] for wave in waves
    ]
    factors: list[float] = []
    for j in range(down):
        column = [math.cos(math.pi / height * j * (y + 0.5)) for y in range(height)]
        factors += [
            sum(v * w for v, w in zip(by_row[k], column, strict=True)) / (width * height)
            for k in range(across)
            if k * down < across * (down - j)
        ]
    mean, rest = factors[0], factors[1:]
    scale = max(map(abs, rest), default=0.0)
    return _Channel(mean, scale, [0.5 + 0.5 / scale * f if scale else f for f in rest])


def _header(channels: list[_Channel], *, is_landscape: bool, across: int, down: int) -> bytes:
    luminance, yellow_blue, red_green = channels[:3]
    has_alpha = len(channels) > 3  # noqa: PLR2004 - three color channels, then alpha
    first = (
        _round(63 * luminance.mean)
        | _round(31.5 + 31.5 * yellow_blue.mean) << 6
        | _round(31.5 + 31.5 * red_green.mean) << 12
        | _round(31 * luminance.scale) << 18
        | has_alpha << 23
    )
    second = (
        (down if is_landscape else across)
        | _round(63 * yellow_blue.scale) << 3
        | _round(63 * red_green.scale) << 9
        | is_landscape << 15
    )
    header = first.to_bytes(3, "little") + second.to_bytes(2, "little")
    if has_alpha:
        header += bytes([_round(15 * channels[3].mean) | _round(15 * channels[3].scale) << 4])
    return header


def _nibbles(factors: list[float]) -> bytes:
    nibbles = [_round(15 * factor) for factor in factors]
    nibbles += [0] * (len(nibbles) % 2)
    return bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))


def _round(value: float) -> int:
    # Halves go up, as in the format's other encoders; Python's round goes to the even neighbor.
    return math.floor(value + 0.5)
