"""``coatcheck serve --workers``, and several servers on one directory: real processes."""

import os
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from coatcheck.storage.catalog.cached import SECONDS
from tests.media import png_bytes
from tests.serving import Command, serve_command

pytestmark = pytest.mark.anyio

SERVE = ("coatcheck", "serve")
CONNECTIONS = 12
"""So many that each of two workers has some."""

PATIENCE = 60.0


@asynccontextmanager
async def serve(directory: Path, *options: str, **variables: str) -> AsyncIterator[Command]:
    log = variables.pop("log", "log")
    async with serve_command(directory, *options, log=log, command=SERVE, **variables) as server:
        try:
            yield server
        finally:
            if server.process.returncode is None:  # not SIGKILL: the workers are to end, too
                server.process.terminate()
                with anyio.fail_after(PATIENCE):
                    await server.process.wait()


def client_of(server: Command) -> httpx.AsyncClient:
    base = f"http://{server.address}/api/media"
    return httpx.AsyncClient(base_url=base, timeout=PATIENCE)


async def upload(server: Command, seed: int = 1) -> str:
    async with client_of(server) as client:
        answer = await client.post("/upload", content=png_bytes(300, 200, seed=seed))
        told: dict[str, Any] = answer.raise_for_status().json()
        return f"/image/{told['id']}?thumbnail=true"


