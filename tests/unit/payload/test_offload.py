"""Offload: what is recognized, what it becomes, and what passes unchanged and counted."""

import base64
import dataclasses
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from matplotlib.figure import Figure
from PIL import Image
from pydantic import BaseModel

from coatcheck.errors import StorageError, StorageFullError
from coatcheck.payload.links import Links
from coatcheck.payload.offload import Form, OffloadLimits, OffloadReport, may_hold_media, offload
from coatcheck.payload.restore import restore
from coatcheck.payload.scanning.documents import pointer_to
from coatcheck.payload.shapes import DEFAULT_SHAPES, Inline, Node, Original, Replacement
from coatcheck.payload.streaming import offload_stream
from coatcheck.reference import MediaReference, MediaUrls
from coatcheck.store import MediaStore
from tests.media import image_bytes, picture, png_bytes
from tests.unit.payload.walking import finish

pytestmark = pytest.mark.anyio

PNG = png_bytes(320, 240)
JPEG = image_bytes("jpeg", 320, 240)
BASE64 = base64.b64encode(PNG).decode()
URI = f"data:image/png;base64,{BASE64}"
URLS = MediaUrls(base_url="https://cdn.example/media")


async def read(store: MediaStore, reference_id: str) -> bytes:
    stream = await store.open(reference_id)
    return b"".join([chunk async for chunk in stream.chunks])


async def test_media_becomes_a_reference_and_nothing_else_changes(store: MediaStore) -> None:
    payload = {"image": BASE64, "n": 1, "nested": [{"deep": {"url": URI}}], "text": "short"}
    before = json.dumps(payload)
    offloaded, report = await offload(payload, store)
    (reference,) = report.references
    assert offloaded == {
        "image": reference.to_stored(),
        "n": 1,
        "nested": [{"deep": {"url": f"media://{reference.id}"}}],
        "text": "short",
    }
    assert json.dumps(payload) == before
    assert await read(store, reference.id) == PNG
    assert (report.found, report.offloaded, dict(report.left)) == (2, 2, {})
    assert report.bytes_before == len(BASE64) + len(URI)
    assert 0 < report.bytes_after < 2000


async def test_the_ui_form_has_urls(store: MediaStore) -> None:
    payload = {"a": BASE64, "b": URI}
    offloaded, report = await offload(payload, store, form="ui", urls=URLS, bare="object")
    (reference,) = report.references
    assert offloaded == {"a": reference.to_ui(URLS), "b": URLS.original(reference.id)}


async def test_media_belongs_to_whom_it_is_said_to(store: MediaStore) -> None:
    _, report = await offload([BASE64], store, owner="ada", conversation_id="c1")
    record = await store.record(report.references[0].id)
    assert (record.owner, record.conversation_id) == ("ada", "c1")


async def test_copies_in_any_spelling_become_one_reference(store: MediaStore) -> None:
    url_safe = base64.urlsafe_b64encode(PNG).decode()
    lines = base64.encodebytes(PNG).decode()
    payload = [
        *(BASE64, BASE64.rstrip("="), url_safe, lines, URI, PNG),
        json.dumps({"a": BASE64}),
        f"![again]({URI})",
    ]
    offloaded, report = await offload(payload, store)
    assert (report.found, report.offloaded, len(report.references)) == (8, 8, 1)
    assert len(json.dumps(offloaded)) < 4500


async def test_json_inside_strings_is_followed_and_the_rest_of_it_kept(store: MediaStore) -> None:
    inner = '{"n": 1.50, "big": 123456789012345678901234567890, "image": "%s", "x": {"y" : 2.0}}'
    text = json.dumps({"inner": inner % BASE64})
    (offloaded,), report = await offload([text], store)
    kept = json.loads(json.loads(offloaded)["inner"])
    assert kept["image"] == report.references[0].to_stored()
    # Numbers keep their spelling, whatever a reader would make of them.
    assert '"n": 1.50' in json.loads(offloaded)["inner"]
    assert '"big": 123456789012345678901234567890' in json.loads(offloaded)["inner"]
    assert '{"y" : 2.0}' in json.loads(offloaded)["inner"]


