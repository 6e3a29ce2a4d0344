"""Looking at images and rendering them, with libvips; runs in worker processes alone.

An SVG comes here as the pixels that `coatcheck.imaging.vector` has drawn.
"""

import base64
from typing import Any, Final

import pyvips

from coatcheck.errors import PixelBudgetError, UnprocessableMediaError
from coatcheck.imaging.palette import dominant_colours
from coatcheck.imaging.placeholder import encode_thumbhash
from coatcheck.imaging.vector import rasterise, read_drawing
from coatcheck.variants import MAX_ANIMATION_FRAMES, VECTOR_TYPES

THUMBNAIL_EDGE: Final = 256
"""Longest edge of a thumbnail in pixels."""

THUMBNAIL_BYTES: Final = 10 * 1024
"""What a thumbnail may weigh; the quality is lowered until it fits."""

_PLACEHOLDER_EDGE: Final = 32
_PALETTE_EDGE: Final = 64
_QUALITIES: Final = (80, 70, 60, 50, 40, 30, 20)
_PREVIEW_QUALITIES: Final = (70, 40, 10)  # the first is about 30 KiB at 512 pixels
_SIDEWAYS: Final = 5  # EXIF orientations from 5 on exchange width and height
_ANY_HEIGHT: Final = 10_000_000  # libvips' largest coordinate: the width alone decides
# Quality by format, chosen for about the same visual quality; effort where it is still fast.
_ENCODING: Final[dict[str, dict[str, Any]]] = {
    "webp": {"Q": 80, "effort": 2, "keep": "none"},
    "avif": {"Q": 55, "effort": 2, "keep": "none"},
    "jpeg": {"Q": 82, "optimize_coding": True, "interlace": True, "keep": "none"},
    "png": {"compression": 6, "keep": "none"},
}
# The decoder that each type may reach, and no other: what a file claims to be cannot pick one.
_LOADERS: Final = {
    "image/png": "pngload",
    "image/jpeg": "jpegload",
    "image/webp": "webpload",
    "image/gif": "gifload",
    "image/avif": "heifload",
}


def inspect(*, path: str, media_type: str, max_pixels: int) -> tuple[dict[str, Any], bytes]:
    """Check the header, then decode once for thumbnail and placeholder.

    Args:
        path: a local file.
        media_type: its sniffed type; another decoder than this type's is never used.
        max_pixels: budget for width × height × frames.

    Returns:
        ``width``, ``height`` (pixels as displayed), ``frames``, ``placeholder`` (base64),
        ``thumbnail`` (``width``, ``height``), and the thumbnail as WebP.

    Raises:
        PixelBudgetError: the canvas is over the budget; nothing was decoded.
        UnprocessableMediaError: the image is damaged, cut short, or of another type than told.
    """
    pyvips.block_untrusted_set(True)
    if media_type in VECTOR_TYPES:
        return _inspect_vector(path, max_pixels)
    try:
        header, size = open_checked(path, media_type)
        frames = _integer(header, "n-pages")
        check_budget(*size, frames, max_pixels)
        thumbnail = pyvips.Image.thumbnail(
            path,
            THUMBNAIL_EDGE,
            height=THUMBNAIL_EDGE,
            size="down",
            fail_on="truncated",
            **to_srgb(header),
        ).copy_memory()
        return _told(size, frames, thumbnail)
    except pyvips.Error as error:
        raise UnprocessableMediaError from error


def render(*, path: str, media_type: str, width: int, format: str) -> tuple[dict[str, Any], bytes]:  # noqa: A002 - the parameter's name on the wire
    """Render a variant.

    Args:
        path: a local file with the original.
        media_type: its stored type.
        width: pixels; no more than the original has, unless that is a vector image.
        format: ``webp``, ``avif``, ``jpeg`` or ``png``.

    Returns:
        ``width`` and ``height`` in pixels, and the encoded image: oriented, in sRGB, without
        metadata, animated in WebP if the original is and has at most `MAX_ANIMATION_FRAMES`.

    Raises:
        UnprocessableMediaError: the original cannot be decoded.
    """
    pyvips.block_untrusted_set(True)
    try:
        if media_type in VECTOR_TYPES:
            return _encode(_draw_vector(path, width), format)
        header, _ = open_checked(path, media_type)
        animated = format == "webp" and 1 < _integer(header, "n-pages") <= MAX_ANIMATION_FRAMES
        image = pyvips.Image.thumbnail(
            f"{path}[n=-1]" if animated else path,
            width,
            height=_ANY_HEIGHT,
            size="down",
            fail_on="truncated",
            **to_srgb(header),
        )
        return _encode(image, format, pages=_integer(header, "n-pages") if animated else 1)
    except pyvips.Error as error:
        raise UnprocessableMediaError from error


def palette(*, path: str, media_type: str) -> tuple[dict[str, Any], bytes]:
    """Tell the main colours of a small image, such as a thumbnail.

    Returns:
        ``colours``: lists of red, green, blue (0 to 255) and share (0 to 1), largest share first.

    Raises:
        UnprocessableMediaError: the image cannot be decoded.
    """
    pyvips.block_untrusted_set(True)
    try:
        open_checked(path, media_type)
        small = pyvips.Image.thumbnail(
            path, _PALETTE_EDGE, height=_PALETTE_EDGE, size="down", fail_on="truncated"
        )
        return {"colours": dominant_colours(_rgba(small))}, b""
    except pyvips.Error as error:
        raise UnprocessableMediaError from error


