"""OpenAI's Responses: requests as the SDK sends them, items and events that come back."""

import json
from typing import Any

import pytest
from openai.types.responses import (
    ResponseCodeInterpreterToolCall,
    ResponseImageGenCallPartialImageEvent,
    ResponseInputItem,
    ResponseOutputItem,
    ResponseOutputItemDoneEvent,
    ResponseReasoningItem,
    ResponseStreamEvent,
)
from openai.types.responses.response_code_interpreter_tool_call import OutputImage
from openai.types.responses.response_output_item import ImageGenerationCall, McpCall
from pydantic import TypeAdapter

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
from tests.golden.openai_sdk import rereads, sent

pytestmark = pytest.mark.anyio

INPUT_ITEM: TypeAdapter[Any] = TypeAdapter(ResponseInputItem)
OUTPUT_ITEM: TypeAdapter[Any] = TypeAdapter(ResponseOutputItem)
STREAM_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


async def sent_to_responses(*items: Any) -> Any:
    return await sent(lambda client: client.responses.create(model="gpt-5", input=list(items)))


def function_output(*content: Any) -> Any:
    return {"type": "function_call_output", "call_id": "call_1", "output": list(content)}


def image_call(data: bytes, media_type: str) -> ImageGenerationCall:
    kind: Any = media_type.removeprefix("image/")
    return ImageGenerationCall(
        id="ig_1",
        type="image_generation_call",
        status="completed",
        result=base64_of(data),
        output_format=kind,
    )


def reread_input(payload: Any) -> Any:
    items = [rereads(INPUT_ITEM)(item) for item in payload["input"]]
    return {**payload, "input": items}


