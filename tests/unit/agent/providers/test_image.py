"""What a provider can do, and which of its sizes is drawn."""

import pytest

from coatcheck.errors import InvalidInputError
from coatcheck_chat.providers.image import Capabilities, ImageRequest, SourceImage, sources_of

THREE = Capabilities(sizes=((1024, 1024), (1536, 1024), (1024, 1536)))


@pytest.mark.parametrize(
    ("wanted", "drawn"),
    [
        ((1024, 1024), (1024, 1024)),
        ((64, 64), (1024, 1024)),
        ((1280, 720), (1536, 1024)),
        ((720, 1280), (1024, 1536)),
        ((1100, 1000), (1024, 1024)),
        ((2048, 64), (1536, 1024)),
    ],
)
def test_the_shape_decides(wanted: tuple[int, int], drawn: tuple[int, int]) -> None:
    assert THREE.nearest(*wanted) == drawn


def test_among_equal_shapes_the_area_decides() -> None:
    squares = Capabilities(sizes=((256, 256), (512, 512), (1024, 1024)))
    assert squares.nearest(600, 600) == (512, 512)
    assert squares.nearest(2000, 2000) == (1024, 1024)


def test_without_sizes_any_is_drawn() -> None:
    assert Capabilities().nearest(123, 456) == (123, 456)


def test_an_edit_has_sources() -> None:
    request = ImageRequest(prompt="darker", width=64, height=64, seed=1)
    with pytest.raises(InvalidInputError, match="needs a picture to begin with"):
        sources_of(request)
    source = SourceImage(data=b"x", media_type="image/png")
    edit = ImageRequest(prompt="darker", width=64, height=64, seed=1, sources=(source,))
    assert sources_of(edit) == (source,)
