"""The variants of an image: widths of a ladder in a few formats. Pure.

Only these exist, so that clients cannot fill the disk with arbitrary sizes. A variant's name is
deterministic: two nodes that render it at the same time store it under the same name.
"""

from dataclasses import dataclass
from typing import Final, Literal, Self, get_args

from coatcheck.errors import InvalidInputError

Format = Literal["webp", "avif", "jpeg", "png"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

LADDER: Final = (64, 128, 256, 512, 768, 1024, 1536, 2048)
"""Widths in pixels that are rendered."""

_DISPLAY: Final = (512, 1024, 1536, 2048)
"""The widths that pages are offered: each step has about twice the pixels of the last."""

VECTOR_TYPES: Final = frozenset({"image/svg+xml"})
"""Types without pixels: a variant is drawn at its width, up to the widest of the ladder."""

MAX_ANIMATION_FRAMES: Final = 400
"""Longer animations show their first frame in variants."""

_RECIPE: Final = 1
"""Increases when quality or processing changes: variants of an older recipe are rendered again."""

_MAX_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class VariantSpec:
    """One variant: `width` in pixels, never more than the original's if that has pixels."""

    width: int
    format: Format

    @classmethod
    def within(cls, edge: int, format: Format, *, width: int, height: int) -> Self:  # noqa: A002 - as the field
        """The largest rendition of which no edge is longer than `edge`.

        Args:
            edge: pixels.
            format: what it is encoded as.
            width: the original's, in pixels.
            height: the original's, in pixels.
        """
        return cls(width_within(width, height, edge), format)

    @classmethod
    def at_least(cls, wanted: int, format: Format, *, width: int, media_type: str) -> Self:  # noqa: A002 - as the field
        """The smallest variant that is at least as wide as `wanted`; otherwise the widest.

        Args:
            wanted: pixels.
            format: what it is encoded as.
            width: the original's, in pixels.
            media_type: the original's: one without pixels of its own is drawn as wide as wanted.
        """
        return cls(snap(wanted, widest(media_type, width)), format)

    @property
    def name(self) -> str:
        """The variant's name, for example ``1-w512.webp``."""
        return f"{_RECIPE}-w{self.width}.{self.format}"

    @property
    def media_type(self) -> str:
        """The media type of the variant."""
        return f"image/{self.format}"


PREPARED: Final = VariantSpec(512, "webp")
"""The rendition that is made with the thumbnail: the smallest width that pages are offered."""

_MAX_WEBP_EDGE: Final = 16_383


def snap(requested: int, original: int) -> int:
    """Return the width to render for a requested one: the next of the ladder, never enlarged."""
    step = next((width for width in LADDER if width >= requested), LADDER[-1])
    return min(step, original)


def width_within(width: int, height: int, edge: int) -> int:
    """Return the width of the largest variant with no edge longer than `edge`.

    Args:
        width: the original's, in pixels.
        height: the original's, in pixels.
        edge: pixels.
    """
    if max(width, height) <= edge:
        return width
    fitting = max(1, width * edge // max(width, height))
    return max((step for step in LADDER if step <= fitting), default=fitting)


def parse_width(text: str) -> int:
    """Read the parameter ``w``.

    Raises:
        InvalidInputError: it is not a positive whole number.
    """
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS and int(text) > 0):
        raise InvalidInputError("w is a width in pixels, such as 512.")
    return int(text)


def parse_format(text: str) -> Format | None:
    """Read the parameter ``format``; None for ``auto``.

    Raises:
        InvalidInputError: the format is not supported.
    """
    if text == "auto":
        return None
    for known in FORMATS:
        if text == known:
            return known
    raise InvalidInputError(f"format is auto, {', '.join(FORMATS)}.")


def widest(media_type: str, original: int) -> int:
    """Return the widest variant of an original of this type and width."""
    return LADDER[-1] if media_type in VECTOR_TYPES else original


def widths_for(original: int) -> list[int]:
    """Return the widths of the ladder that are smaller than the original, for a ``srcset``."""
    return [width for width in LADDER if width < original]


def display_widths(media_type: str, original: int) -> list[int]:
    """Return the widths that pages are offered of an original of this type and width, ascending.

    These are 512 and 1024 pixels, or the original's own width if it is narrower, because a PNG has
    many times the bytes of its variants; and larger widths that are smaller than the original.
    There are none for an original of at most 512 pixels, nor for a GIF of less than 1536, which may
    be an animation of many frames.
    """
    small, medium, *large = _DISPLAY
    if original <= small or (media_type == "image/gif" and original < large[0]):
        return []
    return [small, min(medium, original), *(width for width in large if width < original)]


def is_prepared(media_type: str, *, width: int, height: int, frames: int) -> bool:
    """Whether `PREPARED` is made when an image of pixels is put, and not when it is asked for.

    It is where pages are offered it and one decode of one frame makes it: a variant of an animation
    has all of its frames. An image too tall for WebP at this width has none.

    Args:
        media_type: the original's.
        width: the original's, in pixels.
        height: the original's, in pixels.
        frames: how many the original has.
    """
    is_offered = PREPARED.width in display_widths(media_type, width)
    return is_offered and frames == 1 and height * PREPARED.width <= _MAX_WEBP_EDGE * width


def after_prepared(media_type: str, original: int) -> VariantSpec:
    """Return what pages are likely to ask for after `PREPARED`, of an image that has that.

    Args:
        media_type: the original's.
        original: its width in pixels.
    """
    return VariantSpec(display_widths(media_type, original)[1], PREPARED.format)
