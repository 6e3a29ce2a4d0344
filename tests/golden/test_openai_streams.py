"""OpenAI's streams: chunks and events of the SDK's types, put together by its own clients."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionChunk
from openai.types.chat.chat_completion_chunk import Choice
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from coatcheck.payload.streaming import offload_stream
from coatcheck.store import MediaStore
from tests.golden.golden import base64_of, media_in
from tests.golden.streaming import (
    BARE,
    ESCAPED,
    INPUT,
    PICTURE,
    SIZES,
    TEXT,
    WAYS,
    Heard,
    Stream,
    Way,
    assert_light,
    heard_by,
    pieces,
    sized,
    sse,
)

pytestmark = pytest.mark.anyio

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def client(url: str) -> AsyncOpenAI:
    return AsyncOpenAI(api_key="key", base_url=url, max_retries=0)


# --- Chat Completions -----------------------------------------------------------------------------


def chunk(delta: Mapping[str, Any] | None, finish: str | None = None) -> ChatCompletionChunk:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return ChatCompletionChunk.model_validate(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1764460800,
            "model": "gpt-5",
            "choices": [] if delta is None else [choice],
            "usage": None
            if delta is not None
            else {"prompt_tokens": 4, "completion_tokens": 5, "total_tokens": 9},
        }
    )


def chat(parts: list[str]) -> Iterator[ChatCompletionChunk]:
    yield chunk({"role": "assistant", "content": ""})
    yield from (chunk({"content": part}) for part in parts)
    yield chunk({}, "stop")
    yield chunk(None)


def refusal(parts: list[str]) -> Iterator[ChatCompletionChunk]:
    yield chunk({"role": "assistant", "refusal": ""})
    yield from (chunk({"refusal": part}) for part in parts)
    yield chunk({}, "stop")


def calls(parts: list[str]) -> Iterator[ChatCompletionChunk]:
    """Two calls; the second one has the media."""

    def call(index: int, arguments: str, **more: Any) -> dict[str, Any]:
        function = {"arguments": arguments, **more.pop("function", {})}
        return {"tool_calls": [{"index": index, "function": function, **more}]}

    for index, name in enumerate(("look", "show")):
        named = {"id": f"call_{index}", "type": "function", "function": {"name": name}}
        yield chunk({"role": "assistant", "content": None, **call(index, "", **named)})
        for part in parts if index else ('{"at"', ': "d"}'):
            yield chunk(call(index, part))
    yield chunk({}, "tool_calls")


def encode_chunk(value: Any) -> bytes:
    made = ChatCompletionChunk.model_validate(value) if isinstance(value, dict) else value
    return sse(made.to_json(indent=None))


async def read_chat(url: str) -> Heard:
    heard = Heard()
    async with (
        client(url) as openai,
        openai.chat.completions.stream(model="gpt-5", messages=[]) as stream,
    ):
        async for event in stream:
            if event.type == "chunk":
                heard.events.append(event.chunk.to_dict(mode="json", warnings=False))
                heard.deltas += "".join(map(delta_of, event.chunk.choices))
            elif event.type == "content.done":
                heard.wholes.append(event.content)
            elif event.type == "refusal.done":
                heard.wholes.append(event.refusal)
            elif event.type == "tool_calls.function.arguments.done" and event.index == 1:
                heard.wholes.append(event.arguments)
        message = (await stream.get_final_completion()).choices[0].message
    arguments = [call.function.arguments for call in (message.tool_calls or [])[1:]]
    heard.wholes += [text for text in (message.content, message.refusal, *arguments) if text]
    heard.events.append(message.to_dict(mode="json", warnings=False))
    return heard


def delta_of(choice: Choice) -> str:
    called = [call.function for call in choice.delta.tool_calls or () if call.index == 1]
    arguments = [function.arguments for function in called if function is not None]
    return "".join(filter(None, [choice.delta.content, choice.delta.refusal, *arguments]))


# --- Responses ------------------------------------------------------------------------------------


def event(kind: str, **members: Any) -> Any:
    return EVENT.validate_python({"type": f"response.{kind}", "sequence_number": 0, **members})


def response(*output: Any, status: str = "completed") -> dict[str, Any]:
    return {
        "id": "resp_1",
        "created_at": 1764460800,
        "model": "gpt-5",
        "object": "response",
        "output": list(output),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "status": status,
    }


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a response, one string of which is streamed.

    Attributes:
        kind: begins the types of its events.
        member: has the string in the event at its end.
        of: the item with this string; without its status.
        place: which says of the events' string where it stands in the item.
        part: the part of the item with this string, if parts have events of their own.
        text: the string.
    """

    kind: str
    member: str
    of: Any
    place: Mapping[str, Any] = field(default_factory=dict)
    part: Any = None
    text: str = INPUT

    def events(self, parts: list[str]) -> Iterator[Any]:
        for number, made in enumerate(self._events(parts)):
            yield made.model_copy(update={"sequence_number": number})

    def _events(self, parts: list[str]) -> Iterator[Any]:
        text = "".join(parts)
        item = {"item_id": "item_1", "output_index": 0}
        place = item | dict(self.place)
        whole = self._item(text, "completed")
        yield event("created", response=response(status="in_progress"))
        yield event("in_progress", response=response(status="in_progress"))
        begun = self._item("", "in_progress")
        if self.part is not None:
            begun["content"] = []
        yield event("output_item.added", output_index=0, item=begun)
        if self.part is not None:
            yield event("content_part.added", **place, part=self.part(""))
        extra: dict[str, Any] = {"logprobs": []} if self.kind == "output_text" else {}
        for part in parts:
            yield event(f"{self.kind}.delta", **place, **extra, delta=part)
        yield event(f"{self.kind}.done", **place, **extra, **{self.member: text})
        if self.part is not None:
            yield event("content_part.done", **place, part=self.part(text))
        yield event("output_item.done", output_index=0, item=whole)
        yield event("completed", response=response(whole))

    def _item(self, text: str, status: str) -> dict[str, Any]:
        return {"id": "item_1", "status": status, **self.of(text)}


