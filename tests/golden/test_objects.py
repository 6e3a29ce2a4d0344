"""The frameworks' objects themselves, handed in without being serialized first."""

import json
from collections.abc import Callable
from typing import Any

import mcp_types as mcp
import pytest
from ag_ui.core import DataSource, ImagePart, UserMessage
from google.genai import types as google
from langchain_core.messages import HumanMessage
from langchain_core.messages.content import create_image_block
from openai.types import Image, ImagesResponse
from pydantic_ai import BinaryContent
from pydantic_ai.messages import ModelRequest, UserPromptPart

from coatcheck.payload.offload import offload
from coatcheck.payload.restore import restore
from coatcheck.store import MediaStore
from tests.golden.golden import base64_of, media_bytes, media_in

pytestmark = pytest.mark.anyio

Make = Callable[[bytes], Any]


def mcp_result(data: bytes) -> Any:
    content = mcp.ImageContent(data=base64_of(data), mime_type="image/png")
    return mcp.CallToolResult(content=[content])


def google_content(data: bytes) -> Any:
    part = google.Part.from_bytes(data=data, mime_type="image/png")
    return google.Content(role="model", parts=[part])


def openai_images(data: bytes) -> Any:
    return ImagesResponse(created=1_760_000_000, data=[Image(b64_json=base64_of(data))])


def langchain_message(data: bytes) -> Any:
    return HumanMessage(content=[create_image_block(base64=base64_of(data), mime_type="image/png")])


def pydantic_ai_message(data: bytes) -> Any:
    content = BinaryContent(data=data, media_type="image/png")
    return ModelRequest(parts=[UserPromptPart(content=["Look.", content])])


def ag_ui_message(data: bytes) -> Any:
    source = DataSource(value=base64_of(data), mime_type="image/png")
    return UserMessage(id="m1", content=[ImagePart(source=source)])


@pytest.mark.parametrize(
    "make",
    [
        mcp_result,
        google_content,
        openai_images,
        langchain_message,
        pydantic_ai_message,
        ag_ui_message,
    ],
    ids=lambda make: make.__name__,
)
async def test_an_object_becomes_light_and_its_picture_comes_back(
    make: Make, store: MediaStore
) -> None:
    data = media_bytes("png")
    offloaded, report = await offload({"result": make(data)}, store)
    assert (report.found, report.offloaded, dict(report.left)) == (1, 1, {})
    assert len(json.dumps(offloaded, default=str)) < 4096
    assert report.references[0].id in json.dumps(offloaded, default=str)
    assert list(media_in((await restore(offloaded, store)).payload)) == [data]