def shrink(
    *, payload: bytes, media_type: str, edge: int, max_bytes: int, max_pixels: int
) -> tuple[dict[str, Any], bytes]:
    """Make a small picture of a draft.

    Args:
        payload: the encoded draft.
        media_type: its sniffed type.
        edge: longest edge of the result in pixels.
        max_bytes: what the result may weigh.
        max_pixels: budget for width × height × frames of the draft.

    Returns:
        ``width`` and ``height`` in pixels, and the picture as WebP.

    Raises:
        PixelBudgetError: the canvas is over the budget; nothing was decoded.
        UnprocessableMediaError: the draft cannot be decoded, or does not fit in `max_bytes`.
    """
    pyvips.block_untrusted_set(True)
    try:
        header = pyvips.Image.new_from_buffer(payload, "", access="sequential")
        if header.get("vips-loader") != f"{_LOADERS[media_type]}_buffer":
            raise UnprocessableMediaError("The image is of another type than it begins as.")
        check_budget(header.width, header.height, _integer(header, "n-pages"), max_pixels)
        image = pyvips.Image.thumbnail_buffer(
            payload,
            edge,
            height=edge,
            size="down",
            option_string="fail_on=truncated",  # libvips passes over it as an argument
            **to_srgb(header),
        ).copy_memory()
        return _encode_preview(image, max_bytes)
    except pyvips.Error as error:
        raise UnprocessableMediaError from error


def _encode_preview(image: Any, max_bytes: int) -> tuple[dict[str, Any], bytes]:
    for quality in _PREVIEW_QUALITIES:
        encoded = image.webpsave_buffer(Q=quality, effort=1, keep="none")
        if len(encoded) <= max_bytes:
            return {"width": image.width, "height": image.height}, encoded
    raise UnprocessableMediaError("The draft does not become small enough.")


def _inspect_vector(path: str, max_pixels: int) -> tuple[dict[str, Any], bytes]:
    drawing = read_drawing(path)
    # Of the size that it claims, though it is never drawn at that size: others rely on it.
    check_budget(drawing.width, drawing.height, 1, max_pixels)
    png = rasterise(drawing, drawing.within(THUMBNAIL_EDGE))
    return _told((drawing.width, drawing.height), 1, pyvips.Image.new_from_buffer(png, ""))


def _draw_vector(path: str, width: int) -> Any:
    drawing = read_drawing(path)
    return pyvips.Image.new_from_buffer(rasterise(drawing, drawing.at_width(width)), "")


def _told(size: tuple[int, int], frames: int, thumbnail: Any) -> tuple[dict[str, Any], bytes]:
    """What `inspect` answers."""
    return {
        "width": size[0],
        "height": size[1],
        "frames": frames,
        "placeholder": base64.b64encode(_placeholder(thumbnail)).decode(),
        "thumbnail": {"width": thumbnail.width, "height": thumbnail.height},
    }, _encode_thumbnail(thumbnail)


def _encode(image: Any, format: str, *, pages: int = 1) -> tuple[dict[str, Any], bytes]:  # noqa: A002 - as in `render`
    """What `render` answers."""
    if format == "jpeg" and image.hasalpha():
        image = image.flatten(background=[255])
    encoded = image.write_to_buffer(f".{format}", **_ENCODING[format])
    return {"width": image.width, "height": image.height // pages}, encoded


def open_checked(path: str, media_type: str) -> tuple[Any, tuple[int, int]]:
    """The header of an image file, and its size in pixels as displayed. Nothing is decoded.

    Raises:
        UnprocessableMediaError: the decoder of `media_type` is not the one for these bytes.
    """
    header = pyvips.Image.new_from_file(path, access="sequential")
    if header.get("vips-loader") != _LOADERS[media_type]:
        raise UnprocessableMediaError("The image is of another type than it begins as.")
    sideways = _integer(header, "orientation") >= _SIDEWAYS
    return header, (header.height, header.width) if sideways else (header.width, header.height)


def to_srgb(header: Any) -> dict[str, Any]:
    """Options that convert to sRGB, where there is something to convert.

    For a picture without a profile the conversion changes no pixel and takes half of all the time.
    """
    converts = header.get_typeof("icc-profile-data") or header.interpretation == "cmyk"
    return {"output_profile": "srgb"} if converts else {}


def check_budget(width: int, height: int, frames: int, max_pixels: int) -> None:
    """Refuse an image that has more pixels than the budget.

    Raises:
        PixelBudgetError: it has.
    """
    if width * height * frames > max_pixels:
        extent = f"{width}×{height}" + (f" in {frames} frames" if frames > 1 else "")
        raise PixelBudgetError(
            f"The image is {extent}; this server takes {max_pixels:,} pixels in all."
        )


def _integer(image: Any, field: str) -> int:
    return int(image.get(field)) if image.get_typeof(field) else 1


def _encode_thumbnail(image: Any) -> bytes:
    encoded = b""
    for quality in _QUALITIES:
        encoded = image.webpsave_buffer(Q=quality, effort=4, keep="none")
        if len(encoded) <= THUMBNAIL_BYTES:
            break
    return encoded


def _placeholder(thumbnail: Any) -> bytes:
    small = thumbnail.thumbnail_image(_PLACEHOLDER_EDGE, height=_PLACEHOLDER_EDGE, size="down")
    return encode_thumbhash(_rgba(small), small.width, small.height)


def _rgba(image: Any) -> bytes:
    """Four bytes a pixel, row by row."""
    image = image.colourspace("srgb").cast("uchar")
    if not image.hasalpha():
        image = image.bandjoin(255)
    return bytes(image.write_to_memory())
