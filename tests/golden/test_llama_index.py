"""LlamaIndex: chat messages as its own models dump them."""

import io
from typing import Any

import PIL.Image
import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    ChatMessage,
    DocumentBlock,
    ImageBlock,
    TextBlock,
)

from coatcheck.payload.hydrate import hydrate
from coatcheck.payload.hydration.providers import ANTHROPIC_LIMITS, LlamaIndex, Provider
from coatcheck.payload.offload import Form, offload
from coatcheck.payload.restore import restore
from coatcheck.store import MediaStore
from tests.golden.golden import FORMS, LINK, Golden, media_bytes, named, round_trip

pytestmark = pytest.mark.anyio


def message(block: Any) -> Any:
    return ChatMessage(role="user", blocks=[TextBlock(text="Look."), block]).model_dump(mode="json")


def reread(payload: Any) -> Any:
    return ChatMessage.model_validate(payload).model_dump(mode="json")


GOLDEN = [
    Golden(
        name="image-block",
        row=28,
        make=lambda data, media_type: message(ImageBlock(image=data, image_mimetype=media_type)),
        path=("blocks", 1),
        becomes={
            "block_type": "image",
            "image": None,
            "url": LINK,
            "image_mimetype": "image/png",
        },
    ),
    Golden(
        name="document-block",
        row=28,
        kind="pdf",
        make=lambda data, media_type: message(
            DocumentBlock(data=data, document_mimetype=media_type, title="plans")
        ),
        path=("blocks", 1),
        becomes={"block_type": "document", "data": None, "url": LINK, "title": "plans"},
        reread=reread,
    ),
    Golden(
        name="audio-block",
        row=28,
        kind="wav",
        make=lambda data, _media_type: message(AudioBlock(audio=data, format="wav")),
        path=("blocks", 1),
        becomes={"block_type": "audio", "audio": None, "url": LINK, "format": "wav"},
    ),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("golden", GOLDEN, ids=named)
async def test_llama_index(golden: Golden, form: Form, store: MediaStore) -> None:
    await round_trip(golden, form, store)


async def test_a_python_dump_has_base64_as_bytes_and_its_models_read_both(
    store: MediaStore,
) -> None:
    data = media_bytes("jpeg")
    block = ImageBlock(image=data, image_mimetype="image/jpeg")
    payload = ChatMessage(role="tool", blocks=[block]).model_dump()
    offloaded, report = await offload(payload, store)
    assert report.offloaded == 1
    # An image's URL is validated: ours is one, in the form that is stored.
    reread = ChatMessage.model_validate(offloaded).model_dump(mode="json")
    restored, _ = await restore(reread, store)
    (again,) = ChatMessage.model_validate(restored).blocks
    assert isinstance(again, ImageBlock)
    assert again.resolve_image().read() == data


async def test_llama_index_reads_what_is_hydrated(store: MediaStore) -> None:
    data = media_bytes("png")
    payload = message(ImageBlock(image=data, image_mimetype="image/png"))
    offloaded, _ = await offload(payload, store)
    provider = Provider(form=LlamaIndex(), limits=ANTHROPIC_LIMITS)
    for original in (True, False):
        hydrated = await hydrate([offloaded], store, provider=provider, original=original)
        again = ChatMessage.model_validate(hydrated.messages[0]).blocks[1].resolve_image().read()
        assert len(hydrated.report.shown) == 1
        assert (again == data) is original
        assert PIL.Image.open(io.BytesIO(again)).size == (320, 240)