@pytest.mark.parametrize("quote", ["/", "\\/"], ids=["slashes", "escaped slashes"])
@pytest.mark.parametrize("depth", range(4))
async def test_json_is_followed_however_often_it_is_wrapped(
    store: MediaStore, depth: int, quote: str
) -> None:
    document = json.dumps({"image": BASE64}).replace("/", quote)
    for _ in range(depth):
        document = json.dumps({"text": document})
    offloaded, report = await offload(document.encode(), store)
    assert isinstance(offloaded, bytes)
    assert report.offloaded == 1
    value = json.loads(offloaded)
    for _ in range(depth):
        value = json.loads(value["text"])
    assert value == {"image": report.references[0].to_stored()}


@pytest.mark.parametrize(
    "text",
    [
        f"Look: ![a plot]({URI}) there.",
        f'<p><img alt="x" src="{URI}"></p>',
        f"<img src='{URI.replace('image/png', 'image/png;name=plot.png;charset=utf-8')}'>",
        f"bare {URI} end",
        f"DATA:Image/PNG;BASE64,{BASE64} end",
        f"url({URI.replace('=', '%3D')})",
    ],
)
async def test_data_uris_in_text_become_links(store: MediaStore, text: str) -> None:
    offloaded, report = await offload({"note": text}, store)
    link = f"media://{report.references[0].id}"
    assert offloaded["note"].count(link) == 1
    assert len(offloaded["note"]) < 100
    start, _, end = offloaded["note"].partition(link)
    assert text.startswith(start)
    assert text.endswith(end.removeprefix("#inexact"))  # where nothing writes a URI like this


async def test_a_name_and_an_alternative_text_are_kept(store: MediaStore) -> None:
    uri = URI.replace("image/png", "image/png;name=tide%20table.png")
    _, report = await offload(f"![Tides in March]({uri})", store)
    (reference,) = report.references
    assert (reference.alt, reference.display_name) == ("Tides in March", "tide table.png")


async def test_the_bytes_are_believed_and_not_what_they_are_called(store: MediaStore) -> None:
    jpeg = base64.b64encode(JPEG).decode()
    payload = {"type": "image", "data": jpeg, "mimeType": "image/png"}
    offloaded, report = await offload([payload, f"data:image/gif;base64,{jpeg}"], store)
    assert offloaded[0]["mimeType"] == "image/jpeg"
    assert report.references[0].mime_type == "image/jpeg"
    assert len(report.references) == 1


@pytest.mark.parametrize(
    ("media", "reason"),
    [
        (BASE64[:6000], "unprocessable_media"),
        (BASE64[:5000] + "!" + BASE64[5001:], "unprocessable_media"),
        (base64.b64encode(PNG[:3500] + bytes(3000)).decode(), "unprocessable_media"),
        (base64.b64encode(b"II*\0" + bytes(5000)).decode(), "unsupported_media_type"),
        (base64.b64encode(b"words " * 1000).decode(), "unsupported_media_type"),
        (base64.b64encode(b"%PDF-1.4 " + bytes(5000)).decode(), "unprocessable_media"),
    ],
)
async def test_what_is_no_whole_media_passes_unchanged_and_is_counted(
    store: MediaStore, data: Path, media: str, reason: str
) -> None:
    payload = {"type": "image", "data": media, "mimeType": "image/png"}
    for value in (payload, {"url": f"data:image/png;base64,{media}"}):
        offloaded, report = await offload(value, store)
        if "!" in media and value is not payload:
            continue  # a text: its first part is cut short in its own right
        assert offloaded is value
        assert (report.offloaded, dict(report.left)) == (0, {reason: 1})
    assert not list((data / "blobs").rglob("*.*"))
    assert [finding async for finding in store.verify()] == []