def message(part: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [part]}


def output_text(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def refused(text: str) -> dict[str, Any]:
    return {"type": "refusal", "refusal": text}


IN_CONTENT = {"content_index": 0}
ITEMS = [
    Item(
        "output_text",
        "text",
        lambda text: message(output_text(text)),
        IN_CONTENT,
        output_text,
        text=TEXT,
    ),
    Item(
        "refusal",
        "refusal",
        lambda text: message(refused(text)),
        IN_CONTENT,
        refused,
        text=TEXT,
    ),
    Item(
        "reasoning_text",
        "text",
        lambda text: {
            "type": "reasoning",
            "summary": [],
            "content": [{"type": "reasoning_text", "text": text}],
        },
        IN_CONTENT,
        text=TEXT,
    ),
    Item(
        "reasoning_summary_text",
        "text",
        lambda text: {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}]},
        {"summary_index": 0},
        text=TEXT,
    ),
    Item(
        "function_call_arguments",
        "arguments",
        lambda text: {
            "type": "function_call",
            "call_id": "call_1",
            "name": "show",
            "arguments": text,
        },
    ),
    Item(
        "mcp_call_arguments",
        "arguments",
        lambda text: {
            "type": "mcp_call",
            "name": "show",
            "server_label": "painter",
            "arguments": text,
        },
    ),
    Item(
        "custom_tool_call_input",
        "input",
        lambda text: {
            "type": "custom_tool_call",
            "call_id": "call_1",
            "name": "show",
            "input": text,
        },
    ),
    Item(
        "code_interpreter_call_code",
        "code",
        lambda text: {
            "type": "code_interpreter_call",
            "container_id": "cntr_1",
            "code": text,
            "outputs": [],
        },
        text=TEXT,
    ),
]


def encode_event(value: Any) -> bytes:
    made = EVENT.validate_python(value) if isinstance(value, dict) else value
    return sse(made.to_json(indent=None), made.type)


def reader(item: Item) -> Any:
    async def read(url: str) -> Heard:
        heard = Heard()
        async with (
            client(url) as openai,
            openai.responses.stream(model="gpt-5", input="Look.") as stream,
        ):
            async for received in stream:
                heard.events.append(received.to_dict(mode="json", warnings=False))
                heard.numbers.append(received.sequence_number)
                if received.type == f"response.{item.kind}.delta":
                    heard.deltas += str(getattr(received, "delta", None))
                if received.type == f"response.{item.kind}.done":
                    heard.wholes.append(getattr(received, item.member))
                if received.type == "response.output_item.done":
                    heard.wholes.append(string_of(item, received.item))
            final = await stream.get_final_response()
        heard.wholes.append(string_of(item, final.output[0]))
        heard.events.append(final.to_dict(mode="json", warnings=False))
        return heard

    return read


def string_of(item: Item, made: Any) -> str:
    """The string of an item of an answer."""
    (string,) = [
        text
        for value in [
            made,
            *(getattr(made, "content", None) or getattr(made, "summary", None) or ()),
        ]
        if isinstance(text := getattr(value, item.member, None), str)
    ]
    return string


def completion(name: str, make: Any, text: str = TEXT) -> Stream:
    return Stream(
        name=name, make=make, encode=encode_chunk, read=read_chat, end=sse("[DONE]"), text=text
    )


COMPLETIONS = [
    *sized(completion("content", chat), completion("refusal", refusal)),
    *sized(completion("arguments", calls, INPUT), completion("escaped", calls, ESCAPED)),
]
RESPONSES = sized(
    *(
        Stream(
            name=item.kind,
            make=item.events,
            encode=encode_event,
            read=reader(item),
            text=item.text,
        )
        for item in ITEMS
    )
)


@pytest.mark.parametrize(("stream", "size"), COMPLETIONS, ids=str)
@pytest.mark.parametrize("way", WAYS)
async def test_a_completion_has_links(stream: Stream, size: int, way: Way, tmp_path: Path) -> None:
    await assert_light(stream, size, way, tmp_path)


