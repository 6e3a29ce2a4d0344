"""Agno: messages and their media as its own classes turn them into dictionaries."""

import copy
import io
from typing import Any

import PIL.Image
import pytest
from agno.media import Audio, File, Image
from agno.models.message import Message

from coatcheck.payload.hydrate import hydrate
from coatcheck.payload.hydration.providers import ANTHROPIC_LIMITS, Agno, Provider
from coatcheck.payload.offload import Form, offload
from coatcheck.store import MediaStore
from tests.golden.golden import FORMS, LINK, REFERENCE, Golden, media_bytes, named, round_trip

pytestmark = pytest.mark.anyio


def message(**media: Any) -> Any:
    return Message(role="user", content="Look.", **media).to_dict()


def reread(payload: Any) -> Any:
    return Message.from_dict(copy.deepcopy(payload)).to_dict()


BECOMES = {"url": LINK, "metadata": {"coatcheck": REFERENCE}}

GOLDEN = [
    Golden(
        name="image",
        row=30,
        make=lambda data, media_type: message(
            images=[Image(content=data, mime_type=media_type, alt_text="a tree")]
        ),
        path=("images", 0),
        becomes={**BECOMES, "mime_type": "image/png", "alt_text": "a tree"},
        reread=reread,
    ),
    Golden(
        name="image-of-an-id-alone",
        row=30,
        kind="jpeg",
        make=lambda data, _media_type: message(
            images=[Image(content=data, id="i1", metadata={"page": 1})]
        ),
        path=("images", 0),
        becomes={**BECOMES, "id": "i1", "metadata": {"page": 1, "coatcheck": REFERENCE}},
        reread=reread,
    ),
    Golden(
        name="audio",
        row=30,
        kind="wav",
        make=lambda data, media_type: message(audio=[Audio(content=data, mime_type=media_type)]),
        path=("audio", 0),
        becomes=BECOMES,
        reread=reread,
    ),
    Golden(
        name="file",
        row=30,
        kind="pdf",
        make=lambda data, media_type: message(
            files=[File(content=data, id="f1", mime_type=media_type, filename="plans.pdf")]
        ),
        path=("files", 0),
        becomes={**BECOMES, "filename": "plans.pdf"},
        reread=reread,
    ),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("golden", GOLDEN, ids=named)
async def test_agno(golden: Golden, form: Form, store: MediaStore) -> None:
    await round_trip(golden, form, store)


async def test_agno_reads_what_is_hydrated(store: MediaStore) -> None:
    data = media_bytes("png")
    payload = message(images=[Image(content=data, mime_type="image/png")])
    offloaded, _ = await offload(payload, store)
    provider = Provider(form=Agno(), limits=ANTHROPIC_LIMITS)
    for original in (True, False):
        hydrated = await hydrate([offloaded], store, provider=provider, original=original)
        again = Message.from_dict(copy.deepcopy(hydrated.messages[0])).images[0].content
        assert len(hydrated.report.shown) == 1
        assert (again == data) is original
        assert PIL.Image.open(io.BytesIO(again)).size == (320, 240)
