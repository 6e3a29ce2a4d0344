"""The offline painter as a provider: drafts of the same scene, honest about what it cannot do."""

import io
from collections.abc import AsyncIterator

import pytest
from PIL import Image, ImageChops, ImageStat

from coatcheck.errors import InvalidInputError
from coatcheck.workers import WorkerPool
from coatcheck_chat.errors import GenerationError
from coatcheck_chat.painting import PAINTERS
from coatcheck_chat.providers.image import Draft, ImageRequest, SourceImage
from coatcheck_chat.providers.procedural import ProceduralProvider
from tests.media import png_bytes

pytestmark = pytest.mark.anyio


@pytest.fixture
async def painters() -> AsyncIterator[WorkerPool]:
    pool = WorkerPool("coatcheck_chat.painting", PAINTERS)
    yield pool
    await pool.aclose()


def wish(previews: int = 0, width: int = 256) -> ImageRequest:
    return ImageRequest(
        prompt="a lighthouse at dusk", width=width, height=144, seed=7, previews=previews
    )


async def drawn(painters: WorkerPool, request: ImageRequest) -> list[Draft]:
    return [draft async for draft in ProceduralProvider(painters).generate(request)]


def opened(draft: Draft) -> Image.Image:
    return Image.open(io.BytesIO(draft.data))


async def test_drafts_grow_to_the_picture(painters: WorkerPool) -> None:
    drafts = await drawn(painters, wish(previews=2))
    assert [opened(draft).size for draft in drafts] == [(64, 36), (128, 72), (256, 144)]
    assert [draft.progress for draft in drafts] == [pytest.approx(1 / 3), pytest.approx(2 / 3), 1.0]


async def test_a_draft_shows_the_scene_of_the_picture(painters: WorkerPool) -> None:
    draft, picture = await drawn(painters, wish(previews=1))
    shrunk = opened(picture).resize((128, 72), Image.Resampling.BOX)
    (mirrored,) = [opened(draft).transpose(Image.Transpose.FLIP_TOP_BOTTOM)]

    def difference(other: Image.Image) -> float:
        return sum(ImageStat.Stat(ImageChops.difference(shrunk, other)).mean)

    assert difference(opened(draft)) < difference(mirrored) / 4


async def test_the_picture_is_the_same_with_and_without_drafts(painters: WorkerPool) -> None:
    (alone,) = await drawn(painters, wish())
    *_, last = await drawn(painters, wish(previews=3))
    assert alone.data == last.data


async def test_there_are_no_more_drafts_than_promised(painters: WorkerPool) -> None:
    provider = ProceduralProvider(painters)
    assert len(await drawn(painters, wish(previews=99))) == provider.capabilities.previews + 1


async def test_a_painter_that_fails_is_told(painters: WorkerPool) -> None:
    with pytest.raises(GenerationError, match="The painter failed"):
        await drawn(painters, wish(width=100_000))


async def test_it_does_not_pretend_to_edit(painters: WorkerPool) -> None:
    provider = ProceduralProvider(painters)
    assert not provider.capabilities.edits
    source = SourceImage(data=png_bytes(), media_type="image/png")
    request = ImageRequest(prompt="darker", width=64, height=64, seed=1, sources=(source,))
    with pytest.raises(InvalidInputError, match="cannot change one"):
        provider.edit(request)
