"""Shapes of frameworks that have no Python classes, written by hand from their documentation.

Those that have some are in ``tests/golden/``. The table is in ``docs/reference/shapes.md``.
"""

import json
import struct
from base64 import encodebytes
from typing import Any

import pytest

from coatcheck.payload.offload import Form, offload
from coatcheck.payload.restore import restore
from coatcheck.store import MediaStore
from tests.golden.golden import (
    FORMS,
    LINK,
    REFERENCE,
    Golden,
    base64_of,
    data_uri,
    media_bytes,
    media_in,
    named,
    round_trip,
)

pytestmark = pytest.mark.anyio


def tool_result(part: Any) -> Any:
    """A tool's result in a model message of the AI SDK."""
    result = {
        "type": "tool-result",
        "toolCallId": "call_1",
        "toolName": "draw",
        "output": {"type": "content", "value": [{"type": "text", "text": "Drawn."}, part]},
    }
    return {"role": "tool", "content": [result]}


def user(part: Any) -> Any:
    return {"role": "user", "content": [{"type": "text", "text": "Look."}, part]}


IN_TOOL_RESULT = ("content", 0, "output", "value", 1)


def converse(*blocks: Any) -> Any:
    """A message of Bedrock's Converse API with a tool's result; types of strands-agents 1.62."""
    result = {"toolUseId": "t1", "status": "success", "content": [{"text": "Drawn."}, *blocks]}
    return {"role": "user", "content": [{"toolResult": result}]}


IN_CONVERSE = ("content", 0, "toolResult", "content", 1)