def workers_of(server: Command) -> dict[int, int]:
    """Process ids of the workers, by number."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_text().split("\0")
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            if "coatcheck.cli.worker" in words and parent == server.process.pid:
                found[int(words[words.index("coatcheck.cli.worker") + 2])] = int(entry.name)
    return found


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    with anyio.fail_after(PATIENCE):
        for _ in count():
            if await holds():
                return
            await anyio.sleep(0.1)


async def statuses(clients: list[httpx.AsyncClient], path: str) -> set[int]:
    return {(await client.get(path)).status_code for client in clients}


async def counted(server: Command) -> dict[str, float]:
    """Answers 200 for thumbnails, by worker."""
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        text = (await client.get(f"http://{server.address}/metrics")).text
    labels = r'kind="thumbnail",status="200",worker="(\d+)"'
    pattern = re.compile(rf"^coatcheck_requests_total{{{labels}}} (\S+)$", re.MULTILINE)
    return {worker: float(count) for worker, count in pattern.findall(text)}


async def test_what_one_server_deletes_is_gone_from_another_within_two_seconds(
    tmp_path: Path,
) -> None:
    """Two servers on one directory; the second has its answer ready all the time."""
    async with serve(tmp_path, log="a") as one, serve(tmp_path, log="b") as two:
        path = await upload(one)
        async with client_of(one) as deleting, client_of(two) as reading:
            tag = (await reading.get(path)).headers["etag"]
            conditions: list[dict[str, str]] = [{}, {"if-none-match": tag}]
            for headers in 3 * conditions:
                assert (await reading.get(path, headers=headers)).is_error is False
            gone = path.partition("?")[0].replace("/image", "")
            (await deleting.delete(gone)).raise_for_status()
            assert (await deleting.get(path)).status_code == 404  # at once
            until = anyio.current_time() + SECONDS
            while anyio.current_time() < until:  # being asked for does not keep it
                await reading.get(path, headers=conditions[0])
                await reading.get(path, headers=conditions[1])
            for headers in conditions:
                answer = await reading.get(path, headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_worker_that_is_killed_is_replaced_and_the_others_answer(tmp_path: Path) -> None:
    async with serve(tmp_path, "--workers", "2") as server:
        path = await upload(server)
        before = workers_of(server)
        assert before.keys() == {1, 2}
        os.kill(before[1], signal.SIGKILL)
        async with client_of(server) as client:
            for _ in range(20):  # a connection of its own for each: the other worker takes it
                answer = await client.get(path, headers={"connection": "close"})
                assert answer.status_code == 200

        async def replaced() -> bool:
            return workers_of(server).get(1, before[1]) != before[1]

        await until(replaced)
        assert workers_of(server)[2] == before[2]
        os.kill(before[2], signal.SIGKILL)  # now the new one has to answer alone
        async with client_of(server) as client:
            assert (await client.get(path)).status_code == 200
        assert "Worker 1 ended with exit code -9 and is replaced" in server.log.read_text()


async def test_the_workers_have_one_store_and_each_its_own_metrics(tmp_path: Path) -> None:
    async with serve(tmp_path, "--workers", "2") as server:
        path = await upload(server)
        clients = [client_of(server) for _ in range(CONNECTIONS)]
        asked = 0
        with anyio.fail_after(PATIENCE):
            while len(await counted(server)) < 2:  # until both have had something to do
                async with client_of(server) as client:
                    assert (await client.get(path)).status_code == 200
                asked += 1
        for _ in range(3):
            assert await statuses(clients, path) == {200}
        asked += 3 * len(clients)
        for _ in range(5):  # whichever worker is asked
            assert sum((await counted(server)).values()) == asked
        (await clients[0].delete(path.partition("?")[0].replace("/image", ""))).raise_for_status()
        await anyio.sleep(SECONDS)
        assert await statuses(clients, path) == {404}
        for client in clients:
            await client.aclose()


async def test_a_worker_that_is_replaced_counts_anew(tmp_path: Path) -> None:
    async with serve(tmp_path, "--workers", "2") as server:
        path = await upload(server)
        with anyio.fail_after(PATIENCE):
            while len(await counted(server)) < 2:
                async with client_of(server) as client:
                    await client.get(path)
        before, old = await counted(server), workers_of(server)
        os.kill(old[1], signal.SIGKILL)

        async def replaced() -> bool:
            return workers_of(server).get(1, old[1]) != old[1] and "2" in await counted(server)

        await until(replaced)
        assert (await counted(server))["2"] == before["2"]
        assert (await counted(server)).get("1", 0) < before["1"] + 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_told_to_stop_the_workers_finish_what_they_have_begun(
    tmp_path: Path, number: signal.Signals
) -> None:
    content = png_bytes(300, 200)
    sent = anyio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield content[:100]
        sent.set()
        await anyio.sleep(2)
        yield content[100:]

    async with serve(tmp_path, "--workers", "2") as server:
        workers = workers_of(server)
        async with client_of(server) as client, anyio.create_task_group() as tasks:

            async def stop() -> None:
                await sent.wait()
                server.process.send_signal(number)

            tasks.start_soon(stop)
            assert (await client.post("/upload", content=slowly())).status_code == 201
        with anyio.fail_after(PATIENCE):
            code = await server.process.wait()
        assert code == (-signal.SIGTERM if number == signal.SIGTERM else 130)
        for pid in workers.values():
            assert not Path(f"/proc/{pid}").exists()
    log = server.log.read_text()
    assert "Traceback" not in log
    assert "is replaced" not in log


async def test_workers_end_with_their_supervisor(tmp_path: Path) -> None:
    async with serve(tmp_path, "--workers", "2") as server:
        workers = workers_of(server)
        server.process.kill()
        with anyio.fail_after(PATIENCE):
            await server.process.wait()

        async def ended() -> bool:
            return not any(Path(f"/proc/{pid}").exists() for pid in workers.values())

        await until(ended)


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_what_keeps_workers_from_starting_is_said_once(tmp_path: Path, workers: str) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(AssertionError) as told:
        async with serve(tmp_path, "--workers", workers):
            pass
    text = str(told.value)
    assert text.count("Error (") == 1
    assert f"{tmp_path / 'data'}" in text
    assert "Traceback" not in text


async def test_a_setting_that_cannot_be_used_starts_no_worker(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="COATCHECK_KEYS") as told:
        async with serve(tmp_path, "--workers", "2", COATCHECK_ACCESS="signed"):
            pass
    assert str(told.value).count("Error (configuration_error)") == 1
