"""What may be done to a picture, as a model writes it and a worker reads it. Pure.

An edit is one operation with its parameters; a picture is edited by a few of them, one after the
other.
"""

from coatcheck.edits.colors import COLOR_NAMES
from coatcheck.edits.operations import (
    Blur,
    Brightness,
    Contrast,
    Crop,
    Edit,
    Flip,
    Grayscale,
    Resize,
    Rotate,
    Saturation,
    Text,
)
from coatcheck.edits.reading import (
    MAX_EDITS,
    edited_size,
    edits_schema,
    parse_edits,
    summarize,
)

__all__ = [
    "COLOR_NAMES",
    "MAX_EDITS",
    "Blur",
    "Brightness",
    "Contrast",
    "Crop",
    "Edit",
    "Flip",
    "Grayscale",
    "Resize",
    "Rotate",
    "Saturation",
    "Text",
    "edited_size",
    "edits_schema",
    "parse_edits",
    "summarize",
]
