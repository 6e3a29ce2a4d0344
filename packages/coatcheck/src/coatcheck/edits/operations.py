"""The operations and their parameters. Pure.

What the numbers mean for a picture of a given size is computed here, so that the size of the result
is known before any pixel is touched. A constructor raises `InvalidInputError` if parameters do not
fit together; `parse_edits` checks the range of each parameter.
"""

import math
import re
from typing import Annotated, ClassVar, Final, Literal

from msgspec import Meta, Struct

from coatcheck.edits.colors import rgb
from coatcheck.edits.placing import Anchor, Size, place
from coatcheck.errors import InvalidInputError
from coatcheck.reference import clean_text

MAX_EDGE: Final = 8192
"""Longest edge in pixels that an edit may make."""

MAX_TEXT: Final = 200
"""Characters of a text overlay."""

_RATIO: Final = re.compile(r"([1-9]\d{0,2}):([1-9]\d{0,2})", re.ASCII)
_QUARTER: Final = 90

_Factor = Annotated[
    float, Meta(ge=0, le=4, description="1 changes nothing, 0.5 is half as much, 2 twice as much.")
]
_Length = Annotated[float, Meta(gt=0, le=1_000_000)]
_Offset = Annotated[float, Meta(ge=0, le=1_000_000)]
_Edge = Annotated[int, Meta(ge=1, le=MAX_EDGE, description="Pixels.")]


class _Operation(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="operation",
    tag=str.lower,
):
    """The base class of operations."""

    def size_after(self, size: Size) -> Size:
        """The size of a picture of `size` afterwards."""
        return size


class Crop(_Operation, frozen=True):
    """Crop to the largest part with an aspect ratio, or to a box of `width` and `height`.

    A box without `left` or `top` is placed by `anchor`. Its four numbers are pixels or, with the
    unit ``fraction``, parts of the picture's edges.
    """

    aspect: Annotated[str, Meta(description="'square' or a ratio such as '16:9'.")] | None = None
    width: _Length | None = None
    height: _Length | None = None
    left: _Offset | None = None
    top: _Offset | None = None
    unit: Literal["pixels", "fraction"] = "pixels"
    anchor: Annotated[Anchor, Meta(description="Which part to keep.")] = "center"

    def __post_init__(self) -> None:
        box = (self.width, self.height)
        if self.aspect is not None:
            if (*box, self.left, self.top) != (None,) * 4:
                raise InvalidInputError("give either aspect, or width and height, not both")
            self._ratio()
        elif None in box:
            raise InvalidInputError(
                "give aspect, such as 'square' or '16:9', or both width and height"
            )
        numbers = [number for number in (*box, self.left, self.top) if number is not None]
        if self.unit == "fraction" and max(numbers, default=0) > 1:
            raise InvalidInputError("a fraction is at most 1; for pixels leave unit out")
        if self.unit == "pixels" and any(number != int(number) for number in numbers):
            raise InvalidInputError("pixels are whole numbers; for parts of 1 say unit: 'fraction'")

    def box(self, size: Size) -> tuple[int, int, int, int]:
        """Left, top, width and height in pixels of the part that remains of a picture of `size`.

        Raises:
            InvalidInputError: the box reaches beyond the picture.
        """
        if self.width is None or self.height is None:
            across, down = self._ratio()
            width = max(1, min(size[0], round(size[1] * across / down)))
            height = max(1, min(size[1], round(size[0] * down / across)))
        else:
            width, height = self._pixels(self.width, size[0]), self._pixels(self.height, size[1])
        left, top = place(self.anchor, size, (width, height))
        left = left if self.left is None else self._offset(self.left, size[0])
        top = top if self.top is None else self._offset(self.top, size[1])
        if left < 0 or top < 0 or left + width > size[0] or top + height > size[1]:
            raise InvalidInputError(
                f"the box of {width}×{height} at {max(left, 0)}, {max(top, 0)} reaches beyond the"
                f" picture, which is {size[0]}×{size[1]} here"
            )
        return left, top, width, height

    def size_after(self, size: Size) -> Size:
        """The size of a picture of `size` afterwards.

        Raises:
            InvalidInputError: the box reaches beyond the picture.
        """
        _, _, width, height = self.box(size)
        return width, height

    @property
    def words(self) -> str:
        """A description for captions."""
        if self.aspect is None:
            return "cropped"
        return f"cropped to {'a square' if self._ratio() == (1, 1) else self.aspect}"

    def _ratio(self) -> Size:
        match = _RATIO.fullmatch("1:1" if self.aspect == "square" else self.aspect or "")
        if match is None:
            raise InvalidInputError("aspect is 'square' or two whole numbers such as '16:9'")
        return int(match[1]), int(match[2])

    def _offset(self, number: float, edge: int) -> int:
        return round(number * edge) if self.unit == "fraction" else int(number)

    def _pixels(self, number: float, edge: int) -> int:
        return max(1, self._offset(number, edge))


