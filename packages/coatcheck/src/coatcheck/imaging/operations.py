"""Looking at images and rendering them, with libvips; runs in worker processes alone.

An SVG comes here as the pixels that `coatcheck.imaging.vector` has drawn.
"""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from typing import Any, Final

import pyvips

from coatcheck.errors import PixelBudgetError, UnprocessableMediaError
from coatcheck.imaging.palette import dominant_colors
from coatcheck.imaging.placeholder import encode_thumbhash
from coatcheck.imaging.scans import MAX_SCANS, count_scans
from coatcheck.imaging.vector import rasterize, read_drawing
from coatcheck.variants import MAX_ANIMATION_FRAMES, PREPARED, VECTOR_TYPES, is_prepared

THUMBNAIL_EDGE: Final = 256
"""Longest edge of a thumbnail in pixels."""

THUMBNAIL_BYTES: Final = 10 * 1024
"""Largest thumbnail in bytes; the quality is lowered until it fits."""

_PLACEHOLDER_EDGE: Final = 32
_PALETTE_EDGE: Final = 64
_WARM_EDGE: Final = 600  # larger than `PREPARED`, so that it is made smaller
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
    "image/png": "pngload_source",
    "image/jpeg": "jpegload_source",
    "image/webp": "webpload_source",
    "image/gif": "gifload_source",
    "image/avif": "heifload_source",
}
# How often a canvas of the whole pixel budget may be gone over; encoders write about ten scans.
_PASSES: Final = 16


@dataclass(frozen=True, slots=True)
class OpenedImage:
    """The header of an image; nothing is decoded yet.

    Attributes:
        width: pixels as displayed.
        height: pixels as displayed.
        frames: how many there are.
        scans: how often its decoder goes over the pixels.
    """

    width: int
    height: int
    frames: int
    scans: int
    _source: Any
    _header: Any

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height

    def check_budget(self, max_pixels: int) -> None:
        """Refuse an image that has more pixels than the budget, or goes over them too often.

        Raises:
            PixelBudgetError: it has, or does.
        """
        check_budget(self.width, self.height, self.frames, max_pixels)
        self.check_scans(max_pixels)

    def check_scans(self, max_pixels: int) -> None:
        """Refuse an image whose decoder goes over its pixels too often.

        Raises:
            PixelBudgetError: it does.
        """
        if self.width * self.height * self.scans > _PASSES * max_pixels:
            raise PixelBudgetError(
                f"The image is {self.width}×{self.height} in {self.scans} scans; this server takes"
                f" {_PASSES * max_pixels:,} pixels of all scans together."
            )

    def decode(self, width: int, height: int, *, animated: bool = False) -> Any:
        """The image in sRGB, oriented, and no larger than `width` × `height`."""
        return pyvips.Image.thumbnail_source(
            self._source,
            width,
            height=height,
            size="down",
            # In the loader's own options: as an argument, libvips passes over it for a source.
            option_string="fail_on=truncated" + (",n=-1" if animated else ""),
            **self._to_srgb(),
        )

    def _to_srgb(self) -> dict[str, Any]:
        # For a picture without a profile the conversion changes no pixel and takes half of all the
        # time.
        converts = (
            self._header.get_typeof("icc-profile-data") or self._header.interpretation == "cmyk"
        )
        return {"output_profile": "srgb"} if converts else {}


def inspect(*, file: int, media_type: str, max_pixels: int) -> tuple[dict[str, Any], bytes]:
    """Check the header, then decode once for thumbnail, placeholder and `PREPARED`.

    Args:
        file: descriptor of the image's file.
        media_type: its sniffed type; another decoder than this type's is never used.
        max_pixels: budget for width × height × frames.

    Returns:
        ``width``, ``height`` (pixels as displayed), ``frames``, ``placeholder`` (base64),
        ``thumbnail`` (``width``, ``height``) and ``prepared`` (``width``, ``height`` and ``size``
        in bytes; None where `is_prepared` says no), and both as WebP, one after the other.

    Raises:
        PixelBudgetError: the canvas is over the budget; nothing was decoded.
        UnprocessableMediaError: the image is damaged, cut short, or of another type than told.
    """
    if media_type in VECTOR_TYPES:
        return _inspect_vector(file, max_pixels)
    with decoding():
        image = open_file(file, media_type)
        image.check_budget(max_pixels)
        width, height, frames = image.width, image.height, image.frames
        if not is_prepared(media_type, width=width, height=height, frames=frames):
            thumbnail = image.decode(THUMBNAIL_EDGE, THUMBNAIL_EDGE).copy_memory()
            return _told(image.size, frames, thumbnail)
        # The same pipeline as `render` has, so that the bytes are the same; and once, in memory:
        # what is made of it next does not decode again.
        prepared = image.decode(PREPARED.width, _ANY_HEIGHT).copy_memory()
        return _told(image.size, frames, _thumbnail_of(prepared, image.size), prepared)


def render(*, file: int, media_type: str, width: int, format: str) -> tuple[dict[str, Any], bytes]:  # noqa: A002 - the parameter's name on the wire
    """Render a variant.

    Args:
        file: descriptor of the original's file.
        media_type: its stored type.
        width: pixels; no more than the original has, unless that is a vector image.
        format: ``webp``, ``avif``, ``jpeg`` or ``png``.

    Returns:
        ``width`` and ``height`` in pixels, and the encoded image: oriented, in sRGB, without
        metadata, animated in WebP if the original is and has at most `MAX_ANIMATION_FRAMES`.

    Raises:
        UnprocessableMediaError: the original cannot be decoded.
    """
    with decoding():
        if media_type in VECTOR_TYPES:
            return _encode(_draw_vector(file, width), format)
        original = open_file(file, media_type)
        animated = format == "webp" and 1 < original.frames <= MAX_ANIMATION_FRAMES
        image = original.decode(width, _ANY_HEIGHT, animated=animated)
        return _encode(image, format, pages=original.frames if animated else 1)


