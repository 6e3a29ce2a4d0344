"""Every legacy shape becomes today's tool result; what is none stays as it is."""

import hashlib
import json
from typing import Any

import pytest

from coatcheck.legacy import LEGACY_SHAPES, LEGACY_TEXTS, summarize
from coatcheck.legacy.modernizing import (
    FILES_NOT_READ,
    may_be_legacy,
    measure_document,
    modernize_document,
    modernize_message,
)
from coatcheck.payload.offload import offload
from coatcheck.payload.projection import for_model
from coatcheck.reference import MediaReference
from coatcheck.store import MediaStore
from tests.legacy import encoded, formatted, reference, results, text_message, tool_message
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

PICTURE = png_bytes(300, 200)
SMALL = png_bytes(40, 30)  # less than the threshold of base64 that counts anywhere else
THUMBNAIL = png_bytes(32, 24, seed=1)
SHAPES = results(PICTURE, THUMBNAIL)
LINE = 'Image generated. [image {id} "a lighthouse at dusk" 300×200 png]'


def digest(data: bytes) -> str:
    return f"sha-256:{hashlib.sha256(data).hexdigest()}"


async def read(store: MediaStore, reference_id: str) -> bytes:
    stream = await store.open(reference_id)
    return b"".join([chunk async for chunk in stream.chunks])


async def stored_media(store: MediaStore) -> int:
    return len([finding async for finding in store.verify() if finding.state != "orphan"])


