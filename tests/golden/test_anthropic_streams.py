"""Anthropic's streams: events of the SDK's types, put together by its own client."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anthropic import AsyncAnthropic
from anthropic.types import (
    Message,
    RawContentBlockDeltaEvent,
    RawContentBlockStartEvent,
    RawContentBlockStopEvent,
    RawMessageDeltaEvent,
    RawMessageStartEvent,
    RawMessageStopEvent,
    RawMessageStreamEvent,
)
from pydantic import TypeAdapter

from tests.golden.golden import base64_of, media_bytes, media_in
from tests.golden.streaming import (
    ESCAPED,
    INPUT,
    TEXT,
    WAYS,
    Heard,
    Stream,
    Way,
    assert_light,
    heard_by,
    sized,
    sse,
)

pytestmark = pytest.mark.anyio

EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
USAGE = {"input_tokens": 4, "output_tokens": 1}
PDF = media_bytes("pdf")


def answer(*blocks: tuple[dict[str, Any], list[dict[str, Any]]]) -> Iterator[Any]:
    """A message of these blocks: how each begins, and its deltas."""
    yield RawMessageStartEvent(
        type="message_start",
        message=Message.model_validate(
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": "claude-opus-4-5",
                "content": [],
                "usage": USAGE,
            }
        ),
    )
    for index, (block, deltas) in enumerate(blocks):
        yield RawContentBlockStartEvent.model_validate(
            {"type": "content_block_start", "index": index, "content_block": block}
        )
        for delta in deltas:
            yield RawContentBlockDeltaEvent.model_validate(
                {"type": "content_block_delta", "index": index, "delta": delta}
            )
        yield RawContentBlockStopEvent(type="content_block_stop", index=index)
    yield RawMessageDeltaEvent.model_validate(
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": USAGE}
    )
    yield RawMessageStopEvent(type="message_stop")


def text(parts: list[str]) -> Iterator[Any]:
    thinking = {"type": "thinking", "thinking": "", "signature": ""}
    thought = [
        {"type": "thinking_delta", "thinking": "Hm, a dad."},
        {"type": "signature_delta", "signature": "iVBORw0KGgo" * 40},
    ]
    said = [{"type": "text_delta", "text": part} for part in parts]
    return answer((thinking, thought), ({"type": "text", "text": ""}, said))


def thinking(parts: list[str]) -> Iterator[Any]:
    block = {"type": "thinking", "thinking": "", "signature": ""}
    return answer((block, [{"type": "thinking_delta", "thinking": part} for part in parts]))


def tool_input(parts: list[str]) -> Iterator[Any]:
    """A text, and a tool's input after it."""
    said = [{"type": "text_delta", "text": part} for part in ("I loo", "k at d", "ata.")]
    call = {"type": "tool_use", "id": "toolu_1", "name": "show", "input": {}}
    deltas = [{"type": "input_json_delta", "partial_json": part} for part in ["", *parts]]
    return answer(({"type": "text", "text": ""}, said), (call, deltas))


def encode(value: Any) -> bytes:
    made = EVENT.validate_python(value) if isinstance(value, dict) else value
    return sse(made.to_json(indent=None), made.type)


def client(url: str) -> AsyncAnthropic:
    return AsyncAnthropic(api_key="key", base_url=url, max_retries=0)


async def read(url: str) -> Heard:
    """Read the last block."""
    heard = Heard()
    async with (
        client(url) as anthropic,
        anthropic.messages.stream(model="claude-opus-4-5", max_tokens=9, messages=[]) as stream,
    ):
        async for event in stream:
            heard.events.append(event.to_dict(mode="json", warnings=False))
            if event.type == "content_block_start":
                heard.deltas = ""
            elif event.type == "content_block_delta":
                delta = event.delta.to_dict()
                heard.deltas += delta.get("text") or delta.get("partial_json") or ""
                heard.deltas += delta.get("thinking") or ""
            elif event.type == "content_block_stop":
                heard.wholes[:] = [string_of(event.content_block)]
        message = await stream.get_final_message()
    heard.wholes.append(string_of(message.content[-1]))
    heard.events.append(message.to_dict(mode="json", warnings=False))
    return heard


def string_of(block: Any) -> Any:
    members = {"text": "text", "thinking": "thinking", "tool_use": "input"}
    return getattr(block, members[block.type])


def stream_of(name: str, make: Any, text: str = TEXT) -> Stream:
    return Stream(name=name, make=make, encode=encode, read=read, text=text)


STREAMS = [
    *sized(stream_of("text", text), stream_of("thinking", thinking)),
    *sized(stream_of("input", tool_input, INPUT), stream_of("escaped", tool_input, ESCAPED)),
]


@pytest.mark.parametrize(("stream", "size"), STREAMS, ids=str)
@pytest.mark.parametrize("way", WAYS)
async def test_a_message_has_links(stream: Stream, size: int, way: Way, tmp_path: Path) -> None:
    heard = await assert_light(stream, size, way, tmp_path)
    signatures = [block.get("signature") for block in heard.events[-1]["content"]]
    assert "iVBORw0KGgo" * 40 in signatures or stream.name != "text"


def fetched_page(_parts: list[str]) -> Iterator[Any]:
    """A document that a server's tool fetched: a base64 source, whole in one event."""
    source = {"type": "base64", "media_type": "application/pdf", "data": base64_of(PDF)}
    result = {
        "type": "web_fetch_result",
        "url": "https://example.com/plans.pdf",
        "content": {"type": "document", "title": "plans.pdf", "source": source},
    }
    block = {"type": "web_fetch_tool_result", "tool_use_id": "srvtoolu_1", "content": result}
    return answer((block, []))


def encode_page(value: Any) -> bytes:
    return sse(json.dumps(value), value["type"]) if isinstance(value, dict) else encode(value)


async def read_page(url: str) -> Heard:
    heard = Heard()
    async with (
        client(url) as anthropic,
        anthropic.messages.stream(model="claude-opus-4-5", max_tokens=9, messages=[]) as stream,
    ):
        message = await stream.get_final_message()
    heard.events.append(message.to_dict(mode="json", warnings=False))
    return heard


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("way", WAYS)
async def test_a_base64_source_is_one_by_url(way: Way, tmp_path: Path) -> None:
    # Answers have no type for a document by URL. The SDK's client keeps what it does not know.
    stream = Stream(name="page", make=fetched_page, encode=encode_page, read=read_page)
    heard, fetched, report = await heard_by(stream, list(fetched_page([])), way, tmp_path)
    assert list(media_in(heard.events)) == []
    source = heard.events[0]["content"][0]["content"]["content"]["source"]
    assert source["type"] == "url"
    assert fetched[source["url"]] == PDF
    assert not report.left