LOOKALIKES = {
    "protein": "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVVHSLAKWKR"
    * 100,
    "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" * 100,
    "key": base64.b64encode(bytes(range(256)) * 30).decode(),
    "code": "".join(f"function_{number}_with_a_long_name" for number in range(300)),
    "text": base64.b64encode(b"Lorem ipsum dolor sit amet. " * 300).decode(),
    "json": base64.b64encode(json.dumps(list(range(3000))).encode()).decode(),
    "letters": "A" * 9000,
    "magic without a picture": "iVBORw0KGgo" + "A" * 9000,
}


@pytest.mark.parametrize("kind", LOOKALIKES)
async def test_what_only_looks_like_base64_passes_unchanged(store: MediaStore, kind: str) -> None:
    text = LOOKALIKES[kind]
    payload = {"value": text, "text": f"see {text} there", "json": json.dumps({"v": text})}
    offloaded, report = await offload(payload, store)
    assert offloaded is payload
    assert report.offloaded == 0
    document = json.dumps(payload).encode()
    assert (await offload(document, store)).payload is document


async def test_short_media_stays(store: MediaStore) -> None:
    tiny = base64.b64encode(png_bytes(8, 8)).decode()
    payload = {"type": "image", "data": tiny, "mimeType": "image/png", "raw": png_bytes(8, 8)}
    assert (await offload(payload, store)).payload is payload
    lower = OffloadLimits(threshold=64)
    _, report = await offload(payload, store, limits=lower)
    assert report.offloaded == 2


class Point(NamedTuple):
    x: int
    image: str


@dataclasses.dataclass
class Drawn:
    title: str
    image: Any


class Model(BaseModel):
    title: str
    image: str


class Struct(msgspec.Struct):
    title: str
    image: str


async def test_python_objects_are_looked_into(store: MediaStore) -> None:
    figure = Figure()
    figure.add_subplot().plot([1, 2, 3], [2, 1, 3])
    payload = [
        Model(title="m", image=BASE64),
        Struct(title="s", image=BASE64),
        Drawn("d", picture(320, 240)),
        Drawn("p", picture(320, 240).convert("CMYK")),
        Drawn("f", figure),
        (1, BASE64),
        Point(1, BASE64),
        bytearray(PNG),
        memoryview(PNG),
    ]
    offloaded, report = await offload(payload, store)
    assert report.offloaded == len(payload)
    assert [type(item) for item in offloaded] == [*[dict] * 5, tuple, Point, dict, dict]
    assert offloaded[6].image["type"] == "media_reference"
    drawn = await read(store, offloaded[2]["image"]["id"])
    assert Image.open(io.BytesIO(drawn)).tobytes() == picture(320, 240).tobytes()


async def test_objects_without_media_come_back_as_they_are(store: MediaStore) -> None:
    payload = [Model(title="m", image="x"), Struct(title="s", image="x"), Drawn("d", 1), object()]
    offloaded, _ = await offload(payload, store)
    assert offloaded is payload
    assert (await offload(Model, store)).payload is Model


async def test_a_reference_that_a_tool_returns_takes_its_form(store: MediaStore) -> None:
    reference = await store.put(PNG)
    offloaded, report = await offload({"made": reference}, store, form="ui", urls=URLS)
    assert offloaded == {"made": reference.to_ui(URLS)}
    assert report.found == 0


async def test_offloading_twice_is_offloading_once(store: MediaStore) -> None:
    for form in ("stored", "ui"):
        once, _ = await offload([BASE64, URI, json.dumps([BASE64])], store, form=form)
        again, report = await offload(once, store, form=form)
        assert again is once
        assert report.offloaded == 0


