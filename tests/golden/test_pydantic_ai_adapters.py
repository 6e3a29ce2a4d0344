"""pydantic-ai's adapters: real runs over AG-UI and over the AI SDK, whose types it has."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from ag_ui.core import Message, RunAgentInput
from pydantic import TypeAdapter
from pydantic_ai import Agent, BinaryContent
from pydantic_ai.messages import (
    FilePart,
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelResponse,
)
from pydantic_ai.models.test import TestModel
from pydantic_ai.ui.ag_ui import AGUIAdapter
from pydantic_ai.ui.vercel_ai import VercelAIAdapter
from pydantic_ai.ui.vercel_ai.request_types import UIMessage
from pydantic_ai.ui.vercel_ai.response_types import (
    DataChunk,
    FileChunk,
    ToolOutputAvailableChunk,
)

from coatcheck.payload.offload import Form, offload
from coatcheck.store import MediaStore
from tests.golden.golden import (
    FORMS,
    LINK,
    REFERENCE,
    Golden,
    base64_of,
    data_uri,
    media_bytes,
    named,
    round_trip,
)

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AG_UI_MESSAGES: TypeAdapter[Any] = TypeAdapter(list[Message])


def binary(data: bytes, media_type: str) -> BinaryContent:
    return BinaryContent(data=data, media_type=media_type, vendor_metadata={"detail": "high"})


def answered(data: bytes, media_type: str) -> ModelResponse:
    picture = BinaryContent.narrow_type(BinaryContent(data=data, media_type=media_type))
    return ModelResponse(parts=[FilePart(content=picture)], timestamp=NOW)


def painter(data: bytes, media_type: str) -> Agent[None, str]:
    """An agent whose model calls the one tool and says that it is done."""
    agent = Agent(TestModel(call_tools=["draw"], custom_output_text="Done."))

    @agent.tool_plain
    def draw() -> dict[str, Any]:
        return {"prompt": "dusk", "pictures": [binary(data, media_type)]}

    return agent


async def of_type(kind: str, encoded: Any) -> Any:
    """The first event of this type in a stream of server-sent events."""
    async for event in encoded:
        text = event.removeprefix("data: ").strip()
        if text.startswith("{") and json.loads(text)["type"] == kind:
            return json.loads(text)
    raise AssertionError(f"No {kind} came.")


async def over_vercel(data: bytes, media_type: str) -> Any:
    part = {"type": "text", "text": "Draw."}
    message = {"id": "m1", "role": "user", "parts": [part]}
    body = json.dumps({"trigger": "submit-message", "id": "c1", "messages": [message]})
    adapter = VercelAIAdapter(
        painter(data, media_type), VercelAIAdapter.build_run_input(body.encode()), sdk_version=6
    )
    return await of_type("tool-output-available", adapter.encode_stream(adapter.run_stream()))


async def over_ag_ui(data: bytes, media_type: str) -> Any:
    run = RunAgentInput.model_validate(
        {
            "threadId": "t1",
            "runId": "r1",
            "state": {},
            "messages": [{"id": "m1", "role": "user", "content": "Draw."}],
            "tools": [],
            "context": [],
            "forwardedProps": {},
        }
    )
    adapter = AGUIAdapter(painter(data, media_type), run)
    return await of_type("TOOL_CALL_RESULT", adapter.encode_stream(adapter.run_stream()))


async def conversation(data: bytes, media_type: str) -> list[ModelMessage]:
    """A run with a picture from the user and another copy of it from the tool."""
    result = await painter(data, media_type).run(["Look.", binary(data, media_type)])
    return result.all_messages()


async def vercel_messages(data: bytes, media_type: str) -> Any:
    """The conversation as pydantic-ai gives it to a front end with the AI SDK."""
    messages = VercelAIAdapter.dump_messages(await conversation(data, media_type))
    return [message.model_dump(mode="json", by_alias=True) for message in messages]


async def ag_ui_messages(data: bytes, media_type: str) -> Any:
    messages = AGUIAdapter.dump_messages(await conversation(data, media_type))
    return [message.model_dump(mode="json", by_alias=True) for message in messages]


def vercel_file(data: bytes, media_type: str) -> Any:
    """A file that a model made, in a message for the AI SDK."""
    (message,) = VercelAIAdapter.dump_messages([answered(data, media_type)])
    return message.model_dump(mode="json", by_alias=True)


def ag_ui_file(data: bytes, media_type: str) -> Any:
    """A file that a model made, as the activity in which pydantic-ai gives it to a front end."""
    messages = AGUIAdapter.dump_messages([answered(data, media_type)], preserve_file_data=True)
    return [message.model_dump(mode="json", by_alias=True) for message in messages]


def reread_vercel(payload: Any) -> Any:
    """What pydantic-ai makes of the messages that a front end sends back."""
    messages = [UIMessage.model_validate(message) for message in payload]
    loaded = VercelAIAdapter.load_messages(messages)
    return json.loads(ModelMessagesTypeAdapter.dump_json(loaded))


def reread_ag_ui(payload: Any) -> Any:
    loaded = AGUIAdapter.load_messages(AG_UI_MESSAGES.validate_python(payload))
    return json.loads(ModelMessagesTypeAdapter.dump_json(loaded))


def chunk(model: Any) -> Any:
    return json.loads(model.encode(6))


def reread_chunk(kind: Any) -> Any:
    return lambda payload: chunk(kind.model_validate(payload))


BY_URL = {
    "kind": "image-url",
    "url": LINK,
    "media_type": "image/png",
    "vendor_metadata": {"detail": "high"},
}

GOLDEN = [
    Golden(
        name="ai-sdk-tool-output-chunk",
        row=14,
        make=lambda data, _: chunk(
            ToolOutputAvailableChunk(
                tool_call_id="call_1", output={"result": base64_of(data)}, preliminary=True
            )
        ),
        path=("output", "result"),
        becomes=REFERENCE,
        reread=reread_chunk(ToolOutputAvailableChunk),
    ),
    Golden(
        name="ai-sdk-file-chunk",
        row=14,
        kind="jpeg",
        make=lambda data, media_type: chunk(
            FileChunk(url=data_uri(data, media_type), media_type=media_type)
        ),
        path=(),
        becomes={"type": "data-media", "data": {"state": "ready", "reference": REFERENCE}},
        reread=reread_chunk(DataChunk),
    ),
    Golden(
        name="ai-sdk-file-part",
        row=14,
        make=vercel_file,
        path=("parts", 0),
        becomes={"type": "data-media", "data": {"state": "ready", "reference": REFERENCE}},
        reread=lambda payload: UIMessage.model_validate(payload).model_dump(
            mode="json", by_alias=True
        ),
    ),
    Golden(
        name="tool-output-over-vercel",
        row=18,
        make=over_vercel,
        path=("output", "pictures", 0),
        becomes=BY_URL,
        reread=reread_chunk(ToolOutputAvailableChunk),
    ),
    Golden(
        name="tool-result-over-ag-ui",
        row=18,
        make=over_ag_ui,
        path=("content", "pictures", 0),
        becomes=BY_URL,
    ),
    Golden(
        name="file-activity-over-ag-ui",
        row=18,
        kind="jpeg",
        make=ag_ui_file,
        path=(0, "content"),
        becomes={"url": LINK, "media_type": "image/jpeg"},
        # pydantic-ai loads such an activity only with a data: URI, so not before it is restored.
    ),
    Golden(
        name="conversation-over-vercel",
        row=18,
        make=vercel_messages,
        path=(1, "parts", 0, "output", "pictures", 0),
        becomes=BY_URL,
        reread=reread_vercel,
        copies=2,
    ),
    Golden(
        name="conversation-over-ag-ui",
        row=18,
        make=ag_ui_messages,
        path=(2, "content", "pictures", 0),
        becomes=BY_URL,
        reread=reread_ag_ui,
        copies=2,
    ),
]


@pytest.mark.parametrize("golden", GOLDEN, ids=named)
@pytest.mark.parametrize("form", FORMS)
async def test_a_shape_of_an_adapter_goes_there_and_back(
    golden: Golden, form: Form, store: MediaStore
) -> None:
    await round_trip(golden, form, store)


async def test_a_media_part_is_our_own_and_passes_unchanged(store: MediaStore) -> None:
    reference = await store.put(media_bytes("png"))
    data = {"state": "ready", "reference": reference.to_stored()}
    payload = chunk(DataChunk(type="data-media", id="m1", data=data))
    offloaded, report = await offload(payload, store)
    assert offloaded is payload
    assert report.found == 0
