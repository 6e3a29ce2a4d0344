"""Google: the Gen AI SDK's types and requests, and events of the Agent Development Kit."""

import json
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import httpx
import pytest
from google.adk.agents import LlmAgent
from google.adk.events import Event
from google.adk.models import BaseLlm, LlmRequest, LlmResponse
from google.adk.runners import InMemoryRunner
from google.adk.tools.mcp_tool import McpToolset, StdioConnectionParams
from google.genai import Client, types
from google.genai.errors import ClientError
from mcp import StdioServerParameters

from coatcheck.payload.offload import Form, offload
from coatcheck.store import MediaStore
from tests.golden.golden import FORMS, LINK, REFERENCE, Golden, base64_of, named, round_trip
from tests.golden.loopback import recording

pytestmark = pytest.mark.anyio

MCP_SERVER = """
import base64, sys
from fastmcp import FastMCP
from fastmcp.utilities.types import Image

server = FastMCP("painter")

@server.tool
def draw() -> Image:
    return Image(data=base64.b64decode(sys.argv[1]), format=sys.argv[2])

server.run(transport="stdio", show_banner=False)
"""


def shown(data: bytes, media_type: str) -> types.Content:
    """What a model says when it has painted."""
    picture = types.Part.from_bytes(data=data, mime_type=media_type)
    return types.Content(role="model", parts=[types.Part(text="Here it is."), picture])


def answered(data: bytes, media_type: str) -> types.Content:
    """A function's response with media beside it."""
    part = types.FunctionResponsePart.from_bytes(data=data, mime_type=media_type)
    response = types.FunctionResponse(name="draw", response={"output": "drawn"}, parts=[part])
    return types.Content(role="user", parts=[types.Part(function_response=response)])


async def sent(content: types.Content) -> Any:
    """The body of the request that asks about this."""
    async with recording() as recorder:
        # Over httpx: other frameworks bring aiohttp, which warns of how this SDK uses it.
        over = {"transport": httpx.AsyncHTTPTransport()}
        options = types.HttpOptions(base_url=recorder.url, async_client_args=over)
        async with Client(api_key="key", http_options=options).aio as client:
            with pytest.raises(ClientError):
                await client.models.generate_content(model="gemini-3", contents=[content])
        return recorder.bodies[0]


class Scripted(BaseLlm):  # type: ignore[misc] # ADK is not there where types are checked
    """A model that calls every tool once and ends."""

    async def generate_content_async(
        self,
        llm_request: LlmRequest,
        stream: bool = False,  # noqa: ARG002, FBT002 - ADK's signature
    ) -> AsyncGenerator[LlmResponse]:
        parts = llm_request.contents[-1].parts or []
        if any(part.function_response for part in parts):
            said = [types.Part(text="Done.")]
        else:
            said = [types.Part.from_function_call(name=n, args={}) for n in llm_request.tools_dict]
        yield LlmResponse(content=types.Content(role="model", parts=said))


async def run(*tools: Any, by_alias: bool = True) -> Any:
    """The event in which ADK's runner gives the tools' results; aliased as its server sends it."""
    agent = LlmAgent(name="painter", model=Scripted(model="scripted"), tools=list(tools))
    runner = InMemoryRunner(agent=agent, app_name="app")
    session = await runner.session_service.create_session(app_name="app", user_id="user")
    asked = types.Content(role="user", parts=[types.Part(text="Draw.")])
    async with aclosing(
        runner.run_async(user_id="user", session_id=session.id, new_message=asked)
    ) as events:
        async for event in events:
            if event.get_function_responses():
                return json.loads(event.model_dump_json(by_alias=by_alias, exclude_none=True))
    raise AssertionError("No tool was called.")


async def run_mcp(data: bytes, media_type: str) -> Any:
    """The event of a tool that a FastMCP server in a process of its own offers."""
    arguments = ["-c", MCP_SERVER, base64_of(data), media_type.removeprefix("image/")]
    server = StdioServerParameters(command=sys.executable, args=arguments)
    toolset = McpToolset(connection_params=StdioConnectionParams(server_params=server, timeout=60))
    try:
        return await run(toolset)
    finally:
        await toolset.close()


def returning(value: Any) -> Any:
    """A tool that returns this."""

    def draw() -> Any:
        """Draw something."""
        return value

    return draw


def reread_content(payload: Any) -> Any:
    content = types.Content.model_validate(payload)
    return content.model_dump(mode="json", by_alias=True, exclude_none=True)


def reread_request(payload: Any) -> Any:
    return {**payload, "contents": [reread_content(content) for content in payload["contents"]]}


def reread_event(payload: Any) -> Any:
    event = Event.model_validate(payload)
    return json.loads(event.model_dump_json(by_alias=True, exclude_none=True))


