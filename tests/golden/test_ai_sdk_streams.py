"""AI SDK's UI message stream: written and read by the npm package, and written by pydantic-ai."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio
import httpx
import pytest
from pydantic_ai.ui.vercel_ai.response_types import (
    BaseChunk,
    FinishChunk,
    ReasoningDeltaChunk,
    ReasoningEndChunk,
    ReasoningStartChunk,
    StartChunk,
    TextDeltaChunk,
    TextEndChunk,
    TextStartChunk,
    ToolInputAvailableChunk,
    ToolInputDeltaChunk,
    ToolInputStartChunk,
)

from tests.golden.streaming import (
    ESCAPED,
    INPUT,
    SIZES,
    TEXT,
    WAYS,
    Heard,
    Stream,
    Way,
    assert_light,
    pieces,
    sized,
    sse,
)

pytestmark = pytest.mark.anyio

WEB: Final = Path(__file__).parents[2] / "web"

# Writes what a server with `streamText` answers when a model streams these parts.
WRITE: Final = """
import { jsonSchema, simulateReadableStream, streamText, tool } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { json } from "node:stream/consumers";

const chunks = await json(process.stdin);
const stream = simulateReadableStream({ chunks, initialDelayInMs: null, chunkDelayInMs: null });
const result = streamText({
  model: new MockLanguageModelV4({ doStream: async () => ({ stream }) }),
  prompt: "Look.",
  tools: { show: tool({ inputSchema: jsonSchema({ type: "object" }) }) },
});
console.log(await result.toUIMessageStreamResponse({ sendReasoning: true }).text());
"""

# Reads a body as `useChat` does: events, checked by their schema, and then the message.
READ: Final = """
import { parseJsonEventStream, readUIMessageStream, uiMessageChunkSchema } from "ai";
import { Readable } from "node:stream";

const stream = Readable.toWeb(process.stdin);
const chunks = [];
const checked = parseJsonEventStream({ stream, schema: uiMessageChunkSchema }).pipeThrough(
  new TransformStream({
    transform(result, controller) {
      if (!result.success) throw result.error;
      chunks.push(result.value);
      controller.enqueue(result.value);
    },
  }),
);
let message;
for await (message of readUIMessageStream({ stream: checked, terminateOnError: true })) {
  // Each is the message so far.
}
console.log(JSON.stringify({ chunks, message }));
"""


async def node(script: str, text: bytes) -> bytes:
    command = ["node", "--no-warnings", "--input-type=module", "--eval", script]
    done = await anyio.run_process(command, input=text, cwd=WEB)
    return done.stdout


def model_stream(kind: str, parts: list[str]) -> list[dict[str, Any]]:
    """What a model provider of the AI SDK streams."""
    usage = {"inputTokens": {"total": 4}, "outputTokens": {"total": 5}}
    middle: list[dict[str, Any]] = [{"type": f"{kind}-start", "id": "1", "toolName": "show"}]
    middle += [{"type": f"{kind}-delta", "id": "1", "delta": part} for part in parts]
    middle.append({"type": f"{kind}-end", "id": "1"})
    if kind == "tool-input":
        call = {"toolCallId": "1", "toolName": "show", "input": "".join(parts)}
        middle.append({"type": "tool-call", **call})
    reason = "tool-calls" if kind == "tool-input" else "stop"
    finish = {"type": "finish", "usage": usage, "finishReason": {"unified": reason}}
    return [{"type": "stream-start", "warnings": []}, *middle, finish]


async def written(kind: str, parts: list[str]) -> list[str]:
    """The data of the events that `streamText` makes of it."""
    body = await node(WRITE, json.dumps(model_stream(kind, parts)).encode())
    return [event.removeprefix("data: ") for event in body.decode().split("\n\n") if event.strip()]


async def read(url: str) -> Heard:
    async with httpx.AsyncClient() as client:
        body = (await client.post(url)).content
    got = json.loads(await node(READ, body))
    heard = Heard(events=[*got["chunks"], got["message"]])
    for chunk in got["chunks"]:
        heard.deltas += chunk.get("delta", chunk.get("inputTextDelta", ""))
        if chunk["type"] == "tool-input-available":
            heard.wholes.append(chunk["input"])
    part = got["message"]["parts"][-1]
    heard.wholes.append(part["input"] if "input" in part else part["text"])
    return heard


def encode(value: Any) -> bytes:
    if isinstance(value, BaseChunk):
        return sse(value.encode(sdk_version=6))
    return sse(value if isinstance(value, str) else json.dumps(value))


KINDS = {
    "text": ("text", TEXT),
    "reasoning": ("reasoning", TEXT),
    "input": ("tool-input", INPUT),
    "escaped": ("tool-input", ESCAPED),
}


@pytest.mark.parametrize(
    ("name", "size"),
    [*(("text", size) for size in SIZES), *((name, SIZES[0]) for name in KINDS if name != "text")],
)
@pytest.mark.parametrize("way", WAYS)
async def test_what_the_ai_sdk_writes_and_reads_has_links(
    name: str, size: int, way: Way, tmp_path: Path
) -> None:
    kind, text = KINDS[name]
    data = await written(kind, pieces(text, size))
    assert data[-1] == "[DONE]"
    events = [json.loads(event) for event in data[:-1]]
    stream = Stream(
        name=name, make=lambda _: events, encode=encode, read=read, end=sse("[DONE]"), text=text
    )
    await assert_light(stream, size, way, tmp_path)


def text_chunks(parts: list[str]) -> Iterator[BaseChunk]:
    yield StartChunk(message_id="m")
    yield TextStartChunk(id="t")
    yield from (TextDeltaChunk(id="t", delta=part) for part in parts)
    yield TextEndChunk(id="t")
    yield FinishChunk(finish_reason="stop")


def reasoning_chunks(parts: list[str]) -> Iterator[BaseChunk]:
    yield StartChunk(message_id="m")
    yield ReasoningStartChunk(id="t")
    yield from (ReasoningDeltaChunk(id="t", delta=part) for part in parts)
    yield ReasoningEndChunk(id="t")
    yield FinishChunk(finish_reason="stop")


def input_chunks(parts: list[str]) -> Iterator[BaseChunk]:
    yield StartChunk(message_id="m")
    yield ToolInputStartChunk(tool_call_id="c", tool_name="show")
    for part in parts:
        yield ToolInputDeltaChunk(tool_call_id="c", input_text_delta=part)
    whole = json.loads("".join(parts))
    yield ToolInputAvailableChunk(tool_call_id="c", tool_name="show", input=whole)
    yield FinishChunk(finish_reason="tool-calls")


chunks = partial(Stream, encode=encode, read=read, end=sse("[DONE]"))
CHUNKS = [
    *sized(
        chunks(name="text", make=text_chunks, text=TEXT),
        chunks(name="reasoning", make=reasoning_chunks, text=TEXT),
    ),
    *sized(chunks(name="input", make=input_chunks, text=INPUT)),
]


@pytest.mark.parametrize(("stream", "size"), CHUNKS, ids=str)
@pytest.mark.parametrize("way", WAYS)
async def test_what_pydantic_ai_writes_and_the_ai_sdk_reads_has_links(
    stream: Stream, size: int, way: Way, tmp_path: Path
) -> None:
    await assert_light(stream, size, way, tmp_path)
