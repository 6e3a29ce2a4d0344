"""Offload, project, restore: forms that close, over every shape and every way of nesting it."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coatcheck.payload.projection import for_model, for_storage, for_ui, shown_ids
from coatcheck.payload.shapes import DEFAULT_SHAPES
from coatcheck.reference import MediaUrls
from coatcheck.signing import Key, Keyring, UrlSigner
from tests.media import image_bytes
from tests.unit.payload.walking import Shelf

URLS = MediaUrls(base_url="https://cdn.example/media")
RING = Keyring((Key("b", b"jN3kq0Zr8vTf1xWm5yHc7uLp2sDg9aEo"),))
OLD = MediaUrls(signer=UrlSigner(RING, lambda: 1_800_000_000))
MEDIA = [(image_bytes("png", 320, 240), "image/png"), (image_bytes("jpeg", 320, 240), "image/jpeg")]


def examples(data: bytes, kind: str) -> dict[str, Any]:
    """A node of each shape, by the name of its class, and what else may carry media."""
    b64, url = base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()
    uri = f"data:{kind};base64,{b64}"
    return {
        "LangChainSource": {
            "type": "image",
            "source_type": "base64",
            "data": b64,
            "mime_type": kind,
        },
        "LangChainBlock": {"type": "image", "base64": b64, "mime_type": kind, "id": "i"},
        "LangChainMedia": {"type": "media", "mime_type": kind, "data": b64},
        "McpResource": {
            "type": "resource",
            "resource": {"uri": "file:///é.png", "mimeType": kind, "blob": b64},
        },
        "McpContent": {"type": "image", "data": b64, "mimeType": kind, "_meta": {"a": 1.50}},
        "McpContent-of another type": {"type": "image", "data": b64, "mimeType": "image/gif"},
        "McpBlob": {"uri": "file:///a.png", "mimeType": kind, "blob": b64},
        "AnthropicSource": {
            "type": "image",
            "source": {"type": "base64", "media_type": kind, "data": b64},
        },
        "GeminiPart": {"inlineData": {"data": url, "mimeType": kind}},
        "GeminiImage": {"imageBytes": url, "mimeType": kind},
        "OpenAIFile": {"type": "input_file", "file_data": uri, "filename": "a.png"},
        "OpenAIGenerated": {"type": "image_generation_call", "id": "ig", "result": b64},
        "OpenAIGenerated-event": {
            "type": "response.image_generation_call.partial_image",
            "partial_image_b64": b64,
        },
        "OpenAIImage": {"b64_json": b64, "revised_prompt": None},
        "PydanticAIFile": {
            "part_kind": "file",
            "content": {"kind": "binary", "data": url, "media_type": kind, "vendor_metadata": None},
        },
        "PydanticAIBinary": {"kind": "binary", "data": url, "media_type": kind},
        "AiSdkUserFile": {
            "role": "user",
            "parts": [
                {"type": "file", "mediaType": kind, "url": uri},
                {"type": "text", "text": "é"},
            ],
        },
        "AiSdkUiFile": {"type": "file", "mediaType": kind, "url": uri},
        "AiSdkFile": {"type": "file", "mediaType": kind, "data": b64},
        "AiSdkFile-tagged": {
            "type": "file",
            "mediaType": kind,
            "data": {"type": "data", "data": b64},
        },
        "AiSdkToolMedia": {"type": "image-data", "data": b64, "mediaType": kind},
        "AiSdkImage": {"type": "image", "image": b64, "mediaType": kind},
        "AgUiSource": {"type": "image", "source": {"type": "data", "value": b64, "mimeType": kind}},
        "AgUiBinary": {"type": "binary", "mimeType": kind, "data": b64},
        "A2AFile": {"kind": "file", "file": {"name": "a", "mimeType": kind, "bytes": b64}},
        "JupyterBundle": {kind: b64, "text/plain": "<Figure>"},
        "an image_url": {"type": "image_url", "image_url": {"url": uri, "detail": "low"}},
        "an input_image": {"type": "input_image", "image_url": uri},
        "a bare string": {"mime": kind, "b64": b64},
        "a bare string, URL-safe": {"mime": kind, "b64": url},
        "a bare string, not padded": {
            "b64": base64.b64encode(data + b"\0" * (len(data) % 3 == 0)).decode().rstrip("=")
        },
        "a bare string in lines": {"b64": base64.encodebytes(data).decode()},
        "a data: URI": [uri],
        "a data: URI of another type": [uri.replace(kind, "image/gif")],
        "a text": f"See ![a pictüre]({uri}) and <img src='{uri}'>.",
        "a text with base64": {"text": f"It is {b64} ."},
        "an argument": {"toolCallId": "c", "toolName": "view", "input": {"image": uri}},
    }


NAMES = sorted(examples(b"", ""))
WRAPS: dict[str, Callable[[Any], Any]] = {
    "bare": lambda node: node,
    "nested": lambda node: {"content": [{"type": "text", "text": "é"}, [node]], "n": 1.5},
    "json": lambda node: json.dumps({"result": node, "beside": [1.50, 'é"\\']}),
    "json compact": lambda node: json.dumps([node, 1], separators=(",", ":"), ensure_ascii=False),
    "json indented": lambda node: json.dumps({"a": [node], "é": {}}, indent=2),
    "json oddly": lambda node: '{ "a" :\t' + json.dumps(node) + ',\n"b\\u0041" : 1.50 }',
    "json in json": lambda node: json.dumps({"text": json.dumps([json.dumps(node)])}),
}


@pytest.mark.parametrize("shape", list(DEFAULT_SHAPES), ids=lambda shape: type(shape).__name__)
def test_every_shape_of_these_modules_has_an_example(shape: Any) -> None:
    covered = {name.partition("-")[0] for name in NAMES}
    known = "ag_ui ai_sdk anthropic gemini jupyter langchain mcp openai pydantic_ai"
    # An `input_audio` holds no picture.
    module = type(shape).__module__.rpartition(".")[2]
    # An `input_audio` has no picture in it.
    assert type(shape).__name__ in covered | {"OpenAIAudio"} or module not in known.split()


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("name", NAMES)
def test_forms_close(name: str, wrap: str) -> None:
    check(WRAPS[wrap](examples(*MEDIA[0])[name]))


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(MEDIA) - 1),
            st.sampled_from(NAMES),
            st.lists(st.sampled_from(sorted(WRAPS)), max_size=3),
        ),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from(sorted(WRAPS)),
)
def test_forms_close_however_they_are_combined(
    chosen: list[tuple[int, str, list[str]]], outer: str
) -> None:
    nodes = []
    for index, name, wraps in chosen:
        node = examples(*MEDIA[index])[name]
        for wrap in wraps:
            node = WRAPS[wrap](node)
        nodes.append(node)
    check(WRAPS[outer](nodes if len(nodes) > 1 else nodes[0]))


def check(payload: Any) -> None:
    """The laws, for what offloading makes of a payload."""
    shelf = Shelf()
    stored = shelf.offload(payload)
    known = {key: reference for key, (reference, _) in shelf.media.items()}
    assert known
    shown = for_ui(stored, URLS, known)

    # A browser can fetch everything that it is shown, but for what a model handed to a tool.
    for text in texts(without_arguments(shown)):
        assert "media://" not in text
    if "toolCallId" not in str(payload):
        assert shown_ids(stored) == known.keys()

    # A model reads lines, and no URL.
    for form in (stored, shown):
        told = for_model(form, urls=URLS, known=known)
        for text in texts(told):
            assert "media://" not in text
            assert "cdn.example" not in text
        assert told == for_model(stored, known=known) == for_model(told, known=known)

    # What is kept has no URL, whatever came in, and is the same whichever way it came.
    kept = for_storage(stored)
    assert kept == stored
    signed = for_ui(stored, OLD, known)
    for form, urls in ((shown, URLS), (signed, OLD)):
        assert for_storage(form, urls) == kept
        for text in texts(for_storage(form, urls)):
            assert urls.prefix not in text
            assert "signature" not in text
    if "toolCallId" not in str(payload):
        assert for_storage(shelf.offload(payload, urls=OLD), OLD) == kept

    # Twice is once.
    assert for_storage(kept) == kept
    assert for_ui(shown, URLS, known) == shown
    assert shelf.offload(stored) is stored

    # What was taken out comes back bit for bit, or it is said where it did not.
    for form, minted in ((stored, None), (shown, URLS), (signed, OLD)):
        restored = shelf.restore(form, urls=minted)
        for place in differences(payload, restored):
            # What is said of a node is said of its members, and of the text that it stands in.
            assert any(
                said.startswith(place) or place.startswith(f"{said}/") for said in shelf.respelled
            ), place


def without_arguments(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: without_arguments(member)
            for name, member in value.items()
            if not ("toolCallId" in value and name == "input")
        }
    if isinstance(value, list):
        return [without_arguments(item) for item in value]
    if isinstance(value, str) and "toolCallId" in value:
        return without_arguments(json.loads(value))
    return value


def texts(value: Any) -> Iterator[str]:
    """Every string, in JSON inside of strings too, but for the `uri` of references."""
    if isinstance(value, dict):
        for name, member in value.items():
            if not (name == "uri" and value.get("type") == "media_reference"):
                yield from texts(member)
        if value.get("type") == "media_reference" and "url" in value:
            assert re.match(r"https://cdn\.example/media/|/api/media/image/", value["url"])
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        inner = parsed(value)
        yield from texts(inner) if isinstance(inner, dict | list | str) else [value]


def parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def differences(before: Any, after: Any, place: str = "") -> Iterator[str]:
    """Where two payloads differ, in JSON inside of strings too: the deepest places."""
    if type(before) is type(after) and before == after:
        return
    if isinstance(before, str) and isinstance(after, str):
        first, second = parsed(before), parsed(after)
        if isinstance(first, dict | list) and type(first) is type(second):
            inner = list(differences(first, second, place))
            yield from inner or [place]
            return
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        for name in before:
            yield from differences(before[name], after[name], f"{place}/{name}")
        return
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, pair in enumerate(zip(before, after, strict=True)):
            yield from differences(*pair, f"{place}/{index}")
        return
    yield place


USUAL = sorted(
    set(NAMES)
    - {"McpContent-of another type"}
    - {"a bare string, not padded", "a bare string in lines", "a data: URI of another type"}
)


@pytest.mark.parametrize("wrap", sorted(set(WRAPS) - {"json oddly"}))
@pytest.mark.parametrize("name", USUAL)
def test_what_is_written_in_a_usual_way_comes_back_bit_for_bit(name: str, wrap: str) -> None:
    shelf = Shelf()
    payload = WRAPS[wrap](examples(*MEDIA[0])[name])
    restored = shelf.restore(shelf.offload(payload))
    assert restored == payload
    assert shelf.respelled == []


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(USUAL)))
def test_what_is_not_is_reported_with_its_place(name: str) -> None:
    shelf = Shelf()
    payload = {"a/b": json.dumps({"c": [examples(*MEDIA[0])[name]]})}
    shelf.restore(shelf.offload(payload))
    (place,) = shelf.respelled
    assert place.startswith("/a~1b/c/0")
