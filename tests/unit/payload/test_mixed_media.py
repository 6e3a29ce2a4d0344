"""Good media beside media that the store refuses: the one is replaced, the other is counted."""

import base64
import json
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coatcheck.errors import UnprocessableMediaError
from coatcheck.payload.offload import OffloadLimits, offload
from coatcheck.store import MediaStore
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

PICTURES = [base64.b64encode(png_bytes(240, 180, seed)).decode() for seed in range(20)]
GOOD = PICTURES[:3]
TRUNCATED = [picture[:-80] for picture in PICTURES[3:6]]
SETTINGS = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def image(text: str) -> dict[str, Any]:
    """A node of a shape."""
    return {"type": "image", "data": text, "mimeType": "image/png"}


def anthropic(text: str) -> dict[str, Any]:
    """A node of a shape that has its media one level further down."""
    return {"type": "image", "source": {"type": "base64", "data": text}}


def carried(text: str) -> st.SearchStrategy[Any]:
    """The media in one of the ways in which it may be carried."""
    uri = f"data:image/png;base64,{text}"
    raw = {"type": "image", "data": base64.b64decode(text), "mimeType": "image/png"}
    return st.sampled_from([text, uri, image(text), anthropic(text), f"Look: ![it]({uri}).", raw])


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Leaves in lists and objects, in JSON in strings, and in that in strings again."""
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, min_size=1, max_size=4)
            | st.dictionaries(st.sampled_from("abcd"), inner, min_size=1, max_size=4)
            | st.dictionaries(st.sampled_from("abcd"), inner, min_size=1, max_size=4).map(in_json)
        ),
        max_leaves=4,
    )


def picture_of(size: int) -> bytes:
    """A PNG of so many bytes: it has a chunk that no reader knows."""
    png = png_bytes(32, 32)
    filling = b"\0" * (size - len(png) - 12)
    body = b"ruFf" + filling
    chunk = struct.pack(">I", len(filling)) + body + struct.pack(">I", zlib.crc32(body))
    return png[:-12] + chunk + png[-12:]


def in_json(value: Any) -> Any:
    """The value as JSON, or as it is where there are bytes in it."""
    try:
        return json.dumps(value)
    except TypeError:
        return value


def media_in(value: Any) -> Iterator[str]:
    """Every medium of a payload, as the base64 that it was made of."""
    if isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from media_in(member)
        return
    text = base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
    for known in (*GOOD, *TRUNCATED):
        # The end of a truncated one is no end of a line of characters, the middle is its own.
        yield from [known] * text.count(known[800:2400])


MEDIA = st.sampled_from([*GOOD, *TRUNCATED]).flatmap(carried)
PIECES = nested(MEDIA) | st.lists(MEDIA, min_size=1, max_size=2).map(in_json)


@SETTINGS
@given(st.lists(PIECES, max_size=12))
async def test_good_media_is_replaced_and_refused_media_is_counted_at_every_depth(
    store: MediaStore, payload: Any
) -> None:
    before = Counter(media_in(payload))
    good = sum(before[text] for text in GOOD)
    refused = before.total() - good

    offloaded, report = await offload(payload, store)

    assert (report.found, report.offloaded) == (before.total(), good)
    assert report.left == ({UnprocessableMediaError.code: refused} if refused else {})
    after = Counter(media_in(offloaded))
    assert after == Counter({text: before[text] for text in TRUNCATED if before[text]})


@pytest.mark.parametrize("wraps", [1, 2, 3])
async def test_among_many_refused_strings_every_good_picture_is_replaced(
    store: MediaStore, wraps: int
) -> None:
    """The strings inside of JSON are gone once they are read, and others get their identities."""
    payload: Any = [
        in_json(node) for picture in PICTURES for node in (image(picture[:-80]), {"image": picture})
    ]
    for _ in range(wraps - 1):
        payload = [json.dumps(payload)]
    offloaded, report = await offload(json.dumps(payload).encode(), store)
    assert isinstance(offloaded, bytes)
    assert report.offloaded == 20
    assert report.left == {UnprocessableMediaError.code: 20}
    assert offloaded.count(b"media_reference") == 20


async def test_media_that_a_shape_carries_is_asked_for_once_and_its_copies_by_themselves(
    store: MediaStore,
) -> None:
    data = base64.b64decode(TRUNCATED[0])
    for node in (image(TRUNCATED[0]), {"type": "image", "data": data, "mimeType": "image/png"}):
        unchanged, report = await offload(node, store)
        assert unchanged is node
        assert (report.found, report.left) == (1, {UnprocessableMediaError.code: 1})
    _, report = await offload(image(TRUNCATED[0]) | {"copy": TRUNCATED[0]}, store)
    assert (report.found, report.left) == (2, {UnprocessableMediaError.code: 2})


async def test_refused_media_that_is_too_deep_to_be_met_again_hides_no_other(
    store: MediaStore,
) -> None:
    payload = [
        in_json(node)
        for picture in PICTURES
        for node in (
            anthropic(picture[:-80]),
            {"image": picture},
        )
    ]
    _, report = await offload(payload, store, limits=OffloadLimits(max_depth=3))
    assert report.offloaded == 20
    assert report.left == {UnprocessableMediaError.code: 20, "too_deep": 20}


@pytest.mark.parametrize("wraps", range(3))
@pytest.mark.parametrize(
    "carry",
    [
        lambda text: text,
        lambda text: [text],
        lambda text: {"image": text},
        image,
        anthropic,
        lambda text: {"content": text},
        lambda text: f"It is {text} there.",
        lambda text: image(text) | {"data": base64.b64decode(text)},
    ],
    ids=["bare", "list", "object", "shape", "deeper", "text", "words", "bytes"],
)
async def test_media_counts_from_4096_characters_of_base64_on(
    store: MediaStore, carry: Callable[[str], Any], wraps: int
) -> None:
    for characters, expected in ((4096, 1), (4092, 0)):
        payload = carry(base64.b64encode(picture_of(characters // 4 * 3)).decode())
        for _ in range(wraps):
            payload = [in_json(payload)]
        offloaded, report = await offload(payload, store)
        assert (report.found, report.offloaded) == (expected, expected)
        assert (offloaded is payload) == (not expected)


async def test_media_of_exactly_4096_characters_takes_the_form_of_its_shape(
    store: MediaStore,
) -> None:
    offloaded, report = await offload(image(base64.b64encode(picture_of(3072)).decode()), store)
    (reference,) = report.references
    assert (offloaded["type"], offloaded["uri"]) == ("resource_link", reference.uri)
