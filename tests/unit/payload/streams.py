"""Streams of the frameworks: one string of each, in pieces, and how a client puts it together."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Events = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Stream:
    """How a framework streams a string.

    Attributes:
        events: the events for a string in these pieces, its end and its repetition included.
        text: what a client has of the events in the end.
        whole: what an event at the end says that the string is; None where none does.
    """

    events: Callable[[list[str]], Events]
    text: Callable[[Events], str]
    whole: Callable[[Events], str | None] = lambda _events: None


def pieces(text: str, size: int) -> list[str]:
    """A text in pieces of this length."""
    return [text[start : start + size] for start in range(0, len(text), size)]


def chat(parts: list[str]) -> Events:
    """OpenAI Chat Completions."""

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1764460800,
            "model": "gpt",
            "choices": [choice],
        }

    return [
        chunk({"role": "assistant", "content": ""}),
        *(chunk({"content": part}) for part in parts),
        chunk({}, "stop"),
        {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [], "usage": {"n": 1}},
    ]


def chat_text(events: Events) -> str:
    deltas = [choice["delta"] for event in events for choice in event["choices"]]
    return "".join(delta.get("content") or "" for delta in deltas)


def chat_calls(parts: list[str]) -> Events:
    """OpenAI Chat Completions, the arguments of a tool call."""

    def chunk(call: dict[str, Any]) -> dict[str, Any]:
        delta = {"tool_calls": [{"index": 0, **call}]}
        return {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}

    function = {"name": "show", "arguments": parts[0]}
    return [
        chunk({"id": "call_1", "type": "function", "function": function}),
        *(chunk({"function": {"arguments": part}}) for part in parts[1:]),
        {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
    ]


def chat_calls_text(events: Events) -> str:
    calls = [
        call
        for event in events
        for choice in event["choices"]
        for call in choice["delta"].get("tool_calls", ())
    ]
    return "".join(call["function"]["arguments"] for call in calls)


def responses(parts: list[str]) -> Events:
    """OpenAI Responses: numbered, its text again in two more events and in the last one."""
    place: dict[str, Any] = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    text = "".join(parts)
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {"id": "msg_1", "type": "message", "content": [part]}
    events: Events = [
        {"type": "response.created", "response": {"id": "resp_1"}},
        {"type": "response.output_item.added", "output_index": 0, "item": {"id": "msg_1"}},
        *({"type": "response.output_text.delta", **place, "delta": part} for part in parts),
        {"type": "response.output_text.done", **place, "text": text},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {"id": "resp_1", "output": [item]}},
    ]
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def responses_calls(parts: list[str]) -> Events:
    """OpenAI Responses, the arguments of a function call."""
    place: dict[str, Any] = {"item_id": "fc_1", "output_index": 0}
    kind = "response.function_call_arguments"
    events: Events = [
        *({"type": f"{kind}.delta", **place, "delta": part} for part in parts),
        {"type": f"{kind}.done", **place, "arguments": "".join(parts)},
    ]
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def deltas_text(events: Events) -> str:
    return "".join(event["delta"] for event in events if isinstance(event.get("delta"), str))


def done_text(events: Events) -> str:
    (done,) = [event for event in events if event["type"].endswith(("_text.done", "ments.done"))]
    return str(done.get("text") or done["arguments"])


def anthropic(parts: list[str]) -> Events:
    """Anthropic's Messages, a text."""
    return _anthropic("text_delta", "text", {"type": "text", "text": ""}, parts)


def anthropic_input(parts: list[str]) -> Events:
    """Anthropic's Messages, the input of a tool."""
    block = {"type": "tool_use", "id": "toolu_1", "name": "show", "input": {}}
    return _anthropic("input_json_delta", "partial_json", block, parts)


def _anthropic(kind: str, member: str, block: dict[str, Any], parts: list[str]) -> Events:
    deltas = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": kind, member: part}}
        for part in parts
    ]
    deltas.insert(len(deltas) // 2, {"type": "ping"})
    return [
        {"type": "content_block_start", "index": 0, "content_block": block},
        *deltas,
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"n": 1}},
        {"type": "message_stop"},
    ]


def anthropic_text(events: Events) -> str:
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    return "".join(delta.get("text", delta.get("partial_json")) for delta in deltas)


