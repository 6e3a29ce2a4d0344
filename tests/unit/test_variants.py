import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.errors import InvalidInputError
from coatcheck.variants import (
    LADDER,
    VariantSpec,
    display_widths,
    parse_format,
    parse_width,
    snap,
    width_within,
    widths_for,
)


@pytest.mark.parametrize(
    ("requested", "original", "width"),
    [
        (1, 1024, 64),
        (64, 1024, 64),
        (65, 1024, 128),
        (512, 1024, 512),
        (900, 1024, 1024),
        (900, 1000, 1000),
        (2048, 5000, 2048),
        (999_999_999, 5000, 2048),
        (64, 10, 10),
    ],
)
def test_a_width_goes_up_to_the_ladder_and_never_beyond_the_original(
    requested: int, original: int, width: int
) -> None:
    assert snap(requested, original) == width


@given(st.integers(1, 10**9), st.integers(1, 100_000))
def test_an_image_has_few_widths(requested: int, original: int) -> None:
    """Attack 25: no reader invents sizes."""
    assert snap(requested, original) in {*LADDER, original}
    assert snap(requested, original) <= min(original, LADDER[-1])


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "1.5", "1e3", " 5", "５", "x", "512px", "9" * 10, "9" * 100_000]
)
def test_a_width_that_is_none_is_refused(text: str) -> None:
    """Attacks 10 and 11."""
    with pytest.raises(InvalidInputError):
        parse_width(text)


def test_formats_are_few() -> None:
    assert parse_format("auto") is None
    assert parse_format("avif") == "avif"
    for text in ("", "WEBP", "gif", "svg", "webp\n"):
        with pytest.raises(InvalidInputError):
            parse_format(text)


def test_a_name_tells_variants_apart_and_fits_its_column() -> None:
    specs = [VariantSpec(width, name) for width in LADDER for name in ("webp", "avif")]
    names = {spec.name for spec in specs}
    assert len(names) == len(specs)
    assert all(len(name) <= 64 for name in names)


def test_a_srcset_offers_only_widths_that_are_smaller() -> None:
    assert widths_for(1024) == [64, 128, 256, 512, 768]
    assert widths_for(64) == []
    assert widths_for(5000) == list(LADDER)


@pytest.mark.parametrize(
    ("media_type", "original", "widths"),
    [
        ("image/png", 300, []),
        ("image/png", 512, []),
        ("image/png", 513, [512, 513]),
        ("image/jpeg", 800, [512, 800]),
        ("image/png", 1024, [512, 1024]),
        ("image/png", 1280, [512, 1024]),
        ("image/webp", 1536, [512, 1024]),
        ("image/png", 2048, [512, 1024, 1536]),
        ("image/png", 5000, [512, 1024, 1536, 2048]),
        ("image/gif", 1024, []),
        ("image/gif", 1536, [512, 1024]),
    ],
)
def test_a_page_is_offered_widths_that_save_bytes(
    media_type: str, original: int, widths: list[int]
) -> None:
    assert display_widths(media_type, original) == widths
    assert all(snap(width, original) == width for width in widths)


@pytest.mark.parametrize(
    ("size", "edge", "width"),
    [
        ((900, 500), 1024, 900),
        ((1024, 1024), 1024, 1024),
        ((2000, 1000), 1024, 1024),
        ((1000, 4000), 1024, 256),
        ((1500, 1500), 1024, 1024),
        ((1500, 1600), 1024, 768),
        ((10, 5000), 1024, 2),
        ((1, 5000), 1024, 1),
    ],
)
def test_the_largest_rendition_within_an_edge_is_found(
    size: tuple[int, int], edge: int, width: int
) -> None:
    assert width_within(*size, edge) == width


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.integers(64, 4096))
def test_no_edge_of_a_rendition_within_an_edge_is_longer(
    width: int, height: int, edge: int
) -> None:
    found = width_within(width, height, edge)
    assert 1 <= found <= width
    assert found <= edge
    assert height * found / width <= edge or found == 1
