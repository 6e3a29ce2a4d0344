"""Properties of offloading and restoring, over payloads of any form."""

import base64
import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from coatcheck.payload.scanning.base64text import THRESHOLD
from tests.media import image_bytes
from tests.unit.payload.walking import Shelf

PICTURES = [
    image_bytes(kind, 320, 240, seed) for seed in range(2) for kind in ("png", "jpeg", "webp")
]
MEDIA_TYPES = ["image/png", "image/jpeg", "image/webp"] * 2


def inline(index: int) -> st.SearchStrategy[Any]:
    """The picture in one of the ways in which it may be carried."""
    standard = base64.b64encode(PICTURES[index]).decode()
    url_safe = base64.urlsafe_b64encode(PICTURES[index]).decode()
    kind = MEDIA_TYPES[index]
    uri = f"data:{kind};base64,{standard}"
    return st.sampled_from(
        [
            standard,
            uri,
            {"type": "image", "data": standard, "mimeType": kind},
            {"type": "image", "source": {"type": "base64", "media_type": kind, "data": standard}},
            {"inlineData": {"data": url_safe, "mimeType": kind}},
            {"type": "image_url", "image_url": {"url": uri}},
            {"kind": "binary", "data": url_safe, "media_type": kind},
            {"type": "image", "base64": standard, "mime_type": kind},
            {"type": "file", "mediaType": kind, "url": uri},
            {"data": {kind: standard, "text/plain": "<Figure>"}},
            f"Text with ![a picture]({uri}) in it.",
            f'<img src="{uri}">',
        ]
    )


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
)
media = st.integers(0, len(PICTURES) - 1).flatmap(inline)


def payloads(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """JSON of any form over `leaves`, pieces of it as JSON inside a string."""
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(max_size=8), inner, max_size=3)
            | st.lists(inner, min_size=1, max_size=2).map(dumped)
        ),
        max_leaves=8,
    )


def dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@given(payloads(scalars))
def test_without_media_a_payload_is_returned_as_it_is(payload: Any) -> None:
    shelf = Shelf()
    before = dumped(payload)
    assert shelf.offload(payload) is payload
    assert shelf.found == 0
    assert dumped(payload) == before
    document = before.encode()
    assert shelf.document(document) in (document, None)


@given(payloads(scalars | media))
def test_offloading_then_restoring_gives_back_what_went_in(payload: Any) -> None:
    shelf = Shelf()
    before = dumped(payload)
    offloaded = shelf.offload(payload)
    assert dumped(payload) == before
    assert not long_runs(dumped(offloaded))
    assert parsed(shelf.restore(offloaded)) == parsed(payload)


@given(payloads(scalars | media))
def test_offloading_is_idempotent(payload: Any) -> None:
    shelf = Shelf()
    once = shelf.offload(payload)
    found = shelf.found
    assert shelf.offload(once) is once
    assert shelf.found == found


@given(payloads(scalars | media))
def test_a_document_and_its_value_are_offloaded_alike(payload: Any) -> None:
    shelf = Shelf()
    rewritten = shelf.document(dumped([payload]).encode())
    assert json.loads(rewritten) == shelf.offload([payload])


def parsed(value: Any) -> Any:
    """The value with JSON inside its strings read: the order of members in there may change."""
    match value:
        case dict():
            return {name: parsed(member) for name, member in value.items()}
        case list():
            return [parsed(item) for item in value]
        case str() if value[:1] in {"[", "{", '"'}:
            try:
                return parsed(json.loads(value))
            except ValueError:
                return value
        case _:
            return value


def long_runs(text: str) -> bool:
    """Whether there is a run of base64 left, told without the scanner that is tested."""
    run = 0
    for character in text:
        is_base64 = character.isascii() and (character.isalnum() or character in "+/-_")
        run = run + 1 if is_base64 else 0
        if run >= THRESHOLD:
            return True
    return False


@settings(max_examples=300)
@given(st.binary(max_size=200), st.integers(0, 10_000), st.sampled_from(["b64", "uri", "json"]))
def test_damaged_media_never_raises_and_never_changes(
    noise: bytes, position: int, way: str
) -> None:
    """Fuzz: base64 with bytes of anything written over it."""
    text = base64.b64encode(PICTURES[0]).decode()
    odd = noise.decode("latin-1")
    damaged = text[: position % len(text)] + odd + text[position % len(text) + len(odd) :]
    payload: Any = {
        "b64": {"type": "image", "data": damaged, "mimeType": "image/png"},
        "uri": [f"data:image/png;base64,{damaged}"],
        "json": dumped({"image": damaged}),
    }[way]
    shelf = Shelf()
    before = dumped(payload)
    shelf.offload(payload)
    assert dumped(payload) == before


@given(st.integers(0, 2**32))
def test_no_bytes_break_a_document(seed: int) -> None:
    """Fuzz: JSON with media in it, cut and overwritten anywhere."""
    rng = random.Random(seed)
    document = bytearray(dumped({"image": base64.b64encode(PICTURES[0]).decode(), "n": 1}).encode())
    for _ in range(rng.randrange(1, 4)):
        document[rng.randrange(len(document))] = rng.randrange(256)
    cut = bytes(document[: rng.randrange(len(document))])
    shelf = Shelf()
    for damaged in (bytes(document), cut):
        rewritten = shelf.document(damaged)
        assert rewritten is None or isinstance(rewritten, bytes)
