"""Drafts become small pictures, in a worker that has nothing better to do."""

import io
import random
from collections.abc import AsyncIterator

import anyio
import pytest
from PIL import Image

from coatcheck.errors import (
    CoatcheckError,
    OverloadedError,
    PixelBudgetError,
    UnprocessableMediaError,
)
from coatcheck.imaging import ImagingPool
from coatcheck.ports import PREVIEW_BYTES, PREVIEW_EDGE
from coatcheck.workers import WorkerLimits
from tests.media import gif_frames, image_bytes, png_bytes

pytestmark = pytest.mark.anyio


@pytest.fixture
async def pool() -> AsyncIterator[ImagingPool]:
    opened = ImagingPool(max_pixels=4_000_000, limits=WorkerLimits(processes=1))
    yield opened
    await opened.aclose()


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif", "avif"])
@pytest.mark.parametrize(
    ("size", "expected"), [((1280, 720), (512, 288)), ((90, 160), (90, 160)), ((1, 700), (1, 512))]
)
async def test_a_draft_becomes_a_small_webp(
    pool: ImagingPool, kind: str, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    image = await pool.shrink(image_bytes(kind, *size))
    assert image.media_type == "image/webp"
    assert (image.width, image.height) == expected
    with Image.open(io.BytesIO(image.data)) as opened:
        assert (opened.format, opened.size) == ("WEBP", expected)
    assert len(image.data) <= PREVIEW_BYTES


async def test_noise_becomes_small_enough_too(pool: ImagingPool) -> None:
    noise = Image.frombytes(
        "RGB", (PREVIEW_EDGE, PREVIEW_EDGE), random.Random(1).randbytes(PREVIEW_EDGE**2 * 3)
    )
    buffer = io.BytesIO()
    noise.save(buffer, "png")
    assert len(buffer.getvalue()) > PREVIEW_BYTES
    assert len((await pool.shrink(buffer.getvalue())).data) <= PREVIEW_BYTES


@pytest.mark.parametrize(
    "draft",
    [
        b"",
        b"rubbish",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='8' height='8'/>",
        b"%PDF-1.7",
        png_bytes(300, 200)[:-300],
        png_bytes(300, 200)[:100],
        image_bytes("jpeg", 300, 200)[:700],
    ],
    ids=["nothing", "rubbish", "svg", "pdf", "cut", "cut early", "cut jpeg"],
)
async def test_what_cannot_be_shown_is_refused(pool: ImagingPool, draft: bytes) -> None:
    with pytest.raises(UnprocessableMediaError):
        await pool.shrink(draft)
    assert await pool.shrink(png_bytes()) is not None


async def test_a_canvas_over_the_budget_is_not_decoded(pool: ImagingPool) -> None:
    with pytest.raises(PixelBudgetError):
        await pool.shrink(png_bytes(2100, 2100))
    with pytest.raises(PixelBudgetError):
        await pool.shrink(gif_frames(20, 500, 500))


async def test_a_draft_waits_for_nobody(pool: ImagingPool) -> None:
    draft = png_bytes(1900, 1900)
    await pool.shrink(draft)
    outcomes: list[CoatcheckError | None] = []

    async def shrink() -> None:
        try:
            await pool.shrink(draft)
        except OverloadedError as error:
            outcomes.append(error)
        else:
            outcomes.append(None)

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(shrink)
    assert sorted(outcome is None for outcome in outcomes) == [False, False, True]
    assert pool.waiting == 0
