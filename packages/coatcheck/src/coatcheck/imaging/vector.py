"""SVG to pixels. The only module that knows resvg; it runs in worker processes alone.

resvg is written in Rust and runs no script. It does open the files that an image refers to, end the
process when memory runs out, and take as long as a drawing wants. So it gets what `cleaning.clean`
left, at a size that is computed here, under a limit of CPU time; the worker's limit of memory does
the rest.
"""

import math
import os
import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import resvg_py

from coatcheck.errors import UnprocessableMediaError
from coatcheck.imaging.cleaning import MAX_SVG_BYTES, CleanSvg, clean, element

DEFAULT_EDGE: Final = 1024
"""Longest edge in pixels of a drawing that does not say how large it is."""

MAX_RASTER_PIXELS: Final = 2**24
"""Most pixels that are drawn at once; a rendition that would have more is drawn smaller."""

MAX_RASTER_EDGE: Final = 16_383
"""Longest edge that is drawn: WebP has no longer one."""

CPU_SECONDS: Final = 4
"""CPU time that a drawing may take; beyond it the worker is ended."""

_DEFAULT_VIEW: Final = (0.0, 0.0, 300.0, 150.0)  # CSS 2.2, 10.3.2: the size of what has none
_MAX_LENGTH: Final = 1e9
_NUMBER: Final = r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:e[+-]?\d{1,3})?"
_LENGTH: Final = re.compile(rf"\s*({_NUMBER})(px|pt|pc|in|cm|mm|)\s*", re.IGNORECASE | re.ASCII)
_VIEW: Final = re.compile(
    rf"\s*({_NUMBER})" + rf"(?:\s*,\s*|\s+)({_NUMBER})" * 3 + r"\s*",
    re.IGNORECASE | re.ASCII,
)
# CSS Values and Units 3, 6.2: an inch is 96 pixels.
_PIXELS: Final = {
    "": 1.0,
    "px": 1.0,
    "pt": 96 / 72,
    "pc": 16.0,
    "in": 96.0,
    "cm": 96 / 2.54,
    "mm": 96 / 25.4,
}


@dataclass(frozen=True, slots=True)
class Drawing:
    """A cleaned SVG with its intrinsic size in pixels."""

    svg: CleanSvg
    view: tuple[float, float, float, float]
    width: int
    height: int

    def at_width(self, width: int) -> tuple[int, int]:
        """The size of a rendition `width` pixels wide, or of the widest that may be drawn."""
        return self._scaled(width / self.width)

    def within(self, edge: int) -> tuple[int, int]:
        """The size at which the longer edge has `edge` pixels."""
        return self._scaled(edge / max(self.width, self.height))

    def _scaled(self, scale: float) -> tuple[int, int]:
        longest = max(self.width, self.height)
        scale = min(
            scale,
            MAX_RASTER_EDGE / longest,
            math.sqrt(MAX_RASTER_PIXELS / self.width / self.height),
        )
        return max(1, round(self.width * scale)), max(1, round(self.height * scale))


def read_drawing(file: int) -> Drawing:
    """Clean the SVG in a file, given as its descriptor, and tell its size.

    The size comes from ``width`` and ``height`` in pixels or another absolute unit. Where one is
    missing or relative, the other and the ratio of ``viewBox`` make it up. With neither, the longer
    edge is `DEFAULT_EDGE`, in the ratio of ``viewBox`` or, without one, 2:1.

    Raises:
        MediaTooLargeError: it is longer than `MAX_SVG_BYTES`.
        UnprocessableMediaError: it is no SVG that is drawn here.
    """
    with os.fdopen(file, "rb", closefd=False) as content:
        svg = clean(content.read(MAX_SVG_BYTES + 1))
    told = [_length(svg.attributes.get(name)) for name in ("width", "height")]
    view = _view_box(svg.attributes.get("viewBox"))
    width, height = _size(told[0], told[1], view)
    if view is None:
        sized = None not in told
        view = (0.0, 0.0, width, height) if sized else _DEFAULT_VIEW
    return Drawing(svg, view, max(1, round(width)), max(1, round(height)))


def rasterize(drawing: Drawing, size: tuple[int, int]) -> bytes:
    """Draw at exactly `size`, width and height in pixels, as a PNG.

    Raises:
        UnprocessableMediaError: it cannot be drawn.
    """
    width, height = size
    attributes = drawing.svg.attributes | {
        "xmlns": "http://www.w3.org/2000/svg",
        "width": str(width),
        "height": str(height),
        "viewBox": " ".join(f"{number:.9g}" for number in drawing.view),
    }
    document = element("svg", attributes, drawing.svg.body)
    try:
        with _limited_cpu():
            return resvg_py.svg_to_bytes(
                svg_string=document,
                # Again, in case a style of the document means to be larger.
                width=width,
                height=height,
                # Reading the system's fonts takes a tenth of a second, once for each worker.
                skip_system_fonts=not drawing.svg.has_text,
            )
    except ValueError as error:
        raise UnprocessableMediaError("The SVG cannot be drawn.") from error


def _size(
    width: float | None, height: float | None, view: tuple[float, float, float, float] | None
) -> tuple[float, float]:
    if width is not None and height is not None:
        return width, height
    _, _, across, down = view or _DEFAULT_VIEW
    if view is not None and width is not None:
        return width, min(width * down / across, _MAX_LENGTH)
    if view is not None and height is not None:
        return min(height * across / down, _MAX_LENGTH), height
    scale = DEFAULT_EDGE / max(across, down)
    return across * scale, down * scale


def _length(text: str | None) -> float | None:
    """A positive absolute length in pixels; None for any other."""
    match = _LENGTH.fullmatch(text or "")
    if match is None:
        return None
    pixels = float(match[1]) * _PIXELS[match[2].lower()]
    return min(pixels, _MAX_LENGTH) if pixels > 0 else None


def _view_box(text: str | None) -> tuple[float, float, float, float] | None:
    match = _VIEW.fullmatch(text or "")
    if match is None:
        return None
    left, top, width, height = map(float, match.groups())
    drawn = 0 < width <= _MAX_LENGTH and 0 < height <= _MAX_LENGTH
    placed = abs(left) <= _MAX_LENGTH and abs(top) <= _MAX_LENGTH
    return (left, top, width, height) if drawn and placed else None


@contextmanager
def _limited_cpu() -> Iterator[None]:
    """End this process if what is inside takes more than `CPU_SECONDS` of CPU time."""
    before = resource.getrlimit(resource.RLIMIT_CPU)
    used = resource.getrusage(resource.RUSAGE_SELF)
    allowance = int(used.ru_utime + used.ru_stime) + CPU_SECONDS + 1
    resource.setrlimit(resource.RLIMIT_CPU, (allowance, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, before)
