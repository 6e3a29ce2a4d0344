import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coatcheck.errors import InvalidInputError
from coatcheck.imaging.placeholder import encode_thumbhash

CASES = json.loads((Path(__file__).parents[3] / "spec" / "vectors" / "thumbhash.json").read_text())[
    "cases"
]


def mean_color(placeholder: bytes) -> list[float]:
    """Red, green, blue and alpha in 0…1, as the format's header holds them."""
    header = int.from_bytes(placeholder[:3], "little")
    luminance = (header & 63) / 63
    yellow_blue = ((header >> 6) & 63) / 31.5 - 1
    red_green = ((header >> 12) & 63) / 31.5 - 1
    blue = luminance - 2 / 3 * yellow_blue
    red = (3 * luminance - blue + red_green) / 2
    alpha = (placeholder[5] & 15) / 15 if header >> 23 else 1.0
    return [red, red - red_green, blue, alpha]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_the_vectors_hold_the_mean_color_of_their_picture(case: dict[str, Any]) -> None:
    assert mean_color(base64.b64decode(case["hash"])) == pytest.approx(
        case["averageRgba"], abs=0.05
    )


@settings(max_examples=40)
@given(st.integers(1, 20), st.integers(1, 20), st.data())
def test_any_pixels_make_five_to_twenty_five_bytes(
    width: int, height: int, data: st.DataObject
) -> None:
    length = width * height * 4
    rgba = data.draw(st.binary(min_size=length, max_size=length))
    placeholder = encode_thumbhash(rgba, width, height)
    assert 5 <= len(placeholder) <= 25
    assert placeholder == encode_thumbhash(rgba, width, height)


def test_the_color_is_the_pictures() -> None:
    placeholder = encode_thumbhash(bytes([200, 100, 50, 255]) * 64, 8, 8)
    assert mean_color(placeholder) == pytest.approx([200 / 255, 100 / 255, 50 / 255, 1], abs=0.03)


@pytest.mark.parametrize(
    ("width", "height", "is_landscape"), [(9, 8, True), (8, 8, False), (8, 9, False)]
)
def test_only_what_is_wider_than_high_is_marked_as_such(
    width: int, height: int, is_landscape: bool
) -> None:
    """Bit 39, `isLandscape` of the format; its encoder leaves it off for a square."""
    placeholder = encode_thumbhash(bytes([200, 100, 50, 255]) * width * height, width, height)
    assert bool(placeholder[4] & 0x80) == is_landscape


@pytest.mark.parametrize(
    ("width", "height", "length"), [(0, 1, 0), (101, 1, 404), (1, 101, 404), (2, 2, 15), (2, 2, 17)]
)
def test_impossible_pixels_are_refused(width: int, height: int, length: int) -> None:
    with pytest.raises(InvalidInputError):
        encode_thumbhash(bytes(length), width, height)