def result_of(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(value) if isinstance(value, str) else value
    return found


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_result_becomes_today_s(store: MediaStore, shape: str) -> None:
    message = tool_message("m", SHAPES[shape])
    assert may_be_legacy(message)
    modern, report = await modernize_message(message, store)
    result = result_of(modern["parts"][0]["output"])
    data = dict(result["data"])
    kept = MediaReference.from_stored(data.pop("imageReference"))
    assert await read(store, kept.id) == PICTURE
    assert kept.alt == "a lighthouse at dusk"
    assert result["success"] is True
    assert data == {
        "message": "Image generated.",
        "prompt": "a lighthouse at dusk",
        "model": "dall-e-3",
        "mode": "generate",
        "size": "64x48",
        "timestamp": "2024-05-01T12:00:00Z",
    }
    assert report.left == {}
    assert await stored_media(store) == 2  # the picture and its own thumbnail
    assert not may_be_legacy(modern)
    assert for_model(modern)["parts"][0]["output"] == LINE.format(id=kept.id)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("as_bytes", [False, True])
async def test_a_document_is_treated_like_the_message(
    store: MediaStore, shape: str, as_bytes: bool
) -> None:
    original = {"z": 1e5, "big": 12345678901234567890, "output": SHAPES[shape]}
    document = json.dumps(original)
    assert (await measure_document(document)).found >= 1
    modern, _ = await modernize_document(document.encode() if as_bytes else document, store)
    assert isinstance(modern, bytes) is as_bytes
    value = json.loads(modern)
    kept = result_of(value["output"])["data"]["imageReference"]
    assert (kept["digest"], value["z"], value["big"]) == (digest(PICTURE), 1e5, original["big"])
    again, report = await modernize_document(modern, store)
    assert again is modern
    assert report.found == 0


@pytest.mark.parametrize("shape", [name for name in results(SMALL, THUMBNAIL) if "image" in name])
async def test_a_small_picture_is_one_too(store: MediaStore, shape: str) -> None:
    message = tool_message("m", results(SMALL, THUMBNAIL)[shape])
    modern, _ = await modernize_message(message, store)
    kept = result_of(modern["parts"][0]["output"])["data"]["imageReference"]
    assert kept["digest"] == digest(SMALL)


async def test_markdown_becomes_a_link_and_a_user_s_picture_a_part(store: MediaStore) -> None:
    text = f"Look: ![the sea](data:image/png;base64,{encoded(PICTURE)}) nice"
    answer, report = await modernize_message(text_message("a", text), store)
    (kept,) = report.references
    assert answer["parts"][0]["text"] == f"Look: ![the sea]({kept.uri}) nice"
    assert kept.alt == "the sea"
    question, report = await modernize_message(text_message("u", text, "user"), store)
    (kept,) = report.references
    words, picture = question["parts"]
    assert words["text"] == "Look:  nice"
    assert picture["data"] == {"state": "ready", "reference": kept.to_stored()}


@pytest.mark.parametrize("name", ["data", "url", "imageUrl", "image_url", "imageData"])
async def test_words_around_say_that_it_is_a_result(store: MediaStore, name: str) -> None:
    uri = "" if name.lower().endswith("data") else "data:image/png;base64,"
    output = formatted({name: uri + encoded(PICTURE)})
    modern, _ = await modernize_message(tool_message("m", output), store)
    kept = modern["parts"][0]["output"]["data"]["imageReference"]
    assert kept["digest"] == digest(PICTURE)


async def test_a_text_that_is_a_result_becomes_the_part_of_a_tool(store: MediaStore) -> None:
    text = formatted({"imageData": encoded(PICTURE), "prompt": "the sea"})
    modern, _ = await modernize_message(text_message("a", text), store)
    (part,) = modern["parts"]
    assert (part["type"], part["state"]) == ("tool-generate_image", "output-available")
    assert part["input"] == {"prompt": "the sea"}
    assert part["output"]["data"]["imageReference"]["digest"] == digest(PICTURE)


@pytest.mark.parametrize("name", ["content", "text"])
async def test_what_has_to_be_a_text_stays_one(store: MediaStore, name: str) -> None:
    row = {"role": "tool", name: SHAPES["text, imageData"]}
    modern, _ = await modernize_document(json.dumps(row), store)
    text = json.loads(modern)[name]
    assert json.loads(text)["data"]["imageReference"]["digest"] == digest(PICTURE)
    kept = json.loads(text)["data"]["imageReference"]["id"]
    assert for_model(json.loads(modern))[name] == LINE.format(id=kept)


async def test_a_json_string_stays_json(store: MediaStore) -> None:
    text = f"![sea](data:image/png;base64,{encoded(PICTURE)}) **Success** is near"
    modern, _ = await modernize_document(json.dumps(text), store)
    assert json.loads(modern).startswith("![sea](media://")


async def test_without_its_file_a_reference_keeps_the_thumbnail_and_the_path(
    store: MediaStore,
) -> None:
    output = {"success": True, "data": {"imageReference": reference(THUMBNAIL), "prompt": "sea"}}
    modern, report = await modernize_document(json.dumps(output), store)
    data = json.loads(modern)["data"]
    assert report.left == {FILES_NOT_READ: 1}
    assert data["imageReference"]["digest"] == digest(THUMBNAIL)
    assert data["legacyReference"] == {
        name: value for name, value in reference(THUMBNAIL).items() if name != "thumbnail_base64"
    }


@pytest.mark.parametrize(
    "output",
    [
        {"url": "https://example.com/a.png", "prompt": "sea"},
        {"imageUrl": "https://example.com/a.png", "prompt": "sea"},
        {"data": "short", "prompt": "sea"},
        {"data": {"a": 1}, "success": True},
        "✅ **Success**: {broken",
        "✅ **Success**: [1]",
        '✅ **Success**: {"answer": 42}',
        "✅ **Success**: all is well",
        {"imageReference": {"image": 1}, "prompt": "sea"},
        {"imageUrl": "file:///etc/passwd", "prompt": "sea"},
    ],
)
async def test_what_is_no_picture_stays_as_it_is(store: MediaStore, output: Any) -> None:
    message = tool_message("m", output)
    assert (await modernize_message(message, store)).payload is message
    document = json.dumps(message)
    assert (await modernize_document(document, store)).payload is document
    assert await stored_media(store) == 0


async def test_a_damaged_picture_stays_and_is_counted(store: MediaStore) -> None:
    cut = encoded(PICTURE)[:5000]
    output = {"imageData": cut, "prompt": "sea"}
    modern, report = await modernize_document(json.dumps(output), store)
    assert json.loads(modern) == output
    assert sum(report.left.values()) == 1
    assert await stored_media(store) == 0


async def test_a_part_of_a_message_is_no_result(store: MediaStore) -> None:
    part = {"type": "file", "url": f"data:image/png;base64,{encoded(PICTURE)}", "prompt": "x"}
    message = {"id": "m", "role": "user", "parts": [part | {"mediaType": "image/png"}]}
    modern, _ = await modernize_message(message, store)
    assert modern["parts"][0]["url"].startswith("media://")


def test_an_ordinary_message_is_not_suspected() -> None:
    assert not may_be_legacy(text_message("m", "A lighthouse is a tower. " * 400))
    assert not may_be_legacy(tool_message("m", {"success": True, "data": {"answer": 42}}))


def test_a_model_sees_neither_the_picture_nor_the_path_of_a_legacy_result() -> None:
    for output in [*SHAPES.values(), {"imageUrl": "file:///srv/a.png", "prompt": "x"}]:
        shown = json.dumps(
            for_model(tool_message("m", output), summarize=summarize), ensure_ascii=False
        )
        assert len(shown) < 1000
        assert "/srv" not in shown


@pytest.mark.parametrize("summarized", [{"imageUrl": "file:///srv/a.png", "prompt": "x"}])
def test_what_sums_up_a_result_is_handed_in(summarized: dict[str, Any]) -> None:
    for output in [summarized, {"success": True, "data": summarized}, formatted(summarized)]:
        assert for_model([output]) == [output]
        assert for_model([output], summarize=summarize) == ['Image generated. [image "x"]']


def test_today_s_result_is_read_between_the_words_of_earlier_ones_too() -> None:
    kept = MediaReference(
        id="9188cc90-b172-47e9-b493-4e22175bd478",
        mime_type="image/png",
        size=1,
        digest="sha-256:" + "00" * 32,
    )
    data = {"imageReference": kept.to_stored(), "message": "Drawn."}
    text = formatted({"data": data})
    assert for_model(text, summarize=summarize) == f"Drawn. {kept.to_model()}"
    beside = {"imageReference": kept.to_stored(), "imageData": "A" * 64}  # its own reference wins
    assert for_model(beside, summarize=summarize) == beside | {"imageReference": kept.to_model()}


@pytest.mark.parametrize("fence", ["", "\n```\n"])
async def test_json_between_words_is_found_by_those_who_register_the_words(
    store: MediaStore, fence: str
) -> None:
    opening = "**Success**: " + ("```json\n" if fence else "")
    text = opening + json.dumps({"picture": encoded(PICTURE)}) + fence
    framed = (await offload(text, store, shapes=LEGACY_TEXTS)).payload
    kept = json.loads(framed.removeprefix(opening).removesuffix(fence))["picture"]
    assert kept["digest"] == digest(PICTURE)
    plain = (await offload(text, store)).payload  # a text like any other: a link
    assert "media://" in plain
    assert "media_reference" not in plain
    assert plain.startswith(opening + '{"picture": "')


def test_shapes_that_others_precede_keep_the_words_around_json() -> None:
    assert LEGACY_SHAPES.framing('**Success**: {"url":') is not None
    assert LEGACY_SHAPES.framing("**Success**: all is well") is None
