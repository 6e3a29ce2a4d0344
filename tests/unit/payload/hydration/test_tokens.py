"""What pictures cost, against the formulas as the vendors publish them, computed in fractions.

As published in November 2026:

* OpenAI, tiles and patches: https://developers.openai.com/api/docs/guides/images-vision
* Anthropic, patches: https://platform.claude.com/docs/en/build-with-claude/vision, which gave
  width × height ÷ 750 until 2025 (https://docs.anthropic.com/en/docs/build-with-claude/vision)
* Gemini, tiles: https://firebase.google.com/docs/ai-logic/input-file-requirements, and the example
  of https://ai.google.dev/gemini-api/docs/image-understanding
"""

from fractions import Fraction
from math import ceil, floor, isqrt

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coatcheck.payload.hydration.providers import estimate_tokens
from coatcheck.payload.hydration.providers.openai import patch_tokens, tile_tokens

edges = st.integers(1, 12_000)


@given(edges, edges)
@example(2048, 4096)
@example(1536, 1536)
def test_openais_tiles(width: int, height: int) -> None:
    """Fit into 2048 × 2048, then the short edge into 768; 170 a tile of 512 × 512, and 85."""
    scale = min(Fraction(1), Fraction(2048, max(width, height)))
    scale = min(scale, Fraction(768, min(width, height)))
    tiles = ceil(width * scale / 512) * ceil(height * scale / 512)
    assert tile_tokens(width, height) == 85 + 170 * tiles


@given(edges, edges)
@example(1800, 2400)
@example(1024, 1536)
def test_openais_patches(width: int, height: int) -> None:
    """A token for each patch of 32 × 32; scaled down to a whole number of them above 1,536."""
    patches = ceil(Fraction(width, 32)) * ceil(Fraction(height, 32))
    if patches <= 1536:
        assert patch_tokens(width, height) == patches
        return
    # The square root that is published, with 30 digits behind the point.
    digits = 10**30
    ratio = Fraction(32**2 * 1536 * digits**2, width * height)
    r = Fraction(isqrt(ratio.numerator // ratio.denominator), digits)
    across, down = width * r / 32, height * r / 32
    r *= min(floor(across) / across, floor(down) / down)
    if r == 0:  # longer than 1,536 patches at one patch's width: no formula is published
        return
    near = Fraction(1, 10**20)
    tokens = ceil(width * r / 32 - near) * ceil(height * r / 32 - near)
    assert patch_tokens(width, height) == min(1536, tokens)


@given(edges, edges)
@example(1568, 1568)
def test_anthropics_patches(width: int, height: int) -> None:
    """A token for each patch of 28 × 28, of at most 1,568 pixels an edge and 1,568 tokens."""
    scale = min(Fraction(1), Fraction(1568, max(width, height)))
    patches = ceil(width * scale / 28) * ceil(height * scale / 28)
    assert estimate_tokens("anthropic", width, height) == min(1568, patches)


@given(st.integers(280, 1092), st.integers(280, 1092))
def test_anthropics_former_formula_says_nearly_the_same(width: int, height: int) -> None:
    """Width × height ÷ 750, of what is not scaled down: no more than a sixth apart."""
    assert estimate_tokens("anthropic", width, height) == pytest.approx(
        width * height / 750, rel=1 / 6
    )


@pytest.mark.parametrize(
    ("width", "height", "told"),
    # The table of the largest sizes that are not resized, with what they cost by that formula.
    [
        (1092, 1092, 1590),
        (951, 1268, 1607),
        (896, 1344, 1605),
        (819, 1456, 1590),
        (784, 1568, 1639),
    ],
)
def test_anthropics_published_sizes(width: int, height: int, told: int) -> None:
    assert estimate_tokens("anthropic", width, height) == pytest.approx(told, rel=0.05)


@given(edges, edges)
@example(960, 540)
@example(2000, 1000)
@example(1001, 500)
def test_geminis_tiles(width: int, height: int) -> None:
    """258 up to 384 pixels; else 258 a tile, whose edge is the short one ÷ 1.5, 256 to 768."""
    if max(width, height) <= 384:
        assert estimate_tokens("gemini", width, height) == 258
        return
    scale = min(Fraction(1), Fraction(3072, max(width, height)))
    short = min(width, height) * scale
    tile = min(max(short / Fraction(3, 2), Fraction(256)), Fraction(768))
    tiles = ceil(width * scale / tile) * ceil(height * scale / tile)
    assert estimate_tokens("gemini", width, height) == 258 * tiles


def test_the_examples_of_the_documentation() -> None:
    assert (tile_tokens(1024, 1024), tile_tokens(2048, 4096)) == (765, 1105)
    assert (patch_tokens(1024, 1024), patch_tokens(1800, 2400)) == (1024, 1452)
    assert estimate_tokens("gemini", 960, 540) == 6 * 258
