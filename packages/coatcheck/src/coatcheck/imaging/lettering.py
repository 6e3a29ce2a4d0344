"""Words on an image, with libvips and its Pango; runs in worker processes alone."""

import html
import math
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pyvips

from coatcheck.edits import Text
from coatcheck.edits.placing import place
from coatcheck.errors import InvalidInputError

_FONT: Final = "DejaVu Sans Bold"
_LINE: Final = 0.9  # how much of the picture's width a line may take
_MARGIN: Final = 0.04  # of the shorter edge
_HALO: Final = 0.05  # standard deviation of the soft edge, of the words' height
_HALO_STRENGTH: Final = 1.5
_FULL: Final = 255
_WEIGHTS: Final = (0.299, 0.587, 0.114)  # of red, green and blue in how bright a color looks


def write(image: Any, overlay: Text) -> Any:
    """The words of `overlay` on an sRGB `image`, as large as its box allows.

    Raises:
        InvalidInputError: there is no font on this machine.
    """
    box = (
        max(1, round(image.width * _LINE)),
        max(1, round(image.height * overlay.size)),
    )
    mask: Any = pyvips.Image.text(
        # Pango reads markup: what the words hold of it must stay words.
        html.escape(overlay.line, quote=False),
        font=_FONT,
        width=box[0],
        height=box[1],
        align="centre",
        **_font_file(),
    )
    if mask.width * 2 < box[0] and mask.height * 2 < box[1]:  # nothing scales without a font
        raise InvalidInputError("No font is installed on this server, so nothing can be written.")
    left, top = place(
        overlay.position,
        (image.width, image.height),
        (mask.width, mask.height),
        round(min(image.width, image.height) * _MARGIN),
    )
    blur = max(0.8, mask.height * _HALO)
    pad = math.ceil(3 * blur)
    halo = mask.embed(pad, pad, mask.width + 2 * pad, mask.height + 2 * pad)
    halo = halo.gaussblur(blur).linear([_HALO_STRENGTH], [0]).cast("uchar")
    image = _ink(image, halo, _opposite(overlay.rgb), left - pad, top - pad)
    return _ink(image, mask, overlay.rgb, left, top)


def _ink(image: Any, mask: Any, color: tuple[int, int, int], left: int, top: int) -> Any:
    """`color` through `mask` on the image."""
    layer = mask.new_from_image(list(color)).copy(interpretation="srgb").bandjoin(mask)
    inked = image.composite2(layer, "over", x=left, y=top)
    return (inked if image.hasalpha() else inked[:3]).cast("uchar")


def _opposite(color: tuple[int, int, int]) -> tuple[int, int, int]:
    """Black beneath bright letters, white beneath dark ones."""
    bright = sum(part * weight for part, weight in zip(color, _WEIGHTS, strict=True))
    return (0, 0, 0) if bright > _FULL / 2 else (_FULL, _FULL, _FULL)


def _font_file() -> dict[str, Any]:
    """The copy of the font that matplotlib brings, where that is installed: the same anywhere.

    Letters that it lacks come from the system's fonts.
    """
    found = find_spec("matplotlib")  # not imported: only its directory is asked for
    for directory in (found.submodule_search_locations or ()) if found else ():
        font = Path(directory, "mpl-data", "fonts", "ttf", "DejaVuSans-Bold.ttf")
        if font.is_file():
            return {"fontfile": str(font)}
    return {}
