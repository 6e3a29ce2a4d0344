"""Media spread over the events of a stream, on its way out: SSE, lines, and frames of sockets."""

import base64
import io
import json
import random
import re
import tracemalloc
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import anyio
import httpx
import pytest
import websockets
from fastapi import FastAPI, WebSocket
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message, Receive, Scope, Send

from coatcheck import open_store
from coatcheck.delivery.middleware import OffloadMiddleware
from coatcheck.delivery.middleware import events as events_module
from coatcheck.payload.offload import OffloadLimits, OffloadReport, offload
from coatcheck.payload.offloading.continuing import BEGUN_EARLY
from coatcheck.payload.offloading.deltas import find_deltas
from coatcheck.store import MediaStore
from tests.serving import serving
from tests.unit.payload.streams import ARGUMENTS, TEXTS, Events, Stream, pieces, sse, sse_events

pytestmark = pytest.mark.anyio


def noise(edge: int, seed: int = 0) -> bytes:
    """A picture that does not compress."""
    file = io.BytesIO()
    pixels = random.Random(seed).randbytes(edge * edge * 3)
    Image.frombytes("RGB", (edge, edge), pixels).save(file, "png")
    return file.getvalue()


PNG: Final = noise(40)
URI: Final = "data:image/png;base64," + base64.b64encode(PNG).decode()
PREFIX: Final = "/api/media/image/"
TEXT: Final = f"It has data, dad. ![sea]({URI}) and {URI} and on, d"
INPUT: Final = json.dumps({"alt": "d", "image": URI, "more": [URI]})
ESCAPED: Final = INPUT.replace("/", "\\/").replace("+", "\\u002b")
NESTED: Final = json.dumps({"json": ESCAPED, "n": 1})
PROSE: Final = "A dad had a dated data: model, and /9j/ is no picture. AAAA! " * 20
GET: Final = {"type": "http", "method": "GET", "path": "/", "headers": []}
SOCKET: Final = {"type": "websocket", "path": "/"}


async def unheard() -> Message:
    await anyio.sleep_forever()
    raise AssertionError


