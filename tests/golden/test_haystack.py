"""Haystack: chat messages as its own classes turn them into dictionaries."""

import io
from typing import Any

import PIL.Image
import pybase64
import pytest
from haystack.dataclasses import ChatMessage, FileContent, ImageContent, TextContent, ToolCall

from coatcheck.payload.hydrate import hydrate
from coatcheck.payload.hydration.providers import ANTHROPIC_LIMITS, Haystack, Provider
from coatcheck.payload.offload import Form, offload
from coatcheck.store import MediaStore
from tests.golden.golden import FORMS, REFERENCE, Golden, base64_of, media_bytes, named, round_trip

pytestmark = pytest.mark.anyio


def image(data: bytes, media_type: str) -> Any:
    return ImageContent(base64_image=base64_of(data), mime_type=media_type, meta={"page": 1})


def user(part: Any) -> Any:
    return ChatMessage.from_user(content_parts=["Look.", part]).to_dict()


def tool(part: Any) -> Any:
    origin = ToolCall(tool_name="draw", arguments={"prompt": "a tree"}, id="call_1")
    return ChatMessage.from_tool([TextContent("Drawn."), part], origin).to_dict()


def reread(payload: Any) -> Any:
    return ChatMessage.from_dict(payload).to_dict()


GOLDEN = [
    Golden(
        name="image-content",
        row=29,
        make=lambda data, media_type: user(image(data, media_type)),
        path=("content", 1, "image"),
        becomes={
            "base64_image": "",
            "mime_type": "image/png",
            "meta": {"page": 1, "coatcheck": REFERENCE},
        },
        reread=reread,
    ),
    Golden(
        name="file-content",
        row=29,
        kind="pdf",
        make=lambda data, media_type: user(
            FileContent(base64_data=base64_of(data), mime_type=media_type, filename="plans.pdf")
        ),
        path=("content", 1, "file"),
        becomes={
            "base64_data": "",
            "filename": "plans.pdf",
            "extra": {"coatcheck": REFERENCE},
        },
        reread=reread,
    ),
    Golden(
        name="tool-result",
        row=29,
        kind="webp",
        make=lambda data, media_type: tool(image(data, media_type)),
        path=("content", 0, "tool_call_result", "result", 1, "image"),
        becomes={"base64_image": "", "meta": {"coatcheck": REFERENCE}},
        reread=reread,
    ),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("golden", GOLDEN, ids=named)
async def test_haystack(golden: Golden, form: Form, store: MediaStore) -> None:
    await round_trip(golden, form, store)


async def test_haystack_reads_what_is_hydrated(store: MediaStore) -> None:
    data = media_bytes("png")
    payload = user(image(data, "image/png"))
    offloaded, _ = await offload(payload, store)
    provider = Provider(form=Haystack(), limits=ANTHROPIC_LIMITS)
    for original in (True, False):
        hydrated = await hydrate([offloaded], store, provider=provider, original=original)
        again = pybase64.b64decode(
            ChatMessage.from_dict(hydrated.messages[0]).images[0].base64_image
        )
        assert len(hydrated.report.shown) == 1
        assert (again == data) is original
        assert PIL.Image.open(io.BytesIO(again)).size == (320, 240)
