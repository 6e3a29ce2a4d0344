"""Worker processes: what they may use, and that losing one harms nothing."""

import functools
import logging
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from coatcheck.errors import (
    DamagedBlobError,
    InvalidInputError,
    OverloadedError,
    StorageError,
    WorkerCrashError,
    WorkerError,
    WorkerTimeoutError,
)
from coatcheck.workers import WorkerLimits, WorkerPool, wire
from coatcheck.workers.confinement import landlock_version
from coatcheck.workers.pool import _warn_unconfined

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


async def test_a_process_that_is_busy_at_the_closing_ends_with_its_task() -> None:
    pool = WorkerPool(TASKS, WorkerLimits(processes=1))
    process, _ = await pool.run("process")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(functools.partial(pool.run, "sleep", seconds=0.3))
        await anyio.wait_all_tasks_blocked()
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


# --- what a worker is given, and what it may not reach -------------------------------------------


async def test_a_file_reaches_a_task_as_a_descriptor_and_is_closed_after_it(
    pool: WorkerPool, tmp_path: Path
) -> None:
    used = set()
    for content in (b"one", b"two", b"three"):
        (tmp_path / "file").write_bytes(content)
        facts, got = await pool.run("contents", file=tmp_path / "file")
        assert got == content
        used.add(facts["descriptor"])
    assert len(used) == 1  # each was closed before the next one came


async def test_a_file_that_is_not_there_costs_no_worker(pool: WorkerPool, tmp_path: Path) -> None:
    before, _ = await pool.run("process")
    with pytest.raises(DamagedBlobError):
        await pool.run("contents", file=tmp_path / "missing")
    with pytest.raises(StorageError):
        await pool.run("contents", file=tmp_path)  # a directory
    assert (await pool.run("process"))[0] == before


needs_landlock = pytest.mark.skipif(
    landlock_version() < 6, reason="confinement is Landlock's (Linux 6.12 for all of it)"
)