async def through(
    store: MediaStore, chunks: Iterable[bytes], media_type: bytes, **options: Any
) -> tuple[list[bytes], OffloadReport]:
    """What a client gets of these chunks, and what was reported."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-type", media_type)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    got: list[bytes] = []

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.body" and message["body"]:
            got.append(message["body"])

    middleware = OffloadMiddleware(app, store, **options)
    await middleware(GET, unheard, keep)
    return got, middleware.totals


async def streamed(store: MediaStore, events: Events, **options: Any) -> tuple[Events, Any]:
    got, totals = await through(store, sse(events), b"text/event-stream", **options)
    return sse_events(b"".join(got)), totals


def links(text: str) -> list[str]:
    return [part[:36] for part in text.split(PREFIX)[1:]]


def assert_light(stream: Stream, events: Events, before: str, after: str) -> None:
    """The string has one link twice in the place of its picture, in all places that repeat it."""
    text = stream.text(events)
    first, second = links(text)
    assert first == second
    link = PREFIX + first
    assert text == before.replace(URI, link) + after
    whole = stream.whole(events)
    assert whole is None or links(whole) == [first, first]
    assert set(links(json.dumps(events))) == {first}
    assert "iVBOR" not in json.dumps(events)


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 16, 63, 64, 65, 1000, 4096, 5000, 1_000_000])
async def test_a_picture_over_any_number_of_deltas_is_a_link(
    store: MediaStore, name: str, size: int
) -> None:
    stream = TEXTS[name]
    events, totals = await streamed(store, stream.events(pieces(TEXT, size)))
    assert_light(stream, events, TEXT, "")
    assert not totals.left
    assert totals.found == totals.offloaded >= 2


@pytest.mark.parametrize("name", ARGUMENTS)
@pytest.mark.parametrize("text", [INPUT, ESCAPED, NESTED])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 4096])
async def test_a_picture_in_a_tools_input_is_a_link_whatever_is_escaped(
    store: MediaStore, name: str, text: str, size: int
) -> None:
    stream = ARGUMENTS[name]
    events, _ = await streamed(store, stream.events(pieces(text, size)))
    got = stream.text(events)
    first, second = links(got)
    assert first == second
    value = json.loads(got)
    inner = json.loads(value["json"]) if "json" in value else value
    assert inner == {"alt": "d", "image": PREFIX + first, "more": [PREFIX + first]}
    assert set(links(json.dumps(events))) == {first}


SMALL: Final = base64.b64encode(noise(8)).decode()
LIMITS: Final = OffloadLimits(threshold=128)
SOURCE: Final = {"type": "base64", "media_type": "image/png", "data": SMALL}
INPUTS: Final[dict[str, Any]] = {
    "anthropic": {"image": {"type": "image", "source": SOURCE}, "n": 1},
    "mcp": {"content": [{"type": "image", "data": SMALL, "mimeType": "image/png"}] * 2},
    "gemini": {"part": {"inlineData": {"mimeType": "image/png", "data": SMALL}}},
    "ai_sdk": {"type": "file", "mediaType": "image/png", "data": SMALL, "filename": "a.png"},
    "langchain": [{"type": "image", "base64": SMALL, "mime_type": "image/png"}],
    "ag_ui": {
        "a": {"type": "image", "source": {"type": "data", "value": SMALL, "mimeType": "a/b"}}
    },
    "mcp_resource": {
        "type": "resource",
        "resource": {"uri": "file:///a.png", "mimeType": "image/png", "blob": SMALL},
    },
    "none": {"picture": SMALL, "and": {"b64": SMALL}, "text": "iVBORw0KGgo is how PNG begins"},
}
"""Inputs with base64 of shapes that are known, and of none."""


@pytest.mark.parametrize("name", ARGUMENTS)
@pytest.mark.parametrize("shape", INPUTS)
async def test_base64_in_a_tools_input_is_what_the_whole_input_says(
    store: MediaStore, name: str, shape: str
) -> None:
    """Cut at every character: the deltas say what an event says that has all of the input."""
    text = json.dumps(INPUTS[shape])
    whole, report = await offload(text, store, form="ui", limits=LIMITS)
    stream = ARGUMENTS[name]
    for cut in range(1, len(text)):
        events = stream.events([text[:cut], text[cut:]])
        got, totals = await streamed(store, events, limits=LIMITS)
        assert stream.text(got) == whole
        assert SMALL not in json.dumps(got) or shape == "none"
        assert totals.left.get("unknown_shape", 0) >= report.left.get("unknown_shape", 0)
    for size in (1, 3, 20, 64):
        got, _ = await streamed(store, stream.events(pieces(text, size)), limits=LIMITS)
        assert json.loads(stream.text(got)) == json.loads(whole)


async def test_an_escape_is_cut_at_every_byte(store: MediaStore) -> None:
    begin = ESCAPED.index("\\u002b")
    for cut in range(begin - 1, begin + 8):
        events = ARGUMENTS["ag_ui"].events([ESCAPED[:cut], ESCAPED[cut:]])
        got, _ = await streamed(store, events)
        assert len(links(ARGUMENTS["ag_ui"].text(got))) == 2


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_wherever_bytes_and_deltas_are_cut_the_client_reads_the_same(
    pytestconfig: pytest.Config, data: st.DataObject
) -> None:
    stream = TEXTS[data.draw(st.sampled_from(sorted(TEXTS)))]
    rng = random.Random(data.draw(st.integers(0, 2**32)))
    parts, at = [], 0
    while at < len(TEXT):
        size = rng.choice([1, 2, 4, 9, 64, 500, 3000])
        parts.append(TEXT[at : at + size])
        at += size
    body = b"".join(sse(stream.events(parts)))
    chunks, at = [], 0
    while at < len(body):
        size = rng.choice([1, 3, 17, 200, 4096])
        chunks.append(body[at : at + size])
        at += size

    async def measured() -> None:
        # Nothing is stored: what is held back comes out again as it was.
        async def unopened() -> MediaStore:
            raise RuntimeError("no store")

        got, _ = await through(unopened, chunks, b"text/event-stream")  # type: ignore[arg-type]
        assert stream.text(sse_events(b"".join(got))) == TEXT

    anyio.run(measured)


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("size", [1, 4, 30])
async def test_ordinary_text_passes_byte_for_byte(store: MediaStore, name: str, size: int) -> None:
    body = list(sse(TEXTS[name].events(pieces(PROSE, size))))
    got, totals = await through(store, body, b"text/event-stream")
    # A ping may come before a word that waited: no order is lost among the pieces of a string.
    assert [event for event in b"".join(got).split(b"\n\n") if b"ping" not in event] == [
        event for event in b"".join(body).split(b"\n\n") if b"ping" not in event
    ]
    assert totals == OffloadReport()


async def test_ordinary_tokens_are_sent_at_once(store: MediaStore) -> None:
    """But for a few characters that may begin media."""
    sent = received = 0

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        nonlocal sent
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for event in TEXTS["ai_sdk"].events(pieces(PROSE, 3))[2:-2]:
            sent += 3
            (chunk,) = sse([event])
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            assert sent - received <= 64

    async def keep(message: Message) -> None:
        nonlocal received
        received += len(TEXTS["ai_sdk"].text(sse_events(message.get("body", b""))))

    await OffloadMiddleware(app, store)(GET, unheard, keep)


async def test_numbers_have_no_gap(store: MediaStore) -> None:
    events, _ = await streamed(store, TEXTS["responses"].events(pieces(TEXT, 11)))
    numbers = [event["sequence_number"] for event in events]
    assert numbers == list(range(len(numbers)))


async def test_ag_ui_has_no_empty_text(store: MediaStore) -> None:
    events, _ = await streamed(store, TEXTS["ag_ui"].events(pieces(TEXT, 11)))
    assert all(event["delta"] for event in events if event["type"] == "TEXT_MESSAGE_CONTENT")


async def test_strings_that_take_turns_are_held_apart(store: MediaStore) -> None:
    def delta(name: str, text: str) -> dict[str, str]:
        return {"type": "text-delta", "id": name, "delta": text}

    events: Events = []
    for one, other in zip(
        pieces(TEXT, 50), pieces(TEXT[::-1].replace("data:", ""), 50), strict=False
    ):
        events += [delta("a", one), delta("b", other)]
    events += [{"type": "text-end", "id": "b"}, {"type": "text-end", "id": "a"}]
    got, totals = await streamed(store, events)

    def text_of(name: str, events: Events) -> str:
        return "".join(event.get("delta", "") for event in events if event["id"] == name)

    assert text_of("b", got) == text_of("b", events)
    assert len(links(text_of("a", got))) == 2
    assert totals.offloaded == 2


@pytest.mark.parametrize("name", TEXTS)
async def test_a_stream_that_ends_inside_a_picture_gives_back_what_it_held(
    store: MediaStore, name: str
) -> None:
    text = TEXT[: TEXT.index(URI) + 5000]
    reports: list[OffloadReport] = []
    events = TEXTS[name].events(pieces(text, 13))
    got, totals = await streamed(store, events, on_report=reports.append)
    assert TEXTS[name].text(got) == text
    assert totals.offloaded == 0
    assert totals.left["unprocessable_media"] >= 1
    places = {place for report in reports for place in report.places.get("unprocessable_media", ())}
    assert places
    assert places <= {
        "/choices/0/delta/content",
        "/delta",
        "/delta/text",
        "/candidates/0/content/parts/0/text",
        "/out/x",
        "/token",
        # Where the events at the end repeat the text.
        "/text",
        "/item/content/0/text",
        "/response/output/0/content/0/text",
    }


async def test_a_stream_without_its_last_event_gives_back_what_it_held(store: MediaStore) -> None:
    events = TEXTS["ai_sdk"].events(pieces(TEXT, 100))[:60]
    got, _ = await streamed(store, events)
    assert deltas(got) == deltas(events)


def deltas(events: Events) -> str:
    return "".join(event.get("delta", "") for event in events)


@pytest.mark.parametrize(
    "media", [URI[:300] + "!" + URI[300:], "data:image/png;base64," + "QUJD" * 2000]
)
async def test_what_lies_about_its_type_passes_and_is_counted(
    store: MediaStore, media: str
) -> None:
    text = f"See ({media}) there"
    got, totals = await streamed(store, TEXTS["chat"].events(pieces(text, 20)))
    assert TEXTS["chat"].text(got) == text
    assert totals.offloaded == 0


async def test_malformed_events_pass_and_are_counted_once(store: MediaStore) -> None:
    body = [b'data: {"delta": "data:image/png;base64,iVBO\n\n'] * 30 + [b"data: [DONE]\n\n"]
    got, totals = await through(store, body, b"text/event-stream")
    assert b"".join(got) == b"".join(body)
    assert dict(totals.left) == {"not_json": 1}


async def test_a_stop_of_an_unknown_form_does_not_overtake_a_text(store: MediaStore) -> None:
    def token(text: str) -> dict[str, str]:
        return {"type": "token", "message_id": "m1", "token": text}

    events = [token("vitamin"), token(" d"), {"type": "stop", "id": "m1"}]
    got, _ = await streamed(store, events)
    assert got == events


async def test_an_ordinary_text_keeps_the_number_that_it_came_with(store: MediaStore) -> None:
    def delta(number: int, item: str, text: str) -> dict[str, Any]:
        return {
            "type": "response.output_text.delta",
            "sequence_number": number,
            "item_id": item,
            "output_index": 0,
            "content_index": 0,
            "delta": text,
        }

    events = [delta(0, "a", "of"), delta(1, "a", " d"), delta(2, "b", "by"), delta(3, "a", "ay")]
    got, _ = await streamed(store, events)
    assert got == events


async def test_a_ping_ends_nothing_and_a_stop_does(store: MediaStore) -> None:
    events = TEXTS["anthropic"].events(pieces(f"Look: {URI}", 16))
    got, _ = await streamed(store, events)
    kinds = [event["type"] for event in got]
    assert kinds.index("ping") < kinds.index("content_block_stop")
    assert kinds[-4:-2] == ["content_block_delta", "content_block_stop"]
    assert len(links(TEXTS["anthropic"].text(got))) == 1


async def test_a_picture_that_is_larger_than_may_be_held_passes(store: MediaStore) -> None:
    uri = "data:image/png;base64," + base64.b64encode(noise(120)).decode()
    text = f"![big]({uri}) ![small]({URI})"
    got, totals = await streamed(store, TEXTS["ai_sdk"].events(pieces(text, 40)), max_held=20_000)
    (link,) = links(deltas(got))
    assert deltas(got) == text.replace(URI, PREFIX + link)
    assert dict(totals.left) == {"media_too_large": 1}


async def test_no_more_is_held_than_the_store_takes(tmp_path: Path) -> None:
    """Whatever the option allows; the option may allow less (above)."""
    uri = "data:image/png;base64," + base64.b64encode(noise(120)).decode()
    text = f"![big]({uri}) ![small]({URI})"
    events = TEXTS["ai_sdk"].events(pieces(text, 40))
    sent = received = most = 0

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        nonlocal sent, most
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for event, chunk in zip(events, sse(events), strict=True):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            sent += len(event.get("delta", ""))
            most = max(most, sent - received)
        await send({"type": "http.response.body", "body": b""})

    got: list[bytes] = []

    async def keep(message: Message) -> None:
        nonlocal received
        got.append(message.get("body", b""))
        received += len(deltas(sse_events(got[-1])))

    max_bytes = len(PNG) + 1000
    async with open_store(tmp_path, max_bytes=max_bytes) as small:
        middleware = OffloadMiddleware(app, lambda: small)
        await middleware(GET, unheard, keep)
    (link,) = links(deltas(sse_events(b"".join(got))))
    assert deltas(sse_events(b"".join(got))) == text.replace(URI, PREFIX + link)
    assert dict(middleware.totals.left) == {"media_too_large": 1}
    assert most < max_bytes * 4 // 3 + 5000 < len(uri)


@pytest.mark.parametrize("line", ["\n", "\r\n", "\n\n"])
@pytest.mark.parametrize("depth", [0, 1, 2])
async def test_pictures_on_lines_of_their_own_are_links(
    store: MediaStore, line: str, depth: int
) -> None:
    """As text, and in the JSON of a tool's input; cut at every character between them."""
    text = f"{URI}{line}{URI}{line}- {URI}{line}Data: see above"
    value: Any = text
    for _ in range(depth):
        value = json.dumps({"images": value})
    stream = ARGUMENTS["ag_ui"] if depth else TEXTS["ai_sdk"]
    second = value.index("data:", value.index("data:") + 1)
    for cut in range(second - 8, second + 30):
        got, totals = await streamed(
            store, stream.events([value[:cut], value[cut : cut + 9], value[cut + 9 :]])
        )
        out: Any = stream.text(got)
        for _ in range(depth):
            out = json.loads(out)["images"]
        link = PREFIX + links(out)[0]
        assert out == text.replace(URI, link)
        assert not totals.left


