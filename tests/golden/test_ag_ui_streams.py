"""AG-UI's streams: events that its encoder writes and its own types read."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from ag_ui.core import (
    BaseEvent,
    Event,
    ReasoningMessageContentEvent,
    ReasoningMessageEndEvent,
    ReasoningMessageStartEvent,
    RunFinishedEvent,
    RunStartedEvent,
    StateDeltaEvent,
    TextMessageChunkEvent,
    TextMessageContentEvent,
    TextMessageEndEvent,
    TextMessageStartEvent,
    ToolCallArgsEvent,
    ToolCallChunkEvent,
    ToolCallEndEvent,
    ToolCallStartEvent,
)
from ag_ui.encoder import EventEncoder
from pydantic import TypeAdapter

from tests.golden.streaming import (
    ESCAPED,
    INPUT,
    TEXT,
    URI,
    WAYS,
    Heard,
    Stream,
    Way,
    assert_light,
    heard_by,
    pieces,
    sized,
)

pytestmark = pytest.mark.anyio

EVENT: TypeAdapter[Any] = TypeAdapter(Event)


def run(*events: BaseEvent) -> Iterator[BaseEvent]:
    """A run, in the middle of whose message the state changes."""
    middle = len(events) // 2
    yield RunStartedEvent(thread_id="t", run_id="r")
    yield from events[:middle]
    yield StateDeltaEvent(delta=[{"op": "replace", "path": "/d", "value": "data"}])
    yield from events[middle:]
    yield RunFinishedEvent(thread_id="t", run_id="r")


def text(parts: list[str]) -> Iterator[BaseEvent]:
    return run(
        TextMessageStartEvent(message_id="m", role="assistant"),
        *(TextMessageContentEvent(message_id="m", delta=part) for part in parts),
        TextMessageEndEvent(message_id="m"),
    )


def text_chunks(parts: list[str]) -> Iterator[BaseEvent]:
    """A message that begins and ends without events of its own."""
    first, *others = parts
    return run(
        TextMessageChunkEvent(message_id="m", role="assistant", delta=first),
        *(TextMessageChunkEvent(delta=part) for part in others),
    )


def reasoning(parts: list[str]) -> Iterator[BaseEvent]:
    return run(
        ReasoningMessageStartEvent(message_id="m", role="reasoning"),
        *(ReasoningMessageContentEvent(message_id="m", delta=part) for part in parts),
        ReasoningMessageEndEvent(message_id="m"),
    )


def arguments(parts: list[str]) -> Iterator[BaseEvent]:
    return run(
        ToolCallStartEvent(tool_call_id="c", tool_call_name="show"),
        *(ToolCallArgsEvent(tool_call_id="c", delta=part) for part in parts),
        ToolCallEndEvent(tool_call_id="c"),
    )


def argument_chunks(parts: list[str]) -> Iterator[BaseEvent]:
    first, *others = parts
    return run(
        ToolCallChunkEvent(tool_call_id="c", tool_call_name="show", delta=first),
        *(ToolCallChunkEvent(delta=part) for part in others),
    )


def encode(value: Any) -> bytes:
    made = EVENT.validate_python(value) if isinstance(value, dict) else value
    return str(EventEncoder().encode(made)).encode()


async def read(url: str) -> Heard:
    heard = Heard()
    async with httpx.AsyncClient() as client, client.stream("POST", url) as response:
        async for line in response.aiter_lines():
            if line:
                event = EVENT.validate_json(line.removeprefix("data: "))
                heard.events.append(json.loads(event.model_dump_json(by_alias=True)))
                if event.type != "STATE_DELTA":
                    heard.deltas += getattr(event, "delta", None) or ""
    heard.wholes.append(heard.deltas)
    return heard


stream = partial(Stream, encode=encode, read=read)
STREAMS = [
    *sized(
        stream(name="text", make=text, text=TEXT),
        stream(name="text-chunks", make=text_chunks, text=TEXT),
        stream(name="reasoning", make=reasoning, text=TEXT),
    ),
    *sized(
        stream(name="arguments", make=arguments, text=INPUT),
        stream(name="argument-chunks", make=argument_chunks, text=INPUT),
        stream(name="escaped", make=arguments, text=ESCAPED),
    ),
]


@pytest.mark.parametrize(("stream", "size"), STREAMS, ids=str)
@pytest.mark.parametrize("way", WAYS)
async def test_a_run_has_links(stream: Stream, size: int, way: Way, tmp_path: Path) -> None:
    await assert_light(stream, size, way, tmp_path)


def said(texts: list[str]) -> Iterator[BaseEvent]:
    """Messages in chunks, of which only the first has the id."""
    for name, text in zip("abcd", texts, strict=True):
        first, *others = pieces(text, 20)
        yield TextMessageChunkEvent(message_id=name, role="assistant", delta=first)
        yield from (TextMessageChunkEvent(delta=part) for part in others)


async def test_a_message_ends_where_another_one_begins(tmp_path: Path) -> None:
    texts = [f"A picture: {URI}", "Not d", f"d, {URI}", "and on"]
    light = stream(name="messages", make=said, text=TEXT)
    heard, fetched, report = await heard_by(light, list(said(texts)), "wrap", tmp_path)
    (link,) = fetched
    got: dict[str, str] = {}
    name = ""
    for event in heard.events:
        name = event.get("messageId", name)
        got[name] = got.get(name, "") + event["delta"]
    assert got == {name: text.replace(URI, link) for name, text in zip("abcd", texts, strict=True)}
    assert report.offloaded == 2
