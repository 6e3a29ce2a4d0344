"""Colors by name or by their digits. Pure."""

import re
from typing import Final

from coatcheck.errors import InvalidInputError

_NAMES: Final = {
    "black": "#000000",
    "white": "#ffffff",
    "gray": "#808080",
    "silver": "#c0c0c0",
    "red": "#ff0000",
    "maroon": "#800000",
    "orange": "#ffa500",
    "gold": "#ffd700",
    "yellow": "#ffff00",
    "lime": "#00ff00",
    "green": "#008000",
    "teal": "#008080",
    "cyan": "#00ffff",
    "blue": "#0000ff",
    "navy": "#000080",
    "purple": "#800080",
    "magenta": "#ff00ff",
    "pink": "#ffc0cb",
    "brown": "#a52a2a",
}
"""Names with the values that CSS gives them."""

COLOR_NAMES: Final = tuple(_NAMES)
"""The known names of colors."""

_DIGITS: Final = re.compile(r"#([0-9a-f]{6})", re.IGNORECASE | re.ASCII)
_SHORT: Final = re.compile(r"#([0-9a-f])([0-9a-f])([0-9a-f])", re.IGNORECASE | re.ASCII)


def rgb(color: str) -> tuple[int, int, int]:
    """Return red, green and blue from 0 to 255 of a name, ``#rrggbb`` or ``#rgb``.

    Raises:
        InvalidInputError: it is none of these; the message lists the names.
    """
    written = _SHORT.sub(r"#\1\1\2\2\3\3", color) if _SHORT.fullmatch(color) else color
    match = _DIGITS.fullmatch(_NAMES.get(written.lower(), written))
    if match is None:
        raise InvalidInputError(f"color is '#rrggbb' or one of {', '.join(COLOR_NAMES)}")
    red, green, blue = bytes.fromhex(match[1])
    return red, green, blue