@pytest.mark.parametrize("name", ["chat", "ai_sdk", "anthropic", "tokens"])
async def test_a_picture_after_a_line_break_of_its_own_is_a_link(
    store: MediaStore, name: str
) -> None:
    """As a tokenizer cuts it: the line break, then the word ``data``."""
    before = ["word"] * 20 + [" here:\n"]
    parts = [*before, "data", ":", "image", "/png", ";base64", ",", *pieces(URI[22:], 4), "\n", "d"]
    got, _ = await streamed(store, TEXTS[name].events(parts))
    text = "".join(parts)
    (link,) = links(TEXTS[name].text(got))
    assert TEXTS[name].text(got) == text.replace(URI, PREFIX + link)


def choices_of(events: Events) -> dict[int, list[tuple[str, Any]]]:
    """What each choice says, in order: its texts put together, and anything else."""
    said: dict[int, list[tuple[str, Any]]] = {}
    for event in events:
        for choice in event["choices"]:
            own = said.setdefault(choice["index"], [])
            if "role" in choice["delta"]:
                own.append(("role", choice["delta"]["role"]))
            text = choice["delta"].get("content")
            if text and own and own[-1][0] == "text":
                own[-1] = "text", own[-1][1] + text
            elif text:
                own.append(("text", text))
            if choice["finish_reason"] is not None:
                own.append(("finish", choice["finish_reason"]))
    return said


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_choices_that_share_events_say_everything_once(
    pytestconfig: pytest.Config, data: st.DataObject
) -> None:
    """The texts of some choices, cut anywhere, their pieces in events of their own or together."""
    several = st.sampled_from([f"{URI} and", f"See {URI}", "had a dad", "", PROSE[:60]])
    texts = data.draw(st.lists(several, min_size=2, max_size=3))
    rng = random.Random(data.draw(st.integers(0, 2**32)))
    ends_itself = data.draw(st.booleans())
    waiting = {
        index: pieces(text, rng.choice([60, 900, 4000] if URI in text else [1, 3])) or [""]
        for index, text in enumerate(texts)
    }
    begun: set[int] = set()
    events: Events = []
    while waiting:
        together = rng.sample(sorted(waiting), rng.randint(1, len(waiting)))
        choices: list[dict[str, Any]] = []
        ends: list[dict[str, Any]] = []
        for index in sorted(together):
            delta = {"content": waiting[index].pop(0)}
            if index not in begun:
                begun.add(index)
                delta["role"] = "assistant"
            is_over = not waiting[index]
            finish = "stop" if is_over and ends_itself else None
            choices.append({"index": index, "delta": delta, "finish_reason": finish})
            if is_over:
                del waiting[index]
            if is_over and not ends_itself:
                ends.append({"index": index, "delta": {}, "finish_reason": "stop"})
        events.append({"id": "c", "model": "m", "choices": choices, "usage": {"n": len(events)}})
        events += [{"id": "c", "choices": [end]} for end in ends]

    async def rewritten() -> None:
        async def unopened() -> MediaStore:
            raise RuntimeError("no store")

        got, _ = await through(unopened, sse(events), b"text/event-stream")  # type: ignore[arg-type]
        out = sse_events(b"".join(got))
        assert choices_of(out) == choices_of(events)
        used = [event["usage"]["n"] for event in out if event.get("usage")]
        assert len(used) == len(set(used))

    anyio.run(rewritten)


