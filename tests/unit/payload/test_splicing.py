"""Splicing: media out of serialized data and back, bit for bit, whatever serialized it."""

import base64
import json
import pprint
import random
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coatcheck.errors import (
    DamagedBlobError,
    InvalidInputError,
    MediaTooLargeError,
    NotFoundError,
)
from coatcheck.payload.scanning.text import FoundMedia
from coatcheck.payload.splicing import (
    MediaPiece,
    Spliced,
    Writing,
    _search,
    is_spliced,
    join,
    splice_out,
)
from coatcheck.store import MediaStore
from tests.golden.golden import media_bytes
from tests.media import image_bytes, png_bytes

PNG = png_bytes(320, 240)
MEDIA = [
    *(image_bytes(kind, 320, 240, seed) for seed in range(2) for kind in ("png", "jpeg", "webp")),
    *(media_bytes(kind) for kind in ("pdf", "wav", "gif")),
]
STANDARD = base64.b64encode(PNG).decode()
MAX = 10**9


# --- the pure part: what is found, and that writing it again gives the very data ------------------


def pieces_of(data: bytes) -> list[bytes]:
    """The media that is found in the data; checks that the data is what is written from it."""
    media = []
    rebuilt = b""
    copied = 0
    for found in _search(data, MAX):
        assert copied <= found.start < found.end <= len(data)
        if isinstance(found.media, FoundMedia):
            content = b"".join(found.media.media.chunks)
            media.append(content)
            rebuilt += data[copied : found.start] + found.writing.write(content)
            copied = found.end
    assert rebuilt + data[copied:] == data
    return media


def spellings(media: bytes) -> dict[str, str]:
    text = base64.b64encode(media).decode()
    lines = base64.encodebytes(media).decode()
    return {
        "standard": text,
        "url-safe": base64.urlsafe_b64encode(media).decode(),
        "uri": f"data:image/png;base64,{text}",
        "markdown": f"see ![it](data:image/webp;base64,{text}) there",
        "lines": lines,
        "crlf": lines.replace("\n", "\r\n"),
        "slashes": text.replace("/", "\\/"),
    }