def gemini(parts: list[str]) -> Events:
    """Gemini's streamGenerateContent."""
    return [
        {
            "candidates": [{"content": {"parts": [{"text": part}], "role": "model"}, "index": 0}],
            "usageMetadata": {"promptTokenCount": 4, "totalTokenCount": 4 + number},
            "modelVersion": "gemini",
            "responseId": "r",
        }
        for number, part in enumerate(parts)
    ] + [{"candidates": [{"finishReason": "STOP", "index": 0}], "responseId": "r"}]


def gemini_text(events: Events) -> str:
    contents = [event["candidates"][0].get("content", {"parts": []}) for event in events]
    return "".join(part["text"] for content in contents for part in content["parts"])


def ai_sdk(parts: list[str]) -> Events:
    """AI SDK's UI message stream, a text."""
    return [
        {"type": "start", "messageId": "m"},
        {"type": "text-start", "id": "t"},
        *({"type": "text-delta", "id": "t", "delta": part} for part in parts),
        {"type": "text-end", "id": "t"},
        {"type": "finish"},
    ]


def ai_sdk_input(parts: list[str]) -> Events:
    """AI SDK's UI message stream, the input of a tool."""
    call = {"toolCallId": "c", "toolName": "show"}
    return [
        {"type": "tool-input-start", **call},
        *({"type": "tool-input-delta", "toolCallId": "c", "inputTextDelta": p} for p in parts),
        {"type": "tool-input-available", **call, "input": _loaded("".join(parts))},
        {"type": "tool-output-available", "toolCallId": "c", "output": _loaded("".join(parts))},
    ]


def ai_sdk_input_text(events: Events) -> str:
    return "".join(event.get("inputTextDelta", "") for event in events)


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def ag_ui(parts: list[str]) -> Events:
    """AG-UI, a text: an empty delta is none that its schema allows."""
    return [
        {"type": "TEXT_MESSAGE_START", "messageId": "m", "role": "assistant"},
        *({"type": "TEXT_MESSAGE_CONTENT", "messageId": "m", "delta": part} for part in parts),
        {"type": "TEXT_MESSAGE_END", "messageId": "m"},
        {"type": "RUN_FINISHED", "threadId": "t", "runId": "r"},
    ]


def ag_ui_args(parts: list[str]) -> Events:
    """AG-UI, the arguments of a tool call."""
    return [
        {"type": "TOOL_CALL_START", "toolCallId": "c", "toolCallName": "show"},
        *({"type": "TOOL_CALL_ARGS", "toolCallId": "c", "delta": part} for part in parts),
        {"type": "TOOL_CALL_END", "toolCallId": "c"},
    ]


def own(parts: list[str]) -> Events:
    """An application's own: a name that says nothing."""
    return [{"run": 7, "out": {"x": part}} for part in parts] + [{"run": 7, "over": True}]


def own_text(events: Events) -> str:
    return "".join(event["out"]["x"] for event in events if "out" in event)


def tokens(parts: list[str]) -> Events:
    """An application's own: a name that says that it is a piece."""
    return [{"token": part} for part in parts] + [{"done": True}]


def tokens_text(events: Events) -> str:
    return "".join(event.get("token", "") for event in events)


TEXTS: dict[str, Stream] = {
    "chat": Stream(chat, chat_text),
    "responses": Stream(responses, deltas_text, done_text),
    "anthropic": Stream(anthropic, anthropic_text),
    "gemini": Stream(gemini, gemini_text),
    "ai_sdk": Stream(ai_sdk, deltas_text),
    "ag_ui": Stream(ag_ui, deltas_text),
    "own": Stream(own, own_text),
    "tokens": Stream(tokens, tokens_text),
}
"""Those that stream a text."""

ARGUMENTS: dict[str, Stream] = {
    "chat": Stream(chat_calls, chat_calls_text),
    "responses": Stream(responses_calls, deltas_text, done_text),
    "anthropic": Stream(anthropic_input, anthropic_text),
    "ai_sdk": Stream(ai_sdk_input, ai_sdk_input_text),
    "ag_ui": Stream(ag_ui_args, deltas_text),
}
"""Those that stream a tool's input, which is JSON."""


def sse(events: Events) -> Iterator[bytes]:
    """The events as server-sent ones."""
    for event in events:
        name = f"event: {event['type']}\n" if "type" in event else ""
        yield f"{name}data: {json.dumps(event, separators=(',', ':'))}\n\n".encode()


def sse_events(body: bytes) -> Events:
    """What server-sent events say."""
    lines = body.decode().splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