@needs_landlock
async def test_a_worker_that_is_taken_over_reaches_nothing_of_the_server(
    pool: WorkerPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attack 15: code in a worker, as root here, against the server, its files and the network."""
    monkeypatch.setenv("COATCHECK_KEYS", "secret")
    path = tmp_path / "blob"
    path.write_bytes(b"another owner's")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        outcomes, _ = await pool.run("attempt", path=str(path), port=listener.getsockname()[1])
    assert len(outcomes) == 13
    assert set(outcomes.values()) == {"refused"}, outcomes
    assert path.read_bytes() == b"another owner's"


@needs_landlock
async def test_the_directory_in_which_the_server_was_started_is_not_read(
    pool: WorkerPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`python -m coatcheck serve` has it on `sys.path`, and its data and `.env` lie there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / ".env").write_text("COATCHECK_KEYS=secret")
    outcomes, _ = await pool.run("attempt", path=str(tmp_path / ".env"), port=9)
    assert outcomes["read a file"] == "refused"


async def test_a_task_writes_to_a_directory_that_goes_with_its_pool() -> None:
    pool = WorkerPool(TASKS, WorkerLimits(processes=1, scratch=True))
    facts, _ = await pool.run("scribble")
    directory = Path(facts["directory"])
    assert [path.name for path in directory.iterdir()] == facts["kept"]
    await pool.aclose()
    assert not directory.exists()


async def test_a_system_without_landlock_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    _warn_unconfined.cache_clear()
    with caplog.at_level(logging.WARNING, "coatcheck.workers"):
        for _ in range(2):
            pool = WorkerPool("tests.unit.workers.unconfined", WorkerLimits(processes=1))
            assert await pool.run("echo", value=1) == ({"value": 1}, b"payload")
            await pool.aclose()
    (record,) = caplog.records
    assert record.message.startswith("This system has no Landlock")


async def test_a_busy_loop_ends_at_its_cpu_time_long_before_its_deadline() -> None:
    """Attack 15, and what ends a worker whose server was killed in the middle of its task."""
    pool = WorkerPool(TASKS, WorkerLimits(processes=1, seconds=600, cpu_seconds=1))
    with pytest.raises(WorkerCrashError):
        await pool.run("burn")
    assert await pool.run("echo", value=1) == ({"value": 1}, b"payload")
    await pool.aclose()


async def test_a_task_may_have_less_cpu_time_than_the_others() -> None:
    pool = WorkerPool(TASKS, WorkerLimits(processes=1, seconds=600, cpu_seconds=600))
    with pytest.raises(WorkerCrashError):
        await pool.run("burn", cpu_seconds=1)
    await pool.aclose()


# --- answers of a worker that is taken over ------------------------------------------------------


def frame(header: bytes, payload: bytes = b"") -> bytes:
    return wire.PREFIX.pack(len(header), len(payload)) + header + payload


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        pytest.param(wire.PREFIX.pack(wire.MAX_HEADER_BYTES + 1, 0), "larger", id="header"),
        pytest.param(wire.PREFIX.pack(2, wire.MAX_PAYLOAD_BYTES + 1), "larger", id="payload"),
        pytest.param(frame(b"[1]"), "cannot be read", id="no object"),
        pytest.param(frame(b'{"result": "words"}'), "cannot be read", id="no result"),
        pytest.param(frame(b'{"a": "\xff"}'), "cannot be read", id="no text"),
        pytest.param(frame(b'{"a":' * 2000), "cannot be read", id="deep"),
    ],
)
async def test_a_forged_answer_is_refused_and_its_worker_ended(
    pool: WorkerPool, answer: bytes, told: str
) -> None:
    before, _ = await pool.run("process")
    with pytest.raises(WorkerError, match=told):
        await pool.run("forge", answer=answer.hex())
    with pytest.raises(ProcessLookupError):
        os.kill(before["id"], 0)
    assert await pool.run("echo", value=1) == ({"value": 1}, b"payload")


async def test_answers_up_to_the_bounds_are_taken() -> None:
    lengths = (wire.MAX_HEADER_BYTES, wire.MAX_PAYLOAD_BYTES)
    assert wire.decode_prefix(wire.PREFIX.pack(*lengths)) == lengths


async def test_what_a_worker_says_of_an_error_is_cut_short(pool: WorkerPool) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await pool.run("refuse", message="x" * 100_000)
    assert caught.value.message == "x" * 500


async def test_a_pool_that_is_closed_while_its_server_is_canceled_leaves_nothing() -> None:
    pool = WorkerPool(TASKS, WorkerLimits(processes=1, scratch=True))
    found, _ = await pool.run("scribble")
    process, _ = await pool.run("process")
    with anyio.CancelScope() as scope:
        scope.cancel()
        await pool.aclose()
    assert not Path(found["directory"]).exists()
    with pytest.raises(ProcessLookupError):
        os.kill(process["id"], 0)


async def test_warming_starts_every_worker_once() -> None:
    pool = WorkerPool(TASKS, WorkerLimits(processes=2))
    await pool.warm("process")
    assert (len(pool._idle), pool.working) == (2, 0)
    identifiers = {(await pool.run("process"))[0]["id"]}
    await pool.warm("process")  # nothing is left to start
    assert len(pool._idle) == 2
    assert await pool.run("process") is not None
    assert identifiers <= {worker._process.pid for worker in pool._idle}
    await pool.aclose()


async def test_a_task_that_comes_while_workers_warm_gets_one_and_none_is_too_many() -> None:
    pool = WorkerPool(TASKS, WorkerLimits(processes=2))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(functools.partial(pool.warm, "sleep", seconds=0.3))
        await anyio.sleep(0.05)
        assert pool.working == 1
        await pool.run("process")
    assert len(pool._idle) == 2
    await pool.aclose()


async def test_a_pool_that_is_closed_while_it_warms_leaves_no_process() -> None:
    pool = WorkerPool(TASKS, WorkerLimits(processes=2))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(functools.partial(pool.warm, "sleep", seconds=0.3))
        await anyio.sleep(0.05)
        await pool.aclose()
    assert (pool._idle, pool.working) == ([], 0)


async def test_warming_that_fails_raises_what_the_task_raised(pool: WorkerPool) -> None:
    with pytest.raises(InvalidInputError, match="too cold"):
        await pool.warm("refuse", message="too cold")
