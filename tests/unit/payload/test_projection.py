"""One reference, three forms; everything else in a payload stays as it is."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
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
    shown_ids,
)
from coatcheck.payload.results import result_line, result_urls
from coatcheck.reference import MediaReference, MediaUrls
from coatcheck.signing import Key, Keyring, UrlSigner

URLS = MediaUrls(base_url="https://cdn.example/media")
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
KNOWN = {REFERENCE.id, SOUND.id}
LINE = '[image 9188cc90-b172-47e9-b493-4e22175bd478 "a lighthouse at dusk" 1024×768 png]'

PROJECTIONS: list[Callable[[Any], Any]] = [
    for_storage,
    for_model,
    lambda value: for_ui(value, URLS, KNOWN),
]

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
    shown = for_ui(for_storage(message(REFERENCE.to_ui(URLS))), elsewhere, KNOWN)
    expected = json.dumps(message(REFERENCE.to_ui(URLS)), sort_keys=True)
    assert json.dumps(shown, sort_keys=True) == expected.replace(URLS.prefix, elsewhere.prefix)


def test_old_urls_give_way_to_new_ones() -> None:
    shown = for_ui(message(REFERENCE.to_ui(MediaUrls(base_url="https://old.example"))), URLS, KNOWN)
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
        message(REFERENCE.to_ui(MediaUrls(base_url="https://expired.example"))),
        json.loads(json.dumps(message(REFERENCE.to_stored()))),
        for_ui(for_storage(message(REFERENCE.to_stored())), URLS, KNOWN),
    ]
    assert len({json.dumps(for_model(form)).encode() for form in forms}) == 1


def test_what_holds_no_reference_keeps_its_urls() -> None:
    payload = {"fullImageUrl": "https://a.example", "thumbnailUrl": 1, "imageReference": "text"}
    for project in PROJECTIONS:
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
    for_ui(payload, URLS, KNOWN)
    for_model(payload)
    assert payload == before
    kept["parts"][0]["type"] = "changed"
    kept["parts"].clear()
    assert payload == before


@given(json_values)
def test_a_payload_without_references_passes_as_it_is(payload: Any) -> None:
    for result in (for_storage(payload), for_ui(payload, URLS, KNOWN), for_model(payload)):
        assert result == payload
        assert json.dumps(result) == json.dumps(payload)


@given(json_values, st.lists(st.sampled_from(["list", "a", "b"]), max_size=10))
def test_a_reference_is_found_wherever_it_is(beside: Any, way: list[str]) -> None:
    payload: Any = REFERENCE.to_ui(URLS)
    for step in way:
        payload = [beside, payload] if step == "list" else {step: payload, "beside": beside}
    assert LINE in json.dumps(for_model(payload), ensure_ascii=False).replace('\\"', '"')
    assert "cdn.example" not in json.dumps(for_storage(payload))
    assert for_ui(for_storage(payload), URLS, KNOWN) == payload


def test_the_references_of_a_payload_are_found_in_whichever_form() -> None:
    payload = [message(REFERENCE.to_ui(URLS)), {"deep": [{"er": SOUND.to_stored()}]}, REFERENCE.id]
    assert shown_ids(payload) == {REFERENCE.id, SOUND.id}
    assert shown_ids([{"type": "media_reference", "id": "forged"}, "text", None]) == set()


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"a": inner}])
def test_a_payload_that_nests_without_end_is_refused(wrap: Any) -> None:
    deep: Any = "x"
    for _ in range(MAX_DEPTH):
        deep = wrap(deep)
    assert for_storage(deep) == deep
    bomb = deep
    for _ in range(100_000):
        bomb = wrap(bomb)
    for project in PROJECTIONS:
        with pytest.raises(InvalidInputError, match="nests deeper"):
            project(bomb)
    while isinstance(bomb, list | dict):  # freed level by level, not by recursion
        bomb = bomb[0] if isinstance(bomb, list) else bomb["a"]


# --- what gets a URL -----------------------------------------------------------------------------

LINKS = f"![it](media://{REFERENCE.id}) and ![that](media://{SOUND.id})"


@pytest.mark.parametrize("form", [REFERENCE.to_stored(), REFERENCE.to_ui(URLS)])
def test_31_only_what_was_looked_up_for_the_reader_gets_a_url(form: dict[str, Any]) -> None:
    other = form | {"id": SOUND.id, "uri": SOUND.uri}
    payload = [message(form), form, other, {"imageReference": other, "thumbnailUrl": "/old"}, LINKS]
    stored = REFERENCE.to_stored() | {"id": SOUND.id, "uri": SOUND.uri}
    assert for_ui(payload, URLS, {REFERENCE.id}) == [
        message(REFERENCE.to_ui(URLS)),
        REFERENCE.to_ui(URLS),
        stored,
        {"imageReference": stored},
        f"![it]({URLS.original(REFERENCE.id)}) and ![that](media://{SOUND.id})",
    ]
    shown = json.dumps(for_ui(payload, URLS, ()))
    assert "cdn.example" not in shown
    assert "/old" not in shown


def test_links_in_texts_may_be_left_as_they_are() -> None:
    payload = [LINKS, REFERENCE.to_stored()]
    assert for_ui(payload, URLS, KNOWN, with_links=False) == [LINKS, REFERENCE.to_ui(URLS)]
    assert shown_ids(payload, with_links=False) == {REFERENCE.id}
    assert shown_ids([LINKS]) == KNOWN


def called_with(given: Any) -> list[Any]:
    """A call of a tool with these arguments, as the frameworks write it."""
    return [
        {"type": "tool-view", "toolCallId": "c", "state": "input-available", "input": given},
        {"type": "tool-view", "input": given},
        {"type": "dynamic-tool", "toolName": "view", "toolCallId": "c", "rawInput": given},
        {"type": "tool-input-available", "toolCallId": "c", "toolName": "view", "input": given},
        {"type": "tool-input-delta", "toolCallId": "c", "inputTextDelta": given},
        {"type": "tool-call", "toolCallId": "c", "toolName": "view", "args": given},
        {"part_kind": "tool-call", "tool_name": "view", "args": given, "tool_call_id": "c"},
        {"part_delta_kind": "tool_call", "args_delta": given, "tool_call_id": "c"},
        {"tool_calls": [{"name": "view", "args": given, "id": "c", "type": "tool_call"}]},
        {"tool_call_chunks": [{"name": None, "args": given, "type": "tool_call_chunk"}]},
        {"tool_calls": [{"type": "function", "function": {"name": "v", "arguments": given}}]},
        {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": given}}]}},
        {"type": "function_call", "name": "view", "call_id": "c", "arguments": given},
        {"type": "response.function_call_arguments.done", "arguments": given},
        {"type": "tool_use", "id": "c", "name": "view", "input": given},
        {"functionCall": {"name": "view", "args": given}},
        {"method": "tools/call", "params": {"name": "view", "arguments": given}},
        {"type": "TOOL_CALL_ARGS", "toolCallId": "c", "delta": given},
        {"type": "TOOL_CALL_CHUNK", "toolCallId": "c", "delta": given},
    ]


@pytest.mark.parametrize(
    "given",
    [
        REFERENCE.to_stored(),
        {"deep": [{"imageReference": REFERENCE.to_stored()}]},
        LINKS,
        json.dumps(REFERENCE.to_stored()),
    ],
)
def test_31_what_a_model_hands_to_a_tool_is_never_shown_as_media(given: Any) -> None:
    for call in called_with(given):
        assert for_ui(call, URLS, KNOWN) == call
        assert shown_ids(call) == set()
        beside = call | {"output": REFERENCE.to_stored()}
        assert for_ui(beside, URLS, KNOWN)["output"] == REFERENCE.to_ui(URLS)


def test_a_member_that_is_no_argument_is_shown_whatever_it_is_called() -> None:
    payload = {"input": [REFERENCE.to_stored()], "delta": LINKS}
    shown = for_ui(payload, URLS, KNOWN)
    assert shown["input"] == [REFERENCE.to_ui(URLS)]
    assert "media://" not in shown["delta"]


# --- in JSON inside of strings, and in links -----------------------------------------------------

SIGNED = "?expires=1800000000&signature=Zm9yZ2Vk"


def in_json(value: Any, times: int = 1) -> str:
    text = json.dumps(value, indent=1)
    return text if times == 1 else json.dumps({"text": in_json(value, times - 1), "n": 1.50})


@pytest.mark.parametrize("times", [1, 2, 3])
def test_references_in_json_inside_of_strings_are_projected_and_the_rest_of_it_stays(
    times: int,
) -> None:
    stored = in_json({"a": [REFERENCE.to_stored(), "é", 1.5], "b": f"![x]({SOUND.uri})"}, times)
    shown = for_ui({"text": stored}, URLS, KNOWN)["text"]
    expected = {"a": [REFERENCE.to_ui(URLS), "é", 1.5], "b": f"![x]({URLS.original(SOUND.id)})"}
    assert shown == in_json(expected, times)
    assert for_storage(shown, URLS) == stored
    assert shown_ids([stored]) == KNOWN
    told = for_model(shown, urls=URLS, known={SOUND.id: SOUND})
    assert told == in_json({"a": [LINE, "é", 1.5], "b": SOUND.to_model()}, times)
    assert for_ui(stored, URLS, ()) == stored


def test_31_signed_urls_are_kept_nowhere() -> None:
    ui = REFERENCE.to_ui(URLS)
    signed = {name: f"{value}{SIGNED}" if "rl" in name else value for name, value in ui.items()}
    payload = [in_json(signed, 2), f"see {URLS.original(REFERENCE.id)}{SIGNED}.", "{" + URLS.prefix]
    kept = for_storage(payload, URLS)
    assert kept == [in_json(REFERENCE.to_stored(), 2), f"see {REFERENCE.uri}.", "{" + URLS.prefix]
    assert "signature" not in json.dumps(for_storage([in_json(signed)]))


def test_a_reference_that_cannot_be_read_keeps_no_url() -> None:
    odd = REFERENCE.to_ui(URLS) | {"size": -1}
    kept = for_storage([odd, in_json(odd)])
    assert "cdn.example" not in json.dumps(kept)
    assert kept[0]["id"] == REFERENCE.id


def test_31_of_a_forged_reference_the_id_alone_is_believed() -> None:
    forged = REFERENCE.to_stored() | {"mimeType": "image/svg+xml", "size": 1, "alt": "mine"}
    catalog = {REFERENCE.id: REFERENCE}
    (shown,) = for_ui([forged], URLS, catalog)
    assert shown == REFERENCE.to_ui(URLS) | {"alt": "mine"}
    assert for_model([forged], known=catalog) == [LINE.replace("a lighthouse at dusk", "mine")]


def test_a_path_on_another_host_is_no_link_of_ours() -> None:
    ours = MediaUrls()
    foreign = f"https://other.example{ours.original(REFERENCE.id)}"
    assert for_storage(foreign) == foreign
    assert for_storage(f"({ours.original(REFERENCE.id)})") == f"({REFERENCE.uri})"


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": REFERENCE.uri, "detail": "low"}},
        {"type": "input_image", "image_url": REFERENCE.uri},
        {"type": "image", "source": {"type": "url", "url": REFERENCE.uri}},
        {"fileData": {"fileUri": REFERENCE.uri, "mimeType": "image/png"}},
        {"type": "file", "mediaType": "image/png", "data": {"type": "url", "url": REFERENCE.uri}},
        f"![it]({REFERENCE.uri})",
        f"{REFERENCE.uri}#base64",
    ],
)
def test_a_model_reads_a_line_where_media_is_named_by_a_link(part: Any) -> None:
    catalog = {REFERENCE.id: REFERENCE}
    assert for_model({"content": [part]}, known=catalog) == {"content": [LINE]}
    assert for_model({"content": [part]}) == {"content": [f"[media {REFERENCE.id}]"]}
    other = json.loads(json.dumps(part).replace(REFERENCE.uri, "https://other.example/x.png"))
    assert for_model({"content": [other]}) == {"content": [other]}


# What a painter is asked for, and the file name that the chat makes of it.
PROMPT = "A lighthouse on a rocky headland at dusk, its beam sweeping over a stormy sea, watercolor"
FILENAME = "a-lighthouse-on-a-rocky-headland-at-dusk-its-bea.png"


RING = Keyring((Key("k1", b"jN3kq0Zr8vTf1xWm5yHc7uLp2sDg9aEo"),))


@pytest.mark.parametrize(
    ("signer", "most"), [(None, 700), (UrlSigner(RING, clock=lambda: 1.8e9), 800)]
)
def test_a_picture_of_a_chat_is_shown_in_few_bytes(signer: UrlSigner | None, most: int) -> None:
    urls = MediaUrls(signer=signer)
    painted = replace(REFERENCE, width=2048, height=2048, alt=PROMPT, display_name=FILENAME)
    shown = for_ui({"data": painted.to_stored()}, urls, {painted.id: painted})["data"]
    assert shown["variants"] == [512, 1024, 1536]
    assert ("signature=" in shown["url"]) is (signer is not None)
    text = json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
    assert len(text.encode()) <= most


def test_the_uri_of_a_reference_in_a_text_is_no_link_to_show() -> None:
    for text in (f"Made: {json.dumps(REFERENCE.to_stored())}.", str(REFERENCE.to_stored())):
        assert for_ui(text, URLS, KNOWN) == text


def test_json_that_nests_without_end_is_text() -> None:
    deep = "[" * 500 + json.dumps(REFERENCE.uri) + "]" * 500
    assert for_ui(deep, URLS, KNOWN) == deep.replace(REFERENCE.uri, URLS.original(REFERENCE.id))
    text = json.dumps([REFERENCE.to_ui(URLS)])
    assert for_storage(text, URLS, with_links=False) == text
