"""A put stays near what it is made of: a guard against big regressions, not a measurement."""

import time
from pathlib import Path
from typing import Any

import pytest
import pyvips
from anyio import to_thread
from benchmarks.intake import processor_seconds, render_bare
from benchmarks.timing import alternate, ratio

from coatcheck import open_store
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

ROUNDS = 7
CONTENT = png_bytes(1024, 1024)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """As in a worker."""
    vips: Any = pyvips  # the stubs have no such name
    vips.concurrency_set(1)


async def measured(data: Path, clock: str) -> dict[str, list[float]]:
    """Rounds of a put of new and of known content beside bare libvips."""
    count = iter(range(1000))
    clocks = {"time": time.perf_counter, "processor time": processor_seconds}
    async with open_store(data) as store:
        await store.warm()

        async def render() -> None:
            await to_thread.run_sync(render_bare, CONTENT)

        async def put() -> None:
            await store.put(CONTENT + next(count).to_bytes(8, "big"))

        async def put_known() -> None:
            await store.put(CONTENT)

        await put_known()
        actions = {"bare": render, "new": put, "known": put_known}
        return await alternate(actions, ROUNDS, clocks[clock])


@pytest.mark.parametrize(("clock", "most"), [("time", 4.0), ("processor time", 2.5)])
async def test_a_put_costs_little_more_than_what_libvips_does_in_it(
    data: Path, clock: str, most: float
) -> None:
    """Some 1.6 on a busy machine; `benchmarks.intake` measures it."""
    seconds = await measured(data, clock)
    assert ratio(seconds, "new", "bare") < most


async def test_known_content_costs_a_fraction_of_new_content(data: Path) -> None:
    """Nothing is decoded, written or synced."""
    seconds = await measured(data, "processor time")
    assert ratio(seconds, "known", "new") < 0.35