def palette(*, file: int, media_type: str) -> tuple[dict[str, Any], bytes]:
    """Tell the main colors of a small image, such as a thumbnail.

    Returns:
        ``colors``: lists of red, green, blue (0 to 255) and share (0 to 1), largest share first.

    Raises:
        UnprocessableMediaError: the image cannot be decoded.
    """
    with decoding():
        small = open_file(file, media_type).decode(_PALETTE_EDGE, _PALETTE_EDGE)
        return {"colors": dominant_colors(_rgba(small))}, b""


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
    with decoding():
        scans = _count_passes(payload, media_type)
        draft = _open(pyvips.Source.new_from_memory(payload), media_type, scans)
        draft.check_budget(max_pixels)
        return _encode_preview(draft.decode(edge, edge).copy_memory(), max_bytes)


def warm() -> tuple[dict[str, Any], bytes]:
    """Decode and encode a small picture: what libvips sets up on first use is set up then."""
    picture = pyvips.Image.black(_WARM_EDGE, _WARM_EDGE, bands=3)
    for media_type, suffix in (("image/png", ".png"), ("image/jpeg", ".jpg")):
        content = picture.copy(interpretation="srgb").write_to_buffer(suffix)
        image = _open(pyvips.Source.new_from_memory(content), media_type, 1)
        prepared = image.decode(PREPARED.width, _ANY_HEIGHT).copy_memory()
        _told(image.size, 1, _thumbnail_of(prepared, image.size), prepared)
    return {}, b""


@contextmanager
def decoding() -> Iterator[None]:
    """Translate what libvips raises.

    Raises:
        UnprocessableMediaError: libvips cannot decode the image.
    """
    try:
        yield
    except pyvips.Error as error:
        raise UnprocessableMediaError from error


def _encode_preview(image: Any, max_bytes: int) -> tuple[dict[str, Any], bytes]:
    for quality in _PREVIEW_QUALITIES:
        encoded = image.webpsave_buffer(Q=quality, effort=1, keep="none")
        if len(encoded) <= max_bytes:
            return {"width": image.width, "height": image.height}, encoded
    raise UnprocessableMediaError("The draft does not become small enough.")


def _inspect_vector(file: int, max_pixels: int) -> tuple[dict[str, Any], bytes]:
    drawing = read_drawing(file)
    # Of the size that it claims, though it is never drawn at that size: others rely on it.
    check_budget(drawing.width, drawing.height, 1, max_pixels)
    png = rasterize(drawing, drawing.within(THUMBNAIL_EDGE))
    return _told((drawing.width, drawing.height), 1, pyvips.Image.new_from_buffer(png, ""))


def _draw_vector(file: int, width: int) -> Any:
    drawing = read_drawing(file)
    return pyvips.Image.new_from_buffer(rasterize(drawing, drawing.at_width(width)), "")


def _thumbnail_of(smaller: Any, original: tuple[int, int]) -> Any:
    """The thumbnail, out of a smaller rendition, as large as one out of the original is."""
    scale = THUMBNAIL_EDGE / max(original)
    width, height = (max(1, int(edge * scale + 0.5)) for edge in original)  # as libvips rounds
    return smaller.thumbnail_image(width, height=height, size="force").copy_memory()


def _told(
    size: tuple[int, int], frames: int, thumbnail: Any, prepared: Any = None
) -> tuple[dict[str, Any], bytes]:
    """The answer of `inspect`."""
    told, encoded = None, b""
    if prepared is not None:
        told, encoded = _encode(prepared, PREPARED.format)
        told["size"] = len(encoded)
    return {
        "width": size[0],
        "height": size[1],
        "frames": frames,
        "placeholder": base64.b64encode(_placeholder(thumbnail)).decode(),
        "thumbnail": {"width": thumbnail.width, "height": thumbnail.height},
        "prepared": told,
    }, _encode_thumbnail(thumbnail) + encoded


def _encode(image: Any, format: str, *, pages: int = 1) -> tuple[dict[str, Any], bytes]:  # noqa: A002 - as in `render`
    """The answer of `render`, and a part of that of `inspect`."""
    if format == "jpeg" and image.hasalpha():
        image = image.flatten(background=[255])
    encoded = image.write_to_buffer(f".{format}", **_ENCODING[format])
    return {"width": image.width, "height": image.height // pages}, encoded


def open_file(file: int, media_type: str) -> OpenedImage:
    """Read the header of an image's file, given as its descriptor. Nothing is decoded.

    Raises:
        PixelBudgetError: it is a JPEG of too many scans.
        UnprocessableMediaError: the decoder of `media_type` is not the one for these bytes.
    """
    with mmap(file, 0, access=ACCESS_READ) as content:
        scans = _count_passes(content, media_type)
    return _open(pyvips.Source.new_from_descriptor(file), media_type, scans)


def _count_passes(content: bytes | mmap, media_type: str) -> int:
    scans = count_scans(content) if media_type == "image/jpeg" else 1
    if scans > MAX_SCANS:
        raise PixelBudgetError(f"The JPEG has more than {MAX_SCANS} scans.")
    return scans


def _open(source: Any, media_type: str, scans: int) -> OpenedImage:
    header = pyvips.Image.new_from_source(source, "", access="sequential")
    if header.get("vips-loader") != _LOADERS[media_type]:
        raise UnprocessableMediaError("The image is of another type than it begins as.")
    width, height = header.width, header.height
    if _integer(header, "orientation") >= _SIDEWAYS:
        width, height = height, width
    return OpenedImage(width, height, _integer(header, "n-pages"), scans, source, header)


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
