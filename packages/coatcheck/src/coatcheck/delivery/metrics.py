"""Metrics for Prometheus. Each `Metrics` has its own registry; there are no globals."""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from itertools import accumulate
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString
from starlette.requests import Request
from starlette.responses import Response

_ANSWER_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30)
_ENCODE_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)


class Metrics:
    """Counters of one server process; ``docs/reference/http.md`` lists them.

    Args:
        registry: the application's registry, if it has one.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._answers: dict[tuple[str, int], AnswerCount] = {}
        self._refusals: dict[str, int] = {}
        self.registry.register(_Collector(self._answers, self._refusals))
        self._encodes_started = Counter(
            "coatcheck_encodes_started",
            "Images that the workers were given to inspect or to render.",
            ("operation",),
            registry=self.registry,
        )
        self._encodes = Counter(
            "coatcheck_encodes",
            "Images inspected or rendered: finished, failed, refused or dropped.",
            ("operation", "outcome"),
            registry=self.registry,
        )
        self._encode_seconds = Histogram(
            "coatcheck_encode_seconds",
            "Seconds that a finished image took, the wait for a worker included.",
            ("operation",),
            buckets=_ENCODE_SECONDS,
            registry=self.registry,
        )
        self._queue = Gauge(
            "coatcheck_encode_queue", "Images that wait for a worker.", registry=self.registry
        )

    def count_answer(
        self, *, kind: str, status: int, code: str | None, size: int, seconds: float
    ) -> None:
        """Count a request.

        Args:
            kind: what was requested.
            status: the status of the answer.
            code: the error's code, if the answer is an error.
            size: the body's length in bytes.
            seconds: until the answer began.
        """
        self.answers(kind, status).add(size, seconds)
        if code is not None:
            self._refusals[code] = self._refusals.get(code, 0) + 1

    def answers(self, kind: str, status: int) -> "AnswerCount":
        """Return where answers of one kind and status are counted.

        Args:
            kind: what was requested.
            status: the status of the answer.
        """
        answers = self._answers.get((kind, status))
        if answers is None:
            answers = self._answers[kind, status] = AnswerCount()
        return answers

    def count_encode_start(self, operation: str) -> None:
        """Count an image that is passed to a worker."""
        self._encodes_started.labels(operation).inc()

    def count_encode(self, operation: str, outcome: str, seconds: float) -> None:
        """Count an image that a worker has finished.

        Args:
            operation: ``inspect``, ``render`` or ``edit``.
            outcome: ``finished``, ``failed``, ``refused`` (the queue was full) or ``dropped`` (all
                its requests were canceled).
            seconds: since it was requested.
        """
        self._encodes.labels(operation, outcome).inc()
        if outcome == "finished":
            self._encode_seconds.labels(operation).observe(seconds)

    def watch_queue(self, length: Callable[[], float]) -> None:
        """Set the source of the queue's length, which is read with each request for metrics."""
        self._queue.set_function(length)

    async def answer(self, _request: Request) -> Response:
        """Answer with all metrics in Prometheus' text format; an endpoint.

        ::

            app.add_route("/metrics", metrics.answer)
        """
        headers = {"content-type": CONTENT_TYPE_LATEST, "cache-control": "no-store"}
        return Response(generate_latest(self.registry), headers=headers)


class AnswerCount:
    """The answers of one kind and status.

    These are plain numbers, turned into metrics on demand: prometheus_client's counters take a lock
    for each change, which would be most of the cost of observing a 304. Only the event loop counts.
    """

    __slots__ = ("bytes", "count", "seconds", "within")

    def __init__(self) -> None:
        self.count = self.bytes = 0
        self.seconds = 0.0
        self.within = [0] * (len(_ANSWER_SECONDS) + 1)

    def add(self, size: int, seconds: float) -> None:
        """Count one.

        Args:
            size: the body's length in bytes.
            seconds: until the answer began.
        """
        self.count += 1
        self.bytes += size
        self.seconds += seconds
        self.within[bisect_left(_ANSWER_SECONDS, seconds)] += 1


class _Collector(Collector):
    def __init__(
        self, answers: Mapping[tuple[str, int], AnswerCount], refusals: Mapping[str, int]
    ) -> None:
        self._answers = answers
        self._refusals = refusals

    def collect(self) -> Iterator[Metric]:
        """Return the current metrics of the answers."""
        requests = CounterMetricFamily(
            "coatcheck_requests",
            "Requests for media, by what was asked for and how it was answered.",
            labels=("kind", "status"),
        )
        sent = CounterMetricFamily(
            "coatcheck_sent_bytes",
            "Bytes of answers' bodies, without those that a proxy sends itself.",
            labels=("kind", "status"),
        )
        seconds = HistogramMetricFamily(
            "coatcheck_answer_seconds",
            "Seconds until an answer began.",
            labels=("kind", "status"),
        )
        hits = 0
        for (kind, status), answers in self._answers.items():
            labels = (kind, str(status))
            requests.add_metric(labels, answers.count)
            sent.add_metric(labels, answers.bytes)
            bounds = [*map(float, _ANSWER_SECONDS), math.inf]
            within = zip(map(floatToGoString, bounds), accumulate(answers.within), strict=True)
            seconds.add_metric(labels, list(within), answers.seconds)
            hits += answers.count if status == HTTPStatus.NOT_MODIFIED else 0
        refusals = CounterMetricFamily(
            "coatcheck_refusals",
            "Requests answered with an error, by its code.",
            labels=("code",),
        )
        for code, count in self._refusals.items():
            refusals.add_metric((code,), count)
        yield from (requests, sent, seconds, refusals)
        yield CounterMetricFamily(
            "coatcheck_cache_hits", "Requests answered 304: the client's cache had it.", value=hits
        )