@pytest.mark.parametrize(("stream", "size"), RESPONSES, ids=str)
@pytest.mark.parametrize("way", WAYS)
async def test_a_response_has_links_and_its_numbers_no_gap(
    stream: Stream, size: int, way: Way, tmp_path: Path
) -> None:
    heard = await assert_light(stream, size, way, tmp_path)
    assert heard.numbers == list(range(len(heard.numbers)))
    assert len(heard.numbers) > 5


@pytest.mark.parametrize("size", SIZES)
async def test_bare_base64_in_a_text_is_a_link_too(size: int, tmp_path: Path) -> None:
    bare = completion("bare", chat, BARE)
    await assert_light(bare, size, "offload_stream", tmp_path, bare="url")


def drawn(_parts: list[str]) -> Iterator[Any]:
    """Two drafts of a picture and the picture."""
    item = {"id": "ig_1", "type": "image_generation_call"}
    whole = {**item, "status": "completed", "result": base64_of(PICTURE), "output_format": "png"}
    begun = {**item, "status": "in_progress", "result": None}
    drafts = [
        event(
            "image_generation_call.partial_image",
            item_id="ig_1",
            output_index=0,
            partial_image_index=index,
            partial_image_b64=base64_of(PICTURE),
        )
        for index in range(2)
    ]
    events = [
        event("created", response=response(status="in_progress")),
        event("output_item.added", output_index=0, item=begun),
        *drafts,
        event("output_item.done", output_index=0, item=whole),
        event("completed", response=response(whole)),
    ]
    for number, made in enumerate(events):
        yield made.model_copy(update={"sequence_number": number})


async def read_drawn(url: str) -> Heard:
    heard = Heard()
    async with (
        client(url) as openai,
        openai.responses.stream(model="gpt-5", input="Draw.") as stream,
    ):
        async for received in stream:
            heard.events.append(received.to_dict(mode="json", warnings=False))
            heard.numbers.append(received.sequence_number)
            if received.type == "response.image_generation_call.partial_image":
                members = received.to_dict()
                heard.wholes.append((members["partial_image_b64"], members["mediaReference"]))
        call: Any = (await stream.get_final_response()).output[0]
    heard.wholes.append((call.result, call.mediaReference))
    return heard


@pytest.mark.parametrize("way", WAYS)
async def test_drafts_and_the_picture_are_references(way: Way, tmp_path: Path) -> None:
    stream = Stream(name="drawn", make=drawn, encode=encode_event, read=read_drawn)
    heard, fetched, report = await heard_by(stream, list(drawn([])), way, tmp_path)
    assert list(media_in(heard.events)) == []
    assert [carried for carried, _ in heard.wholes] == ["", "", None]
    references = [reference for _, reference in heard.wholes]
    assert len({reference["id"] for reference in references}) == 1
    assert [fetched[reference["url"]] for reference in references] == [PICTURE] * 3
    assert heard.numbers == list(range(6))
    assert not report.left


def transcribed(text: str, number: int) -> Any:
    made = event("audio.transcript.delta", delta=text)
    return made.model_copy(update={"sequence_number": number})


def commanded(text: str, number: int) -> Any:
    """Two commands take turns."""
    made = event("shell_call_command.delta", delta=text, command_index=number % 2, output_index=0)
    return made.model_copy(update={"sequence_number": number})


def printed(text: str, number: int) -> Any:
    made = event(
        "shell_call_output_content.delta",
        delta={"stdout": text},
        command_index=number % 2,
        item_id="item_1",
        output_index=0,
    )
    return made.model_copy(update={"sequence_number": number})


@pytest.mark.parametrize("make", [transcribed, commanded, printed])
async def test_deltas_that_no_client_joins_have_links_too(
    make: Callable[[str, int], Any], store: MediaStore
) -> None:
    strings = [TEXT] if make is transcribed else [TEXT, ("On and on. " * len(TEXT))[: len(TEXT)]]

    async def events() -> AsyncIterator[Any]:
        for number, text in enumerate(taking_turns(strings)):
            yield make(text, number)

    got = ["", ""]
    numbers = []
    async for chunk in offload_stream(events(), store, form="ui"):
        made = EVENT.validate_python(chunk) if isinstance(chunk, dict) else chunk
        numbers.append(made.sequence_number)
        delta = made.delta if isinstance(made.delta, str) else made.delta.stdout
        got[getattr(made, "command_index", 0)] += delta
    assert numbers == list(range(len(numbers)))
    assert list(media_in(got[0])) == []
    assert got[0].count("/api/media/image/") == 2
    assert got[1] == (strings[1] if len(strings) > 1 else "")


def taking_turns(strings: list[str]) -> Iterator[str]:
    """Pieces of the strings, one of each in turn; none ends inside of "data:image/png"."""
    for parts in zip(*(pieces(text, 64) for text in strings), strict=True):
        yield from parts
