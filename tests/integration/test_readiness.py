"""`/readyz`: a real encode and a real read, and no way to load the server with them."""

from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from coatcheck.errors import (
    CoatcheckError,
    NotReadyError,
    OverloadedError,
    StorageError,
    WorkerCrashError,
)
from coatcheck.opening import Backends
from coatcheck.server.readiness import KEPT_SECONDS, Readiness
from coatcheck_chat.app import create_app
from coatcheck_chat.settings import Settings
from tests.serving import serving

pytestmark = pytest.mark.anyio


class Part:
    """A catalog and a renderer at once, that count and fail as they are told."""

    def __init__(self) -> None:
        self.reads = self.inspections = 0
        self.read_error: CoatcheckError | None = None
        self.inspect_error: CoatcheckError | None = None

    async def find(self, _reference_id: str) -> None:
        self.reads += 1
        if self.read_error is not None:
            raise self.read_error

    async def inspect(self, *_: Any) -> None:
        self.inspections += 1
        await anyio.lowlevel.checkpoint()
        if self.inspect_error is not None:
            raise self.inspect_error


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def readiness(part: Any, clock: Clock) -> Readiness:
    return Readiness(part, part, clock)


async def test_the_real_parts_are_ready(backends: Backends) -> None:
    await Readiness(backends.catalog, backends.renderer).check()


async def test_who_asks_often_costs_nothing_more() -> None:
    part, clock = Part(), Clock()
    ready = readiness(part, clock)
    async with anyio.create_task_group() as tasks:
        for _ in range(100):
            tasks.start_soon(ready.check)
    clock.now = KEPT_SECONDS * 0.99
    await ready.check()
    assert (part.reads, part.inspections) == (1, 1)
    clock.now = KEPT_SECONDS
    await ready.check()
    assert (part.reads, part.inspections) == (2, 2)


async def test_a_part_that_fails_is_named_until_it_works_again() -> None:
    part, clock = Part(), Clock()
    ready = readiness(part, clock)
    part.inspect_error = WorkerCrashError()
    for _ in range(3):
        with pytest.raises(NotReadyError, match="encoder"):
            await ready.check()
    assert part.inspections == 1
    part.inspect_error, part.read_error = None, StorageError()
    clock.now += KEPT_SECONDS
    with pytest.raises(NotReadyError, match="catalog"):
        await ready.check()
    part.read_error = None
    clock.now += KEPT_SECONDS
    await ready.check()


async def test_a_busy_encoder_is_a_working_one() -> None:
    part = Part()
    part.inspect_error = OverloadedError()
    await readiness(part, Clock()).check()


async def test_a_client_that_leaves_does_not_cut_the_check_off() -> None:
    part = Part()
    ready = readiness(part, Clock())
    with anyio.CancelScope() as scope:
        scope.cancel()
        await ready.check()
    await ready.check()
    assert part.inspections <= 1


async def test_readyz_says_so_over_http(data: Path) -> None:
    async with (
        serving(create_app(Settings(data=data))) as address,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=30) as client,
    ):
        for method in ("GET", "HEAD"):
            answer = await client.request(method, "/readyz")
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "no-store"
        assert (await client.get("/readyz")).json() == {"status": "ready"}
        metrics = await client.get("/metrics")
        assert metrics.headers["content-type"].startswith("text/plain; version=")
        assert 'coatcheck_encodes_total{operation="inspect",outcome="finished"} 1.0' in metrics.text


async def test_readyz_fails_with_the_catalog(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> None:
        raise StorageError

    monkeypatch.setattr("coatcheck.storage.catalog.cached.CachedCatalog.find", fail)
    async with (
        serving(create_app(Settings(data=data))) as address,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=30) as client,
    ):
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] == "1"
        assert (await client.get("/healthz")).status_code == 200
