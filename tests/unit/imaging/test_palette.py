"""Colors are told by how much of the image they fill, whatever the order of its pixels."""

import random

from hypothesis import given
from hypothesis import strategies as st

from coatcheck.imaging.palette import MAX_SWATCHES, dominant_colors

RED, BLUE = bytes((255, 0, 0, 255)), bytes((0, 0, 255, 255))
CLEAR = bytes((0, 255, 0, 0))


def test_colors_come_with_their_share_largest_first() -> None:
    assert dominant_colors(RED * 30 + BLUE * 70) == [(0, 0, 255, 0.7), (255, 0, 0, 0.3)]


def test_shades_of_a_color_are_one() -> None:
    shades = b"".join(bytes((200 + step, 20, 20, 255)) for step in range(40))
    ((red, green, blue, share),) = dominant_colors(shades)
    assert (round(red / 10), green, blue, share) == (22, 20, 20, 1.0)


def test_what_is_clear_or_tiny_does_not_count() -> None:
    assert dominant_colors(CLEAR * 50 + RED * 99 + BLUE) == [(255, 0, 0, 0.99)]
    assert dominant_colors(CLEAR * 50) == dominant_colors(b"") == []


def test_the_order_of_the_pixels_does_not_matter() -> None:
    rng = random.Random(5)
    pixels = [bytes((*rng.randbytes(3), 255)) for _ in range(500)]
    told = dominant_colors(b"".join(pixels))
    rng.shuffle(pixels)
    assert dominant_colors(b"".join(pixels)) == told


@given(st.integers(0, 2**32), st.sampled_from([1, 17, 64 * 64]))
def test_any_image_has_a_few_colors(seed: int, count: int) -> None:
    told = dominant_colors(random.Random(seed).randbytes(4 * count))
    assert len(told) <= MAX_SWATCHES
    for red, green, blue, share in told:
        assert 0 <= min(red, green, blue) <= max(red, green, blue) <= 255
        assert 0 < share <= 1
    assert sum(share for *_, share in told) <= 1.0001