async def test_references_that_are_there_already_are_nothing_to_offload(store: MediaStore) -> None:
    """Attack 31: a forged one stays what it is, a value; the store is asked when it is used."""
    forged = MediaReference(
        id="9188cc90-b172-47e9-b493-4e22175bd478",
        mime_type="image/png",
        size=1,
        digest="sha-256:" + "0" * 64,
    )
    payload = {"imageReference": forged.to_stored(), "text": f"![x]({forged.uri})"}
    assert (await offload(payload, store)).payload is payload


async def test_no_text_forges_what_stands_for_a_cut_piece(store: MediaStore) -> None:
    """Attack 32: a marker in a prompt is text."""
    document = json.dumps({"prompt": "coatcheck:0123456789abcdef:0:", "image": BASE64}).encode()
    offloaded, _ = await offload(document, store)
    assert isinstance(offloaded, bytes)
    assert json.loads(offloaded)["prompt"] == "coatcheck:0123456789abcdef:0:"


async def test_budgets_bound_what_is_looked_at(store: MediaStore) -> None:
    deep: Any = [BASE64]
    for _ in range(100_000):
        deep = [deep]
    offloaded, report = await offload({"deep": deep, "image": BASE64}, store)
    assert (report.offloaded, dict(report.left)) == (1, {"too_deep": 1})
    assert offloaded["deep"] is deep
    wide = [*([0] * 2000), BASE64]
    _, report = await offload(wide, store, limits=OffloadLimits(max_values=1000))
    assert (report.offloaded, dict(report.left)) == (0, {"too_many_values": 1})


async def test_a_cycle_is_left_alone(store: MediaStore) -> None:
    payload: dict[str, Any] = {"image": BASE64}
    payload["self"] = [payload]
    offloaded, report = await offload(payload, store)
    assert offloaded["self"][0] is payload
    assert (report.offloaded, dict(report.left)) == (1, {"cycle": 1})


async def test_a_shared_value_is_no_cycle(store: MediaStore) -> None:
    shared = {"image": BASE64}
    offloaded, report = await offload([shared, shared], store)
    assert (report.found, report.offloaded, dict(report.left)) == (2, 2, {})
    assert offloaded[0] == offloaded[1]


class Broken:
    """A store whose storage has failed."""

    max_bytes = 10**9

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls = 0

    async def put(self, *_: object, **__: object) -> MediaReference:
        self.calls += 1
        raise self.error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (StorageError(), "storage_failed"),
        (StorageFullError(), "storage_full"),
        (RuntimeError("a bug"), "unexpected"),
    ],
)
async def test_a_failing_storage_loses_no_payload(error: Exception, reason: str) -> None:
    payload = {"type": "image", "data": BASE64, "mimeType": "image/png", "again": [URI]}
    broken = Broken(error)
    offloaded, report = await offload(payload, broken)  # type: ignore[call-overload] # what fails is the point
    assert offloaded is payload
    assert (report.found, report.offloaded, dict(report.left)) == (2, 0, {reason: 2})
    assert broken.calls == 1


async def test_media_that_is_too_large_is_not_sent_to_the_store(store: MediaStore) -> None:
    store.max_bytes = len(PNG) - 1
    payload = [BASE64]
    offloaded, report = await offload(payload, store)
    assert offloaded is payload
    assert dict(report.left) == {"media_too_large": 1}


async def test_media_that_is_much_too_large_is_not_even_decoded(
    store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(*_: object) -> None:
        raise AssertionError("decoded")

    store.max_bytes = 1000
    large = base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(2_000_000)).decode()
    payload = {"type": "image", "data": large, "mimeType": "image/png"}
    monkeypatch.setattr("coatcheck.payload.scanning.text.Blocks", decode)
    offloaded, report = await offload([payload, f"data:image/png;base64,{large}"], store)
    assert offloaded[0] is payload
    assert dict(report.left) == {"media_too_large": 2}


