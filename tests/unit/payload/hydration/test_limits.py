"""What pictures cost with each provider, and in which size they are sent."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.errors import InvalidInputError
from coatcheck.payload.hydration.providers import ProviderName, estimate_tokens, provider_named
from coatcheck.payload.hydration.providers.openai import patch_tokens, tile_tokens
from coatcheck.reference import MediaReference
from coatcheck.variants import LADDER

PROVIDERS = get_args(ProviderName)

edges = st.integers(1, 20_000)
references = st.builds(
    lambda media_type, width, height, size: MediaReference(
        id="9188cc90-b172-47e9-b493-4e22175bd478",
        mime_type=media_type,
        size=size,
        digest="sha-256:" + "00" * 32,
        width=width,
        height=height,
    ),
    st.sampled_from(["image/png", "image/jpeg", "image/webp", "image/gif", "image/svg+xml"]),
    edges,
    edges,
    st.integers(1, 60_000_000),
)


def image(width: int, height: int, media_type: str = "image/png") -> MediaReference:
    return MediaReference(
        id="9188cc90-b172-47e9-b493-4e22175bd478",
        mime_type=media_type,
        size=100_000,
        digest="sha-256:" + "00" * 32,
        width=width,
        height=height,
    )


@pytest.mark.parametrize(
    ("width", "height", "tokens"),
    # The first two are examples of OpenAI's documentation.
    [(1024, 1024, 765), (2048, 4096, 1105), (512, 512, 255), (513, 512, 425), (1, 1, 255)],
)
def test_openai_counts_tiles(width: int, height: int, tokens: int) -> None:
    assert tile_tokens(width, height) == tokens


@pytest.mark.parametrize(
    ("width", "height", "tokens"),
    # The first two are examples of OpenAI's documentation.
    [(1024, 1024, 1024), (1800, 2400, 1452), (768, 2048, 1536), (1, 1, 1), (1, 20_000, 625)],
)
def test_openai_counts_patches(width: int, height: int, tokens: int) -> None:
    assert patch_tokens(width, height) == tokens


@pytest.mark.parametrize(
    ("width", "height", "tokens"),
    [
        (1000, 1000, 1296),
        (1092, 1092, 1521),
        (784, 1568, 1568),
        (4096, 4096, 1568),
        (5000, 100, 112),
    ],
)
def test_anthropic_counts_patches(width: int, height: int, tokens: int) -> None:
    assert estimate_tokens("anthropic", width, height) == tokens


@pytest.mark.parametrize(
    ("width", "height", "tokens"),
    # The third is an example of Google's documentation.
    [
        (384, 384, 258),
        (385, 385, 1032),
        (960, 540, 6 * 258),
        (1024, 1024, 1032),
        (2048, 2048, 2322),
    ],
)
def test_gemini_counts_tiles(width: int, height: int, tokens: int) -> None:
    assert estimate_tokens("gemini", width, height) == tokens


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_picture_has_pixels(provider: ProviderName) -> None:
    with pytest.raises(InvalidInputError, match="at least one pixel"):
        estimate_tokens(provider, 0, 100)


def test_an_unknown_provider_is_refused_with_those_there_are() -> None:
    unknown: Any = "bedrock"
    with pytest.raises(InvalidInputError, match="openai, openai-responses, anthropic, gemini"):
        provider_named(unknown)


@pytest.mark.parametrize(
    ("provider", "size", "tokens"),
    [
        ("openai", (1024, 1024), 1024),
        ("openai-responses", (1024, 1024), 1024),
        ("anthropic", (1024, 1024), 1369),
        ("gemini", (1024, 1024), 1032),
    ],
)
def test_a_large_picture_is_sent_in_the_largest_width_that_is_looked_at(
    provider: ProviderName, size: tuple[int, int], tokens: int
) -> None:
    assert provider_named(provider).limits.best_size(image(2048, 2048)) == size
    assert estimate_tokens(provider, *size) == tokens < estimate_tokens(provider, 2048, 2048)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_drawing_is_drawn_large_enough_to_be_seen(provider: ProviderName) -> None:
    limits = provider_named(provider).limits
    assert limits.best_size(image(24, 24, "image/svg+xml")) == (512, 512)
    assert limits.best_size(image(300, 300, "image/svg+xml")) == (512, 512)
    assert limits.best_size(image(9000, 9000, "image/svg+xml")) == (1024, 1024)


@given(st.sampled_from(PROVIDERS), references)
def test_what_is_sent_fits_and_costs_no_more_than_the_original(
    provider: ProviderName, reference: MediaReference
) -> None:
    limits = provider_named(provider).limits
    width, height = reference.width, reference.height
    assert width is not None
    assert height is not None
    sizes = limits.sizes(reference)
    for sent in sizes:
        assert limits.fits(*sent) or sizes == [sent]
        assert max(sent) <= limits.max_edge
        assert sent[0] in {*LADDER, width}
    assert sizes == sorted(sizes, reverse=True)
    if limits.passes(reference):
        assert limits.best_size(reference) == (width, height)
        assert limits.admits(reference)
    elif sizes and reference.mime_type != "image/svg+xml":
        assert sizes[0][0] <= width
        # Rounding the height may cost a patch more along one edge.
        assert (
            estimate_tokens(provider, *sizes[0]) <= estimate_tokens(provider, width, height) * 1.1
        )


@given(st.sampled_from(PROVIDERS), edges, edges)
def test_no_picture_costs_nothing(provider: ProviderName, width: int, height: int) -> None:
    assert estimate_tokens(provider, width, height) >= 1