GOLDEN = [
    Golden(
        name="content",
        row=6,
        make=lambda data, media_type: shown(data, media_type).model_dump(
            mode="json", by_alias=True, exclude_none=True
        ),
        path=("parts", 1),
        becomes={"fileData": {"fileUri": LINK, "mimeType": "image/png"}},
        reread=reread_content,
    ),
    Golden(
        name="content-in-snake-case",
        row=6,
        kind="webp",
        make=lambda data, media_type: shown(data, media_type).to_json_dict(),
        path=("parts", 1),
        becomes={"file_data": {"file_uri": LINK, "mime_type": "image/webp"}},
        reread=reread_content,
    ),
    Golden(
        name="content-with-every-null",
        row=6,
        kind="jpeg",
        make=lambda data, media_type: shown(data, media_type).model_dump(mode="json"),
        path=("parts", 1),
        becomes={
            "inline_data": None,
            "file_data": {"file_uri": LINK, "mime_type": "image/jpeg"},
        },
        reread=reread_content,
    ),
    Golden(
        name="content-with-raw-bytes",
        row=6,
        make=lambda data, media_type: shown(data, media_type).model_dump(exclude_none=True),
        exact=False,  # bytes come back as base64
        path=("parts", 1),
        becomes={"file_data": {"file_uri": LINK, "mime_type": "image/png"}},
        reread=reread_content,
    ),
    Golden(
        name="request",
        row=6,
        kind="jpeg",
        make=lambda data, media_type: sent(shown(data, media_type)),
        path=("contents", 0, "parts", 1),
        becomes={"fileData": {"fileUri": LINK, "mime_type": "image/jpeg"}},
        reread=reread_request,
    ),
    Golden(
        name="function-response-parts",
        row=6,
        make=lambda data, media_type: answered(data, media_type).model_dump(
            mode="json", by_alias=True, exclude_none=True
        ),
        path=("parts", 0, "functionResponse", "parts", 0),
        becomes={"fileData": {"fileUri": LINK, "mimeType": "image/png"}},
        reread=reread_content,
    ),
    Golden(
        name="response",
        row=6,
        kind="pdf",
        make=lambda data, media_type: types.GenerateContentResponse(
            candidates=[types.Candidate(content=shown(data, media_type))]
        ).model_dump(mode="json", by_alias=True, exclude_none=True),
        path=("candidates", 0, "content", "parts", 1),
        becomes={"fileData": {"fileUri": LINK, "mimeType": "application/pdf"}},
        reread=lambda payload: types.GenerateContentResponse.model_validate(payload).model_dump(
            mode="json", by_alias=True, exclude_none=True
        ),
    ),
    Golden(
        name="generated-images",
        row=6,
        make=lambda data, media_type: types.GenerateImagesResponse(
            generated_images=[
                types.GeneratedImage(image=types.Image(image_bytes=data, mime_type=media_type))
            ]
        ).model_dump(mode="json", by_alias=True, exclude_none=True),
        path=("generatedImages", 0, "image"),
        becomes={"gcsUri": LINK, "mimeType": "image/png"},
        reread=lambda payload: types.GenerateImagesResponse.model_validate(payload).model_dump(
            mode="json", by_alias=True, exclude_none=True
        ),
    ),
    Golden(
        name="adk-event-of-a-part",
        row=7,
        kind="webp",
        make=lambda data, media_type: run(
            returning(types.Part.from_bytes(data=data, mime_type=media_type))
        ),
        path=("content", "parts", 0, "functionResponse", "parts", 0),
        becomes={"fileData": {"fileUri": LINK, "mimeType": "image/webp"}},
        reread=reread_event,
    ),
    Golden(
        name="adk-event-as-its-session-service-stores-it",
        row=7,
        make=lambda data, media_type: run(
            returning(types.Part.from_bytes(data=data, mime_type=media_type)), by_alias=False
        ),
        path=("content", "parts", 0, "function_response", "parts", 0),
        becomes={"file_data": {"file_uri": LINK, "mime_type": "image/png"}},
        reread=reread_event,
    ),
    Golden(
        name="adk-event-of-an-mcp-tool",
        row=7,
        kind="jpeg",
        make=run_mcp,
        path=("content", "parts", 0, "functionResponse", "response", "content", 0),
        becomes={"type": "resource_link", "uri": LINK, "mimeType": "image/jpeg"},
        reread=reread_event,
    ),
    Golden(
        name="adk-event-of-a-dict",
        row=7,
        make=lambda data, _: run(returning({"success": True, "image_data": base64_of(data)})),
        path=("content", "parts", 0, "functionResponse", "response", "image_data"),
        becomes=REFERENCE,
        reread=reread_event,
    ),
    Golden(
        name="adk-event-of-a-string",
        row=7,
        kind="jpeg",
        make=lambda data, _: run(returning(base64_of(data))),
        path=("content", "parts", 0, "functionResponse", "response", "result"),
        becomes=REFERENCE,
        reread=reread_event,
    ),
]


# ADK reads MCP's tools by the old names, which FastMCP warns of wherever it is imported.
@pytest.mark.filterwarnings("ignore:Accessing `")
@pytest.mark.parametrize("golden", GOLDEN, ids=named)
@pytest.mark.parametrize("form", FORMS)
async def test_a_google_shape_goes_there_and_back(
    golden: Golden, form: Form, store: MediaStore
) -> None:
    await round_trip(golden, form, store)


async def test_a_thought_signature_stays_where_it_is(store: MediaStore) -> None:
    thought = types.Part(text="Hm.", thought=True, thought_signature=bytes(range(7, 247)) * 25)
    content = types.Content(role="model", parts=[thought])
    payload = content.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert len(payload["parts"][0]["thoughtSignature"]) > 4096
    offloaded, report = await offload(payload, store)
    assert offloaded is payload
    assert report.offloaded == 0