GOLDEN = [
    Golden(
        name="bedrock-bytes",
        row=31,
        make=lambda data, _: converse({"image": {"format": "png", "source": {"bytes": data}}}),
        path=IN_CONVERSE,
        becomes={"image": {"format": "png", "source": {"location": {"type": "url", "uri": LINK}}}},
    ),
    Golden(
        name="bedrock-json",
        row=31,
        kind="pdf",
        make=lambda data, _: converse(
            {"document": {"format": "pdf", "name": "plans", "source": {"bytes": base64_of(data)}}}
        ),
        path=IN_CONVERSE,
        becomes={
            "document": {
                "format": "pdf",
                "name": "plans",
                "source": {"location": {"type": "url", "uri": LINK, "bytesAs": "base64"}},
            }
        },
    ),
    Golden(
        name="strands-session",
        row=31,
        kind="webp",
        make=lambda data, _: converse(
            {
                "image": {
                    "format": "webp",
                    "source": {"bytes": {"__bytes_encoded__": True, "data": base64_of(data)}},
                }
            }
        ),
        path=IN_CONVERSE,
        becomes={"image": {"format": "webp", "source": {"location": {"uri": LINK}}}},
    ),
    Golden(
        name="ai-sdk-tagged-file",
        row=13,
        make=lambda data, media_type: tool_result(
            {
                "type": "file",
                "mediaType": media_type,
                "data": {"type": "data", "data": base64_of(data)},
            }
        ),
        path=IN_TOOL_RESULT,
        becomes={"type": "file", "mediaType": "image/png", "data": {"type": "url", "url": LINK}},
    ),
    Golden(
        name="ai-sdk-image-data",
        row=13,
        kind="webp",
        make=lambda data, media_type: tool_result(
            {"type": "image-data", "data": base64_of(data), "mediaType": media_type}
        ),
        path=IN_TOOL_RESULT,
        becomes={
            "type": "file",
            "mediaType": "image/webp",
            "data": {"type": "url", "url": LINK},
            "providerOptions": {"coatcheck": {"type": "image-data"}},
        },
    ),
    Golden(
        name="ai-sdk-file-data",
        row=13,
        kind="pdf",
        make=lambda data, media_type: tool_result(
            {
                "type": "file-data",
                "data": base64_of(data),
                "mediaType": media_type,
                "filename": "plans.pdf",
                "providerOptions": {"openai": {"imageDetail": "low"}},
            }
        ),
        path=IN_TOOL_RESULT,
        becomes={
            "type": "file",
            "mediaType": "application/pdf",
            "filename": "plans.pdf",
            "data": {"type": "url", "url": LINK},
            "providerOptions": {"openai": {"imageDetail": "low"}},
        },
    ),
    Golden(
        name="ai-sdk-user-image",
        row=13,
        kind="jpeg",
        make=lambda data, media_type: user(
            {"type": "image", "image": base64_of(data), "mediaType": media_type}
        ),
        path=("content", 1),
        becomes={"type": "image", "image": LINK, "mediaType": "image/jpeg"},
    ),
    Golden(
        name="ai-sdk-user-file",
        row=13,
        kind="pdf",
        make=lambda data, media_type: user(
            {
                "type": "file",
                "data": base64_of(data),
                "mediaType": media_type,
                "filename": "plans.pdf",
            }
        ),
        path=("content", 1),
        becomes={"type": "file", "data": LINK, "mediaType": "application/pdf"},
    ),
    Golden(
        name="a2a-file",
        row=20,
        kind="webp",
        make=lambda data, media_type: {
            "kind": "message",
            "messageId": "m1",
            "role": "agent",
            "parts": [
                {"kind": "text", "text": "Drawn."},
                {
                    "kind": "file",
                    "file": {
                        "name": "canvas.webp",
                        "mimeType": media_type,
                        "bytes": base64_of(data),
                    },
                },
            ],
        },
        path=("parts", 1),
        becomes={
            "kind": "file",
            "file": {"name": "canvas.webp", "mimeType": "image/webp", "uri": LINK},
        },
    ),
    Golden(
        name="assistant-ui-image",
        row=21,
        make=lambda data, media_type: user({"type": "image", "image": data_uri(data, media_type)}),
        path=("content", 1),
        becomes={"type": "image", "image": LINK},
    ),
    Golden(
        name="assistant-ui-file",
        row=21,
        kind="pdf",
        make=lambda data, media_type: user(
            {
                "type": "file",
                "data": base64_of(data),
                "mimeType": media_type,
                "filename": "plans.pdf",
            }
        ),
        path=("content", 1),
        becomes={
            "type": "file",
            "data": LINK,
            "mimeType": "application/pdf",
            "sourceType": "url",
        },
    ),
    Golden(
        name="invokeai-progress",
        row=23,
        kind="jpeg",
        make=lambda data, media_type: {
            "queue_id": "default",
            "message": "Denoising",
            "percentage": 0.4,
            "image": {"width": 320, "height": 240, "dataURL": data_uri(data, media_type)},
        },
        path=("image",),
        becomes={"width": 320, "height": 240, "dataURL": LINK},
    ),
    Golden(
        name="automatic1111-images",
        row=25,
        make=lambda data, _: {
            "images": [base64_of(data)],
            "parameters": {"prompt": "a lighthouse", "steps": 20},
            "info": json.dumps({"seed": 7}),
        },
        path=("images", 0),
        becomes=REFERENCE,
    ),
    Golden(
        name="automatic1111-progress",
        row=25,
        kind="jpeg",
        make=lambda data, _: {
            "progress": 0.4,
            "state": {"sampling_step": 8},
            "current_image": base64_of(data),
        },
        path=("current_image",),
        becomes=REFERENCE,
    ),
    Golden(
        name="automatic1111-live-preview",
        row=25,
        make=lambda data, media_type: {
            "active": True,
            "progress": 0.4,
            "live_preview": data_uri(data, media_type),
        },
        path=("live_preview",),
        becomes=LINK,
    ),
    Golden(
        name="jupyter-display-data",
        row=26,
        make=lambda data, media_type: {
            "msg_type": "display_data",
            "content": {
                "data": {media_type: base64_of(data), "text/plain": "<Figure size 320x240>"},
                "metadata": {media_type: {"width": 320}},
                "transient": {},
            },
        },
        path=("content", "data"),
        becomes={"text/plain": "<Figure size 320x240>"},
    ),
    Golden(
        name="markdown",
        row=27,
        make=lambda data, media_type: (
            f"# Dusk\n\n![a lighthouse]({data_uri(data, media_type)})\n\nDone."
        ),
        path=(),
        becomes=f"# Dusk\n\n![a lighthouse]({LINK})\n\nDone.",
    ),
    Golden(
        name="html",
        row=27,
        kind="webp",
        make=lambda data, media_type: {
            "text": f'<p><img alt="dusk" src="{data_uri(data, media_type)}"></p>'
        },
        path=("text",),
        becomes=f'<p><img alt="dusk" src="{LINK}"></p>',
    ),
    Golden(
        name="text-that-begins-like-json",
        row=27,
        kind="webp",
        make=lambda data, media_type: f"{{'src': '{data_uri(data, media_type)}'}}",
        path=(),
        becomes=f"{{'src': '{LINK}'}}",
    ),
    Golden(
        name="json-and-then-text",
        row=27,
        make=lambda data, media_type: (
            f'{{"image": "{base64_of(data)}"}}\n\n![dusk]({data_uri(data, media_type)})'
        ),
        path=(),
        becomes=f'{{"image": "{LINK}"}}\n\n![dusk]({LINK})',
        copies=2,
    ),
    Golden(
        name="two-in-one-text",
        row=27,
        kind="jpeg",
        make=lambda data, media_type: (
            f"![]({data_uri(data, media_type)}) and <img src='{data_uri(data, media_type)}'>"
        ),
        path=(),
        becomes=f"![]({LINK}) and <img src='{LINK}'>",
        copies=2,
    ),
]


