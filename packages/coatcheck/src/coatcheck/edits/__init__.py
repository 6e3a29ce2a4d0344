"""What may be done to a picture, as a model writes it and a worker reads it. Pure.

An edit is one operation with its parameters; a picture is edited by a few of them, one after the
other.
"""

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
    edits_schema,
    parse_edits,
    summarize,
    to_json,
    walk,
)

__all__ = [
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
    "edits_schema",
    "parse_edits",
    "summarize",
    "to_json",
    "walk",
]