async def test_base64_without_end_takes_no_more_memory_than_allowed(store: MediaStore) -> None:
    def endless() -> Iterable[bytes]:
        yield from sse([{"type": "text-delta", "id": "t", "delta": "data:image/png;base64,"}])
        event = b'data: {"type":"text-delta","id":"t","delta":"A"}\n\n'
        for _ in range(60_000):
            yield event

    class Counted:
        count = 0

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for chunk in endless():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def count(message: Message) -> None:
        Counted.count += message.get("body", b"").count(b"A")

    tracemalloc.start()
    try:
        await OffloadMiddleware(app, store, max_held=50_000)(GET, unheard, count)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert Counted.count == 60_000
    assert peak < 20 * 1024 * 1024


async def test_thousands_of_strings_take_no_more_memory_than_allowed(
    store: MediaStore,
) -> None:
    events = ({"type": "text-delta", "id": str(n), "delta": "dat"} for n in range(5_000))
    tracemalloc.start()
    try:
        got, _ = await through(store, sse(events), b"text/event-stream")  # type: ignore[arg-type]
        size = sum(map(len, got))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert b"".join(got).count(b'"dat"') == 5_000
    assert peak < size + 20 * 1024 * 1024


async def test_lines_are_followed_as_events_are(store: MediaStore) -> None:
    events = TEXTS["tokens"].events(pieces(TEXT, 9))
    lines = [json.dumps(event).encode() + b"\n" for event in events]
    got, _ = await through(store, lines, b"application/x-ndjson")
    out = [json.loads(line) for line in b"".join(got).splitlines()]
    assert_light(TEXTS["tokens"], out, TEXT, "")


