"""The tools that work on media that is there: edit it, look at it, list it; and on whose."""

import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from coatcheck.errors import InvalidInputError, NotFoundError, PixelBudgetError
from coatcheck.ports import Swatch
from coatcheck.reference import ALT_WEIGHT, MediaReference, MediaUrls
from coatcheck.store import MediaStore
from coatcheck.workers import WorkerPool
from coatcheck_chat.agent.pydantic_ai import PydanticAIResponder, load_model
from coatcheck_chat.agent.tools import (
    MAX_LISTED,
    ImageResult,
    ToolContext,
    edit_image,
    list_media,
    show_media,
    view_media,
)
from coatcheck_chat.agent.tools.colors import color_name, describe_colors
from coatcheck_chat.agent.tools.view import VIEWED_EDGE
from coatcheck_chat.painting import PAINTERS
from coatcheck_chat.providers.procedural import ProceduralProvider
from tests.media import image_bytes, png_bytes

pytestmark = pytest.mark.anyio

URLS = MediaUrls(base_url="https://cdn.example")
HERE = "9188cc90-b172-47e9-b493-4e22175bd478"
ELSEWHERE = "0f8fad5b-d9cb-469f-a165-70867728950e"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 12"><rect width="9"/></svg>'
DARKER = {"operation": "brightness", "factor": 0.6}
SQUARE = {"operation": "crop", "aspect": "square"}


@pytest.fixture
async def painters() -> AsyncIterator[WorkerPool]:
    pool = WorkerPool("coatcheck_chat.painting", PAINTERS)
    yield pool
    await pool.aclose()


@pytest.fixture
def context(store: MediaStore, painters: WorkerPool) -> ToolContext:
    """A conversation of a server where nobody is told apart."""
    return ToolContext(
        store=store,
        provider=ProceduralProvider(painters),
        painters=painters,
        urls=URLS,
        conversation_id=HERE,
    )


async def put(context: ToolContext, content: bytes = b"", **members: Any) -> MediaReference:
    """A picture of the conversation, unless `members` say otherwise."""
    scope = {"owner": context.owner, "conversation_id": context.conversation_id}
    return await context.store.put(content or png_bytes(96, 64), **(scope | members))


async def edit(
    context: ToolContext,
    reference_id: str,
    *edits: dict[str, Any],
    parts: list[dict[str, Any]] | None = None,
    **more: Any,
) -> ImageResult:
    async def announce(part: dict[str, Any]) -> None:
        if parts is not None:
            parts.append(part["data"])

    return await edit_image(
        context, announce, part_id="p1", reference_id=reference_id, edits=list(edits), **more
    )


async def show(
    context: ToolContext, reference_id: str, parts: list[dict[str, Any]] | None = None
) -> str:
    async def announce(part: dict[str, Any]) -> None:
        if parts is not None:
            parts.append(part["data"])

    return await show_media(context, announce, part_id="p1", reference_id=reference_id)


def files(data: Path) -> list[Path]:
    return sorted(path for path in data.rglob("*") if not path.name.startswith("catalog."))


# --- editing -------------------------------------------------------------------------------------


async def test_an_edit_is_made_kept_and_announced_in_its_final_size(context: ToolContext) -> None:
    original = await put(context, alt="a lighthouse", display_name="lighthouse.png")
    parts: list[dict[str, Any]] = []
    result = await edit(context, original.id, DARKER, SQUARE, parts=parts)
    reference = result.reference
    assert (reference.width, reference.height, reference.mime_type) == (64, 64, "image/png")
    assert reference.alt == "a lighthouse, darker, cropped to a square"
    assert reference.display_name == "lighthouse-edited.png"
    assert parts == [
        {"state": "pending", "width": 64, "height": 64, "alt": reference.alt},
        {"state": "ready", "reference": reference.to_ui(URLS)},
    ]
    record = await context.store.record(reference.id)
    assert (record.owner, record.conversation_id) == (None, HERE)
    assert result.to_model() == f"Image edited. {reference.to_model()}"
    assert result.to_ui(URLS)["data"] | {"timestamp": ""} == {
        "imageReference": reference.to_ui(URLS),
        "fullImageUrl": URLS.original(reference.id),
        "thumbnailUrl": URLS.thumbnail(reference.id),
        "prompt": "darker, cropped to a square",
        "model": "libvips",
        "mode": "edit",
        "size": "64x64",
        "message": "Image edited.",
        "timestamp": "",
    }


