"""Editing images, with libvips; runs in worker processes alone.

An image is decoded once, oriented and in sRGB, goes through its edits, and is encoded once.
"""

from collections.abc import Sequence
from typing import Any, Final

import pyvips

from coatcheck.edits import (
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
    parse_edits,
)
from coatcheck.edits.placing import Size, canvas, place
from coatcheck.edits.reading import walk
from coatcheck.errors import UnprocessableMediaError
from coatcheck.imaging.lettering import write
from coatcheck.imaging.operations import check_budget, open_file
from coatcheck.imaging.vector import rasterize, read_drawing
from coatcheck.variants import VECTOR_TYPES

_AS_IT_IS: Final = 10_000_000  # libvips' largest coordinate: a thumbnail within it is not shrunk
_FULL: Final = 255

# An animation's first frame and a drawing become a PNG, which loses nothing of them.
_FORMATS: Final = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/webp": "webp",
    "image/avif": "avif",
}
# Better than a variant's: the result may be edited again, and each time loses a little.
_ENCODING: Final[dict[str, dict[str, Any]]] = {
    "png": {"compression": 6, "keep": "none"},
    "jpeg": {"Q": 92, "optimize_coding": True, "interlace": True, "keep": "none"},
    "webp": {"Q": 90, "effort": 2, "keep": "none"},
    "avif": {"Q": 75, "effort": 2, "keep": "none"},
}
_TURNS: Final = ("d0", "d90", "d180", "d270")


def edit(
    *, file: int, media_type: str, edits: list[dict[str, Any]], max_pixels: int
) -> tuple[dict[str, Any], bytes]:
    """Edit an image.

    Args:
        file: descriptor of the original's file.
        media_type: its stored type.
        edits: what to do, as `coatcheck.edits.to_json` writes it.
        max_pixels: budget for width × height, of the original and after each edit.

    Returns:
        ``width`` and ``height`` in pixels and ``media_type``, and the encoded image: of the
        original's type, or a PNG where that is a GIF or an SVG. Oriented, 8 bits, in sRGB, without
        metadata, with its transparency. The same original and edits give the same bytes.

    Raises:
        InvalidInputError: an edit cannot be used, or not on this image; the message says which.
        PixelBudgetError: the image is over the budget or would be; nothing was decoded.
        UnprocessableMediaError: the original cannot be decoded.
    """
    parsed = parse_edits(edits)
    try:
        image = _decode(file, media_type, parsed, max_pixels)
        size = (image.width, image.height)
        for one, after in zip(parsed, walk(parsed, size), strict=True):
            image = _apply(one, image, after)
        format = _FORMATS.get(media_type, "png")  # noqa: A001 - as in `operations.render`
        if format == "jpeg" and image.hasalpha():
            image = image.flatten(background=[_FULL])
        encoded = image.write_to_buffer(f".{format}", **_ENCODING[format])
    except pyvips.Error as error:
        raise UnprocessableMediaError(
            "The image cannot be edited: it is damaged, or too large for so many edits."
        ) from error
    return {
        "width": image.width,
        "height": image.height,
        "media_type": f"image/{format}",
    }, encoded


def _decode(file: int, media_type: str, edits: Sequence[Edit], max_pixels: int) -> Any:
    """The image in 8-bit sRGB, with or without alpha, once everything that is to come fits."""

    def admit(size: Size) -> None:
        for width, height in [size, *walk(edits, size)]:
            check_budget(width, height, 1, max_pixels)

    if media_type in VECTOR_TYPES:
        drawing = read_drawing(file)
        size = drawing.within(max(canvas((drawing.width, drawing.height), is_vector=True)))
        admit(size)
        return pyvips.Image.new_from_buffer(rasterize(drawing, size), "")
    original = open_file(file, media_type)
    original.check_scans(max_pixels)
    admit(original.size)
    image = original.decode(_AS_IT_IS, _AS_IT_IS)
    return image.colourspace("srgb").copy_memory()


def _apply(one: Edit, image: Any, after: Size) -> Any:
    match one:
        case Crop() | Resize() | Rotate() | Flip():
            return _move(image, one, after)
        case Blur(radius=radius):
            return _blur(image, radius)
        case Text():
            return write(image, one)
        case _:
            return _recolor(image, one)


def _move(image: Any, one: Crop | Resize | Rotate | Flip, after: Size) -> Any:
    match one:
        case Crop():
            return image.crop(*one.box((image.width, image.height)))
        case Resize():
            return _resize(image, one, after)
        case Rotate():
            return _rotate(image, one, after)
        case Flip(direction=direction):
            return image.flip(direction)


def _resize(image: Any, one: Resize, after: Size) -> Any:
    width, height = one.scaled((image.width, image.height))
    scaled = image.thumbnail_image(width, height=height, size="force")
    return scaled.crop(*place("center", (width, height), after), *after)


def _rotate(image: Any, one: Rotate, after: Size) -> Any:
    if one.quarters is not None:
        return image.rot(_TURNS[one.quarters])
    clear = image if image.hasalpha() else image.bandjoin(_FULL)
    bicubic = pyvips.Interpolate.new("bicubic")
    turned = clear.rotate(one.degrees, interpolate=bicubic, background=[0, 0, 0, 0])
    # libvips rounds the box in its own way.
    return turned.gravity("centre", *after, extend="background", background=[0, 0, 0, 0])


def _blur(image: Any, radius: float) -> Any:
    if not image.hasalpha():
        return image.gaussblur(radius)
    # What is transparent has a color too, which must not bleed into the rest.
    return image.premultiply().gaussblur(radius).unpremultiply().rint().cast("uchar")


def _recolor(image: Any, one: Brightness | Contrast | Saturation | Grayscale) -> Any:
    colors = image[:3]
    match one:
        case Brightness(factor=factor):
            changed = colors.linear(factor, 0)
        case Contrast(factor=factor):
            changed = colors.linear(factor, _FULL / 2 * (1 - factor))
        case Saturation(factor=factor):
            changed = colors.recomb(_saturating(factor))
        case Grayscale():
            changed = colors.recomb(_saturating(0))
    changed = changed.rint().cast("uchar").copy(interpretation="srgb")
    return changed.bandjoin(image[3]) if image.hasalpha() else changed


def _saturating(factor: float) -> list[list[float]]:
    """The matrix of ``saturate`` in Filter Effects Module Level 1, 9.6."""
    weights = (0.213, 0.715, 0.072)
    return [
        [weight + factor * ((row == column) - weight) for column, weight in enumerate(weights)]
        for row in range(3)
    ]