async def test_a_body_of_known_length_is_followed_too(store: MediaStore) -> None:
    body = b"".join(sse(TEXTS["chat"].events(pieces(TEXT, 9))))

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    got: list[Message] = []

    async def keep(message: Message) -> None:
        got.append(message)

    await OffloadMiddleware(app, store)(GET, unheard, keep)
    start, whole = got
    assert dict(start["headers"])[b"content-length"] == b"%d" % len(whole["body"])
    assert len(links(TEXTS["chat"].text(sse_events(whole["body"])))) == 2


async def test_measuring_sends_every_event_as_it_is(store: MediaStore) -> None:
    body = list(sse(TEXTS["chat"].events(pieces(TEXT, 9))))
    got, totals = await through(store, body, b"text/event-stream", measure_only=True)
    assert got == body
    assert totals.found == 2
    assert totals.offloaded == 0


async def test_the_owner_of_the_answer_owns_what_its_deltas_held(store: MediaStore) -> None:
    reports: list[OffloadReport] = []
    await streamed(
        store,
        TEXTS["chat"].events(pieces(TEXT, 9)),
        owner=lambda scope: f"owner of {scope['path']}",
        on_report=reports.append,
    )
    (reference,) = {r.id: r for report in reports for r in report.references}.values()
    assert (await store.record(reference.id)).owner == "owner of /"


