"""`offload_stream`: chunks of agents and models, media in them and across them."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from openai.types.chat import ChatCompletionChunk

from coatcheck.errors import StorageError
from coatcheck.payload.offload import OffloadReport, offload
from coatcheck.payload.streaming import offload_stream
from coatcheck.store import MediaStore
from tests.media import png_bytes
from tests.unit.payload.streams import ARGUMENTS, TEXTS
from tests.unit.payload.streams import pieces as cut

pytestmark = pytest.mark.anyio

BASE64 = base64.b64encode(png_bytes(320, 240)).decode()
MARKDOWN = f"Here: ![sea](data:image/png;base64,{BASE64}) and on."


async def pieces(text: str, size: int = 7) -> AsyncIterator[str]:
    for start in range(0, len(text), size):
        yield text[start : start + size]


async def of(*chunks: Any) -> AsyncIterator[Any]:
    for chunk in chunks:
        yield chunk


async def collect(chunks: AsyncIterator[Any], store: MediaStore, **options: Any) -> list[Any]:
    return [chunk async for chunk in offload_stream(chunks, store, **options)]


async def test_a_text_in_pieces_has_a_link_for_its_media(store: MediaStore) -> None:
    reports: list[OffloadReport] = []
    out = "".join(await collect(pieces(MARKDOWN), store, on_report=reports.append))
    (reference,) = [reference for report in reports for reference in report.references]
    assert out == f"Here: ![sea](media://{reference.id}) and on."
    assert reference.alt is None  # what stands before the media had passed already


async def ai_sdk(text: str) -> AsyncIterator[Any]:
    yield {"type": "text-start", "id": "t"}
    async for piece in pieces(text):
        yield {"type": "text-delta", "id": "t", "delta": piece}
    yield {"type": "text-end", "id": "t"}


async def ag_ui(text: str) -> AsyncIterator[Any]:
    async for piece in pieces(text):
        yield {"type": "TEXT_MESSAGE_CONTENT", "messageId": "m", "delta": piece}


async def responses(text: str) -> AsyncIterator[Any]:
    async for piece in pieces(text):
        yield {"type": "response.output_text.delta", "item_id": "i", "delta": piece}


async def completions(text: str) -> AsyncIterator[Any]:
    async for piece in pieces(text):
        yield {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}


def texts(chunks: list[Any]) -> str:
    found = [
        chunk["choices"][0]["delta"]["content"] if "choices" in chunk else chunk.get("delta", "")
        for chunk in chunks
    ]
    return "".join(found)


@pytest.mark.parametrize("framework", [ai_sdk, ag_ui, responses, completions])
async def test_deltas_of_frameworks_are_followed(store: MediaStore, framework: Any) -> None:
    out = await collect(framework(MARKDOWN), store)
    assert texts(out).startswith("Here: ![sea](media://")
    assert texts(out).endswith(") and on.")
    assert len(json.dumps(out)) < 3000
    plain = "Just a text of some length, nothing else."
    assert await collect(framework(plain), store) == [chunk async for chunk in framework(plain)]


async def test_what_is_held_comes_before_the_chunk_that_ends_it(store: MediaStore) -> None:
    cut_off = f"![sea](data:image/png;base64,{BASE64}"
    out = await collect(ai_sdk(cut_off), store)
    assert [chunk["type"] for chunk in out][-2:] == ["text-delta", "text-end"]
    assert texts(out).startswith("![sea](media://")


async def test_two_texts_are_held_apart(store: MediaStore) -> None:
    def delta(name: str, text: str) -> dict[str, str]:
        return {"type": "text-delta", "id": name, "delta": text}

    half = len(BASE64) // 2
    out = await collect(
        of(
            delta("a", "a: " + BASE64[:half]),
            delta("b", "b: plain"),
            delta("a", BASE64[half:] + " end"),
        ),
        store,
    )
    assert [chunk["delta"] for chunk in out if chunk["id"] == "b"] == ["b: plain"]
    of_a = "".join(chunk["delta"] for chunk in out if chunk["id"] == "a")
    assert of_a.startswith("a: media://")
    assert of_a.endswith(" end")


async def test_any_other_chunk_is_offloaded_by_itself(store: MediaStore) -> None:
    file = {"type": "file", "url": f"data:image/png;base64,{BASE64}", "mediaType": "image/png"}
    untouched = {"type": "start"}
    out = await collect(of(untouched, file), store, form="ui")
    assert out[0] is untouched
    assert (out[1]["type"], out[1]["data"]["state"]) == ("data-media", "ready")


async def test_a_failing_store_changes_no_text(
    store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise StorageError

    monkeypatch.setattr(store, "put", fail)
    reports: list[OffloadReport] = []
    out = await collect(pieces(MARKDOWN), store, on_report=reports.append)
    assert "".join(out) == MARKDOWN
    assert dict(reports[0].left) == {"storage_failed": 1}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("size", [1, 7, 64, 5000])
async def test_all_places_that_repeat_a_text_have_the_same_link(
    store: MediaStore, name: str, size: int
) -> None:
    stream = TEXTS[name]
    out = await collect(of(*stream.events(cut(MARKDOWN, size))), store)
    text = stream.text(out)
    assert text.startswith("Here: ![sea](media://")
    assert text.endswith(") and on.")
    whole = stream.whole(out)
    assert whole is None or whole == text
    assert "base64" not in json.dumps(out)


@pytest.mark.parametrize("name", ARGUMENTS)
async def test_the_arguments_of_a_call_stay_json(store: MediaStore, name: str) -> None:
    stream = ARGUMENTS[name]
    arguments = json.dumps({"image": f"data:image/png;base64,{BASE64}"}).replace("/", "\\/")
    out = await collect(of(*stream.events(cut(arguments, 5))), store)
    assert json.loads(stream.text(out))["image"].startswith("media://")


@pytest.mark.parametrize("bare", ["keep", "url", "object"])
@pytest.mark.parametrize("name", ARGUMENTS)
async def test_base64_in_the_arguments_of_a_call_is_treated_as_in_all_of_them(
    store: MediaStore, name: str, bare: Any
) -> None:
    stream = ARGUMENTS[name]
    image = {"type": "image", "data": BASE64, "mimeType": "image/png"}
    arguments = json.dumps({"image": image, "own": {"b64": BASE64}, "text": "word " * 20})
    whole, _ = await offload(arguments, store, bare=bare)
    out = await collect(of(*stream.events(cut(arguments, 5))), store, bare=bare)
    assert stream.text(out) == whole
    assert (BASE64 in whole) == (bare == "keep")


async def test_events_of_the_openai_sdk_are_followed(store: MediaStore) -> None:
    chunks = [
        ChatCompletionChunk.model_validate(event)
        for event in TEXTS["chat"].events(cut(MARKDOWN, 50))[:-1]
    ]
    out = await collect(of(*chunks), store)
    assert out[0] is chunks[0]
    light = [
        chunk
        if isinstance(chunk, ChatCompletionChunk)
        else ChatCompletionChunk.model_validate(chunk)
        for chunk in out
    ]
    text = "".join(choice.delta.content or "" for chunk in light for choice in chunk.choices)
    assert text.startswith("Here: ![sea](media://")
    assert text.endswith(") and on.")


async def test_an_object_that_changes_gains_no_null(store: MediaStore) -> None:
    """A client that joins deltas would take it for a new value."""
    events = ARGUMENTS["chat"].events(cut(json.dumps({"image": MARKDOWN}), 500))
    chunks = [
        ChatCompletionChunk.model_validate(
            {**event, "object": "chat.completion.chunk", "created": 1, "model": "gpt-5"}
        )
        for event in events
    ]
    changed = [chunk for chunk in await collect(of(*chunks), store) if isinstance(chunk, dict)]
    (call,) = changed[-1]["choices"][0]["delta"]["tool_calls"]
    assert call.keys() == {"index", "function"}
    assert call["function"].keys() == {"arguments"}
    assert changed[-1]["choices"][0]["finish_reason"] is None  # this one was given


async def test_texts_so_far_are_not_put_together(store: MediaStore) -> None:
    """Each event has all of the text up to there, as some applications send it."""
    text = "See data:image/png;base64," + BASE64[:3000]
    events = [{"token": text[:end]} for end in range(20, len(text), 400)]
    assert await collect(of(*events), store) == events
