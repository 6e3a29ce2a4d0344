"""OpenAI's Agents SDK: what its tools return, and the items that it makes of that."""

from typing import Any

import pytest
from agents.items import ItemHelpers
from agents.tool import ToolOutputFileContent, ToolOutputImage, ToolOutputText
from openai.types.responses import ResponseFunctionToolCall, ResponseInputItem
from pydantic import TypeAdapter

from coatcheck.payload.offload import Form
from coatcheck.store import MediaStore
from tests.golden.golden import FORMS, LINK, Golden, base64_of, data_uri, named, round_trip
from tests.golden.openai_sdk import rereads

pytestmark = pytest.mark.anyio

CALL = ResponseFunctionToolCall(type="function_call", call_id="call_1", name="draw", arguments="{}")
INPUT_ITEM: TypeAdapter[Any] = TypeAdapter(ResponseInputItem)


def item(output: Any) -> Any:
    """The item that the runner keeps and sends for a tool that returned this."""
    return ItemHelpers.tool_call_output_item(CALL, output)


reread_item = rereads(INPUT_ITEM)


GOLDEN = [
    Golden(
        name="tool-output-image",
        row=12,
        make=lambda data, media_type: ToolOutputImage(
            image_url=data_uri(data, media_type), detail="auto"
        ).model_dump(mode="json"),
        path=(),
        becomes={"type": "image", "image_url": LINK, "detail": "auto", "file_id": None},
        reread=lambda payload: ToolOutputImage.model_validate(payload).model_dump(mode="json"),
    ),
    Golden(
        name="tool-output-file",
        row=12,
        kind="pdf",
        make=lambda data, media_type: ToolOutputFileContent(
            file_data=data_uri(data, media_type), filename="plans.pdf"
        ).model_dump(mode="json"),
        path=(),
        becomes={"type": "file", "file_url": LINK, "file_data": None, "filename": "plans.pdf"},
        reread=lambda payload: ToolOutputFileContent.model_validate(payload).model_dump(
            mode="json"
        ),
    ),
    Golden(
        name="tool-output-file-of-bare-base64",
        row=12,
        kind="pdf",
        exact=False,  # comes back as a data: URI, which is taken as well
        make=lambda data, _: ToolOutputFileContent(
            file_data=base64_of(data), filename="plans.pdf"
        ).model_dump(mode="json"),
        path=(),
        becomes={"type": "file", "file_url": LINK, "file_data": None, "filename": "plans.pdf"},
        reread=lambda payload: ToolOutputFileContent.model_validate(payload).model_dump(
            mode="json"
        ),
    ),
    Golden(
        name="item-of-structured-outputs",
        row=12,
        kind="webp",
        make=lambda data, media_type: item(
            [ToolOutputText(text="Drawn."), ToolOutputImage(image_url=data_uri(data, media_type))]
        ),
        path=("output", 1),
        becomes={"type": "input_image", "image_url": LINK},
        reread=reread_item,
    ),
    Golden(
        name="item-of-a-file",
        row=12,
        kind="pdf",
        make=lambda data, media_type: item(
            ToolOutputFileContent(file_data=data_uri(data, media_type), filename="plans.pdf")
        ),
        path=("output", 0),
        becomes={"type": "input_file", "file_url": LINK, "filename": "plans.pdf"},
        reread=reread_item,
    ),
    Golden(
        name="item-of-a-dict-as-python-text",
        row=12,
        kind="jpeg",
        exact=False,  # comes back as a data: URI: a link in text does not say what it was
        make=lambda data, _: item({"prompt": "the sailor's dusk", "image": base64_of(data)}),
        path=("output",),
        becomes=f"{{'prompt': \"the sailor's dusk\", 'image': '{LINK}'}}",
        reread=reread_item,
    ),
    Golden(
        name="item-of-a-dict-with-a-data-uri",
        row=12,
        make=lambda data, media_type: item({"ok": True, "src": data_uri(data, media_type)}),
        path=("output",),
        becomes=f"{{'ok': True, 'src': '{LINK}'}}",
        reread=reread_item,
    ),
]


@pytest.mark.parametrize("golden", GOLDEN, ids=named)
@pytest.mark.parametrize("form", FORMS)
async def test_an_agents_sdk_shape_goes_there_and_back(
    golden: Golden, form: Form, store: MediaStore
) -> None:
    await round_trip(golden, form, store)