# --- over the wire -------------------------------------------------------------------------------


def served(store: MediaStore) -> Any:
    """An application that streams a text as SSE and as lines, and over a socket."""
    app = FastAPI()

    async def chunks(kind: str) -> AsyncIterator[bytes]:
        events = TEXTS["ai_sdk"].events(pieces(TEXT, 12))
        for event in events:
            yield next(sse([event])) if kind == "sse" else json.dumps(event).encode() + b"\n"

    async def events(_request: Request) -> StreamingResponse:
        return StreamingResponse(chunks("sse"), media_type="text/event-stream")

    async def lines(_request: Request) -> StreamingResponse:
        return StreamingResponse(chunks("lines"), media_type="application/x-ndjson")

    app.mount("/http", Starlette(routes=[Route("/sse", events), Route("/lines", lines)]))

    @app.websocket("/socket")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        cut_off = TEXTS["ai_sdk"].events(pieces(f"Last: {URI}", 12))[:-2]
        for event in TEXTS["ai_sdk"].events(pieces(TEXT, 12)) + cut_off:
            await websocket.send_json(event)

    return OffloadMiddleware(app, store)


async def test_sse_lines_and_frames_over_real_sockets(store: MediaStore) -> None:
    async with serving(served(store)) as address:
        async with httpx.AsyncClient(base_url=f"http://{address}") as client:
            got = await client.get("/http/sse")
            assert_light(TEXTS["ai_sdk"], sse_events(got.content), TEXT, "")
            got = await client.get("/http/lines")
            out = [json.loads(line) for line in got.text.splitlines()]
            assert_light(TEXTS["ai_sdk"], out, TEXT, "")
        frames: Events = []
        async with websockets.connect(f"ws://{address}/socket") as socket:
            with suppress(websockets.ConnectionClosed):  # the application leaves without a word
                while True:
                    frames.append(json.loads(await socket.recv()))
    ends = [n for n, frame in enumerate(frames) if frame["type"] == "finish"]
    assert_light(TEXTS["ai_sdk"], frames[: ends[0] + 1], TEXT, "")
    # What the application said last is not lost.
    (link,) = set(links(deltas(frames[ends[0] + 1 :])))
    assert deltas(frames[ends[0] + 1 :]) == f"Last: {PREFIX}{link}"


# --- streams that break, and streams that pause ---------------------------------------------------


@pytest.mark.parametrize("kind", ["sse", "lines"])
@pytest.mark.parametrize("text", ["It has d", f"See {URI[:900]}"])
async def test_what_is_held_when_the_application_fails_is_sent_before_the_stream_breaks(
    store: MediaStore, kind: str, text: str
) -> None:
    """As without the middleware: all that the application sent, and then an aborted connection."""
    events = TEXTS["ai_sdk"].events(pieces(text, 5))[:-2]

    async def failing() -> AsyncIterator[bytes]:
        for event in events:
            yield next(sse([event])) if kind == "sse" else json.dumps(event).encode() + b"\n"
        raise ZeroDivisionError

    async def answer(_request: Request) -> StreamingResponse:
        media_type = "text/event-stream" if kind == "sse" else "application/x-ndjson"
        return StreamingResponse(failing(), media_type=media_type)

    app = OffloadMiddleware(Starlette(routes=[Route("/", answer)]), store)
    received = b""
    async with serving(app) as address, httpx.AsyncClient() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            async with client.stream("GET", f"http://{address}/") as got:
                async for piece in got.aiter_raw():
                    received += piece
    if kind == "sse":
        assert deltas(sse_events(received)) == text
    else:
        assert deltas([json.loads(line) for line in received.splitlines()]) == text


