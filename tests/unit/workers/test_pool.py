"""Worker processes: what they may use, and that losing one harms nothing."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from coatcheck.errors import (
    InvalidInputError,
    OverloadedError,
    WorkerCrashError,
    WorkerError,
    WorkerTimeoutError,
)
from coatcheck.workers import WorkerLimits, WorkerPool

pytestmark = pytest.mark.anyio

TASKS = "tests.unit.workers.tasks"


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    opened = WorkerPool(
        TASKS, WorkerLimits(processes=1, waiting=2, seconds=3, memory_bytes=1024**3)
    )
    yield opened
    await opened.aclose()


async def test_a_task_answers_with_json_and_bytes(pool: WorkerPool) -> None:
    assert await pool.run("echo", value={"a": [1, "ü"]}) == ({"value": {"a": [1, "ü"]}}, b"payload")


@pytest.mark.parametrize("size", [1, 4096, 5_000_000])
async def test_a_task_takes_bytes(pool: WorkerPool, size: int) -> None:
    payload = bytes(index % 251 for index in range(size))
    assert await pool.run("reverse", payload=payload) == ({"size": size}, payload[::-1])
    # The next one on the same process gets none of them.
    assert await pool.run("reverse") == ({"size": 7}, b"gnihton")
    assert await pool.run("echo", value=1) == ({"value": 1}, b"payload")


async def test_a_process_is_kept_for_the_next_task(pool: WorkerPool) -> None:
    first, _ = await pool.run("process")
    second, _ = await pool.run("process")
    assert first["id"] == second["id"] != os.getpid()


async def test_an_error_of_the_tree_comes_back_as_itself(pool: WorkerPool) -> None:
    with pytest.raises(InvalidInputError, match="too blue"):
        await pool.run("refuse", message="too blue")
    assert await pool.run("echo", value=1) == ({"value": 1}, b"payload")


async def test_a_bug_in_a_task_is_told_by_kind_only(pool: WorkerPool) -> None:
    with pytest.raises(WorkerError, match="ZeroDivisionError"):
        await pool.run("fail")
    assert await pool.run("echo", value=1) == ({"value": 1}, b"payload")


async def test_a_task_that_kills_its_process_costs_that_process_only(pool: WorkerPool) -> None:
    """Attack 15."""
    with pytest.raises(WorkerCrashError):
        await pool.run("die")
    assert await pool.run("echo", value=1) == ({"value": 1}, b"payload")


async def test_a_task_that_hangs_is_killed_at_its_deadline(pool: WorkerPool) -> None:
    """Fault 15."""
    before, _ = await pool.run("process")
    with pytest.raises(WorkerTimeoutError):
        await pool.run("hang")
    with pytest.raises(ProcessLookupError):
        os.kill(before["id"], 0)
    assert await pool.run("echo", value=1) == ({"value": 1}, b"payload")


async def test_a_task_cannot_take_all_memory(pool: WorkerPool) -> None:
    with pytest.raises(WorkerCrashError, match="memory"):
        await pool.run("allocate", size=2 * 1024**3)
    assert await pool.run("echo", value=1) == ({"value": 1}, b"payload")


async def test_what_a_task_prints_does_not_corrupt_its_answer(pool: WorkerPool) -> None:
    assert await pool.run("chatter") == ({"said": True}, b"")


async def test_a_worker_sees_no_secrets(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("COATCHECK_SIGNING_KEY", "secret")
    environment, _ = await pool.run("environment")
    assert not {"OPENAI_API_KEY", "COATCHECK_SIGNING_KEY"} & set(environment["names"])
    assert "PATH" in environment["names"]


async def test_too_many_waiting_tasks_are_refused_at_once(pool: WorkerPool) -> None:
    """Invariant 8, fault 14."""
    refused = 0

    async def sleep() -> None:
        nonlocal refused
        try:
            await pool.run("sleep", seconds=0.3)
        except OverloadedError:
            refused += 1

    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(sleep)
    assert refused == 3  # one at work, two waiting
    assert await pool.run("echo", value=1) == ({"value": 1}, b"payload")


async def test_a_cancelled_task_ends_its_process_and_frees_its_place(pool: WorkerPool) -> None:
    before, _ = await pool.run("process")
    with anyio.move_on_after(0.2):
        await pool.run("hang")
    with pytest.raises(ProcessLookupError):
        os.kill(before["id"], 0)
    assert await pool.run("echo", value=1) == ({"value": 1}, b"payload")


async def test_a_process_is_replaced_after_its_share_of_tasks() -> None:
    pool = WorkerPool(TASKS, WorkerLimits(processes=1, tasks_per_process=3))
    identifiers = [(await pool.run("process"))[0]["id"] for _ in range(4)]
    await pool.aclose()
    assert len(set(identifiers)) == 2


async def test_no_process_is_left_after_closing() -> None:
    pool = WorkerPool(TASKS, WorkerLimits(processes=1))
    process, _ = await pool.run("process")
    await pool.aclose()
    await pool.aclose()
    with pytest.raises(ProcessLookupError):
        os.kill(process["id"], 0)


async def test_a_module_that_cannot_be_imported_is_an_error_not_a_hang() -> None:
    pool = WorkerPool("tests.unit.workers.missing", WorkerLimits(processes=1))
    with pytest.raises(WorkerError):
        await pool.run("echo", value=1)
    await pool.aclose()


async def test_the_working_directory_cannot_plant_a_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "msgspec.py").write_text("raise SystemExit('planted')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3]))
    pool = WorkerPool(TASKS, WorkerLimits(processes=1))
    assert await pool.run("echo", value=1) == ({"value": 1}, b"payload")
    await pool.aclose()
