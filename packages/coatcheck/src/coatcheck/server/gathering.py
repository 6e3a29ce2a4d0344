"""The metrics of several workers: each answers for all of them.

Every worker has a Unix socket in the supervisor's directory, over which it tells its own metrics.
The worker that is asked by a client adds the label ``worker`` and puts them together. They are not
summed up: a worker that is replaced begins at zero, which Prometheus recognizes in a series of its
own, and would misread in a sum.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import anyio
import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from coatcheck.delivery.metrics import Metrics

_SECONDS: Final = 2.0  # that another worker may take to answer
_log: Final = logging.getLogger(__name__)


class _Sample(msgspec.Struct, array_like=True):
    name: str
    labels: dict[str, str]
    value: float


class _Family(msgspec.Struct, array_like=True):
    name: str
    documentation: str
    kind: str
    samples: list[_Sample]


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[_Family])


class GatheredMetrics:
    """The metrics of all workers.

    Args:
        metrics: those of this worker.
        directory: where the workers have their sockets.
        worker: the number of this worker.
    """

    def __init__(self, metrics: Metrics, directory: Path, worker: int) -> None:
        self._metrics = metrics
        self._directory = directory
        self._own = directory / f"{worker}.metrics"

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Tell the other workers the metrics of this one, for as long as the context lasts."""
        self._own.unlink(missing_ok=True)  # of the worker that this one replaces
        async with await asyncio.start_unix_server(self._tell, self._own):
            yield

    async def answer(self, _request: Request) -> Response:
        """Answer with the metrics of all workers; an endpoint."""
        paths = sorted(self._directory.glob("*.metrics"))
        told = dict(zip(paths, await asyncio.gather(*map(_ask, paths)), strict=True))
        registry = CollectorRegistry()
        registry.register(
            _Gathered({path.stem: families for path, families in told.items() if families})
        )
        headers = {"content-type": CONTENT_TYPE_LATEST, "cache-control": "no-store"}
        return Response(generate_latest(registry), headers=headers)

    async def _tell(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        families = [
            _Family(
                metric.name,
                metric.documentation,
                metric.type,
                [
                    _Sample(sample.name, dict(sample.labels), sample.value)
                    for sample in metric.samples
                ],
            )
            for metric in self._metrics.registry.collect()
        ]
        with suppress(ConnectionError):  # the one that asked is gone
            writer.write(_ENCODER.encode(families))
            await writer.drain()
        writer.close()


async def _ask(path: Path) -> list[_Family]:
    """The metrics of one worker; none if it is being replaced."""
    try:
        with anyio.fail_after(_SECONDS):
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                return _DECODER.decode(await reader.read())
            finally:
                writer.close()
    except (OSError, TimeoutError, msgspec.DecodeError):
        _log.warning("Worker %s does not tell its metrics.", path.stem)
        return []


class _Gathered(Collector):
    def __init__(self, told: dict[str, Sequence[_Family]]) -> None:
        self._told = told

    def collect(self) -> Iterator[Metric]:
        metrics: dict[str, Metric] = {}
        for worker, families in self._told.items():
            for family in families:
                metric = metrics.setdefault(
                    family.name, Metric(family.name, family.documentation, family.kind)
                )
                for sample in family.samples:
                    metric.add_sample(
                        sample.name, {"worker": worker, **sample.labels}, sample.value
                    )
        return iter(metrics.values())
