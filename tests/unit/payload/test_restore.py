"""Media back where it was, and a word for every reference that could not be had."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coatcheck.payload.offload import offload
from coatcheck.payload.offloading.rewriting import MAX_DEPTH
from coatcheck.payload.restore import LeftReference, RestoreReport, restore
from coatcheck.reference import MediaReference, MediaUrls
from coatcheck.store import MediaStore
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

PNG = png_bytes(240, 180)
BASE64 = base64.b64encode(PNG).decode()
URI = f"data:image/png;base64,{BASE64}"
UNKNOWN = "9188cc90-b172-47e9-b493-4e22175bd478"
BLOCK = {"type": "image", "data": BASE64, "mimeType": "image/png"}
INLINE = {
    "block": BLOCK,
    "bare": BASE64,
    "note": f"Look: ![it]({URI}) there.",
    "json": json.dumps({"é": "ü", "inner": [json.dumps({"a/b": BASE64})]}, ensure_ascii=False),
}
PLACES = ["/block", "/bare", "/note", "/json/inner/0/a~1b"]


async def test_what_comes_back_is_what_was_taken_out(store: MediaStore) -> None:
    offloaded, _ = await offload(INLINE, store)
    restored, report = await restore(offloaded, store)
    assert restored == INLINE
    assert report == RestoreReport(restored=4)
    again, report = await restore(restored, store)
    assert again is restored
    assert report == RestoreReport()


@pytest.mark.parametrize("owner", ["bert", None, "", "Anna"])
async def test_another_owners_media_stays_a_reference_and_is_said(
    store: MediaStore, owner: str | None
) -> None:
    offloaded, made = await offload(INLINE, store, owner="anna")
    (reference,) = made.references
    unchanged, report = await restore(offloaded, store, owner=owner)
    assert unchanged is offloaded
    assert report == left(reference.id, "another_owner")
    restored, report = await restore(offloaded, store, owner="anna")
    assert restored["block"] == BLOCK
    assert report == RestoreReport(restored=4)


def left(reference_id: str, reason: str) -> RestoreReport:
    return RestoreReport(
        left=tuple(LeftReference(reason=reason, place=place, id=reference_id) for place in PLACES)
    )


async def test_media_without_an_owner_is_not_that_of_one(store: MediaStore) -> None:
    offloaded, _ = await offload([BASE64], store)
    unchanged, report = await restore(offloaded, store, owner="anna")
    assert unchanged is offloaded
    assert [one.reason for one in report.left] == ["another_owner"]


async def test_unknown_media_stays_a_reference_and_is_said(store: MediaStore) -> None:
    offloaded, made = await offload(INLINE, store)
    (reference,) = made.references
    await store.delete(reference.id)
    unchanged, report = await restore(offloaded, store)
    assert unchanged is offloaded
    assert report == left(reference.id, "not_found")


def blob_of(data: Path, reference: MediaReference) -> Path:
    name = reference.digest.removeprefix("sha-256:")
    return data / "blobs" / name[:2] / name[2:4] / name


@pytest.mark.parametrize(
    "damage",
    [lambda blob: blob.unlink(), lambda blob: blob.write_bytes(b"short")],
    ids=["missing", "short"],
)
async def test_media_that_cannot_be_read_stays_a_reference_and_is_said(
    store: MediaStore, data: Path, damage: Callable[[Path], object]
) -> None:
    offloaded, made = await offload(INLINE, store)
    (reference,) = made.references
    good = await store.put(png_bytes(seed=1))
    blob = blob_of(data, reference)
    blob.chmod(0o600)
    damage(blob)
    mixed = {**offloaded, "good": good.to_stored()}
    restored, report = await restore(mixed, store)
    assert restored == {**offloaded, "good": base64.b64encode(png_bytes(seed=1)).decode()}
    assert report == RestoreReport(restored=1, left=left(reference.id, "damaged_blob").left)


async def test_the_media_of_one_owner_is_restored_beside_that_of_another(
    store: MediaStore,
) -> None:
    _, annas = await offload([BASE64], store, owner="anna")
    _, berts = await offload([BASE64], store, owner="bert")
    links = [f"![a](media://{r.references[0].id})" for r in (annas, berts)]
    restored, report = await restore(" ".join(links), store, owner="anna")
    assert restored == f"![a]({URI}) {links[1]}"
    assert report == RestoreReport(
        restored=1,
        left=(LeftReference(reason="another_owner", place="", id=berts.references[0].id),),
    )


async def test_a_url_is_a_link_where_it_is_said_how_urls_are_minted(store: MediaStore) -> None:
    urls = MediaUrls(base_url="https://cdn.example/media")
    offloaded, _ = await offload(INLINE, store, form="ui", urls=urls, bare="object")
    restored, report = await restore(offloaded, store, urls=urls)
    assert restored["note"] == INLINE["note"]
    assert report == RestoreReport(restored=4)


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"a": inner}])
async def test_what_nests_too_deep_to_be_looked_into_is_said(
    store: MediaStore, wrap: Callable[[Any], Any]
) -> None:
    reference = (await store.put(PNG)).to_stored()
    deepest: Any = reference
    for _ in range(MAX_DEPTH):
        deepest = wrap(deepest)
    _, report = await restore(deepest, store)
    assert report == RestoreReport(restored=1)
    deeper = wrap(deepest)
    unchanged, report = await restore(deeper, store)
    assert unchanged is deeper
    step = next(iter(deeper)) if isinstance(deeper, dict) else 0
    place = f"/{step}" * (MAX_DEPTH + 1)
    assert report.left == (LeftReference(reason="too_deep", place=place, id=None),)


async def test_what_only_looks_like_a_reference_is_none(store: MediaStore) -> None:
    payload = [{"type": "media_reference", "id": "x"}, f"media://{UNKNOWN}x", "media://", None]
    unchanged, report = await restore(payload, store)
    assert unchanged is payload
    assert report == RestoreReport()
