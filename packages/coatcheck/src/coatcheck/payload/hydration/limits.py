"""The inline media that model providers accept, and the size of a picture to send. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final, Literal

import pybase64

from coatcheck.mediatype import IMAGE_TYPES
from coatcheck.reference import MediaReference
from coatcheck.variants import LADDER, VECTOR_TYPES, Format, snap, widths_for

Kind = Literal["image", "document", "audio"]
"""Kinds of media that models accept; a document is a PDF."""

MEGABYTE: Final = 1_000_000

_SMALLEST_DRAWING: Final = 512  # an icon drawn at its own 24 pixels tells a model little


def kind_of(media_type: str) -> Kind | None:
    """Return the kind of a media type; None if no model accepts it."""
    if media_type in IMAGE_TYPES:
        return "image"
    if media_type == "application/pdf":
        return "document"
    return "audio" if media_type.startswith("audio/") else None


def count_of(length: float, part: float) -> int:
    """Return how many parts cover a length; rounding must not add one to a whole number.

    Args:
        length: in pixels.
        part: of a patch or a tile, in pixels.
    """
    return ceil(round(length / part, 6))


def base64_length(size: int) -> int:
    """Characters of the base64 of `size` bytes, padding included."""
    return (size + 2) // 3 * 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Inline:
    """Media in a request.

    Attributes:
        media_type: the type that is sent, which may differ from the original's.
        pieces: base64 in the standard alphabet, with padding; joined only when it is placed, so
            that megabytes are copied once.
        name: a file name, for providers that want one.
        line: the line of text that replaces it where it is not shown.
    """

    media_type: str
    pieces: Sequence[str]
    name: str
    line: str

    @property
    def kind(self) -> Kind | None:
        """Its kind."""
        return kind_of(self.media_type)

    def base64(self) -> str:
        """The media."""
        return "".join(self.pieces)

    def data(self) -> bytes:
        """The media's bytes, for formats that carry bytes."""
        return pybase64.b64decode(self.base64(), validate=True)

    def data_uri(self) -> str:
        """The media as a data: URI (RFC 2397)."""
        return "".join([f"data:{self.media_type};base64,", *self.pieces])


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLimits:
    """What a vendor's models accept, and how they count it. Lengths are characters of base64.

    Attributes:
        image_types: accepted types of images; others are converted to WebP, or to JPEG if WebP is
            not among them.
        fits: whether the provider looks at a picture of this width and height in pixels as it is,
            not at a smaller copy.
        max_edge: longest accepted edge in pixels.
        image_length: of one image.
        request_length: of all media in one request.
        request_media: how many pieces of media in one request.
        other_types: accepted types of documents and audio.
        estimate_tokens: returns the tokens of a picture of this width and height in pixels.
        other_length: of one document or piece of audio; None for the limit of a request.
    """

    image_types: frozenset[str]
    fits: Callable[[int, int], bool]
    max_edge: int
    image_length: int
    request_length: int
    request_media: int
    other_types: frozenset[str]
    estimate_tokens: Callable[[int, int], int]
    other_length: int | None = None

    @property
    def rendition(self) -> Format:
        """The format of converted images."""
        return "webp" if "image/webp" in self.image_types else "jpeg"

    def takes(self, media_type: str) -> bool:
        """Whether media of this type can be sent, converted if necessary."""
        return media_type in IMAGE_TYPES or media_type in self.other_types

    def sizes(self, reference: MediaReference) -> list[tuple[int, int]]:
        """Return widths and heights in which an image may be sent, the best one first.

        The best one is the largest that fits; the others are smaller, in case it is too heavy.
        Empty if the media is not an image, or is so narrow that even the smallest size is refused.
        """
        width, height = reference.width, reference.height
        if kind_of(reference.mime_type) != "image" or width is None or height is None:
            return []
        sizes = [(step, _scaled(height, step, width)) for step in _widths(reference, width)]
        fitting = [size for size in sizes if self.fits(*size)]
        # None fits a picture like a long ribbon: the provider makes it smaller still.
        return fitting or [size for size in sizes[-1:] if max(size) <= self.max_edge]

    def best_size(
        self, reference: MediaReference, *, original: bool = False
    ) -> tuple[int, int] | None:
        """Return the best width and height of an image; None if the media is not an image.

        Args:
            reference: the media.
            original: whether to prefer the original, even if the model looks at a smaller copy.
        """
        is_sent = self.admits(reference) if original else self.passes(reference)
        if is_sent and reference.width and reference.height:
            return reference.width, reference.height
        return next(iter(self.sizes(reference)), None)

    def passes(self, reference: MediaReference) -> bool:
        """Whether an original image is accepted and looked at in full."""
        width, height = reference.width, reference.height
        return (
            width is not None
            and height is not None
            and self.fits(width, height)
            and self.admits(reference)
        )

    def admits(self, reference: MediaReference) -> bool:
        """Whether an original image is accepted, even if the model looks at a smaller copy."""
        return (
            reference.mime_type in self.image_types
            and max(reference.width or 0, reference.height or 0) <= self.max_edge
            and base64_length(reference.size) <= self.image_length
        )


def _widths(reference: MediaReference, width: int) -> list[int]:
    """The widths of an image's variants, the largest first."""
    if reference.mime_type in VECTOR_TYPES:
        drawn = snap(max(width, _SMALLEST_DRAWING), LADDER[-1])
        return [drawn, *reversed(widths_for(drawn))]
    return [*([width] if width <= LADDER[-1] else []), *reversed(widths_for(width))]


def _scaled(height: int, width: int, original_width: int) -> int:
    """The height at another width, rounded up so that no limit is exceeded by a pixel."""
    return -(-height * width // original_width)