async def test_measuring_changes_and_stores_nothing(store: MediaStore) -> None:
    payload = {"a": BASE64, "b": URI, "c": "short"}
    offloaded, report = await offload(payload, None)
    assert offloaded is payload
    assert (report.found, report.offloaded) == (2, 0)
    assert report.bytes_before == len(BASE64) + len(URI)
    assert 0 < report.bytes_after < report.bytes_before / 10
    assert [finding async for finding in store.verify()] == []


async def test_a_document_without_media_is_the_same_object(store: MediaStore) -> None:
    for document in (b"", b"{}", b"\xff\xfe" + b"x" * 9000, b"text " * 2000, b"[" * 9000):
        assert (await offload(document, store)).payload is document


async def test_a_document_that_is_no_json_is_a_text(store: MediaStore) -> None:
    document = f"event: x\ndata: {URI}\nend {{".encode()
    offloaded, report = await offload(document, store)
    assert offloaded == f"event: x\ndata: media://{report.references[0].id}\nend {{".encode()
    bare, report = await offload(BASE64.encode(), store)
    assert bare == f"media://{report.references[0].id}#base64".encode()
    again, report = await offload(BASE64, store)
    assert again == f"media://{report.references[0].id}#base64"


@pytest.mark.parametrize("odd", [[], {}, None, 1, ["image"]])
async def test_a_shape_with_a_type_of_any_kind_breaks_nothing(
    store: MediaStore, odd: object
) -> None:
    for name in ("type", "kind", "part_kind", "source_type"):
        payload = {name: odd, "data": BASE64, "source": odd, "content": odd, "mimeType": "x"}
        offloaded, report = await offload(payload, store)
        assert offloaded["data"] == report.references[0].to_stored()
        assert (await restore(offloaded, store)).payload == payload


async def test_what_of_a_document_is_beside_the_way_stays_byte_for_byte(store: MediaStore) -> None:
    beside = b'{"a" : 1.0, "b":[1e3,  -0, 1.10 ], "c": "\\u00e9\\/" }'
    document = b'{"first": ' + beside + b', "image": "' + BASE64.encode() + b'"}'
    offloaded, _ = await offload(document, store)
    assert isinstance(offloaded, bytes)
    assert beside in offloaded


async def test_a_document_with_odd_bytes_beside_media_is_left_alone(store: MediaStore) -> None:
    document = b'{"image": "' + BASE64.encode() + b'", "odd": "\xff\xfe"}'
    assert (await offload(document, store)).payload is document


async def test_of_a_long_document_the_surroundings_of_media_are_read(store: MediaStore) -> None:
    image = {"type": "image", "data": BASE64, "mimeType": "image/png"}
    filler = [{"role": "user", "content": "x" * 100, "n": 1.0} for _ in range(3000)]
    value = [*filler, {"content": [image]}, *filler, BASE64, *filler]
    document = json.dumps(value, indent=1).encode()
    offloaded, report = await offload(document, store)
    assert isinstance(offloaded, bytes)
    link, bare = json.loads(offloaded)[3000]["content"][0], json.loads(offloaded)[6001]
    assert (link["type"], bare) == ("resource_link", report.references[0].to_stored())
    around = document.split(BASE64.encode())
    assert offloaded.startswith(around[0][: around[0].rindex(b"\n {\n")])
    assert offloaded.endswith(around[2].removeprefix(b'"'))


async def test_what_has_more_values_than_are_looked_at_is_treated_as_text(
    store: MediaStore,
) -> None:
    document = json.dumps({"image": URI, "more": [[]] * 100}).encode()
    limits = OffloadLimits(max_values=50)
    offloaded, report = await offload(document, store, limits=limits)
    assert isinstance(offloaded, bytes)
    assert json.loads(offloaded)["image"] == f"media://{report.references[0].id}"