async def test_each_edit_can_begin_with_the_one_before(context: ToolContext) -> None:
    first = await put(context, image_bytes("jpeg", 96, 64), alt="the sea", display_name="sea.jpeg")
    second = (await edit(context, first.id, SQUARE)).reference
    third = (await edit(context, second.id, {"operation": "text", "text": "HOME"})).reference
    assert third.alt == "the sea, cropped to a square, with the words 'HOME'"
    assert (second.display_name, third.display_name) == ("sea-edited.jpg", "sea-edited.jpg")
    assert (third.width, third.mime_type) == (64, "image/jpeg")


async def test_a_caption_that_grows_too_long_keeps_what_is_new(context: ToolContext) -> None:
    reference = await put(context, alt="a 灯台 at dusk " * 40)
    for number in range(6):
        words = f"number {number} " + "word " * 30
        result = await edit(context, reference.id, {"operation": "text", "text": words})
        reference = result.reference
        assert f"with the words 'number {number} word" in (reference.alt or "")
        assert sum(1 if c.isascii() else 3 for c in reference.alt or "") <= ALT_WEIGHT
        frame = {"seq": 10**9, "chunk": {"toolCallId": "c" * 40, "output": result.to_ui(URLS)}}
        assert len(json.dumps(frame, ensure_ascii=False).encode()) <= 2048


@pytest.mark.parametrize(
    ("content", "size"), [(SVG, (512, 512)), (image_bytes("gif", 96, 64), (64, 64))]
)
async def test_a_drawing_and_an_animation_become_png(
    context: ToolContext, content: bytes, size: tuple[int, int]
) -> None:
    parts: list[dict[str, Any]] = []
    original = await put(context, content, display_name="a.svg")
    reference = (await edit(context, original.id, SQUARE, parts=parts)).reference
    assert (reference.width, reference.height) == size
    assert (parts[0]["width"], parts[0]["height"]) == size
    assert (reference.mime_type, reference.display_name) == ("image/png", "a-edited.png")


async def test_what_a_file_is_called_can_be_said(context: ToolContext) -> None:
    original = await put(context)
    named = await edit(context, original.id, SQUARE, filename="../../home.png")
    assert named.reference.display_name == "home.png"
    assert (await edit(context, original.id, SQUARE)).reference.display_name == "picture-edited.png"


async def test_what_cannot_be_edited_is_refused_before_anything_is_announced(
    context: ToolContext, data: Path
) -> None:
    picture, text = await put(context), await put(context, b"Dear diary,\n")
    before, parts = files(data), list[dict[str, Any]]()
    refusals: list[tuple[str, list[Any], str]] = [
        (picture.id, [], "edits is a list"),
        (picture.id, [{"operation": "sharpen"}], "crop, resize"),
        (picture.id, [{"operation": "crop", "width": 97, "height": 1}], "96×64"),
        (picture.id, [DARKER, {"operation": "brightness", "factor": 9}], r"edits\[1\].*0 to 4"),
        (text.id, [DARKER], "no picture"),
    ]
    for identifier, edits, told in refusals:
        with pytest.raises(InvalidInputError, match=told):
            await edit(context, identifier, *edits, parts=parts)
    for unknown in (str(uuid4()), "", "9188cc90", "../../etc/passwd", "'; DROP TABLE media"):
        with pytest.raises(NotFoundError, match="list_media"):
            await edit(context, unknown, DARKER, parts=parts)
    assert parts == []
    assert files(data) == before


async def test_what_fails_on_the_way_is_shown_as_failed_and_leaves_nothing(
    context: ToolContext, data: Path
) -> None:
    picture = await put(context, png_bytes(8000, 1000))
    before, parts = files(data), list[dict[str, Any]]()
    with pytest.raises(PixelBudgetError):
        await edit(
            context,
            picture.id,
            {"operation": "resize", "width": 8000, "height": 8000, "fit": "stretch"},
            parts=parts,
        )
    assert [part["state"] for part in parts] == ["pending", "failed"]
    assert parts[1]["error"]["code"] == "pixel_budget_exceeded"
    assert files(data) == before


async def test_an_id_is_taken_as_models_write_it(context: ToolContext) -> None:
    reference = await put(context)
    for written in (reference.id, reference.id.upper(), reference.uri, f" {reference.id}\n"):
        assert (await context.find(written)).reference == reference


# --- whose ---------------------------------------------------------------------------------------

