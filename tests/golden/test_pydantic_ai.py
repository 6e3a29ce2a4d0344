"""pydantic-ai: histories as they are stored."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic_ai import BinaryContent
from pydantic_ai.messages import (
    FilePart,
    ImageUrl,
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    ToolReturnPart,
    UserPromptPart,
)

from coatcheck.payload.offload import Form, offload
from coatcheck.store import MediaStore
from tests.golden.golden import (
    FORMS,
    LINK,
    REFERENCE,
    Golden,
    base64_of,
    media_bytes,
    named,
    round_trip,
)

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def binary(data: bytes, media_type: str) -> BinaryContent:
    return BinaryContent(data=data, media_type=media_type, vendor_metadata={"detail": "high"})


def prompt(*content: Any) -> ModelRequest:
    return ModelRequest(parts=[UserPromptPart(content=["Look.", *content], timestamp=NOW)])


def returned(content: Any) -> ModelRequest:
    return ModelRequest(parts=[ToolReturnPart("draw", content, "call_1", timestamp=NOW)])


def answered(data: bytes, media_type: str) -> ModelResponse:
    picture = BinaryContent.narrow_type(BinaryContent(data=data, media_type=media_type))
    return ModelResponse(parts=[FilePart(content=picture)], timestamp=NOW)


def history(*messages: ModelMessage) -> Any:
    return json.loads(ModelMessagesTypeAdapter.dump_json(list(messages)))


def reread_history(payload: Any) -> Any:
    return history(*ModelMessagesTypeAdapter.validate_python(payload))


BY_URL = {
    "kind": "image-url",
    "url": LINK,
    "media_type": "image/png",
    "vendor_metadata": {"detail": "high"},
}

GOLDEN = [
    Golden(
        name="user-prompt",
        row=17,
        make=lambda data, media_type: history(prompt(binary(data, media_type))),
        path=(0, "parts", 0, "content", 1),
        becomes=BY_URL,
        reread=reread_history,
    ),
    Golden(
        name="user-prompt-with-a-document",
        row=17,
        kind="pdf",
        make=lambda data, media_type: history(
            prompt(BinaryContent(data=data, media_type=media_type, identifier="plans"))
        ),
        path=(0, "parts", 0, "content", 1),
        becomes={
            "kind": "document-url",
            "url": LINK,
            "media_type": "application/pdf",
            "identifier": "plans",
        },
        reread=reread_history,
    ),
    Golden(
        name="user-prompt-with-sound",
        row=17,
        kind="wav",
        make=lambda data, media_type: history(prompt(binary(data, media_type))),
        path=(0, "parts", 0, "content", 1),
        becomes={"kind": "audio-url", "url": LINK, "media_type": "audio/wav"},
        reread=reread_history,
    ),
    Golden(
        name="file-of-a-model",
        row=17,
        kind="webp",
        make=lambda data, media_type: history(answered(data, media_type)),
        path=(0, "parts", 0, "content"),
        becomes={
            "kind": "binary",
            "data": "",
            "media_type": "image/webp",
            "vendor_metadata": {"coatcheck": REFERENCE},
        },
        reread=reread_history,
    ),
    Golden(
        name="tool-return",
        row=17,
        make=lambda data, media_type: history(
            returned({"deep": [{"picture": binary(data, media_type)}]})
        ),
        path=(0, "parts", 0, "content", "deep", 0, "picture"),
        becomes=BY_URL,
        reread=reread_history,
    ),
    Golden(
        name="tool-return-of-base64",
        row=17,
        kind="jpeg",
        make=lambda data, _: history(returned({"image_data": base64_of(data)})),
        path=(0, "parts", 0, "content", "image_data"),
        becomes=REFERENCE,
        reread=reread_history,
    ),
    Golden(
        name="the-same-picture-in-three-places",
        row=17,
        make=lambda data, media_type: history(
            prompt(binary(data, media_type)),
            answered(data, media_type),
            returned([binary(data, media_type)]),
        ),
        path=(2, "parts", 0, "content", 0),
        becomes=BY_URL,
        reread=reread_history,
        copies=3,
    ),
]


@pytest.mark.parametrize("golden", GOLDEN, ids=named)
@pytest.mark.parametrize("form", FORMS)
async def test_a_pydantic_ai_shape_goes_there_and_back(
    golden: Golden, form: Form, store: MediaStore
) -> None:
    await round_trip(golden, form, store)


async def test_a_reference_in_a_prompt_is_still_a_picture_to_pydantic_ai(
    store: MediaStore,
) -> None:
    # A stored reference there would be read as a cache point, and be gone.
    payload = history(prompt(binary(media_bytes("png"), "image/png")))
    offloaded, report = await offload(payload, store)
    (message,) = ModelMessagesTypeAdapter.validate_python(offloaded)
    (part,) = message.parts
    assert isinstance(part, UserPromptPart)
    picture = part.content[1]
    assert isinstance(picture, ImageUrl)
    assert picture.url == report.references[0].uri
    assert picture.media_type == "image/png"
