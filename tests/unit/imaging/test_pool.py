import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from coatcheck.errors import OverloadedError, UnprocessableMediaError, WorkerError
from coatcheck.imaging import ImagingPool
from coatcheck.imaging import pool as pool_module
from coatcheck.variants import VariantSpec
from coatcheck.workers import WorkerLimits, WorkerPool
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


class Recorder:
    """Stands for the pool of processes: holds each task, and keeps what was asked of the queue."""

    def __init__(self, pool: ImagingPool) -> None:
        self.running = 0
        self.refused = 0
        self.gate = anyio.Event()
        self._turns = pool._pool._turns
        pool._pool.run = self.run  # type: ignore[assignment, method-assign]

    async def run(self, *_: Any, share: Any, max_waiting: int = 64, **__: Any) -> Any:
        try:
            async with self._turns.place(share, max_waiting=max_waiting):
                self.running += 1
                await self.gate.wait()
        except OverloadedError:
            self.refused += 1
        return {"width": 1, "height": 1}, b""


async def render(pool: ImagingPool, share: str) -> None:
    await pool.render(
        Path("x"), "image/png", VariantSpec(64, "webp"), on_start=lambda: None, share=share
    )


@pytest.mark.parametrize("processes", [1, 2, 4])
async def test_one_share_of_renditions_never_holds_the_last_worker(processes: int) -> None:
    pool = ImagingPool(max_pixels=1, limits=WorkerLimits(processes=processes))
    recorder = Recorder(pool)
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(render, pool, "anna")
        await anyio.wait_all_tasks_blocked()
        assert recorder.running == max(1, processes - 1)
        tasks.start_soon(render, pool, "bert")
        await anyio.wait_all_tasks_blocked()
        assert recorder.running == processes
        recorder.gate.set()


async def test_one_share_of_renditions_fills_half_of_the_queue() -> None:
    pool = ImagingPool(max_pixels=1, limits=WorkerLimits(processes=1), max_renditions_waiting=5)
    recorder = Recorder(pool)
    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(render, pool, "anna")
        await anyio.wait_all_tasks_blocked()
        assert (pool.waiting, recorder.refused) == (3, 2)
        for _ in range(3):
            tasks.start_soon(render, pool, "bert")
        await anyio.wait_all_tasks_blocked()
        assert (pool.waiting, recorder.refused) == (5, 3)
        recorder.gate.set()


async def test_looking_at_an_image_has_less_cpu_time_than_editing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real workers, and a bomb that keeps one busy for some seconds."""
    monkeypatch.setattr(pool_module, "DECODE_CPU_SECONDS", 1)
    pool = ImagingPool(max_pixels=50_000_000, limits=WorkerLimits(processes=1, cpu_seconds=60))
    pool._pool = WorkerPool("tests.unit.imaging.slow_tasks", pool._limits)
    (tmp_path / "x").write_bytes(png_bytes())
    with pytest.raises(UnprocessableMediaError, match="ended its decoder"):
        await pool.inspect(tmp_path / "x", "image/png")
    assert (await pool.edit(tmp_path / "x", "image/png", [])).width == 1
    await pool.aclose()


@pytest.mark.parametrize(
    ("task", "answer"),
    [
        ("inspect", {"width": 0, "height": 1}),
        ("inspect", {"placeholder": "![](https://evil.example/)"}),
        ("inspect", {"placeholder": "A" * 4_000}),
        ("inspect", {"frames": "1"}),
        ("inspect", {"thumbnail": {"width": -1, "height": 1}}),
        ("inspect", {"prepared": {"width": 1, "height": 1, "size": 3}}),
        ("inspect", {"prepared": {"width": 1, "height": 1, "size": -1}}),
        ("palette", {"colors": [[256, 0, 0, 1.0]]}),
        ("palette", {"colors": 3}),
        ("edit", {"media_type": "text/html"}),
    ],
)
async def test_an_answer_of_another_form_is_not_believed(
    tmp_path: Path, task: str, answer: dict[str, Any]
) -> None:
    pool = ImagingPool(max_pixels=1, limits=WorkerLimits())
    forms: dict[str, dict[str, Any]] = {
        "inspect": {
            "width": 1,
            "height": 1,
            "frames": 1,
            "placeholder": "AAAAAAA=",
            "thumbnail": {"width": 1, "height": 1},
            "prepared": {"width": 1, "height": 1, "size": 2},
        },
        "palette": {"colors": [[255, 0, 0, 1.0]]},
        "edit": {"width": 1, "height": 1, "media_type": "image/png"},
    }
    ask: Callable[[], Awaitable[object]] = {
        "inspect": lambda: pool.inspect(tmp_path, "image/png"),
        "palette": lambda: pool.palette(tmp_path, "image/png"),
        "edit": lambda: pool.edit(tmp_path, "image/png", []),
    }[task]

    async def run(*_: Any, **__: Any) -> Any:
        return told, b"abc"

    pool._pool.run = run  # type: ignore[method-assign]
    told = forms[task]
    await ask()
    told = forms[task] | answer
    with pytest.raises(WorkerError, match="cannot be read"):
        await ask()