# Of a medium: its owner, its conversation, whether a message of this conversation refers to it.
# Of the tools: their owner. Whether they know it.
SCOPES = [
    # Nobody is told apart: what the conversation made or was handed, and nothing else.
    ((None, HERE, False), None, True),
    ((None, None, True), None, True),
    ((None, ELSEWHERE, True), None, True),
    ((None, ELSEWHERE, False), None, False),
    ((None, None, False), None, False),
    # A named owner's media is theirs in every conversation.
    (("ada", HERE, False), "ada", True),
    (("ada", None, False), "ada", True),
    (("ada", ELSEWHERE, False), "ada", True),
    # Another's is unknown, even where this conversation has come to hold it.
    (("bob", HERE, False), "ada", False),
    (("bob", HERE, True), "ada", False),
    ((None, HERE, True), "ada", False),
    (("ada", HERE, True), None, False),
    (("", HERE, True), None, False),
]


@pytest.mark.parametrize(("media", "owner", "known"), SCOPES)
async def test_31_an_id_is_known_to_whom_it_belongs_and_to_nobody_else(
    context: ToolContext,
    media: tuple[str | None, str | None, bool],
    owner: str | None,
    known: bool,
) -> None:
    """Attack 31: a forged or replayed id is an unknown one, for every tool alike."""
    whose, where, attached = media
    reference = await put(context, owner=whose, conversation_id=where)
    tools = replace(context, owner=owner, attached=frozenset({reference.id} if attached else set()))
    listed = [one.id for one in (await list_media(tools)).references]
    if known:
        assert (await view_media(tools, reference_id=reference.id)).reference == reference
        assert (await edit(tools, reference.id, SQUARE)).reference.width == 64
        assert (reference.id in listed) == (attached or where == HERE)
        return
    with pytest.raises(NotFoundError, match="no media under this id here"):
        await view_media(tools, reference_id=reference.id)
    with pytest.raises(NotFoundError, match="no media under this id here"):
        await edit(tools, reference.id, SQUARE)
    with pytest.raises(NotFoundError, match="no media under this id here"):
        await show(tools, reference.id)
    with pytest.raises(NotFoundError, match="no media under this id here"):
        await list_media(tools, before=reference.id)
    assert reference.id not in listed


async def test_outside_a_conversation_an_owner_s_media_is_known(context: ToolContext) -> None:
    reference = await put(context, conversation_id=ELSEWHERE)
    alone = replace(context, conversation_id=None)
    assert (await edit(alone, reference.id, SQUARE)).reference.width == 64
    with pytest.raises(InvalidInputError, match="no conversation"):
        await list_media(alone)


# --- showing -------------------------------------------------------------------------------------


async def test_a_picture_is_shown_to_the_user_again(context: ToolContext) -> None:
    reference = await put(context, alt="a lighthouse")
    parts: list[dict[str, Any]] = []
    told = await show(context, f"media://{reference.id}", parts)
    assert told == f"Shown. {reference.to_model()}"
    assert parts == [{"state": "ready", "reference": reference.to_ui(URLS)}]


# --- looking -------------------------------------------------------------------------------------


async def test_a_picture_is_seen_as_a_jpeg_of_a_size_that_models_take(context: ToolContext) -> None:
    for size, seen in (
        ((2000, 1000), (1024, 512)),
        ((96, 64), (96, 64)),
        ((1000, 4000), (256, 1024)),
    ):
        reference = await put(context, png_bytes(*size))
        viewed = await view_media(context, reference_id=reference.id)
        assert viewed.picture is not None
        image = Image.open(io.BytesIO(viewed.picture.data))
        assert (image.format, image.size) == ("JPEG", seen)
        assert max(image.size) <= VIEWED_EDGE
        assert viewed.picture.media_type == "image/jpeg"


async def test_a_model_without_eyes_gets_what_is_known(context: ToolContext) -> None:
    image = io.BytesIO()
    Image.new("RGB", (300, 200), (10, 20, 110)).save(image, "png")
    reference = await put(context, image.getvalue(), alt="the sea at night")
    viewed = await view_media(context, reference_id=reference.id, with_picture=False)
    assert viewed.picture is None
    told = f"Viewed. {reference.to_model()} Colours: dark blue 100 %."
    assert viewed.to_model() == told
    seen = await view_media(context, reference_id=reference.id)
    assert seen.to_model().startswith(told)
    assert "\n" not in seen.to_model()
    assert "base64" not in seen.to_model()