GOLDEN = [
    Golden(
        name="input-image-in-a-message",
        row=8,
        make=lambda data, media_type: sent_to_responses(
            {
                "role": "user",
                "type": "message",
                "content": [
                    {"type": "input_text", "text": "Look."},
                    {
                        "type": "input_image",
                        "image_url": data_uri(data, media_type),
                        "detail": "auto",
                    },
                ],
            }
        ),
        path=("input", 0, "content", 1),
        becomes={"type": "input_image", "image_url": LINK, "detail": "auto"},
        reread=reread_input,
    ),
    Golden(
        name="input-image-in-a-function-output",
        row=8,
        kind="webp",
        make=lambda data, media_type: sent_to_responses(
            function_output({"type": "input_image", "image_url": data_uri(data, media_type)})
        ),
        path=("input", 0, "output", 0),
        becomes={"type": "input_image", "image_url": LINK},
        reread=reread_input,
    ),
    Golden(
        name="input-file-in-a-function-output",
        row=8,
        kind="pdf",
        make=lambda data, media_type: sent_to_responses(
            function_output(
                {
                    "type": "input_file",
                    "file_data": data_uri(data, media_type),
                    "filename": "plans.pdf",
                }
            )
        ),
        path=("input", 0, "output", 0),
        becomes={"type": "input_file", "file_url": LINK, "filename": "plans.pdf"},
        reread=reread_input,
    ),
    Golden(
        name="function-output-with-every-null",
        row=8,
        kind="jpeg",
        make=lambda data, media_type: INPUT_ITEM.validate_python(
            function_output({"type": "input_image", "image_url": data_uri(data, media_type)})
        ).model_dump(mode="json"),
        path=("output", 0),
        becomes={"type": "input_image", "image_url": LINK, "file_id": None},
        reread=rereads(INPUT_ITEM),
    ),
    Golden(
        name="function-output-as-json-text",
        row=8,
        make=lambda data, _: sent_to_responses(
            {
                "type": "function_call_output",
                "call_id": "call_1",
                "output": json.dumps({"prompt": "dusk", "image_data": base64_of(data)}),
            }
        ),
        path=("input", 0, "output", "image_data"),
        becomes=REFERENCE,
        reread=reread_input,
    ),
    Golden(
        name="function-output-of-bare-base64",
        row=8,
        kind="webp",
        exact=False,  # comes back as a data: URI: a link in text does not say what it was
        make=lambda data, _: sent_to_responses(
            {"type": "function_call_output", "call_id": "call_1", "output": base64_of(data)}
        ),
        path=("input", 0, "output"),
        becomes=LINK,
        reread=reread_input,
    ),
    Golden(
        name="computer-screenshot",
        row=8,
        make=lambda data, media_type: sent_to_responses(
            {
                "type": "computer_call_output",
                "call_id": "call_1",
                "output": {
                    "type": "computer_screenshot",
                    "image_url": data_uri(data, media_type),
                },
            }
        ),
        path=("input", 0, "output"),
        becomes={"type": "computer_screenshot", "image_url": LINK},
        reread=reread_input,
    ),
    Golden(
        name="code-interpreter-image",
        row=8,
        make=lambda data, media_type: ResponseCodeInterpreterToolCall(
            id="ci_1",
            type="code_interpreter_call",
            code="plot()",
            container_id="cntr_1",
            status="completed",
            outputs=[OutputImage(type="image", url=data_uri(data, media_type))],
        ).to_dict(mode="json"),
        path=("outputs", 0),
        becomes={"type": "image", "url": LINK},
        reread=rereads(OUTPUT_ITEM),
    ),
    Golden(
        name="mcp-call-output",
        row=8,
        kind="jpeg",
        make=lambda data, media_type: McpCall(
            id="mcp_1",
            type="mcp_call",
            name="draw",
            server_label="painter",
            arguments="{}",
            output=json.dumps([{"type": "image", "data": base64_of(data), "mimeType": media_type}]),
        ).to_dict(mode="json"),
        path=("output", 0),
        becomes={"type": "resource_link", "uri": LINK},
        reread=rereads(OUTPUT_ITEM),
    ),
    Golden(
        name="image-generation-call",
        row=9,
        make=lambda data, media_type: image_call(data, media_type).to_dict(mode="json"),
        path=(),
        becomes={
            "type": "image_generation_call",
            "id": "ig_1",
            "result": None,
            "mediaReference": REFERENCE,
        },
        reread=rereads(OUTPUT_ITEM),
    ),
    Golden(
        name="image-generation-call-sent-back",
        row=9,
        kind="webp",
        make=lambda data, media_type: sent_to_responses(
            image_call(data, media_type).to_dict(mode="json")
        ),
        path=("input", 0),
        becomes={"type": "image_generation_call", "result": None, "mediaReference": REFERENCE},
        reread=reread_input,
    ),
    Golden(
        name="output-item-done",
        row=9,
        kind="jpeg",
        make=lambda data, media_type: ResponseOutputItemDoneEvent(
            type="response.output_item.done",
            item=image_call(data, media_type),
            output_index=0,
            sequence_number=9,
        ).to_dict(mode="json"),
        path=("item",),
        becomes={"result": None, "mediaReference": REFERENCE},
        reread=rereads(STREAM_EVENT),
    ),
    Golden(
        name="partial-image",
        row=9,
        make=lambda data, _: ResponseImageGenCallPartialImageEvent(
            type="response.image_generation_call.partial_image",
            item_id="ig_1",
            output_index=0,
            sequence_number=3,
            partial_image_index=0,
            partial_image_b64=base64_of(data),
            output_format="png",
            size="1024x1024",
        ).to_dict(mode="json"),
        path=(),
        becomes={"partial_image_b64": "", "mediaReference": REFERENCE},
        reread=rereads(STREAM_EVENT),
    ),
]


@pytest.mark.parametrize("golden", GOLDEN, ids=named)
@pytest.mark.parametrize("form", FORMS)
async def test_a_shape_of_responses_goes_there_and_back(
    golden: Golden, form: Form, store: MediaStore
) -> None:
    await round_trip(golden, form, store)


async def test_encrypted_reasoning_stays_where_it_is(store: MediaStore) -> None:
    item = ResponseReasoningItem(
        id="rs_1", type="reasoning", summary=[], encrypted_content=base64_of(bytes(range(256)) * 24)
    )
    payload = item.to_dict(mode="json")
    offloaded, report = await offload(payload, store)
    assert offloaded is payload
    assert report.offloaded == 0
