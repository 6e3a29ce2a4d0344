"""Gemini's streams: chunks of the Gen AI SDK's types, read by its own client."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.genai import Client, types

from tests.golden.golden import media_in
from tests.golden.streaming import (
    PICTURE,
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


def chunk(*parts: types.Part, **more: Any) -> types.GenerateContentResponse:
    content = types.Content(role="model", parts=list(parts)) if parts else None
    return types.GenerateContentResponse(
        candidates=[types.Candidate(content=content, index=0, **more)],
        usage_metadata=types.GenerateContentResponseUsageMetadata(prompt_token_count=4),
        model_version="gemini-3",
        response_id="r1",
    )


def text(parts: list[str]) -> Iterator[types.GenerateContentResponse]:
    yield chunk(types.Part(text="Hm, a dad.", thought=True))
    yield from (chunk(types.Part(text=part)) for part in parts)
    yield chunk(types.Part(text=""), finish_reason=types.FinishReason.STOP)


def thoughts(parts: list[str]) -> Iterator[types.GenerateContentResponse]:
    yield from (chunk(types.Part(text=part, thought=True)) for part in parts)
    yield chunk(types.Part(text="I said d"))
    yield chunk(finish_reason=types.FinishReason.STOP)


def arguments(parts: list[str]) -> Iterator[types.GenerateContentResponse]:
    """A call whose arguments come in pieces, each at its JSON path."""
    yield called(types.FunctionCall(name="show", will_continue=True))
    for path in ("$.alt", "$.image"):
        for part in parts if path == "$.image" else ["a ", "d"]:
            argument = types.PartialArg(json_path=path, string_value=part, will_continue=True)
            yield called(types.FunctionCall(partial_args=[argument], will_continue=True))
        ended = types.PartialArg(json_path=path, string_value="")
        yield called(types.FunctionCall(partial_args=[ended], will_continue=True))
    yield called(types.FunctionCall())
    yield chunk(finish_reason=types.FinishReason.STOP)


def called(call: types.FunctionCall) -> types.GenerateContentResponse:
    return chunk(types.Part(function_call=call))


def in_turns(parts: list[str]) -> Iterator[types.GenerateContentResponse]:
    """A text that begins behind a thought, in the same chunk, and goes on alone."""
    yield chunk(types.Part(text="Hm, a d", thought=True), types.Part(text=parts[0]))
    yield from (chunk(types.Part(text=part)) for part in parts[1:])
    yield chunk(finish_reason=types.FinishReason.STOP)


def encode(value: Any) -> bytes:
    made = types.GenerateContentResponse.model_validate(value) if isinstance(value, dict) else value
    return sse(made.model_dump_json(by_alias=True, exclude_none=True))


async def read(url: str) -> Heard:
    """Read the texts, or the thoughts and the arguments."""
    heard = Heard()
    text = thought = argument = ""
    over = {"transport": httpx.AsyncHTTPTransport()}
    options = types.HttpOptions(base_url=url, async_client_args=over)
    async with Client(api_key="key", http_options=options).aio as client:
        chat: Any = client.chats.create(model="gemini-3")
        async for got in await chat.send_message_stream("Look."):
            heard.events.append(got.model_dump(mode="json", by_alias=True, exclude_none=True))
            for part in got.candidates[0].content.parts if got.candidates[0].content else ():
                if part.thought:
                    thought += part.text
                else:
                    text += part.text or ""
                call = part.function_call
                for piece in (call and call.partial_args) or ():
                    argument += piece.string_value if piece.json_path == "$.image" else ""
        history = chat.get_history()
    heard.events.append([said.model_dump(mode="json", exclude_none=True) for said in history])
    heard.deltas = argument or (thought if text == "I said d" else text)
    heard.wholes.append(heard.deltas)
    return heard


def stream_of(name: str, make: Any, text: str = TEXT) -> Stream:
    return Stream(name=name, make=make, encode=encode, read=read, text=text)


STREAMS = [
    *sized(stream_of("text", text), stream_of("thoughts", thoughts)),
    *sized(stream_of("text-behind-a-thought", in_turns)),
    *sized(stream_of("arguments", arguments)),
]


@pytest.mark.parametrize(("stream", "size"), STREAMS, ids=str)
@pytest.mark.parametrize("way", WAYS)
async def test_an_answer_has_links(stream: Stream, size: int, way: Way, tmp_path: Path) -> None:
    await assert_light(stream, size, way, tmp_path)


def painted(_parts: list[str]) -> Iterator[types.GenerateContentResponse]:
    """A picture, whole in one chunk."""
    yield chunk(types.Part(text="Here it is, dad"))
    yield chunk(types.Part.from_bytes(data=PICTURE, mime_type="image/png"))
    yield chunk(types.Part(text=" and on."), finish_reason=types.FinishReason.STOP)


@pytest.mark.parametrize("way", WAYS)
async def test_inline_data_is_a_file(way: Way, tmp_path: Path) -> None:
    stream = stream_of("painted", painted)
    heard, fetched, report = await heard_by(stream, list(painted([])), way, tmp_path)
    assert list(media_in(heard.events)) == []
    assert heard.deltas == "Here it is, dad and on."
    parts = [event["candidates"][0]["content"]["parts"][0] for event in heard.events[:3]]
    assert parts[1]["fileData"]["mimeType"] == "image/png"
    assert fetched[parts[1]["fileData"]["fileUri"]] == PICTURE
    kept = [part for said in heard.events[3] for part in said["parts"] if "file_data" in part]
    assert len(kept) == 1
    assert not report.left
