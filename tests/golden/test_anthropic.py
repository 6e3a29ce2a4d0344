"""Anthropic's Messages API: requests as the SDK sends them to a server on loopback."""

import io
from typing import Any

import pytest
from anthropic import AsyncAnthropic, BadRequestError
from anthropic.types import MessageParam
from pydantic import TypeAdapter

from coatcheck.payload.offload import Form
from coatcheck.store import MediaStore
from tests.golden.golden import FORMS, LINK, Golden, base64_of, named, plain, round_trip
from tests.golden.loopback import recording

pytestmark = pytest.mark.anyio

MESSAGE: TypeAdapter[Any] = TypeAdapter(MessageParam)


def block(kind: str, data: bytes, media_type: str) -> dict[str, Any]:
    """An image or document block. The SDK encodes the file itself."""
    source = {"type": "base64", "media_type": media_type, "data": io.BytesIO(data)}
    return {"type": kind, "source": source}


async def sent(*content: dict[str, Any]) -> Any:
    """The body of the request, whose user message holds these blocks."""
    messages: Any = [{"role": "user", "content": [{"type": "text", "text": "Look."}, *content]}]
    async with (
        recording() as recorder,
        AsyncAnthropic(api_key="key", base_url=recorder.url, max_retries=0) as client,
    ):
        with pytest.raises(BadRequestError):
            await client.messages.create(model="claude-opus-4-5", max_tokens=1, messages=messages)
    return recorder.bodies[0]


def tool_result(*content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "toolu_1", "content": list(content)}


def reread(payload: Any) -> Any:
    messages = [plain(MESSAGE.validate_python(message)) for message in payload["messages"]]
    return {**payload, "messages": messages}


GOLDEN = [
    Golden(
        name="image",
        row=5,
        make=lambda data, media_type: sent(block("image", data, media_type)),
        path=("messages", 0, "content", 1),
        becomes={"type": "image", "source": {"type": "url", "url": LINK}},
        reread=reread,
    ),
    Golden(
        name="image-in-a-tool-result",
        row=5,
        kind="webp",
        make=lambda data, media_type: sent(
            tool_result(
                {
                    **block("image", data, media_type),
                    "cache_control": {"type": "ephemeral"},
                }
            )
        ),
        path=("messages", 0, "content", 1, "content", 0),
        becomes={
            "type": "image",
            "source": {"type": "url", "url": LINK},
            "cache_control": {"type": "ephemeral"},
        },
        reread=reread,
    ),
    Golden(
        name="tool-result-of-bare-base64",
        row=5,
        exact=False,  # comes back as a data: URI: a link in text does not say what it was
        make=lambda data, _: sent(
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": base64_of(data)}
        ),
        path=("messages", 0, "content", 1, "content"),
        becomes=LINK,
        reread=reread,
    ),
    Golden(
        name="the-same-image-twice",
        row=5,
        kind="jpeg",
        make=lambda data, media_type: sent(
            tool_result(block("image", data, media_type)), block("image", data, media_type)
        ),
        path=("messages", 0, "content", 2),
        becomes={"type": "image", "source": {"type": "url", "url": LINK}},
        reread=reread,
        copies=2,
    ),
    Golden(
        name="document",
        row=5,
        kind="pdf",
        make=lambda data, media_type: sent(
            {**block("document", data, media_type), "title": "plans.pdf"}
        ),
        path=("messages", 0, "content", 1),
        becomes={
            "type": "document",
            "source": {"type": "url", "url": LINK},
            "title": "plans.pdf",
        },
        reread=reread,
    ),
]


@pytest.mark.parametrize("golden", GOLDEN, ids=named)
@pytest.mark.parametrize("form", FORMS)
async def test_an_anthropic_shape_goes_there_and_back(
    golden: Golden, form: Form, store: MediaStore
) -> None:
    await round_trip(golden, form, store)
