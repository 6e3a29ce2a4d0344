"""Messages of Bedrock and of agent frameworks: hydrated in their own form, by a vendor's limits."""

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from coatcheck.errors import InvalidInputError
from coatcheck.payload.hydrate import hydrate
from coatcheck.payload.hydration.policies import latest, never, stable
from coatcheck.payload.hydration.providers import (
    ANTHROPIC_LIMITS,
    BEDROCK_LIMITS,
    OPENAI_LIMITS,
    Agno,
    AiSdkUi,
    BedrockConverse,
    Haystack,
    LlamaIndex,
    MessageForm,
    OpenAIChat,
    Provider,
    estimate_tokens,
)
from coatcheck.payload.offload import OffloadLimits, offload
from coatcheck.store import MediaStore
from tests.unit.payload.conversations import base64, picture, uri, user

pytestmark = pytest.mark.anyio

BEDROCK = Provider(form=BedrockConverse(), limits=BEDROCK_LIMITS)
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 20 + b"\n%%EOF\n"
WEBP = {"mime_type": "image/webp"}


def bedrock(data: bytes) -> Any:
    return {"image": {"format": "webp", "source": {"bytes": data}}}


def haystack(data: bytes) -> Any:
    return {"image": {"base64_image": base64(data), **WEBP, "detail": "low", "meta": {"page": 1}}}


def llama_index(data: bytes) -> Any:
    return {"block_type": "image", "image": base64(data), "image_mimetype": "image/webp"}


def agno(data: bytes, name: str = "i1") -> Any:
    return {"id": name, "content": base64(data), **WEBP}


def ai_sdk(data: bytes) -> Any:
    return {"type": "file", "mediaType": "image/webp", "url": uri(data)}


def talk(form: str, told: Any, shown: Any) -> list[Any]:
    """A picture in a tool's result, told of in text; an answer; a picture of the user's."""
    call: Any
    result: Any
    match form:
        case "bedrock":
            use = {"toolUse": {"toolUseId": "t1", "name": "draw", "input": {}}}
            result = {"toolUseId": "t1", "status": "success", "content": [{"json": told}]}
            return [
                {"role": "assistant", "content": [use]},
                {"role": "user", "content": [{"toolResult": result}]},
                {"role": "assistant", "content": [{"text": "There."}]},
                {"role": "user", "content": [{"text": "And this?"}, shown]},
            ]
        case "haystack":
            call = {"tool_name": "draw", "arguments": {}, "id": "t1"}
            result = {"result": json.dumps(told), "origin": call, "error": False}
            return [
                {"role": "assistant", "content": [{"tool_call": call}]},
                {"role": "tool", "content": [{"tool_call_result": result}]},
                {"role": "assistant", "content": [{"text": "There."}]},
                {"role": "user", "content": [{"text": "And this?"}, shown]},
            ]
        case "llama-index":
            call = {"block_type": "tool_call", "tool_name": "draw", "tool_kwargs": {}}
            text = {"block_type": "text", "text": json.dumps(told)}
            return [
                {"role": "assistant", "blocks": [call]},
                {"role": "tool", "blocks": [text], "additional_kwargs": {"tool_call_id": "t1"}},
                {"role": "assistant", "blocks": [{"block_type": "text", "text": "There."}]},
                {
                    "role": "user",
                    "blocks": [{"block_type": "text", "text": "And this?"}, shown],
                },
            ]
        case "agno":
            return [
                {"role": "assistant", "tool_calls": [{"id": "t1"}]},
                {"role": "tool", "tool_call_id": "t1", "content": json.dumps(told)},
                {"role": "assistant", "content": "There."},
                {"role": "user", "content": "And this?", "images": [shown]},
            ]
        case _:
            output = {"type": "tool-draw", "toolCallId": "t1", "input": {}, "output": told}
            return [
                {"id": "1", "role": "user", "parts": [{"type": "text", "text": "Draw."}]},
                {"id": "2", "role": "assistant", "parts": [output]},
                {"id": "3", "role": "user", "parts": [{"type": "text", "text": "This?"}, shown]},
            ]


FORMS = pytest.mark.parametrize(
    ("name", "form", "block"),
    [
        ("bedrock", BedrockConverse(), bedrock),
        ("haystack", Haystack(), haystack),
        ("llama-index", LlamaIndex(), llama_index),
        ("agno", Agno(), agno),
        ("ai-sdk", AiSdkUi(), ai_sdk),
    ],
)


