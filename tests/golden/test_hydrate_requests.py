"""Hydrated requests: valid by each SDK's own types, and sent by its real client as meant."""

import io
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import anthropic
import httpx
import openai
import pytest
from anthropic.types import MessageParam
from google.genai import Client, types
from google.genai.errors import ClientError
from openai.types.chat import ChatCompletionMessageParam
from openai.types.responses import ResponseInputItemParam
from PIL import Image
from pydantic import TypeAdapter

from coatcheck.payload.hydrate import hydrate
from coatcheck.payload.hydration.policies import latest, never, stable
from coatcheck.payload.hydration.providers import ProviderName
from coatcheck.reference import MediaReference
from coatcheck.store import MediaStore
from coatcheck.variants import VariantSpec
from tests.golden.golden import media_bytes, media_in
from tests.golden.loopback import recording
from tests.media import image_bytes, png_bytes

pytestmark = pytest.mark.anyio

CHAT: TypeAdapter[Any] = TypeAdapter(list[ChatCompletionMessageParam])
RESPONSES: TypeAdapter[Any] = TypeAdapter(list[ResponseInputItemParam])
ANTHROPIC: TypeAdapter[Any] = TypeAdapter(list[MessageParam])
GEMINI: TypeAdapter[Any] = TypeAdapter(list[types.Content])

Send = Callable[[list[Any]], Awaitable[Any]]


async def sent_to_chat(messages: list[Any]) -> Any:
    consume(CHAT.validate_python(messages))
    async with (
        recording() as recorder,
        openai.AsyncOpenAI(api_key="key", base_url=recorder.url, max_retries=0) as client,
    ):
        with pytest.raises(openai.BadRequestError):
            await client.chat.completions.create(model="gpt-5", messages=messages)
    return recorder.bodies[0]["messages"]


async def sent_to_responses(messages: list[Any]) -> Any:
    consume(RESPONSES.validate_python(messages))
    async with (
        recording() as recorder,
        openai.AsyncOpenAI(api_key="key", base_url=recorder.url, max_retries=0) as client,
    ):
        with pytest.raises(openai.BadRequestError):
            await client.responses.create(model="gpt-5", input=messages)
    return recorder.bodies[0]["input"]


async def sent_to_anthropic(messages: list[Any]) -> Any:
    consume(ANTHROPIC.validate_python(messages))
    async with (
        recording() as recorder,
        anthropic.AsyncAnthropic(api_key="key", base_url=recorder.url, max_retries=0) as client,
    ):
        with pytest.raises(anthropic.BadRequestError):
            await client.messages.create(model="claude-opus-4-5", max_tokens=1, messages=messages)
    return recorder.bodies[0]["messages"]


async def sent_to_gemini(messages: list[Any]) -> Any:
    GEMINI.validate_python(messages)
    async with recording() as recorder:
        # Over httpx: other frameworks bring aiohttp, which warns of how this SDK uses it.
        over = {"transport": httpx.AsyncHTTPTransport()}
        options = types.HttpOptions(base_url=recorder.url, async_client_args=over)
        async with Client(api_key="key", http_options=options).aio as client:
            with pytest.raises(ClientError):
                await client.models.generate_content(model="gemini-3", contents=messages)
    return recorder.bodies[0]["contents"]


def consume(value: Any) -> None:
    """Pydantic validates the SDKs' iterables lazily: this makes it look at all of them."""
    if isinstance(value, dict):
        for member in value.values():
            consume(member)
    elif isinstance(value, Iterator | list):
        for item in value:
            consume(item)


def chat(picture: MediaReference, drawn: MediaReference, pdf: MediaReference) -> list[Any]:
    function = {"name": "draw", "arguments": "{}"}
    return [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look."},
                {"type": "image_url", "image_url": {"url": picture.uri, "detail": "high"}},
                pdf.to_stored(),
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": function},
                {"id": "c2", "type": "function", "function": function},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": json.dumps(drawn.to_stored())},
        {"role": "tool", "tool_call_id": "c2", "content": "nothing"},
    ]


def responses(picture: MediaReference, drawn: MediaReference, pdf: MediaReference) -> list[Any]:
    call = {"type": "function_call", "name": "draw", "arguments": "{}"}
    return [
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Look."},
                {"type": "input_image", "image_url": picture.uri, "detail": "high"},
                {"type": "input_file", "file_url": pdf.uri, "filename": "plans.pdf"},
            ],
        },
        {**call, "call_id": "c1"},
        {**call, "call_id": "c2"},
        {"type": "function_call_output", "call_id": "c1", "output": [drawn.to_stored()]},
        {
            "type": "function_call_output",
            "call_id": "c2",
            "output": json.dumps({"same": drawn.to_stored()}),
        },
    ]