@pytest.mark.parametrize("golden", GOLDEN, ids=named)
@pytest.mark.parametrize("form", FORMS)
async def test_a_shape_goes_there_and_back(golden: Golden, form: Form, store: MediaStore) -> None:
    await round_trip(golden, form, store)


async def test_a_notebook_breaks_base64_into_lines(store: MediaStore) -> None:
    data = media_bytes("png")
    bundle = {"image/png": encodebytes(data).decode(), "text/plain": "<Figure>"}
    payload = {"cells": [{"outputs": [{"output_type": "display_data", "data": bundle}]}]}
    offloaded, report = await offload(payload, store)
    assert report.offloaded == 1
    assert len(json.dumps(offloaded)) < 2048
    assert list(media_in((await restore(offloaded, store)).payload)) == [data]


# A preview of ComfyUI: event 1, format 2 (PNG). It is no JSON: a reference has no place in it.
FRAME = struct.pack(">II", 1, 2) + media_bytes("png")

# What these carry is no inline media, or has no place for anything else.
LEFT_ALONE = [
    pytest.param(
        {
            "type": "resource_link",
            "uri": "file:///canvas.png",
            "name": "canvas.png",
            "mimeType": "image/png",
            "size": 1843322,
        },
        id="3-mcp-resource-link",
    ),
    pytest.param(
        {"type": "data-media", "id": "m1", "data": {"state": "pending", "width": 8, "height": 8}},
        id="15-ai-sdk-data-part",
    ),
    pytest.param(
        {
            "kind": "binary",
            "media_type": "image/png",
            "identifier": "4e0a2e",
            "__harness_external_media__": True,
            "__harness_external_uri__": "media+sha256://" + "0" * 64,
        },
        id="22-pydantic-ai-harness",
    ),
    pytest.param(FRAME, id="24-comfyui-frame"),
]


@pytest.mark.parametrize("payload", LEFT_ALONE)
async def test_what_holds_nothing_to_replace_passes_unchanged(
    payload: Any, store: MediaStore
) -> None:
    offloaded, report = await offload(payload, store)
    assert offloaded is payload
    assert (report.found, dict(report.left)) == (0, {})


async def test_a_binary_frame_is_no_document(store: MediaStore) -> None:
    document, report = await offload(FRAME, store)
    assert document is FRAME
    assert report.found == 0
