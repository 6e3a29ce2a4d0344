import os
import signal
from pathlib import Path

import anyio
import pytest

from coatcheck.errors import UnprocessableMediaError
from coatcheck.imaging import ImagingPool
from coatcheck.workers import WorkerLimits
from tests.media import png_bytes

pytestmark = pytest.mark.anyio


def children() -> list[int]:
    """The processes that this one has started, the workers among them (Linux)."""
    return [
        int(child)
        for task in Path("/proc/self/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


async def test_an_image_that_ends_its_decoder_is_refused_and_the_pool_goes_on(
    tmp_path: Path,
) -> None:
    """Attack 15: a signal from outside stands for the codec's bug."""
    before = set(children())
    pool = ImagingPool(max_pixels=50_000_000, limits=WorkerLimits(processes=1))
    (tmp_path / "small").write_bytes(png_bytes())
    (tmp_path / "large").write_bytes(png_bytes(6000, 6000))
    small = await pool.inspect(tmp_path / "small", "image/png")
    (worker,) = set(children()) - before

    async def crash_soon() -> None:
        await anyio.sleep(0.05)
        os.kill(worker, signal.SIGSEGV)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(crash_soon)
        with pytest.raises(UnprocessableMediaError, match="ended its decoder"):
            await pool.inspect(tmp_path / "large", "image/png")
    assert await pool.inspect(tmp_path / "small", "image/png") == small
    await pool.aclose()
