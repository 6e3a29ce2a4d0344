"""What is told of answers: header, numbers, one line in the log."""

import json
import logging
from collections.abc import Callable, Iterator

import anyio
import httpx
import pytest
from prometheus_client import generate_latest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Message, Receive, Scope, Send

from coatcheck.delivery import media_app
from coatcheck.delivery.access import PrincipalAccess
from coatcheck.delivery.cookies import Principal
from coatcheck.delivery.metrics import Metrics
from coatcheck.delivery.observation import ACCESS_LOG, AccessRecord, Observation
from coatcheck.store import MediaStore
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

UNKNOWN = "9188cc90-b172-47e9-b493-4e22175bd478"


def client_of(store: MediaStore, metrics: Metrics, user: str | None = "ann") -> httpx.AsyncClient:
    access = PrincipalAccess(lambda _: Principal(user) if user else None)
    media = media_app(store, access=access, metrics=metrics)
    app = Starlette(routes=[Mount("/api/media", media)])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test/api/media")


def samples(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """The samples of a metric by the values of their labels, in the order of the labels' names."""
    return {
        tuple(sample.labels[label] for label in sorted(sample.labels)): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == name
    }


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[AccessRecord]]]:
    def found() -> list[AccessRecord]:
        return [record.access for record in caplog.records if record.name == ACCESS_LOG]  # type: ignore[attr-defined]

    with caplog.at_level(logging.INFO, ACCESS_LOG):
        yield found


async def test_every_kind_of_request_is_counted(store: MediaStore) -> None:
    metrics = Metrics()
    reference = await store.put(png_bytes(300, 200), owner="ann")
    image = f"/image/{reference.id}"
    async with client_of(store, metrics) as client:
        original = await client.get(image)
        await client.get(image, headers={"if-none-match": original.headers["etag"]})
        await client.get(f"{image}?%74humbnail=true")
        await client.get(f"{image}?w=64")
        await client.get(f"{image}?w=none")
        await client.get(f"/{reference.id}")
        await client.post("/upload", content=png_bytes())
        await client.post("/upload", content=b"")
        await client.get("/a/b/c")
        await client.put(image)
        await client.delete(f"/{reference.id}")
        await client.get(image)
    assert samples(metrics, "coatcheck_requests_total") == {
        ("original", "200"): 1,
        ("original", "304"): 1,
        ("original", "404"): 1,
        ("original", "405"): 1,
        ("thumbnail", "200"): 1,
        ("variant", "200"): 1,
        ("variant", "400"): 1,
        ("json", "200"): 1,
        ("upload", "201"): 1,
        ("upload", "400"): 1,
        ("other", "404"): 1,
        ("delete", "204"): 1,
    }
    assert samples(metrics, "coatcheck_sent_bytes_total")["original", "200"] == reference.size
    assert samples(metrics, "coatcheck_cache_hits_total") == {(): 1}
    assert samples(metrics, "coatcheck_refusals_total") == {
        ("invalid_input",): 1,
        ("empty_media",): 1,
        ("not_found",): 2,
        ("method_not_allowed",): 1,
    }
    seconds = samples(metrics, "coatcheck_answer_seconds_count")
    assert seconds == samples(metrics, "coatcheck_requests_total")
    assert generate_latest(metrics.registry)


async def test_two_applications_count_apart(store: MediaStore) -> None:
    first, second = Metrics(), Metrics()
    async with client_of(store, first) as client:
        await client.get(f"/{UNKNOWN}")
    assert samples(first, "coatcheck_requests_total") == {("json", "404"): 1}
    assert samples(second, "coatcheck_requests_total") == {}


async def test_a_record_says_who_got_what(
    store: MediaStore, records: Callable[[], list[AccessRecord]]
) -> None:
    reference = await store.put(png_bytes(300, 200), owner="ann")
    async with client_of(store, Metrics()) as client:
        await client.get(f"/image/{reference.id.upper()}?thumbnail=true&signature=s3cret")
        await client.get("/image/x%20status=200")
    first, second = records()
    seconds = first.pop("seconds")
    size = first.pop("bytes")
    assert seconds >= 0
    assert size > 0
    assert first == {
        "method": "GET",
        "kind": "thumbnail",
        "status": 200,
        "complete": True,
        "id": reference.id,
        "principal": "ann",
    }
    assert (second["status"], second["code"], "id" in second) == (404, "not_found", False)
    for record in (first, second):
        assert json.loads(json.dumps(record)) == record
        assert "s3cret" not in str(record)
        assert "\n" not in str(record)


async def test_a_stranger_has_no_name(
    store: MediaStore, records: Callable[[], list[AccessRecord]]
) -> None:
    async with client_of(store, Metrics(), user=None) as client:
        assert (await client.get(f"/image/{UNKNOWN}")).status_code == 401
    assert (records()[0]["code"], "principal" in records()[0]) == ("unauthorized", False)


def test_no_value_passes_for_a_field_or_a_line() -> None:
    record = AccessRecord(principal='ann" status=200\nmethod=GET', complete=True, seconds=0.25)
    assert str(record) == (
        r'principal="ann\" status=200\nmethod=GET" complete=true seconds=0.250000'
    )


async def observed(app: Callable[..., object], metrics: Metrics) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    ticks = iter(range(100))
    watched = Observation(app, lambda _: "original", metrics, lambda: float(next(ticks)))  # type: ignore[arg-type]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    await watched(scope, receive, send)
    return sent


async def test_the_time_until_the_answer_begins_is_told() -> None:
    shared = [(b"etag", b"x")]

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": shared})
        await send({"type": "http.response.body", "body": b"ab", "more_body": True})
        await send({"type": "http.response.body", "body": b"c"})

    metrics = Metrics()
    sent = await observed(app, metrics)
    assert sent[0]["headers"] == [(b"etag", b"x"), (b"server-timing", b"total;dur=1000.00")]
    assert shared == [(b"etag", b"x")]
    assert samples(metrics, "coatcheck_sent_bytes_total") == {("original", "200"): 3}
    assert samples(metrics, "coatcheck_answer_seconds_sum") == {("original", "200"): 1}


async def test_an_answer_that_ends_early_is_said_to(
    records: Callable[[], list[AccessRecord]],
) -> None:
    async def torn(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ab", "more_body": True})
        raise ConnectionResetError

    async def silent(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ConnectionResetError

    async def cancelled(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await anyio.sleep(30)

    metrics = Metrics()
    for app in (torn, silent):
        with pytest.raises(ConnectionResetError):
            await observed(app, metrics)
    with anyio.move_on_after(0.01):
        await observed(cancelled, metrics)
    assert [(record["status"], record["complete"]) for record in records()] == [
        (200, False),
        (500, False),
        (500, False),
    ]
