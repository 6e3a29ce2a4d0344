"""A renderer that is counted, and the counts of the real one."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from coatcheck.delivery.measuring import MeasuredRenderer
from coatcheck.delivery.metrics import Metrics
from coatcheck.edits import Crop
from coatcheck.errors import InvalidInputError, OverloadedError, UnprocessableMediaError
from coatcheck.opening import Backends, open_backends
from coatcheck.server.settings import Settings
from coatcheck.variants import VariantSpec
from tests.media import png_bytes
from tests.unit.delivery.test_observation import samples

pytestmark = pytest.mark.anyio

SPEC = VariantSpec(64, "webp")


class Renderer:
    """Fails as it is told, after the work has left the queue."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.waiting = 3
        self.has_time = True
        self.is_warm = False

    async def warm(self) -> None:
        self.is_warm = True

    async def inspect(self, *_: Any, **__: Any) -> Any:
        if self.error is not None:
            raise self.error

    async def render(self, *_: Any, on_start: Callable[[], None], **__: Any) -> Any:
        on_start()
        if self.error is None:
            await anyio.sleep(30)
        else:
            raise self.error

    async def edit(self, *_: Any) -> Any:
        await self.inspect()

    async def palette(self, *_: Any) -> Any:
        await self.inspect()

    async def aclose(self) -> None:
        pass


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def measured(metrics: Metrics, data: Path) -> AsyncIterator[Backends]:
    settings = Settings(data=data)
    async with open_backends(
        settings.store_options, lambda inner: MeasuredRenderer(inner, metrics)
    ) as opened:
        yield opened


async def test_what_the_workers_do_is_counted(measured: Backends, metrics: Metrics) -> None:
    reference = await measured.store.put(png_bytes(300, 200))
    record = await measured.store.record(reference.id)
    for _ in range(2):
        await measured.store.variant(record, SPEC)
        record = await measured.store.record(reference.id)
    with pytest.raises(UnprocessableMediaError):
        await measured.store.put(png_bytes(300, 200)[:300])
    with pytest.raises(InvalidInputError):
        await measured.store.edit(reference.id, [Crop(width=301, height=1)])
    assert samples(metrics, "coatcheck_encodes_started_total") == {
        ("inspect",): 2,
        ("render",): 1,
        ("edit",): 1,
    }
    assert samples(metrics, "coatcheck_encodes_total") == {
        ("inspect", "finished"): 1,
        ("inspect", "failed"): 1,
        ("render", "finished"): 1,
        ("edit", "failed"): 1,
    }
    assert samples(metrics, "coatcheck_encode_seconds_count") == {("inspect",): 1, ("render",): 1}


@pytest.mark.parametrize(
    ("error", "outcome"), [(OverloadedError(), "refused"), (UnprocessableMediaError(), "failed")]
)
async def test_an_error_is_passed_on_and_counted(
    metrics: Metrics, error: Exception, outcome: str
) -> None:
    renderer = MeasuredRenderer(Renderer(error), metrics)
    with pytest.raises(type(error)):
        await renderer.render(Path("x"), "image/png", SPEC, on_start=lambda: None)
    assert samples(metrics, "coatcheck_encodes_total") == {("render", outcome): 1}


async def test_work_that_nobody_waits_for_is_dropped(metrics: Metrics) -> None:
    renderer = MeasuredRenderer(Renderer(), metrics)
    started = anyio.Event()
    async with anyio.create_task_group() as tasks:

        async def render() -> None:
            await renderer.render(Path("x"), "image/png", SPEC, on_start=started.set)

        tasks.start_soon(render)
        await started.wait()
        tasks.cancel_scope.cancel()
    assert samples(metrics, "coatcheck_encodes_total") == {("render", "dropped"): 1}


async def test_the_queue_is_read_when_somebody_asks(metrics: Metrics) -> None:
    inner = Renderer()
    MeasuredRenderer(inner, metrics)
    assert samples(metrics, "coatcheck_encode_queue") == {(): 3}
    inner.waiting = 0
    assert samples(metrics, "coatcheck_encode_queue") == {(): 0}


async def test_warming_is_passed_on() -> None:
    renderer = Renderer()
    measured = MeasuredRenderer(renderer, Metrics())
    await measured.warm()
    assert renderer.is_warm
    assert measured.has_time