class Resize(_Operation, frozen=True):
    """Change the size. With one edge the other follows; with both, `fit` decides."""

    words: ClassVar[str] = "resized"
    width: _Edge | None = None
    height: _Edge | None = None
    scale: (
        Annotated[float, Meta(gt=0, le=8, description="Instead of edges: 0.5 halves both.")] | None
    ) = None
    fit: Annotated[
        Literal["inside", "cover", "stretch"],
        Meta(
            description="inside keeps all of it in its ratio, cover fills both edges and cuts the"
            " rest off, stretch changes the ratio."
        ),
    ] = "inside"

    def __post_init__(self) -> None:
        edges = self.width is not None or self.height is not None
        if edges == (self.scale is not None):
            raise InvalidInputError("give width, height or both; or scale alone")

    def scaled(self, size: Size) -> Size:
        """The size to scale a picture of `size` to; ``cover`` cuts it to `size_after` then."""
        across = None if self.width is None else self.width / size[0]
        down = None if self.height is None else self.height / size[1]
        if across is not None and down is not None and self.fit == "stretch":
            return self.width or 1, self.height or 1
        factors = [factor for factor in (across, down, self.scale) if factor is not None]
        factor = max(factors) if self.fit == "cover" else min(factors)
        return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))

    def size_after(self, size: Size) -> Size:
        """The size of a picture of `size` afterwards."""
        if self.fit == "cover" and self.width is not None and self.height is not None:
            return self.width, self.height
        return self.scaled(size)


class Rotate(_Operation, frozen=True):
    """Rotate the picture. The free corners are transparent, or white in a JPEG."""

    degrees: Annotated[
        float, Meta(ge=-360, le=360, description="Clockwise; negative is counterclockwise.")
    ]

    @property
    def quarters(self) -> int | None:
        """How many clockwise quarter turns, 0 to 3; None if the angle is not a multiple of 90°."""
        turns, rest = divmod(self.degrees, _QUARTER)
        return int(turns) % 4 if rest == 0 else None

    def size_after(self, size: Size) -> Size:
        """The size of a picture of `size` afterwards: the size of its bounding box."""
        if self.quarters is not None:
            return size if self.quarters % 2 == 0 else (size[1], size[0])
        sine = abs(math.sin(math.radians(self.degrees)))
        cosine = abs(math.cos(math.radians(self.degrees)))
        return (
            max(1, round(size[0] * cosine + size[1] * sine)),
            max(1, round(size[0] * sine + size[1] * cosine)),
        )

    @property
    def words(self) -> str:
        """A description for captions."""
        return f"rotated {abs(self.degrees):g}° {'' if self.degrees >= 0 else 'counter'}clockwise"


class Flip(_Operation, frozen=True):
    """Mirror the picture."""

    direction: Annotated[
        Literal["horizontal", "vertical"],
        Meta(description="horizontal exchanges left and right, vertical top and bottom."),
    ] = "horizontal"

    @property
    def words(self) -> str:
        """A description for captions."""
        return f"flipped {self.direction}ly"


class Blur(_Operation, frozen=True):
    """Apply a Gaussian blur."""

    words: ClassVar[str] = "blurred"
    radius: Annotated[
        float, Meta(ge=0.3, le=100, description="Standard deviation in pixels; 8 is well visible.")
    ] = 8.0


class Brightness(_Operation, frozen=True):
    """Make the picture darker (below 1) or brighter (above 1), like CSS's filter ``brightness``."""

    factor: _Factor

    @property
    def words(self) -> str:
        """A description for captions."""
        return "darker" if self.factor < 1 else "brighter"


class Contrast(_Operation, frozen=True):
    """Reduce (below 1) or increase (above 1) the contrast, like CSS's filter ``contrast``."""

    factor: _Factor

    @property
    def words(self) -> str:
        """A description for captions."""
        return f"{'less' if self.factor < 1 else 'more'} contrast"


class Saturation(_Operation, frozen=True):
    """Make the colors weaker (below 1) or stronger (above 1), like CSS's filter ``saturate``."""

    factor: _Factor

    @property
    def words(self) -> str:
        """A description for captions."""
        return f"{'less' if self.factor < 1 else 'more'} colorful"


class Grayscale(_Operation, frozen=True):
    """Remove the colors."""

    words: ClassVar[str] = "in black and white"


class Text(_Operation, frozen=True):
    """Write text on the picture, with a soft edge in a contrasting tone around the letters."""

    text: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
    position: Anchor = "bottom"
    size: Annotated[
        float, Meta(ge=0.02, le=1, description="Height of the words as a part of the picture's.")
    ] = 0.15
    color: Annotated[str, Meta(description="A name such as 'white', or '#rrggbb'.")] = "white"

    def __post_init__(self) -> None:
        if not self.line:
            raise InvalidInputError("the text is empty")
        _ = self.rgb

    @property
    def line(self) -> str:
        """The text as one line of visible characters."""
        return clean_text(self.text, 3 * MAX_TEXT)

    @property
    def rgb(self) -> tuple[int, int, int]:
        """The color as red, green and blue from 0 to 255."""
        return rgb(self.color)

    @property
    def words(self) -> str:
        """A description for captions."""
        return f"with the words '{self.line}'"


Edit = Crop | Resize | Rotate | Flip | Blur | Brightness | Contrast | Saturation | Grayscale | Text
"""One operation."""