@FORMS
async def test_what_offload_took_out_of_a_framework_comes_back_where_the_model_sees_it(
    store: MediaStore, name: str, form: MessageForm, block: Any
) -> None:
    drawn = await store.put(picture(1), alt="a tree")
    messages = talk(name, {"image": drawn.to_stored()}, block(picture(2)))
    offloaded = await offload(messages, store, limits=OffloadLimits(threshold=200))
    assert offloaded.report.offloaded == 1
    provider = Provider(form=form, limits=BEDROCK_LIMITS)
    hydrated = await hydrate(offloaded.payload, store, provider=provider)
    assert hydrated.report.shown == (drawn.id, offloaded.report.references[0].id)
    assert hydrated.report.left == {}
    expected = talk(name, {"image": drawn.to_model()}, block(picture(2)))
    if name == "ai-sdk":  # a file of a user's has its line before it
        line = {"type": "text", "text": offloaded.report.references[0].to_model()}
        expected[-1]["parts"].insert(1, line)
    # The user's picture is where it was, and the tool's follows after the tool's result.
    assert hydrated.messages[-1] == expected[-1]
    text = repr(hydrated.messages)
    assert repr(picture(1)) in text or base64(picture(1)) in text
    assert "media://" not in text
    assert "media_reference" not in text
    roles = [message["role"] for message in hydrated.messages]
    if name == "bedrock":  # roles alternate
        assert all(one != other for one, other in pairwise(roles))
        assert hydrated.messages[1]["content"][1:] == [
            {"text": drawn.to_model()},
            bedrock(picture(1)),
        ]
    else:
        after = [message["role"] for message in expected]
        after.insert(2, "user")
        assert roles == after
    told = await hydrate(offloaded.payload, store, provider=provider, policy=never())
    text = repr(told.messages)
    assert offloaded.report.references[0].to_model() in text
    assert "media://" not in text
    assert "media_reference" not in text
    # As the conversation goes on, the request begins as this one.
    later = await hydrate(
        [*offloaded.payload, *talk(name, "nothing", block(b""))[:1]], store, provider=provider
    )
    assert later.messages[: len(hydrated.messages)] == hydrated.messages


@FORMS
async def test_a_bare_reference_is_shown_in_the_form_too(
    store: MediaStore, name: str, form: MessageForm, block: Any
) -> None:
    reference = await store.put(picture())
    messages = talk(name, "nothing", reference.to_stored())[-1:]
    provider = Provider(form=form, limits=OPENAI_LIMITS)
    hydrated = await hydrate(messages, store, provider=provider)
    shown = repr(hydrated.messages)
    assert (repr(picture()) if name == "bedrock" else base64(picture())) in shown
    assert set(block(picture())) <= set(_last(hydrated.messages)) or name == "haystack"
    hydrated = await hydrate(messages, store, provider=provider, policy=never())
    assert reference.to_model() in repr(hydrated.messages)
    assert "media://" not in repr(hydrated.messages)


def _last(messages: list[Any]) -> Any:
    message = messages[-1]
    listed = message.get("images") or message.get("blocks") or message.get("parts")
    return (listed or message["content"])[-1]


async def test_documents_of_bedrock_have_a_name_that_it_takes(store: MediaStore) -> None:
    reference = await store.put(PDF, display_name="Plans_of  the (new) house.pdf")
    messages = [{"role": "user", "content": [{"text": "Read."}, reference.to_stored()]}]
    hydrated = await hydrate(messages, store, provider=BEDROCK)
    document = {"format": "pdf", "name": "Plansof the (new) house pdf", "source": {"bytes": PDF}}
    assert hydrated.messages[0]["content"][1] == {"document": document}
    large = await store.put(b"%PDF-1.7\n" + bytes(4_500_000))
    messages = [{"role": "user", "content": [{"text": "Read."}, large.to_stored()]}]
    hydrated = await hydrate(messages, store, provider=BEDROCK)
    assert hydrated.report.left == {"media_too_large": 1}


async def test_pictures_that_open_router_puts_beside_the_text(store: MediaStore) -> None:
    reference = await store.put(picture())
    image = {"type": "image_url", "image_url": {"url": reference.uri}}
    other = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    for content, told in (
        (None, reference.to_model()),
        ("Drawn.", f"Drawn.\n{reference.to_model()}"),
        ([], [{"type": "text", "text": reference.to_model()}]),
    ):
        message = {"role": "assistant", "content": content, "images": [image, other]}
        hydrated = await hydrate([message], store, provider="openai", policy=latest())
        assert hydrated.messages[0] == {**message, "content": told, "images": [other]}
        assert hydrated.messages[1]["content"][1]["image_url"]["url"] == uri(picture())
        message = {"role": "assistant", "content": content, "images": [image]}
        hydrated = await hydrate([message], store, provider="openai", policy=never())
        assert hydrated.messages == [{"role": "assistant", "content": told}]


async def test_a_form_and_the_limits_of_another_vendor(store: MediaStore) -> None:
    """Claude behind a gateway that speaks Chat Completions."""
    claude = Provider(form=OpenAIChat(), limits=ANTHROPIC_LIMITS)
    assert estimate_tokens(claude, 1000, 1000) == 1296 != estimate_tokens("openai", 1000, 1000)
    reference = await store.put(picture())
    messages = [user("openai", reference.to_stored())]
    hydrated = await hydrate(messages, store, provider=claude)
    assert hydrated.messages == (await hydrate(messages, store, provider="openai")).messages
    assert hydrated.report.tokens == estimate_tokens("anthropic", 96, 64)
    tight = replace(claude, limits=replace(ANTHROPIC_LIMITS, request_media=0))
    hydrated = await hydrate(messages, store, provider=tight, policy=stable(tokens=None))
    assert hydrated.report.shown == ()


async def test_an_unknown_name_is_refused(store: MediaStore) -> None:
    unknown: Any = "bedrock"
    with pytest.raises(InvalidInputError, match="Provider or one of openai"):
        await hydrate([], store, provider=unknown)
