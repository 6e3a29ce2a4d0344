"""The Model Context Protocol: its Python SDK, and FastMCP's server and client in memory."""

import json
from collections.abc import Callable
from typing import Any

import mcp_types as mcp
import pytest
from fastmcp import Client, FastMCP
from fastmcp.tools import ToolResult
from fastmcp.utilities.types import Audio, File, Image
from pydantic import BaseModel

from coatcheck.payload.offload import Form, offload
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


class Drawing(BaseModel):
    """What a tool with an output schema returns."""

    image: mcp.ImageContent
    note: str


def wire(model: BaseModel) -> Any:
    """As sessions send it."""
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def image_content(data: bytes, media_type: str) -> mcp.ImageContent:
    return mcp.ImageContent(
        data=base64_of(data),
        mime_type=media_type,
        annotations=mcp.Annotations(audience=["user"], priority=0.5),
        _meta={"example.org/seed": 7},
    )


def result(*content: mcp.ContentBlock) -> mcp.CallToolResult:
    return mcp.CallToolResult(content=[mcp.TextContent(text="Drawn."), *content])


def embedded(data: bytes, media_type: str) -> mcp.EmbeddedResource:
    blob = mcp.BlobResourceContents(
        uri="file:///canvas.png", mime_type=media_type, blob=base64_of(data)
    )
    return mcp.EmbeddedResource(resource=blob)


def resources_read(data: bytes, media_type: str) -> Any:
    blob = mcp.BlobResourceContents(
        uri="file:///canvas.png", mime_type=media_type, blob=base64_of(data)
    )
    return wire(mcp.ReadResourceResult(contents=[blob]))


async def called(returned: Any) -> Any:
    """What a FastMCP client gets from a FastMCP server whose tool returns this."""

    def draw() -> Any:
        return returned

    return await called_tool(draw)


async def called_with_schema(data: bytes, media_type: str) -> Any:
    """The same for a tool whose result is of a declared type."""

    def draw() -> Drawing:
        image = mcp.ImageContent(data=base64_of(data), mime_type=media_type)
        return Drawing(image=image, note="dusk")

    return await called_tool(draw)


async def called_tool(tool: Callable[[], Any]) -> Any:
    server = FastMCP("painter")
    server.tool(tool)
    async with Client(server) as client:
        return wire(await client.call_tool_mcp(tool.__name__, {}))


def thrice(data: bytes, media_type: str) -> ToolResult:
    """A picture as content, in the structured content, and in the text that mirrors it."""
    structured = {"prompt": "a lighthouse", "picture": {"image_data": base64_of(data)}}
    return ToolResult(
        content=[
            mcp.ImageContent(data=base64_of(data), mime_type=media_type),
            mcp.TextContent(text=json.dumps(structured)),
        ],
        structured_content=structured,
    )


def reread_result(payload: Any) -> Any:
    return wire(mcp.CallToolResult.model_validate(payload))


def reread_resources(payload: Any) -> Any:
    return wire(mcp.ReadResourceResult.model_validate(payload))


