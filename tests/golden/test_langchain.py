"""LangChain: messages as its own functions turn them into dictionaries."""

from typing import Any

import pytest
from langchain_core.load import dumpd, load
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    ToolMessage,
    message_to_dict,
    messages_from_dict,
)
from langchain_core.messages.content import create_file_block, create_image_block

from coatcheck.payload.offload import Form
from coatcheck.store import MediaStore
from tests.golden.golden import (
    FORMS,
    LINK,
    REFERENCE,
    Golden,
    base64_of,
    data_uri,
    named,
    round_trip,
)

pytestmark = pytest.mark.anyio


def image_block(data: bytes, media_type: str) -> Any:
    return create_image_block(base64=base64_of(data), mime_type=media_type, id="lc_1", seed=7)


def human(*content: Any) -> Any:
    return message_to_dict(HumanMessage(content=[{"type": "text", "text": "Look."}, *content]))


def reread(payload: Any) -> Any:
    """The message, and its content in LangChain's standard blocks, read anew."""
    (message,) = messages_from_dict([payload])
    assert isinstance(message, BaseMessage)
    return message_to_dict(message)


def reread_blocks(payload: Any) -> Any:
    """What a chat model's integration gets to see."""
    (message,) = messages_from_dict([payload])
    return [dict(block) for block in message.content_blocks]


GOLDEN = [
    Golden(
        name="image-block",
        row=16,
        make=lambda data, media_type: human(image_block(data, media_type)),
        path=("data", "content", 1),
        becomes={
            "type": "image",
            "url": LINK,
            "mime_type": "image/png",
            "id": "lc_1",
            "extras": {"seed": 7},
        },
        reread=reread_blocks,
    ),
    Golden(
        name="file-block",
        row=16,
        kind="pdf",
        make=lambda data, media_type: human(
            create_file_block(base64=base64_of(data), mime_type=media_type, id="lc_1")
        ),
        path=("data", "content", 1),
        becomes={"type": "file", "url": LINK, "mime_type": "application/pdf", "id": "lc_1"},
        reread=reread_blocks,
    ),
    Golden(
        name="image-block-in-a-constructor",
        row=16,
        kind="webp",
        make=lambda data, media_type: dumpd(HumanMessage(content=[image_block(data, media_type)])),
        path=("kwargs", "content", 0),
        becomes={"type": "image", "url": LINK, "mime_type": "image/webp"},
        reread=lambda payload: dumpd(load(payload, allowed_objects="messages")),
    ),
    Golden(
        name="image-block-of-version-0",
        row=16,
        kind="jpeg",
        make=lambda data, media_type: human(
            {
                "type": "image",
                "source_type": "base64",
                "data": base64_of(data),
                "mime_type": media_type,
            }
        ),
        path=("data", "content", 1),
        becomes={
            "type": "image",
            "source_type": "url",
            "url": LINK,
            "mime_type": "image/jpeg",
        },
        reread=reread_blocks,
    ),
    Golden(
        name="media-block",
        row=16,
        kind="wav",
        make=lambda data, media_type: human(
            {"type": "media", "mime_type": media_type, "data": base64_of(data)}
        ),
        path=("data", "content", 1),
        becomes={"type": "media", "file_uri": LINK, "mime_type": "audio/wav"},
        reread=reread_blocks,
    ),
    Golden(
        name="anthropic-block",
        row=16,
        make=lambda data, media_type: human(
            {
                "type": "image",
                "source": {
                    "type": "base64",
                    "media_type": media_type,
                    "data": base64_of(data),
                },
            }
        ),
        path=("data", "content", 1),
        becomes={"type": "image", "source": {"type": "url", "url": LINK}},
        reread=reread_blocks,
    ),
    Golden(
        name="image-block-of-a-generated-image",
        row=16,
        exact=False,  # gains a media type
        make=lambda data, _: human(
            *AIMessage(
                content=[
                    {
                        "type": "image_generation_call",
                        "id": "ig_1",
                        "status": "completed",
                        "result": base64_of(data),
                    }
                ],
                response_metadata={"model_provider": "openai"},
            ).content_blocks
        ),
        path=("data", "content", 1),
        becomes={"type": "image", "url": LINK, "id": "ig_1"},
        reread=reread_blocks,
    ),
    Golden(
        name="openai-block",
        row=16,
        make=lambda data, media_type: human(
            {"type": "image_url", "image_url": {"url": data_uri(data, media_type)}}
        ),
        path=("data", "content", 1),
        becomes={"type": "image_url", "image_url": {"url": LINK}},
        reread=reread_blocks,
    ),
    Golden(
        name="tool-message-of-bare-base64",
        row=16,
        exact=False,  # comes back as a data: URI: a link in text does not say what it was
        make=lambda data, _: message_to_dict(
            ToolMessage(content=base64_of(data), tool_call_id="call_1")
        ),
        path=("data", "content"),
        becomes=LINK,
        reread=reread,
    ),
    Golden(
        name="tool-message-with-an-artifact",
        row=16,
        kind="webp",
        make=lambda data, media_type: message_to_dict(
            ToolMessage(
                content=[image_block(data, media_type)],
                tool_call_id="call_1",
                artifact={"image_data": base64_of(data), "seed": 7},
            )
        ),
        path=("data", "artifact"),
        becomes={"image_data": REFERENCE, "seed": 7},
        reread=reread,
        copies=2,
    ),
    Golden(
        name="tool-message-with-an-artifact-of-bytes",
        row=16,
        exact=False,  # bytes come back as base64
        make=lambda data, _: message_to_dict(
            ToolMessage(content="Drawn.", tool_call_id="call_1", artifact={"image": data})
        ),
        path=("data", "artifact"),
        becomes={"image": REFERENCE},
        reread=reread,
    ),
    Golden(
        name="non-standard-block",
        row=16,
        make=lambda data, _: message_to_dict(
            AIMessage(
                content=[
                    {
                        "type": "non_standard",
                        "value": {
                            "type": "image_generation_call",
                            "id": "ig_1",
                            "status": "completed",
                            "result": base64_of(data),
                        },
                    }
                ]
            )
        ),
        path=("data", "content", 0, "value"),
        becomes={"result": None, "mediaReference": REFERENCE},
        reread=reread,
    ),
]


@pytest.mark.filterwarnings("ignore:The function `load` is in beta")
@pytest.mark.parametrize("golden", GOLDEN, ids=named)
@pytest.mark.parametrize("form", FORMS)
async def test_a_langchain_shape_goes_there_and_back(
    golden: Golden, form: Form, store: MediaStore
) -> None:
    await round_trip(golden, form, store)
