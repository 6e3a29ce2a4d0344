"""Which sizes OpenAI's models are asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck_chat.agent.tools import ASPECT_RATIOS
from coatcheck_chat.providers.openai_sizes import FIXED_SIZES, aligned, fixed_sizes, is_aligned

edges = st.integers(min_value=1, max_value=10_000)


@pytest.mark.parametrize("size", ASPECT_RATIOS.values(), ids=list(ASPECT_RATIOS))
def test_the_usual_sizes_are_drawn_as_they_are(size: tuple[int, int]) -> None:
    assert aligned(*size) == size


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        ((64, 64), (816, 816)),  # at least 655,360 pixels
        ((1000, 1000), (992, 992)),
        ((2048, 64), (2048, 688)),  # at most three times as wide as high
        ((64, 2048), (688, 2048)),
        ((8000, 8000), (2880, 2880)),  # at most 8,294,400 pixels
        ((8000, 3000), (3840, 1440)),  # no edge over 3,840
    ],
)
def test_others_are_drawn_as_near_as_can_be(
    wanted: tuple[int, int], asked: tuple[int, int]
) -> None:
    assert aligned(*wanted) == asked


@given(width=edges, height=edges)
def test_whatever_is_wanted_a_size_is_asked_for_that_is_drawn(width: int, height: int) -> None:
    assert is_aligned(*aligned(width, height))


def test_the_models_before_know_three_sizes() -> None:
    for model in ("gpt-image-1", "gpt-image-1-mini", "gpt-image-1.5", "chatgpt-image-latest"):
        assert fixed_sizes(model) == FIXED_SIZES
    for model in ("gpt-image-2", "gpt-image-2.5-flare", "gpt-image-3"):
        assert fixed_sizes(model) == ()