async def test_a_body_of_json_that_breaks_off_is_no_whole_one(store: MediaStore) -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"a": [1,', "more_body": True})
        raise ZeroDivisionError

    got: list[Message] = []

    async def keep(message: Message) -> None:
        got.append(message)

    with pytest.raises(ZeroDivisionError):
        await OffloadMiddleware(app, store)(GET, unheard, keep)
    assert [message["type"] for message in got] == ["http.response.start", "http.response.body"]
    assert got[1] == {"type": "http.response.body", "body": b'{"a": [1,', "more_body": True}


class Script:
    """An application that sends pieces of a text as the test asks for them, over a real server."""

    def __init__(self, parts: list[str | None]) -> None:
        self.parts = parts  # None for a pause, in which a client has to see what was sent
        self.go_on = anyio.Event()
        self.app = Starlette(
            routes=[
                Route("/sse", self._answer),
                Route("/lines", self._answer),
                WebSocketRoute("/ws", self._serve),
            ]
        )

    async def _events(self) -> AsyncIterator[dict[str, str]]:
        for part in self.parts:
            if part is None:
                await self.go_on.wait()
                self.go_on = anyio.Event()
            else:
                yield {"type": "text-delta", "id": "t", "delta": part}

    async def _answer(self, request: Request) -> StreamingResponse:
        is_sse = request.url.path == "/sse"

        async def chunks() -> AsyncIterator[str]:
            async for event in self._events():
                line = json.dumps(event)
                yield f"data: {line}\n\n" if is_sse else f"{line}\n"

        media_type = "text/event-stream" if is_sse else "application/x-ndjson"
        return StreamingResponse(chunks(), media_type=media_type)

    async def _serve(self, websocket: WebSocket) -> None:
        await websocket.accept()
        async for event in self._events():
            await websocket.send_json(event)
        await websocket.close()


async def read_in_pauses(script: Script, address: str, kind: str, seen: list[str]) -> str:
    """What a client reads that lets the application go on once it has seen so much of the text."""
    waiting = list(seen)
    text = ""

    def heard(event: dict[str, str]) -> None:
        nonlocal text
        text += event["delta"]
        if waiting and text == waiting[0]:
            waiting.pop(0)
            script.go_on.set()

    with anyio.fail_after(20):
        if kind == "ws":
            with suppress(websockets.ConnectionClosed):
                async with websockets.connect(f"ws://{address}/ws") as socket:
                    while True:
                        heard(json.loads(await socket.recv()))
        else:
            async with (
                httpx.AsyncClient(timeout=20) as client,
                client.stream("GET", f"http://{address}/{kind}") as got,
            ):
                async for line in got.aiter_lines():
                    if line.strip():
                        heard(json.loads(line.removeprefix("data: ")))
    assert not waiting
    return text


@pytest.mark.parametrize("kind", ["sse", "lines", "ws"])
async def test_a_live_answer_that_pauses_is_seen_up_to_its_last_word(
    store: MediaStore, kind: str
) -> None:
    """What may begin media waits for the next event, but not for ever."""
    script = Script(["I said", " d", None, "ad", " and dat", None, "a:", None, " is plural, d"])
    app = OffloadMiddleware(script.app, store)
    seen = ["I said d", "I said dad and dat", "I said dad and data:"]
    async with serving(app) as address:
        text = await read_in_pauses(script, address, kind, seen)
    assert text == "I said dad and data: is plural, d"
    assert not app.report().routes


@pytest.mark.parametrize("kind", ["sse", "lines", "ws"])
async def test_media_whose_beginning_was_sent_in_a_pause_passes_and_is_counted(
    store: MediaStore, kind: str
) -> None:
    for begun in ("d", "data:", "data:image/png;base64"):
        rest = URI.removeprefix(begun)
        script = Script(["See ", begun, None, *pieces(rest, 11), " and ", *pieces(URI, 11), " end"])
        app = OffloadMiddleware(script.app, store)
        async with serving(app) as address:
            text = await read_in_pauses(script, address, kind, [f"See {begun}"])
        (link,) = links(text)
        assert text == f"See {URI} and {PREFIX}{link} end"
        assert app.totals.left == {BEGUN_EARLY: 1}
        assert app.totals.offloaded == 1


@pytest.mark.parametrize("kind", ["sse", "lines", "ws"])
async def test_media_that_has_begun_for_certain_waits_however_long_the_pause_is(
    store: MediaStore, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_module, "PAUSE_SECONDS", 0.02)
    begun = URI[: len("data:image/png;base64,")]
    parts: list[str | None] = ["See", None, f" {begun}", None, *pieces(URI.removeprefix(begun), 9)]
    script = Script(parts)
    app = OffloadMiddleware(script.app, store)

    async def go_on_after_pauses() -> None:
        await anyio.sleep(0.5)
        script.go_on.set()

    async with serving(app) as address, anyio.create_task_group() as tasks:
        tasks.start_soon(go_on_after_pauses)
        script.go_on.set()
        text = await read_in_pauses(script, address, kind, [])
    (link,) = links(text)
    assert text == f"See {PREFIX}{link}"
    assert not app.totals.left


@pytest.mark.parametrize("kind", ["sse", "lines", "ws"])
async def test_a_picture_that_is_whole_is_not_held_for_what_may_follow(
    store: MediaStore, kind: str
) -> None:
    """The reader looks at it while the answer pauses."""
    for edge in range(40, 46):
        picture = "data:image/png;base64," + base64.b64encode(noise(edge)).decode()
        script = Script(["See ", *pieces(picture, 11), None, " there"])
        app = OffloadMiddleware(script.app, store)
        async with serving(app) as address:
            reference = await store.put(base64.b64decode(picture.partition(",")[2]), reuse=True)
            link = f"{PREFIX}{reference.id}"
            text = await read_in_pauses(script, address, kind, [f"See {link}"])
        assert text == f"See {link} there"


# --- ids of events --------------------------------------------------------------------------------


class EventSource:
    """Reads server-sent events as a browser does (HTML, 9.2.6)."""

    def __init__(self, stream: bytes) -> None:
        self.seen: list[tuple[str, str]] = []  # the data of each event, and the last id then
        last_id = ""
        data: list[str] = []
        for line in re.split(r"\r\n|\r|\n", stream.decode()):
            if not line:
                if data:
                    self.seen.append(("\n".join(data), last_id))
                data = []
                continue
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "data":
                data.append(value)
            elif field == "id" and "\0" not in value:
                last_id = value


def with_ids(events: Events, end: str = "\n") -> list[tuple[str, bytes]]:
    """Events with ids that are no numbers, as an application makes them up."""
    named = []
    for number, event in enumerate(events):
        name = f"{number * 7919 % 1000:x}-{number}"
        lines = [f"id: {name}", "event: message", f"data: {json.dumps(event)}", "", ""]
        named.append((name, end.join(lines).encode()))
    return named


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", [*TEXTS, "turns"])
@pytest.mark.parametrize("size", [3, 50, 900])
async def test_a_client_that_comes_back_with_an_id_has_missed_nothing(
    store: MediaStore, name: str, size: int, end: str
) -> None:
    """The last id that a client was sent is that of an event that it has all of."""
    events = turns(size) if name == "turns" else TEXTS[name].events(pieces(TEXT, size))
    named = with_ids(events, end)
    order = {one: number for number, (one, _) in enumerate(named)}
    got, _ = await through(store, [chunk for _, chunk in named], b"text/event-stream")
    seen = EventSource(b"".join(got)).seen
    sent_ids = re.findall(rb"(?:\A|(?<=[\r\n]))id: ([^\r\n]*)", b"".join(got))
    assert len(sent_ids) == len(set(sent_ids))
    assert [order[one.decode()] for one in sent_ids] == sorted(
        order[one.decode()] for one in sent_ids
    )
    assert seen[-1][1] == named[-1][0]
    texts = dict.fromkeys(texts_of(events), "")
    for number, (data, last_id) in enumerate(seen):
        for key, text in texts_of([json.loads(data)]).items():
            texts[key] += text
        if number + 1 < len(seen) and seen[number + 1][1] == last_id:
            continue
        known = events[: order[last_id] + 1] if last_id else []
        for key, text in texts_of(known).items():
            plain = re.sub(rf"{PREFIX}[0-9a-f-]{{36}}", URI, texts[key])
            assert plain.startswith(text), (last_id, key)


def texts_of(events: Events) -> dict[str, str]:
    """The texts that events hold pieces of."""
    texts: dict[str, str] = {}
    for event in events:
        for delta in find_deltas(event):
            key = repr(delta.key)
            texts[key] = texts.get(key, "") + delta.text
    return texts


def turns(size: int) -> Events:
    """Two texts that take turns; in one there is a picture."""

    def delta(name: str, text: str) -> dict[str, str]:
        return {"type": "text-delta", "id": name, "delta": text}

    events: Events = []
    other = pieces("By the way, dad, it is data. " * 20, 7)
    for number, part in enumerate(pieces(TEXT, size)):
        events.append(delta("a", part))
        events.append(delta("b", other[number % len(other)]))
    return [*events, {"type": "text-end", "id": "a"}, {"type": "text-end", "id": "b"}]


async def test_what_is_not_held_keeps_its_ids_byte_for_byte(store: MediaStore) -> None:
    named = with_ids(TEXTS["ai_sdk"].events(pieces(PROSE, 4)))
    got, _ = await through(store, [chunk for _, chunk in named], b"text/event-stream")
    assert b"".join(got) == b"".join(chunk for _, chunk in named)
