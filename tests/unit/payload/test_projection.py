"""One reference, three forms; everything else in a payload stays as it is."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.errors import InvalidInputError
from coatcheck.payload.offloading.rewriting import MAX_DEPTH
from coatcheck.payload.projection import (
    for_model,
    for_storage,
    for_ui,
    reference_ids,
    result_line,
    result_urls,
)
from coatcheck.reference import MediaReference, MediaUrls

URLS = MediaUrls("https://cdn.example/media")
REFERENCE = MediaReference(
    id="9188cc90-b172-47e9-b493-4e22175bd478",
    mime_type="image/png",
    size=1_843_322,
    digest="sha-256:" + "9f86d081" * 8,
    width=1024,
    height=768,
    display_name="lighthouse.png",
    placeholder="1QcSHQRnh493V4dIh4eXh1h4kJUI",
    alt="a lighthouse at dusk",
)
SOUND = MediaReference(
    id="0f8fad5b-d9cb-469f-a165-70867728950e",
    mime_type="audio/mpeg",
    size=1000,
    digest="sha-256:" + "00" * 32,
)
LINE = '[image 9188cc90-b172-47e9-b493-4e22175bd478 "a lighthouse at dusk" 1024×768 png]'

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)


def message(reference: dict[str, Any]) -> dict[str, Any]:
    """An assistant's message as the UI has it, with a tool's result and a picture."""
    result = {
        "success": True,
        "data": {
            "imageReference": reference,
            **result_urls(REFERENCE, URLS),
            "prompt": "a lighthouse",
            "size": "1024x768",
        },
    }
    return {
        "id": "m1",
        "role": "assistant",
        "parts": [
            {"type": "step-start"},
            {"type": "tool-generate_image", "toolCallId": "c1", "output": result},
            {"type": "data-media", "id": "p1", "data": {"state": "ready", "reference": reference}},
            {"type": "text", "text": "Here it is: https://example.org/ is not ours.", "n": 1.5},
        ],
    }


def test_the_stored_form_holds_no_url_of_ours() -> None:
    kept = for_storage(message(REFERENCE.to_ui(URLS)))
    assert "cdn.example" not in json.dumps(kept)
    assert kept["parts"][2]["data"]["reference"] == REFERENCE.to_stored()
    data = kept["parts"][1]["output"]["data"]
    assert data == {
        "imageReference": REFERENCE.to_stored(),
        "prompt": "a lighthouse",
        "size": "1024x768",
    }


def test_the_ui_form_is_the_stored_one_with_urls_of_now() -> None:
    elsewhere = MediaUrls("/elsewhere")
    shown = for_ui(for_storage(message(REFERENCE.to_ui(URLS))), elsewhere)
    expected = json.dumps(message(REFERENCE.to_ui(URLS)), sort_keys=True)
    assert json.dumps(shown, sort_keys=True) == expected.replace(URLS.prefix, "/elsewhere")


def test_old_urls_give_way_to_new_ones() -> None:
    shown = for_ui(message(REFERENCE.to_ui(MediaUrls("https://old.example"))), URLS)
    assert shown == message(REFERENCE.to_ui(URLS))


def test_the_model_form_is_a_line_in_the_place_of_the_reference() -> None:
    told = for_model(message(REFERENCE.to_ui(URLS)))
    assert told["parts"][2]["data"] == {"state": "ready", "reference": LINE}
    assert told["parts"][1]["output"]["data"]["imageReference"] == LINE
    assert "cdn.example" not in json.dumps(told)


def test_the_model_form_is_the_same_bytes_whichever_form_it_comes_from() -> None:
    forms = [
        message(REFERENCE.to_stored()),
        message(REFERENCE.to_ui(URLS)),
        message(REFERENCE.to_ui(MediaUrls("https://expired.example?signature=1"))),
        json.loads(json.dumps(message(REFERENCE.to_stored()))),
        for_ui(for_storage(message(REFERENCE.to_stored())), URLS),
    ]
    assert len({json.dumps(for_model(form)).encode() for form in forms}) == 1


def test_what_holds_no_reference_keeps_its_urls() -> None:
    payload = {"fullImageUrl": "https://a.example", "thumbnailUrl": 1, "imageReference": "text"}
    for project in (for_storage, for_model, lambda value: for_ui(value, URLS)):
        assert project(payload) == payload


def test_a_tool_s_result_is_the_line_that_the_model_was_given_at_first() -> None:
    told = for_model(tool_result("Image generated.", REFERENCE.to_ui(URLS)))
    assert told == result_line("Image generated.", REFERENCE) == f"Image generated. {LINE}"
    kept = for_storage(tool_result("Image generated.", REFERENCE.to_ui(URLS)))
    assert for_model([{"output": kept}]) == [{"output": told}]


def tool_result(said: str, reference: dict[str, Any]) -> dict[str, Any]:
    urls = result_urls(REFERENCE, URLS)
    return {"success": True, "data": {"imageReference": reference, **urls, "message": said}}


@pytest.mark.parametrize(
    "payload",
    [
        {"data": {"message": "no picture"}},
        {"data": {"message": 7, "imageReference": None}},
        {"data": {"message": "forged", "imageReference": {"type": "other"}}},
        {"data": None},
    ],
)
def test_what_only_resembles_a_tool_s_result_stays(payload: Any) -> None:
    assert for_model(payload) == payload


def test_every_reference_of_a_payload_is_projected() -> None:
    payload = [REFERENCE.to_ui(URLS), {"x": (SOUND.to_ui(URLS),)}, REFERENCE.to_ui(URLS)]
    assert for_model(payload) == [LINE, {"x": [SOUND.to_model()]}, LINE]
    assert for_storage(payload) == [
        REFERENCE.to_stored(),
        {"x": [SOUND.to_stored()]},
        REFERENCE.to_stored(),
    ]


def test_a_payload_is_never_touched() -> None:
    payload = message(REFERENCE.to_ui(URLS))
    before = copy.deepcopy(payload)
    kept = for_storage(payload)
    for_ui(payload, URLS)
    for_model(payload)
    assert payload == before
    kept["parts"][0]["type"] = "changed"
    kept["parts"].clear()
    assert payload == before


@given(json_values)
def test_a_payload_without_references_passes_as_it_is(payload: Any) -> None:
    for result in (for_storage(payload), for_ui(payload, URLS), for_model(payload)):
        assert result == payload
        assert json.dumps(result) == json.dumps(payload)


@given(json_values, st.lists(st.sampled_from(["list", "a", "b"]), max_size=10))
def test_a_reference_is_found_wherever_it_is(beside: Any, way: list[str]) -> None:
    payload: Any = REFERENCE.to_ui(URLS)
    for step in way:
        payload = [beside, payload] if step == "list" else {step: payload, "beside": beside}
    assert LINE in json.dumps(for_model(payload), ensure_ascii=False).replace('\\"', '"')
    assert "cdn.example" not in json.dumps(for_storage(payload))
    assert for_ui(for_storage(payload), URLS) == payload


def test_the_references_of_a_payload_are_found_in_whichever_form() -> None:
    payload = [message(REFERENCE.to_ui(URLS)), {"deep": [{"er": SOUND.to_stored()}]}, REFERENCE.id]
    assert reference_ids(payload) == {REFERENCE.id, SOUND.id}
    assert reference_ids([{"type": "media_reference", "id": "forged"}, "text", None]) == frozenset()


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"a": inner}])
def test_a_payload_that_nests_without_end_is_refused(wrap: Any) -> None:
    deep: Any = "x"
    for _ in range(MAX_DEPTH):
        deep = wrap(deep)
    assert for_storage(deep) == deep
    bomb = deep
    for _ in range(100_000):
        bomb = wrap(bomb)
    for project in (for_storage, for_model, lambda value: for_ui(value, URLS)):
        with pytest.raises(InvalidInputError, match="nests deeper"):
            project(bomb)
    while isinstance(bomb, list | dict):  # freed level by level, not by recursion
        bomb = bomb[0] if isinstance(bomb, list) else bomb["a"]
