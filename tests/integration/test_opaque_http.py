"""Opaque media: bytes of any type, which nothing looks at and no browser shows or runs."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from coatcheck.delivery import media_app
from coatcheck.errors import (
    CoatcheckError,
    EmptyMediaError,
    InvalidInputError,
    NotFoundError,
    QuotaExceededError,
    UnprocessableMediaError,
    UnsupportedMediaError,
)
from coatcheck.opening import open_store
from coatcheck.reference import MediaReference, MediaUrls
from coatcheck.store import MediaStore
from coatcheck.variants import VariantSpec
from tests.media import png_bytes
from tests.serving import asking_media

pytestmark = pytest.mark.anyio

SCRIPT = b"alert(document.domain)"
PAGE = b"<!DOCTYPE html><script>alert(document.domain)</script>"
DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
UNKNOWN = bytes(range(256)) * 20  # of no type that a store accepts


@pytest.fixture(params=["cold", "warm"])
async def client(
    store: MediaStore, request: pytest.FixtureRequest
) -> AsyncIterator[httpx.AsyncClient]:
    async with asking_media(media_app(store), request.param) as opened:
        yield opened


def files(data: Path) -> list[Path]:
    return sorted(path for path in (data / "blobs").rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (SCRIPT, "text/javascript"),
        (PAGE, "text/html; charset=utf-8"),
        (DRAWING, "application/xml"),
        (png_bytes(), "video/mp4"),
        (png_bytes(), None),
        (UNKNOWN, "application/x-tar"),
    ],
)
async def test_it_is_offered_as_a_file_and_never_by_its_type(
    store: MediaStore, client: httpx.AsyncClient, content: bytes, media_type: str | None
) -> None:
    reference = await store.put(
        content, kind="opaque", media_type=media_type, display_name="a page.html"
    )
    said = (media_type or "application/octet-stream").partition(";")[0]
    assert (reference.mime_type, reference.opaque) == (said, True)
    assert (reference.width, reference.height, reference.placeholder) == (None, None, None)
    for _ in range(2):  # from the disk, and from memory
        answer = await client.get(f"/image/{reference.id}", headers={"accept": "text/html"})
        assert (answer.status_code, answer.content) == (200, content)
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment; filename=")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    part = await client.get(f"/image/{reference.id}", headers={"range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, content[1:4])
    assert part.headers["content-disposition"].startswith("attachment;")


@pytest.mark.parametrize("query", ["?thumbnail=true", "?w=64", "?format=png", "?w=64&format=webp"])
async def test_it_has_no_thumbnail_and_no_variants(
    store: MediaStore, client: httpx.AsyncClient, query: str
) -> None:
    shown = await store.put(png_bytes())  # the same bytes, which have a thumbnail
    await store.variant(await store.record(shown.id), VariantSpec(64, "webp"))
    reference = await store.put(png_bytes(), kind="opaque")
    assert (await store.record(reference.id)).variants == {}
    answer = await client.get(f"/image/{reference.id}{query}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    with pytest.raises(NotFoundError):
        await store.thumbnail(reference.id)
    with pytest.raises(NotFoundError):
        await store.palette(reference.id)
    with pytest.raises(InvalidInputError, match="no image"):
        await store.edit(reference.id, [])


async def test_the_same_bytes_are_opaque_to_one_reference_and_a_picture_to_another(
    store: MediaStore, client: httpx.AsyncClient, data: Path
) -> None:
    first = await store.put(png_bytes(), kind="opaque", media_type="application/x-tar")
    assert len(files(data)) == 1
    picture = await store.put(png_bytes())
    last = await store.put(png_bytes(), kind="opaque")
    assert len(files(data)) == 2  # the content and its thumbnail
    assert (picture.mime_type, picture.width, picture.opaque) == ("image/png", 64, False)
    for reference in (first, picture, last):
        assert await store.get(reference.id) == reference
    answer = await client.get(f"/image/{picture.id}?thumbnail=true")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    answer = await client.get(f"/image/{picture.id}")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"].startswith("inline;")
    listed = {one.reference.id: one.reference for one in await store.list_media()}
    assert listed == {reference.id: reference for reference in (first, picture, last)}


async def test_what_is_damaged_can_be_kept_and_is_still_refused_as_a_picture(
    store: MediaStore,
) -> None:
    damaged = png_bytes(300, 300)[:900]
    reference = await store.put(damaged, kind="opaque", display_name="damaged.png")
    assert await store.read(reference.id) == damaged
    with pytest.raises(UnprocessableMediaError):
        await store.put(damaged)
    assert await store.get(reference.id) == reference


async def test_each_form_says_so(store: MediaStore, client: httpx.AsyncClient) -> None:
    reference = await store.put(
        UNKNOWN, kind="opaque", media_type="audio/x-unknown", display_name="noise.bin"
    )
    stored = reference.to_stored()
    assert stored["opaque"] is True
    assert MediaReference.from_stored(stored) == reference
    assert reference.to_model() == f'[file {reference.id} "noise.bin" x-unknown]'
    told = (await client.get(f"/{reference.id}")).json()
    assert told == reference.to_ui(MediaUrls())
    assert told["opaque"] is True
    assert not told.keys() & {"thumbnailUrl", "variants"}
    assert "opaque" not in replace(reference, opaque=False).to_stored()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"media_type": "image/png"}, UnsupportedMediaError, "cannot be declared as an image"),
        ({"media_type": " IMAGE/SVG+XML;x"}, UnsupportedMediaError, "cannot be declared"),
        ({"media_type": "html"}, InvalidInputError, "type/subtype"),
        ({"media_type": "text/html\r\nx: y"}, InvalidInputError, "type/subtype"),
        ({"media_type": f"text/{'x' * 200}"}, InvalidInputError, "type/subtype"),
        ({"kind": "binary"}, InvalidInputError, "'media' or 'opaque'"),
        ({"content": b""}, EmptyMediaError, "."),
    ],
)
async def test_what_cannot_be_taken_is_refused_and_leaves_nothing(
    store: MediaStore,
    data: Path,
    arguments: dict[str, Any],
    error: type[CoatcheckError],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        await store.put(**{"content": UNKNOWN, "kind": "opaque"} | arguments)
    assert files(data) == []
    assert list(await store.list_media()) == []
    with pytest.raises(UnsupportedMediaError):
        await store.put(UNKNOWN)  # only on request


async def test_an_upload_over_http_is_never_opaque(
    store: MediaStore, client: httpx.AsyncClient
) -> None:
    answer = await client.post("/upload?kind=opaque", content=UNKNOWN)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert list(await store.list_media()) == []


async def test_the_quota_of_its_owner_holds(data: Path) -> None:
    async with open_store(data, owner_bytes=len(UNKNOWN)) as store:
        await store.put(UNKNOWN, kind="opaque", owner="ada")
        with pytest.raises(QuotaExceededError):
            await store.put(UNKNOWN + b"x", kind="opaque", owner="ada")