class Invoice:
    """An application's own shape: ``{scan: {b64}}`` ↔ ``{scan: {ticket}}``."""

    members = frozenset({"scan"})

    def recognize(self, node: Node) -> Inline | None:
        scan = node["scan"]
        return Inline(media=scan["b64"], name="invoice.png") if "b64" in scan else None

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        return {**node, "scan": {"ticket": replacement.reference.id}}

    def linked(self, node: Node, links: Links) -> str | None:
        scan = node.get("scan", {})
        return links.id_of("media://" + scan["ticket"]) if "ticket" in scan else None

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        return {**node, "scan": {"b64": original.base64}}


async def test_an_application_adds_its_own_shape(store: MediaStore) -> None:
    shapes = DEFAULT_SHAPES.preceded_by(Invoice())
    offloaded, report = await offload([{"scan": {"b64": BASE64}}], store, shapes=shapes)
    (reference,) = report.references
    assert offloaded == [{"scan": {"ticket": reference.id}}]
    assert reference.display_name == "invoice.png"
    restored, _ = await restore(offloaded, store, shapes=shapes)
    assert restored == [{"scan": {"b64": BASE64}}]


def test_reports_add_up() -> None:
    from coatcheck.payload.offloading.report import OffloadReport  # noqa: PLC0415 - used by this test alone

    one = OffloadReport(found=2, offloaded=1, bytes_before=10, bytes_after=1, left={"cycle": 1})
    total = one + one
    assert (total.found, total.offloaded, total.bytes_before) == (4, 2, 20)
    assert dict(total.left) == {"cycle": 2}


@pytest.mark.parametrize("document", ["", "short", "prose " * 5000, b"prose " * 5000])
def test_a_probe_tells_what_holds_no_media(document: str | bytes) -> None:
    assert not may_hold_media(document)
    assert may_hold_media(BASE64)
    assert may_hold_media(json.dumps({"x": BASE64}).replace("/", "\\/").encode())


# --- base64 that no shape claims ------------------------------------------------------------------

BLOCK = {"type": "image", "data": BASE64, "mimeType": "image/png"}
UNCLAIMED = {
    "payload": {"mime": "image/png", "b64": BASE64},
    "json": json.dumps({"a/b": [json.dumps({"inner~": BASE64})]}),
    "prose": f"Here you are: {BASE64} .",
    "text": BASE64,
}


async def test_in_an_answer_base64_that_no_shape_claims_stays_and_is_counted_with_its_path(
    store: MediaStore, data: Path
) -> None:
    payload = UNCLAIMED | {"uri": URI, "known": BLOCK}
    shown, report = await offload(payload, store, form="ui", urls=URLS)
    (reference,) = report.references
    assert shown | {"known": None} == UNCLAIMED | {
        "uri": URLS.original(reference.id),
        "known": None,
    }
    assert shown["known"]["uri"] == URLS.original(reference.id)
    assert (report.found, report.offloaded, dict(report.left)) == (6, 2, {"unknown_shape": 4})
    assert report.places == {
        "unknown_shape": ("/payload/b64", "/json/a~1b/0/inner~0", "/prose", "/text")
    }
    kept, report = await offload(UNCLAIMED, store, bare="keep")
    assert kept is UNCLAIMED
    assert report.offloaded == 0


@pytest.mark.parametrize("form", ["stored", "ui"])
async def test_a_string_may_be_told_to_stay_a_string(store: MediaStore, form: Form) -> None:
    linked, report = await offload(UNCLAIMED, store, form=form, urls=URLS, bare="url")
    (reference,) = report.references
    link = (reference.uri if form == "stored" else URLS.original(reference.id)) + "#base64"
    assert linked["payload"] == {"mime": "image/png", "b64": link}
    assert json.loads(json.loads(linked["json"])["a/b"][0]) == {"inner~": link}
    assert (linked["prose"], linked["text"]) == (f"Here you are: {link} .", link)
    assert (report.offloaded, dict(report.left), dict(report.places)) == (4, {}, {})