GOLDEN = [
    Golden(
        name="image-content",
        row=1,
        make=lambda data, media_type: wire(result(image_content(data, media_type))),
        path=("content", 1),
        becomes={
            "type": "resource_link",
            "uri": LINK,
            "mimeType": "image/png",
            "annotations": {"audience": ["user"], "priority": 0.5},
            "_meta": {"example.org/seed": 7},
        },
        reread=reread_result,
    ),
    Golden(
        name="image-content-in-snake-case",
        row=1,
        kind="jpeg",
        make=lambda data, media_type: result(image_content(data, media_type)).model_dump(
            mode="json"
        ),
        path=("content", 1),
        becomes={"type": "resource_link", "uri": LINK},
        reread=reread_result,
    ),
    Golden(
        name="audio-content",
        row=1,
        kind="wav",
        make=lambda data, _: called(Audio(data=data, format="wav")),
        path=("content", 0),
        becomes={"type": "resource_link", "uri": LINK, "mimeType": "audio/wav"},
        reread=reread_result,
    ),
    Golden(
        name="prompt-message",
        row=1,
        kind="webp",
        make=lambda data, media_type: wire(
            mcp.GetPromptResult(
                messages=[mcp.PromptMessage(role="user", content=image_content(data, media_type))]
            )
        ),
        path=("messages", 0, "content"),
        becomes={"type": "resource_link", "uri": LINK},
        reread=lambda payload: wire(mcp.GetPromptResult.model_validate(payload)),
    ),
    Golden(
        name="fastmcp-image",
        row=1,
        kind="webp",
        make=lambda data, _: called(Image(data=data, format="webp")),
        path=("content", 0),
        becomes={"type": "resource_link", "uri": LINK, "mimeType": "image/webp"},
        reread=reread_result,
    ),
    Golden(
        name="embedded-resource",
        row=2,
        make=lambda data, media_type: wire(result(embedded(data, media_type))),
        path=("content", 1),
        becomes={"type": "resource_link", "uri": LINK, "mimeType": "image/png"},
        reread=reread_result,
    ),
    Golden(
        name="fastmcp-file-with-a-wrong-type",
        row=2,
        make=lambda data, _: called(File(data=data, format="png", name="canvas")),
        path=("content", 0),
        becomes={"type": "resource_link", "uri": LINK, "mimeType": "image/png"},
        reread=reread_result,
    ),
    Golden(
        name="resources-read",
        row=2,
        kind="jpeg",
        make=resources_read,
        path=("contents", 0),
        becomes={
            "uri": "file:///canvas.png",
            "blob": "",
            "_meta": {"coatcheck": {"reference": REFERENCE}},
        },
        reread=reread_resources,
    ),
    Golden(
        name="fastmcp-dict-and-its-text",
        row=4,
        make=lambda data, _: called({"prompt": "a lighthouse", "image_b64": base64_of(data)}),
        path=("structuredContent", "image_b64"),
        becomes=REFERENCE,
        reread=reread_result,
        copies=2,
    ),
    Golden(
        name="fastmcp-output-schema",
        row=4,
        kind="webp",
        make=called_with_schema,
        path=("structuredContent", "image"),
        becomes={"type": "resource_link", "uri": LINK},
        reread=reread_result,
        copies=2,
    ),
    Golden(
        name="fastmcp-three-copies",
        row=4,
        make=lambda data, media_type: called(thrice(data, media_type)),
        path=("content", 1, "text", "picture", "image_data"),
        becomes=REFERENCE,
        reread=reread_result,
        copies=3,
    ),
    Golden(
        name="fastmcp-bytes-as-text",
        row=4,
        kind="jpeg",
        exact=False,  # comes back as a data: URI: a link in text does not say what it was
        make=lambda data, _: called(data),
        path=("content", 0, "text"),
        becomes=LINK,
        reread=reread_result,
    ),
    Golden(
        name="fastmcp-markdown",
        row=27,
        make=lambda data, media_type: called(f"Done: ![dusk]({data_uri(data, media_type)})"),
        path=("content", 0, "text"),
        becomes=f"Done: ![dusk]({LINK})",
        reread=reread_result,
    ),
]


@pytest.mark.parametrize("golden", GOLDEN, ids=named)
@pytest.mark.parametrize("form", FORMS)
async def test_an_mcp_shape_goes_there_and_back(
    golden: Golden, form: Form, store: MediaStore
) -> None:
    await round_trip(golden, form, store)


async def test_a_resource_link_holds_no_media_and_passes_unchanged(store: MediaStore) -> None:
    link = mcp.ResourceLink(
        name="canvas.png", uri="file:///canvas.png", mime_type="image/png", size=1843322
    )
    payload = wire(result(link))
    offloaded, report = await offload(payload, store)
    assert offloaded is payload
    assert report.found == 0