def claude(picture: MediaReference, drawn: MediaReference, pdf: MediaReference) -> list[Any]:
    use = {"type": "tool_use", "name": "draw", "input": {}}
    return [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look."},
                {
                    "type": "image",
                    "source": {"type": "url", "url": picture.uri},
                    "cache_control": {"type": "ephemeral"},
                },
                {"type": "document", "source": {"type": "url", "url": pdf.uri}, "title": "plans"},
            ],
        },
        {"role": "assistant", "content": [{**use, "id": "c1"}, {**use, "id": "c2"}]},
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "c1",
                    "content": json.dumps({"same": drawn.to_stored()}),
                },
                {"type": "tool_result", "tool_use_id": "c2", "content": [drawn.to_stored()]},
            ],
        },
    ]


def gemini(picture: MediaReference, drawn: MediaReference, pdf: MediaReference) -> list[Any]:
    call = {"functionCall": {"name": "draw", "args": {}}}
    return [
        {
            "role": "user",
            "parts": [
                {"text": "Look."},
                {"fileData": {"fileUri": picture.uri, "mimeType": "image/png"}},
                {"file_data": {"file_uri": pdf.uri, "mime_type": "application/pdf"}},
            ],
        },
        {"role": "model", "parts": [call, call]},
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "draw", "response": {"image": drawn.to_stored()}}},
                {
                    "functionResponse": {
                        "name": "draw",
                        "response": {"ok": True},
                        "parts": [{"fileData": {"fileUri": drawn.uri, "mimeType": "image/png"}}],
                    }
                },
            ],
        },
    ]


EACH = pytest.mark.parametrize(
    ("provider", "talk", "send"),
    [
        ("openai", chat, sent_to_chat),
        ("openai-responses", responses, sent_to_responses),
        ("anthropic", claude, sent_to_anthropic),
        ("gemini", gemini, sent_to_gemini),
    ],
)
Talk = Callable[[MediaReference, MediaReference, MediaReference], list[Any]]


@EACH
async def test_an_sdk_takes_a_hydrated_request_and_sends_the_original_bytes(
    store: MediaStore, provider: ProviderName, talk: Talk, send: Send
) -> None:
    picture, drawn, pdf = media_bytes("png"), image_bytes("webp", 400, 400), media_bytes("pdf")
    messages = talk(await store.put(picture), await store.put(drawn), await store.put(pdf))
    hydrated = await hydrate(messages, store, provider=provider, policy=latest(9), original=True)
    assert len(hydrated.report.shown) == 3
    body = await send(hydrated.messages)
    assert list(media_in(body)) == [picture, pdf, drawn]
    assert "media://" not in json.dumps(body)


@EACH
async def test_an_sdk_sends_a_large_picture_as_it_was_sized(
    store: MediaStore, provider: ProviderName, talk: Talk, send: Send
) -> None:
    large = await store.put(png_bytes(2048, 2048))
    pdf = await store.put(media_bytes("pdf"))
    policy = stable(kinds={"image"})
    hydrated = await hydrate(talk(large, large, pdf), store, provider=provider, policy=policy)
    (received,) = media_in(await send(hydrated.messages))
    assert Image.open(io.BytesIO(received)).size == (1024, 1024)
    record = await store.record(large.id)
    variant = await store.variant(record, VariantSpec(1024, "webp"))
    chunks = store.read_blob(variant.digest, variant.size)
    assert received == b"".join([chunk async for chunk in chunks])


@EACH
async def test_an_sdk_takes_a_request_in_which_every_reference_is_its_line(
    store: MediaStore, provider: ProviderName, talk: Talk, send: Send
) -> None:
    references = [await store.put(media_bytes(kind)) for kind in ("png", "webp", "pdf")]
    picture, drawn, pdf = references
    messages = talk(picture, drawn, pdf)
    body = await send((await hydrate(messages, store, provider=provider, policy=never())).messages)
    assert list(media_in(body)) == []
    text = json.dumps(body, ensure_ascii=False)
    assert all(reference.to_model() in text for reference in references)