async def test_bytes_and_pictures_become_references_whatever_strings_do(store: MediaStore) -> None:
    shown, _ = await offload({"raw": PNG, "drawn": picture(320, 240)}, store, form="ui", urls=URLS)
    assert [value["type"] for value in shown.values()] == ["media_reference"] * 2


async def test_bytes_are_a_document_or_media(store: MediaStore) -> None:
    document, _ = await offload(json.dumps([URI]).encode(), store)
    assert isinstance(document, bytes)
    text, _ = await offload(f"see {URI} .".encode(), store)
    assert isinstance(text, bytes)
    media, report = await offload(PNG, store)
    assert media == report.references[0].to_stored() | {"spelling": "bytes"}


async def test_a_report_names_places_in_long_documents_and_not_too_many_of_them(
    store: MediaStore,
) -> None:
    filler = [{"a": [{"b": "x" * 100}], "c": 1.0, 'q"[': "]"} for _ in range(2000)]
    value = {"messages": [*filler, {"k" * 500: [{"b64": BASE64}]}, *filler]}
    value["more"] = [BASE64] * 30
    report = OffloadReport()
    for document in (json.dumps(value), json.dumps(value, indent=2).encode()):
        kept, report = await offload(document, store, form="ui")
        assert kept is document
        assert dict(report.left) == {"unknown_shape": 31}
        (first, *others) = report.places["unknown_shape"]
        assert first == f"/messages/2000/{'k' * 99}…/0/b64"
        assert others == [f"/more/{number}" for number in range(19)]
    twice = report + report
    assert twice.left["unknown_shape"] == 62
    assert len(twice.places["unknown_shape"]) == 20


@pytest.mark.parametrize("indent", [None, 2])
async def test_a_member_beside_media_that_its_shape_writes_to_is_kept(
    store: MediaStore, indent: int | None
) -> None:
    """What was not read of a document was no object to its shape, which wrote over it."""
    node = {"type": "image", "data": BASE64, "mimeType": "image/png", "_meta": {"a": [1, {"b": 2}]}}
    document = json.dumps({"content": [node]}, indent=indent).replace('"b": 2', '"b": 2.50')
    offloaded, report = await offload(document, store)
    (link,) = json.loads(offloaded)["content"]
    assert link["_meta"]["a"] == [1, {"b": 2.5}]
    assert link["_meta"]["coatcheck"]["reference"] == report.references[0].to_stored()
    restored, back = await restore(offloaded, store)
    assert restored == document
    assert back.respelled == ()


async def test_words_before_json_lead_to_no_place(store: MediaStore) -> None:
    """A framing's words may have colons, commas and brackets of their own."""
    prose = f'Result, as "asked": ]}} {{"a": ["x", {{"image": "{BASE64}"}}]}}'
    for document in (prose, prose.encode()):
        kept, report = await offload(document, store, form="ui")
        assert kept is document
        assert dict(report.left) == {"unknown_shape": 1}
    assert finish(pointer_to(prose, prose.index("{"))) == ""
    assert finish(pointer_to(prose.encode(), prose.index(BASE64) - 1)) == "/a/1/image"


async def test_references_are_new_where_reuse_is_switched_off(store: MediaStore) -> None:
    """Each payload has a reference of its own, which can be deleted without the others."""
    payload = {"a": URI, "b": URI}
    kept = await offload(payload, store)
    new = [await offload(payload, store, reuse=False) for _ in range(2)]
    ids = [[one.id for one in each.report.references] for each in (kept, *new)]
    assert [len(each) for each in ids] == [1, 1, 1]
    assert len({each[0] for each in ids}) == 3
    assert (await offload(payload, store)).payload == kept.payload
    chunks = [chunk async for chunk in offload_stream(text_chunks(), store, reuse=False)]
    assert len(chunks) == 1
    assert not any(one[0] in chunks[0] for one in ids)


async def text_chunks() -> AsyncIterator[str]:
    yield f"See {URI} there"