inline = st.builds(
    lambda index, spelling: spellings(MEDIA[index])[spelling],
    st.integers(0, len(MEDIA) - 1),
    st.sampled_from(sorted(spellings(b""))),
)
scalars = st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=8)
payloads = st.recursive(
    scalars | inline,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


def packed(value: Any) -> bytes:
    return msgspec.msgpack.encode(value)


def with_bytes(value: Any) -> Any:
    """The value with the media itself in the place of each of its strings of base64."""
    match value:
        case dict():
            return {name: with_bytes(member) for name, member in value.items()}
        case list():
            return [with_bytes(item) for item in value]
        case str() if len(value) > 4096 and value.isascii() and set(value) <= ALPHABET:
            return base64.b64decode(value)
    return value


ALPHABET = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")


@settings(max_examples=40)
@given(payloads, st.sampled_from([None, 1, 4]), st.booleans())
def test_whatever_serialized_it_the_data_comes_back_bit_for_bit(
    payload: Any, indent: int | None, is_ascii: bool
) -> None:
    text = json.dumps(payload, indent=indent, ensure_ascii=is_ascii)
    for data in (
        packed(payload),
        packed(with_bytes(payload)),
        text.encode("utf-8", "surrogatepass"),
        json.dumps([text, json.dumps(text)]).encode(),
        str(payload).encode("utf-8", "surrogatepass"),
        pprint.pformat(payload, width=200).encode("utf-8", "surrogatepass"),
    ):
        pieces_of(data)


@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_damaged_data_comes_back_bit_for_bit(seed: int) -> None:
    rng = random.Random(seed)
    data = bytearray(packed([spellings(PNG), PNG, {"a": [PNG, "x" * rng.randrange(300)]}]))
    for _ in range(rng.randrange(6)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    pieces_of(bytes(data[: rng.randrange(len(data))]))
    pieces_of(bytes(data))


@pytest.mark.parametrize("spelling", list(spellings(b"")))
@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif", "pdf", "wav"])
def test_media_is_found_in_every_spelling_and_serialization(kind: str, spelling: str) -> None:
    media = media_bytes(kind)
    text = spellings(media)[spelling]
    for data in (
        text.encode(),
        packed({"a": text, "b": [1, text]}),
        json.dumps({"a": text}, indent=2).encode(),
        json.dumps([json.dumps([text])]).encode(),
        str({"a": text}).encode(),
    ):
        found = pieces_of(data)
        assert found, data[:80]
        assert set(found) == {media}


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif", "pdf", "wav"])
def test_raw_bytes_are_found_where_their_length_stands_before_them(kind: str) -> None:
    media = media_bytes(kind)
    varint = bytes([len(media) & 0x7F | 0x80, len(media) >> 7 & 0x7F | 0x80, len(media) >> 14])
    cbor = b"\xa1\x61a\x5a" + len(media).to_bytes(4, "big") + media + b"\x01"
    assert pieces_of(media) == [media]
    assert pieces_of(packed([1, {"a": media}, media, 65])) == [media, media]
    assert pieces_of(packed(msgspec.msgpack.Ext(5, packed([media])))) == [media]
    assert pieces_of(b"\x80\x04B" + len(media).to_bytes(4, "little") + media + b"\x94.") == [media]
    if len(media) >= 1 << 14:
        assert pieces_of(b"\x12" + varint + media + b"\x1a\x01x") == [media]
    if kind != "pdf":  # a PDF's end is not known so well that any length would do
        assert pieces_of(cbor) == [media]


@pytest.mark.parametrize("after", [65, b"A" * 20, "Z", "zzz"])
def test_what_stands_right_beside_base64_in_msgpack_is_not_taken_for_it(after: Any) -> None:
    """A length or a number is a letter of base64 by chance: 0x41 is A."""
    for size in range(320, 332):  # the bytes of the length before it take many values
        media = png_bytes(size, 240)
        for text in (
            base64.b64encode(media).decode(),
            base64.b64encode(media).decode().rstrip("="),
        ):
            found = pieces_of(packed([text, after, text, 66]))
            assert [one[: len(media)] for one in found] == [media, media]
            if text.endswith("=") or len(media) % 3 == 0:
                assert found == [media, media]


@pytest.mark.parametrize(
    "piece",
    [
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"/9j/",
        b"iVBORw0KGgo",
        b"iVBORw0KGgo" + b"A" * 5000,
        b"\\/9j\\/",
        b"\\\\\\n",
        b"R0lGOD\n",
        b"AAAAIGZ0eX",
        b"A",
        b"\xc6\x00\x10\x00\x00GIF89a",
    ],
)
def test_hostile_data_takes_linear_time(piece: bytes) -> None:
    def seconds(length: int) -> float:
        data = piece * (length // len(piece))
        best = float("inf")
        for _ in range(3):
            begun = time.thread_time()
            pieces_of(data)
            best = min(best, time.thread_time() - begun)
        return best

    small, large = seconds(100_000), seconds(800_000)
    assert large < 30 * small + 0.05  # eight times the data; quadratic would be 64 times


# --- with a store --------------------------------------------------------------------------------

CHECKPOINT = {"messages": [{"content": [{"data": STANDARD}, {"raw": PNG}]}], "n": 1}


@pytest.mark.anyio
async def test_a_checkpoint_goes_out_and_comes_back(store: MediaStore) -> None:
    data = packed(CHECKPOINT)
    spliced, report = await splice_out(data, store, owner="ada", conversation_id="c1")
    kept = spliced.to_bytes()
    assert (report.found, report.offloaded, len(report.references)) == (2, 2, 1)
    assert len(kept) < 400
    assert is_spliced(kept)
    assert not is_spliced(data)
    read = Spliced.from_bytes(kept)
    assert read == spliced
    assert await join(read, store, owner="ada") == data
    assert (await store.record(report.references[0].id)).conversation_id == "c1"


@pytest.mark.anyio
async def test_a_text_comes_back_as_a_text(store: MediaStore) -> None:
    text = f"é\ud800 {{'a': '{STANDARD}'}} ✓"
    spliced, report = await splice_out(text, store)
    assert report.offloaded == 1
    assert await join(Spliced.from_bytes(spliced.to_bytes()), store) == text
    for plain in ("", "words", "\ud800"):
        spliced, report = await splice_out(plain, store)
        assert report.found == 0
        assert await join(Spliced.from_bytes(spliced.to_bytes()), store) == plain


@pytest.mark.anyio
async def test_what_the_store_refuses_stays_and_is_counted_with_its_offset(
    store: MediaStore,
) -> None:
    cut = base64.b64encode(PNG[:-900]).decode()
    data = packed(["x", cut, STANDARD])
    spliced, report = await splice_out(data, store)
    assert dict(report.left) == {"unprocessable_media": 1}
    assert report.places == {"unprocessable_media": (str(data.index(cut.encode())),)}
    assert await join(spliced, store) == data
    headless = b"\x00" + PNG + b"\x00"  # nothing says how long it is
    spliced, report = await splice_out(headless, store)
    assert (spliced.pieces, dict(report.left)) == ((headless,), {"unknown_length": 1})


@pytest.mark.anyio
async def test_media_that_is_gone_or_another_owners_is_said(store: MediaStore) -> None:
    spliced, report = await splice_out(packed(CHECKPOINT), store, owner="ada")
    (reference,) = report.references
    for owner in (None, "bert"):
        with pytest.raises(NotFoundError, match=reference.id):
            await join(spliced, store, owner=owner)
    with pytest.raises(MediaTooLargeError, match="1,000 may be"):
        await join(spliced, store, owner="ada", max_bytes=1000)
    other = await store.put(png_bytes(64, 64), owner="ada")
    for size, match in ((other.size, "not what"), (reference.size, "not what")):
        forged = MediaPiece(other.id, bytes(32), size, Writing())
        with pytest.raises(DamagedBlobError, match=match):
            await join(Spliced((forged,)), store, owner="ada")
    await store.delete(reference.id)
    with pytest.raises(NotFoundError, match="was deleted"):
        await join(spliced, store, owner="ada")


@pytest.mark.anyio
async def test_damaged_envelopes_are_refused_with_the_reason(store: MediaStore) -> None:
    spliced, _ = await splice_out(packed(CHECKPOINT), store)
    kept = spliced.to_bytes()
    head = kept[:10]
    assert head == b"\xc1coatcheck"

    def envelope(*piece: Any) -> bytes:
        return head + b"\x01" + packed([False, [piece]])

    good = ["9188cc90-b172-47e9-b493-4e22175bd478", bytes(32), 1, "raw", True, b"/", 0, b""]
    assert Spliced.from_bytes(envelope(*good)).pieces
    damaged = {
        b"": "does not begin",
        packed(CHECKPOINT): "does not begin",
        head: "version none",
        head + b"\x02": "version 2",
        kept[:-1]: "damaged",
        kept + b"x": "damaged",
        head + b"\x01" + packed([0, 1]): "damaged",
        envelope(*good[:-1]): "damaged",
        envelope("x", *good[1:]): "id",
        envelope(good[0], b"", *good[2:]): "digest",
        envelope(*good[:2], 0, *good[3:]): "length",
        envelope(*good[:3], "hex", *good[4:]): "unknown way",
        envelope(*good[:5], b"x", *good[6:]): "escapes",
        envelope(*good[:7], b"  "): "escapes",
    }
    for data, match in damaged.items():
        with pytest.raises(InvalidInputError, match=match):
            Spliced.from_bytes(data)
    with pytest.raises(InvalidInputError, match="no UTF-8"):
        await join(Spliced((b"\xff",), is_text=True), store)