async def test_what_is_no_picture_cannot_be_looked_at(context: ToolContext) -> None:
    text = await put(context, b"Dear diary,\n")
    with pytest.raises(InvalidInputError, match="text/plain"):
        await view_media(context, reference_id=text.id)
    with pytest.raises(NotFoundError):
        await view_media(context, reference_id=str(uuid4()))
    assert (await view_media(context, reference_id=(await put(context, SVG)).id)).picture


COLORS = [
    ((0, 0, 0), "black"),
    ((255, 255, 255), "white"),
    ((128, 128, 128), "grey"),
    ((60, 60, 62), "dark grey"),
    ((200, 198, 200), "light grey"),
    ((255, 0, 0), "red"),
    ((120, 10, 10), "dark red"),
    ((255, 165, 0), "orange"),
    ((100, 60, 20), "dark brown"),
    ((250, 230, 40), "yellow"),
    ((30, 160, 60), "green"),
    ((0, 200, 210), "cyan"),
    ((0, 0, 255), "blue"),
    ((20, 30, 110), "dark blue"),
    ((150, 200, 250), "light blue"),
    ((183, 209, 222), "light greyish blue"),
    ((120, 60, 200), "purple"),
    ((235, 60, 150), "pink"),
]


@pytest.mark.parametrize(("rgb", "name"), COLORS)
def test_a_color_is_called_what_people_call_it(rgb: tuple[int, int, int], name: str) -> None:
    assert color_name(Swatch(red=rgb[0], green=rgb[1], blue=rgb[2], share=1)) == name


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_every_color_has_a_name(rgb: tuple[int, int, int]) -> None:
    assert color_name(Swatch(red=rgb[0], green=rgb[1], blue=rgb[2], share=1))


def test_colors_of_one_name_are_told_as_one() -> None:
    blues = [Swatch(red=0, green=0, blue=blue, share=0.3) for blue in (100, 120)]
    red = Swatch(red=250, green=0, blue=0, share=0.4)
    assert describe_colors([red, *blues]) == "dark blue 60 %, red 40 %"
    assert describe_colors([]) == "none"


# --- listing -------------------------------------------------------------------------------------


async def test_media_is_listed_newest_first_in_pages(context: ToolContext) -> None:
    made = [await put(context, alt=f"number {number}") for number in range(7)]
    await put(context, conversation_id=ELSEWHERE)
    upload = await put(context, b"some text", conversation_id=None)
    tools = replace(context, attached=frozenset({upload.id}))
    first = await list_media(tools, limit=5)
    assert first.references[0] == upload
    assert first.has_more
    last = first.references[-1]
    assert f"before={last.id}" in first.to_model()
    second = await list_media(tools, limit=5, before=last.id)
    assert not second.has_more
    listed = [*first.references, *second.references]
    assert {one.id for one in listed} == {one.id for one in [*made, upload]}
    assert len(listed) == 8
    assert first.to_model().splitlines()[1] == upload.to_model()


async def test_a_list_fits_into_a_frame_whatever_its_captions_are(context: ToolContext) -> None:
    for number in range(MAX_LISTED + 1):
        await put(context, alt=f"{number} " + '"灯台\\' * 60)
    seen: list[str] = []
    before = None
    while True:
        listing = await list_media(context, limit=MAX_LISTED, before=before)
        frame = {"seq": 10**9, "chunk": {"toolCallId": "c" * 40, "output": listing.to_model()}}
        assert len(json.dumps(frame, ensure_ascii=False).encode()) <= 2048
        seen += [one.id for one in listing.references]
        if not listing.has_more:
            break
        before = listing.references[-1].id
    assert len(seen) == len(set(seen)) == MAX_LISTED + 1


async def test_a_list_that_cannot_be_is_refused_and_an_empty_one_says_so(
    context: ToolContext,
) -> None:
    for limit in (0, -1, MAX_LISTED + 1):
        with pytest.raises(InvalidInputError, match="1 to 20"):
            await list_media(context, limit=limit)
    assert "no media" in (await list_media(context)).to_model()


async def test_a_model_is_told_of_an_old_result_in_one_line(context: ToolContext) -> None:
    output = {"imageUrl": "file:///srv/a.png", "prompt": "the sea"}
    part = {
        "type": "tool-generate_image",
        "toolCallId": "c",
        "state": "output-available",
        "input": {},
        "output": output,
    }
    responder = PydanticAIResponder(load_model("offline"), context)
    (read,) = await responder._asked([{"id": "a", "role": "assistant", "parts": [part]}], context)
    assert read.model_dump()["parts"][0]["output"] == 'Image generated. [image "the sea"]'
