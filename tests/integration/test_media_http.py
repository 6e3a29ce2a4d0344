"""The media endpoint over a real server: what a browser, a cache and a hostile client get."""

import hashlib
import struct
import zlib
from collections.abc import AsyncIterator, Mapping
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from PIL import Image

from coatcheck.delivery import media_app
from coatcheck.opening import Backends, open_backends
from coatcheck.reference import MediaReference, MediaUrls, is_reference_id
from coatcheck.server.settings import Settings
from coatcheck.store import MediaStore
from tests.media import encoded_jpeg, gif_frames, image_bytes, jpeg_of_scans, png_bytes
from tests.serving import asking_media

pytestmark = pytest.mark.anyio

UNKNOWN = "9188cc90-b172-47e9-b493-4e22175bd478"
FOREVER = "public, max-age=31536000, immutable"
MAX_BYTES = 300_000
MAX_PIXELS = 1_000_000


@pytest.fixture(params=["cold", "warm"])
async def client(
    store: MediaStore, request: pytest.FixtureRequest
) -> AsyncIterator[httpx.AsyncClient]:
    async with asking_media(media_app(store), request.param) as opened:
        yield opened


@pytest.fixture
async def small(data: Path) -> AsyncIterator[Backends]:
    """Back ends with small limits, in `data`."""
    settings = Settings(data=data, max_bytes=MAX_BYTES, max_pixels=MAX_PIXELS)
    async with open_backends(settings.store_options) as opened:
        yield opened


@pytest.fixture
async def strict(small: Backends) -> AsyncIterator[httpx.AsyncClient]:
    async with asking_media(media_app(small.store), "cold") as opened:
        yield opened


def image_url(reference: MediaReference, query: str = "") -> str:
    return f"/image/{reference.id}{query}"


def blob_path(data: Path, digest: str) -> Path:
    name = digest.removeprefix("sha-256:")
    return data / "blobs" / name[:2] / name[2:4] / name


def kept_files(data: Path) -> list[Path]:
    """Everything below the data directory but SQLite's own files, which come and go."""
    return sorted(path for path in data.rglob("*") if not path.name.startswith("catalog."))


def digest_of(content: bytes) -> str:
    return f"sha-256:{hashlib.sha256(content).hexdigest()}"


def assert_problem(response: httpx.Response, status: int, code: str) -> Mapping[str, Any]:
    """An RFC 9457 answer that no cache keeps and that tells nothing of the machine."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "etag" not in response.headers
    assert "set-cookie" not in response.headers
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["title"]
    assert problem["detail"]
    assert "/tmp" not in response.text  # noqa: S108 - no path of the server is told
    return problem


async def assert_upload_refused(
    client: httpx.AsyncClient,
    backends: Backends,
    data: Path,
    content: bytes,
    status: int,
    code: str,
    *,
    name: str = "x.png",
) -> None:
    """Refused as a raw body and in a form, and nothing of it stays."""
    before = kept_files(data)
    raw = await client.post("/upload", params={"filename": name}, content=content)
    assert_problem(raw, status, code)
    in_form = await client.post("/upload", files={"file": (name, content, "image/png")})
    assert_problem(in_form, status, code)
    assert kept_files(data) == before
    assert await backends.store.blob_count() == 0


# --- what is asked for, and there ----------------------------------------------------------------


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif", "avif"])
async def test_an_original_comes_back_bit_for_bit(
    client: httpx.AsyncClient, store: MediaStore, kind: str
) -> None:
    content = image_bytes(kind, 320, 200)
    reference = await store.put(content, display_name=f"sea.{kind}")
    response = await client.get(image_url(reference))
    assert response.status_code == 200
    assert response.content == content
    headers = response.headers
    assert headers["content-type"] == f"image/{kind}"
    assert headers["content-length"] == str(len(content))
    assert headers["etag"] == f'"{reference.digest.removeprefix("sha-256:")}"'
    assert headers["cache-control"] == FOREVER
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-disposition"] == f'inline; filename="sea.{kind}"'
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert "set-cookie" not in headers


async def test_a_large_original_comes_back_bit_for_bit(
    client: httpx.AsyncClient, store: MediaStore
) -> None:
    content = b"".join(b"line %08d\n" % number for number in range(200_000))
    reference = await store.put(content)
    response = await client.get(image_url(reference))
    assert response.content == content
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif", "avif"])
async def test_a_thumbnail_is_a_small_webp(
    client: httpx.AsyncClient, store: MediaStore, kind: str
) -> None:
    for size, expected in (((1024, 768), (256, 192)), ((300, 900), (85, 256)), ((40, 30),) * 2):
        reference = await store.put(image_bytes(kind, *size), display_name=f"sea.{kind}")
        response = await client.get(image_url(reference, "?thumbnail=true"))
        assert response.status_code == 200
        headers = response.headers
        assert headers["content-type"] == "image/webp"
        assert headers["cache-control"] == FOREVER
        assert headers["content-disposition"] == f'inline; filename="{reference.id}.webp"'
        assert len(response.content) <= 10 * 1024
        assert headers["etag"] == f'"{hashlib.sha256(response.content).hexdigest()}"'
        with Image.open(BytesIO(response.content)) as thumbnail:
            assert thumbnail.format == "WEBP"
            assert thumbnail.size == expected


async def test_an_id_is_read_in_any_case(client: httpx.AsyncClient, store: MediaStore) -> None:
    content = b"plain text"
    reference = await store.put(content)
    response = await client.get(f"/image/{reference.id.upper()}")
    assert response.content == content


async def test_a_download_is_an_attachment_under_its_name(
    client: httpx.AsyncClient, store: MediaStore
) -> None:
    reference = await store.put(b"plain text", display_name='灯台 "1".png\r\nX-Evil: 1')
    response = await client.get(image_url(reference, "?download=true"))
    assert response.headers["content-disposition"].startswith('attachment; filename="')
    assert (
        "filename*=UTF-8''%E7%81%AF%E5%8F%B0%20%221%22.png"
        in (response.headers["content-disposition"])
    )
    assert "x-evil" not in response.headers


async def test_other_media_is_no_document_of_our_origin(
    client: httpx.AsyncClient, store: MediaStore
) -> None:
    reference = await store.put(b"<html><script>alert(1)</script></html>", display_name="x.html")
    response = await client.get(image_url(reference))
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-security-policy"] == "default-src 'none'; sandbox"


async def test_head_says_what_get_says_without_the_body(
    client: httpx.AsyncClient, store: MediaStore
) -> None:
    reference = await store.put(png_bytes(), display_name="sea.png")
    for query in ("", "?thumbnail=true", "?download=true"):
        got = await client.get(image_url(reference, query))
        headed = await client.head(image_url(reference, query))
        assert headed.status_code == 200
        assert headed.content == b""
        assert without_times(headed) == without_times(got)


def without_times(response: httpx.Response) -> dict[str, str]:
    times = {"date", "server-timing"}
    return {name: value for name, value in response.headers.items() if name not in times}


async def test_head_of_an_error_has_its_status_and_no_body(client: httpx.AsyncClient) -> None:
    response = await client.head(f"/image/{UNKNOWN}")
    assert (response.status_code, response.content) == (404, b"")
    assert response.headers["cache-control"] == "no-store"


# --- validators ----------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["", "?thumbnail=true"])
async def test_what_has_not_changed_is_answered_without_a_look_at_the_blob(
    client: httpx.AsyncClient, store: MediaStore, data: Path, query: str
) -> None:
    reference = await store.put(png_bytes())
    url = image_url(reference, query)
    tag = (await client.head(url)).headers["etag"]  # no GET: a small blob would be remembered
    for path in (data / "blobs").rglob("*"):
        if path.is_file():
            path.unlink()
    for method, condition in product(("GET", "HEAD"), (tag, f"W/{tag}", f'"other", {tag}', "*")):
        response = await client.request(method, url, headers={"If-None-Match": condition})
        assert response.status_code == 304
        assert response.content == b""
        assert response.headers["etag"] == tag
        assert response.headers["cache-control"] == FOREVER
    missing = await client.get(url)
    assert_problem(missing, 500, "damaged_blob")


async def test_another_tag_gets_the_whole(client: httpx.AsyncClient, store: MediaStore) -> None:
    content = png_bytes()
    reference = await store.put(content)
    thumbnail = await client.get(image_url(reference, "?thumbnail=true"))
    for condition in ('"other"', "garbage", thumbnail.headers["etag"]):
        response = await client.get(image_url(reference), headers={"If-None-Match": condition})
        assert (response.status_code, response.content) == (200, content)


async def test_a_condition_does_not_revive_what_is_gone(
    client: httpx.AsyncClient, store: MediaStore
) -> None:
    reference = await store.put(b"plain text")
    tag = (await client.get(image_url(reference))).headers["etag"]
    await store.delete(reference.id)
    for condition in (tag, "*"):
        response = await client.get(image_url(reference), headers={"If-None-Match": condition})
        assert_problem(response, 404, "not_found")


# --- JSON form, upload, deletion -----------------------------------------------------------------


async def test_the_json_form_is_the_ui_form(client: httpx.AsyncClient, store: MediaStore) -> None:
    reference = await store.put(png_bytes(), display_name="sea.png", alt="the sea")
    response = await client.get(f"/{reference.id}")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == reference.to_ui(MediaUrls())


async def test_an_upload_is_answered_with_the_ui_form_and_is_there(
    client: httpx.AsyncClient,
) -> None:
    content = png_bytes(200, 100)
    in_form = await client.post("/upload", files={"file": ("sea.png", content, "image/png")})
    raw = await client.post(
        "/upload", params={"filename": "sea.png"}, content=content, headers={"content-type": ""}
    )
    for response in (in_form, raw):
        assert response.status_code == 201, response.text
        assert response.headers["cache-control"] == "no-store"
        ui = response.json()
        assert is_reference_id(ui["id"])
        assert (ui["mimeType"], ui["width"], ui["height"]) == ("image/png", 200, 100)
        assert (ui["digest"], ui["displayName"]) == (digest_of(content), "sea.png")
        assert ui["url"] == f"/api/media/image/{ui['id']}"
        assert (await client.get(f"/image/{ui['id']}")).content == content
    assert in_form.json()["id"] != raw.json()["id"]


async def test_an_upload_says_nothing_about_itself_that_is_believed(
    client: httpx.AsyncClient,
) -> None:
    forged = {"id": UNKNOWN, "digest": "sha-256:" + "0" * 64, "owner": "root", "size": "1"}
    response = await client.post(
        "/upload", params=forged, data=forged, files={"file": ("a.txt", b"text", "audio/mpeg")}
    )
    assert response.status_code == 201
    ui = response.json()
    assert ui["id"] != UNKNOWN
    assert (ui["digest"], ui["mimeType"]) == (digest_of(b"text"), "text/plain")


async def test_what_is_deleted_is_gone_everywhere(
    client: httpx.AsyncClient, store: MediaStore, data: Path
) -> None:
    before = kept_files(data)
    reference = await store.put(png_bytes())
    response = await client.delete(f"/{reference.id}")
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["cache-control"] == "no-store"
    for url in (f"/{reference.id}", image_url(reference), image_url(reference, "?thumbnail=true")):
        assert_problem(await client.get(url), 404, "not_found")
    assert_problem(await client.delete(f"/{reference.id}"), 404, "not_found")
    left = [path for path in kept_files(data) if path.is_file()]
    assert left == [path for path in before if path.is_file()]


async def test_deletion_of_one_reference_leaves_the_other_to_the_same_content(
    client: httpx.AsyncClient, store: MediaStore
) -> None:
    content = b"plain text"
    first, second = await store.put(content), await store.put(content)
    await client.delete(f"/{first.id}")
    assert (await client.get(image_url(second))).content == content


async def test_a_download_survives_a_deletion_or_aborts(
    client: httpx.AsyncClient, store: MediaStore
) -> None:
    """Fault 20."""
    content = b"".join(b"line %08d\n" % number for number in range(1_500_000))
    reference = await store.put(content)
    received = bytearray()
    complete = False
    async with client.stream("GET", image_url(reference)) as response:
        assert response.status_code == 200
        chunks = response.aiter_raw(64 * 1024)
        received += await anext(chunks)
        assert (await client.delete(f"/{reference.id}")).status_code == 204
        await store.put(b"other bytes take the room")
        try:
            async for chunk in chunks:
                received += chunk
            complete = True
        except httpx.RemoteProtocolError:
            pass
    assert len(received) == len(content) if complete else len(received) < len(content)
    assert content.startswith(received)


# --- what is not there, or was never a name ------------------------------------------------------

MALFORMED = [
    "x",
    "%20",
    "..",
    "%2e%2e",
    "%2e%2e/",
    "%2e%2e%2f%2e%2e%2fcatalog.sqlite3",
    "%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "../../../../etc/passwd",
    "..%5C..%5Ccatalog.sqlite3",
    "%252e%252e%252fetc%252fpasswd",
    "%00",
    f"{UNKNOWN}%00",
    f"{UNKNOWN}%00.png",
    f"{UNKNOWN}.png",
    f"{UNKNOWN}/",
    f"{UNKNOWN}/x",
    f"{UNKNOWN}%2f",
    f"%2f{UNKNOWN}",
    f"-evil/{UNKNOWN}",
    f"{{{UNKNOWN}}}",
    f"urn:uuid:{UNKNOWN}",
    UNKNOWN.replace("-", ""),
    UNKNOWN[:-1],
    UNKNOWN + "0",
    UNKNOWN.replace("-4", "-1"),
    "00000000-0000-0000-0000-000000000000",
    "%ff%fe",
    "%E2%80%AE" + UNKNOWN,
    "%EF%BC%99" + UNKNOWN[1:],
    "9" * 5000,
    "%2e%2e%2f" * 500,
    "%",
    "%zz",
    "{{7*7}}".replace("{", "%7B").replace("}", "%7D"),
    "sha-256:" + "0" * 64,
]


async def test_an_id_that_names_nothing_is_not_found(
    client: httpx.AsyncClient, store: MediaStore, data: Path
) -> None:
    """Attacks 1, 2 and 3."""
    await store.put(b"somebody else's")
    before = kept_files(data)
    for identifier in ("", UNKNOWN, *MALFORMED):
        for method, prefix in (("GET", "image/"), ("GET", ""), ("DELETE", "")):
            # The target is sent as it stands here; httpx would tidy the path up.
            target = f"/api/media/{prefix}{identifier}".encode()
            response = await client.request(method, "/", extensions={"target": target})
            assert response.status_code == 404, (method, target)
            assert_problem(response, 404, "not_found")
    assert kept_files(data) == before


async def test_an_existing_id_with_its_dashes_elsewhere_names_nothing(
    client: httpx.AsyncClient, store: MediaStore
) -> None:
    reference = await store.put(b"plain text")
    bare = reference.id.replace("-", "")
    for identifier in (f"{bare}----", f"-{bare}---", f"{bare[:4]}----{bare[4:]}"):
        assert_problem(await client.get(f"/image/{identifier}"), 404, "not_found")


async def test_a_slash_at_the_end_is_no_redirection_that_a_cache_may_keep(
    client: httpx.AsyncClient, store: MediaStore
) -> None:
    reference = await store.put(b"plain text")
    for url in (f"/image/{reference.id}/", f"/{reference.id}/"):
        response = await client.get(url, headers={"Host": "evil.example"})
        assert response.headers.get("location") is None
        assert_problem(response, 404, "not_found")


async def test_media_that_is_no_image_has_no_thumbnail(
    client: httpx.AsyncClient, store: MediaStore
) -> None:
    reference = await store.put(b"just text")
    response = await client.get(image_url(reference, "?thumbnail=true"))
    assert_problem(response, 404, "not_found")


async def test_a_wrong_method_is_told_the_right_ones(client: httpx.AsyncClient) -> None:
    for method, url, allowed in (
        ("POST", f"/image/{UNKNOWN}", {"GET", "HEAD"}),
        ("PUT", f"/image/{UNKNOWN}", {"GET", "HEAD"}),
        ("DELETE", f"/image/{UNKNOWN}", {"GET", "HEAD"}),
        ("PATCH", f"/{UNKNOWN}", {"GET", "HEAD", "DELETE"}),
        ("POST", f"/{UNKNOWN}", {"GET", "HEAD", "DELETE"}),
        ("PUT", "/upload", {"POST"}),
    ):
        response = await client.request(method, url)
        assert_problem(response, 405, "method_not_allowed")
        assert {name.strip() for name in response.headers["allow"].split(",")} == allowed


# --- bad input -----------------------------------------------------------------------------------

TIFF = b"II*\0\x08\0\0\0\x01\0\0\x01\x03\0\x01\0\0\0\x10\0\0\0\0\0\0\0"
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n"
EPS_BINARY = b"\xc5\xd0\xd3\xc6\x1e\0\0\0" + EPS
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n"
EXECUTABLE = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0"


async def test_what_is_no_image_under_an_image_name_is_unsupported(
    strict: httpx.AsyncClient, small: Backends, data: Path
) -> None:
    for content in (b"hello", TIFF, EPS, EPS_BINARY, PDF, EXECUTABLE, b" ", b'{"a": 1}'):
        await assert_upload_refused(strict, small, data, content, 415, "unsupported_media_type")


async def test_what_nobody_accepts_is_unsupported_under_any_name(
    strict: httpx.AsyncClient, small: Backends, data: Path
) -> None:
    before = kept_files(data)
    for content in (TIFF, EPS_BINARY, EXECUTABLE, b"\0" * 100):
        for name in ("x.bin", "x.tiff", "x.txt"):
            response = await strict.post("/upload", params={"filename": name}, content=content)
            assert_problem(response, 415, "unsupported_media_type")
    assert kept_files(data) == before
    assert await small.store.blob_count() == 0


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif", "avif"])
async def test_a_truncated_image_is_unprocessable(
    strict: httpx.AsyncClient, small: Backends, data: Path, kind: str
) -> None:
    whole = image_bytes(kind, 400, 300)
    for length in (24, *(int(len(whole) * share) for share in (0.2, 0.5, 0.9, 0.99))):
        cut = whole[:length]
        await assert_upload_refused(strict, small, data, cut, 422, "unprocessable_media")


async def test_an_empty_upload_is_refused(
    strict: httpx.AsyncClient, small: Backends, data: Path
) -> None:
    await assert_upload_refused(strict, small, data, b"", 400, "empty_media")


async def test_a_form_without_a_file_is_refused(strict: httpx.AsyncClient, data: Path) -> None:
    before = kept_files(data)
    response = await strict.post("/upload", files={"note": (None, b"no file")})
    assert_problem(response, 400, "empty_media")
    broken = {"content-type": "multipart/form-data; boundary=b"}
    response = await strict.post("/upload", content=b"no form", headers=broken)
    assert_problem(response, 400, "invalid_input")
    unbounded = {"content-type": "multipart/form-data"}
    response = await strict.post("/upload", content=b"no form", headers=unbounded)
    assert_problem(response, 400, "invalid_input")
    assert kept_files(data) == before


@pytest.mark.parametrize("surplus", [1, 200_000])
async def test_more_bytes_than_allowed_are_refused_by_their_declared_length(
    strict: httpx.AsyncClient, small: Backends, data: Path, surplus: int
) -> None:
    content = (b"text " * MAX_BYTES)[: MAX_BYTES + surplus]
    await assert_upload_refused(strict, small, data, content, 413, "media_too_large", name="x.txt")


async def test_more_bytes_than_allowed_are_refused_though_nobody_declared_them(
    strict: httpx.AsyncClient, small: Backends, data: Path
) -> None:
    async def without_end() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"text " * 2000

    before = kept_files(data)
    response = await strict.post("/upload", content=without_end())
    assert_problem(response, 413, "media_too_large")
    assert kept_files(data) == before
    assert await small.store.blob_count() == 0


async def test_as_many_bytes_as_allowed_are_taken(strict: httpx.AsyncClient) -> None:
    content = (b"text " * MAX_BYTES)[:MAX_BYTES]
    assert (await strict.post("/upload", content=content)).status_code == 201


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def bomb(width: int, height: int) -> bytes:
    """A PNG of a hundred bytes that declares a large canvas; its pixels cannot be decoded."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", b"these are no pixels")
        + png_chunk(b"IEND", b"")
    )


async def test_a_pixel_bomb_is_refused_by_its_header(
    strict: httpx.AsyncClient, small: Backends, data: Path
) -> None:
    for width, height in ((50_000, 50_000), (1001, 1000), (1_000_001, 1)):
        content = bomb(width, height)
        await assert_upload_refused(strict, small, data, content, 422, "pixel_budget_exceeded")
    # Within the budget the pixels are looked at, and there the damage shows: above they were not.
    await assert_upload_refused(strict, small, data, bomb(1000, 1000), 422, "unprocessable_media")


async def test_the_budget_of_pixels_holds_by_default(
    client: httpx.AsyncClient, backends: Backends, data: Path
) -> None:
    content = bomb(50_000, 50_000)
    await assert_upload_refused(client, backends, data, content, 422, "pixel_budget_exceeded")


async def test_every_frame_counts_towards_the_budget(
    strict: httpx.AsyncClient, small: Backends, data: Path
) -> None:
    frames = gif_frames(250, 64, 64)
    await assert_upload_refused(strict, small, data, frames, 422, "pixel_budget_exceeded")
    fewer = await strict.post("/upload", content=gif_frames(240, 64, 64))
    assert fewer.status_code == 201


async def test_a_jpeg_of_countless_scans_is_refused_before_it_is_decoded(
    client: httpx.AsyncClient, backends: Backends, data: Path
) -> None:
    """12 KB that a decoder goes over 700 times."""
    content = jpeg_of_scans(700, 1600, 1200)
    assert len(content) < 15_000
    await assert_upload_refused(
        client, backends, data, content, 422, "pixel_budget_exceeded", name="x.jpg"
    )
    progressive = await client.post("/upload", content=encoded_jpeg(progressive=True))
    assert progressive.status_code == 201


async def test_scans_count_towards_the_budget_of_pixels(
    strict: httpx.AsyncClient, small: Backends, data: Path
) -> None:
    too_often = jpeg_of_scans(18, 1000, 1000)
    await assert_upload_refused(
        strict, small, data, too_often, 422, "pixel_budget_exceeded", name="x.jpg"
    )
    assert (await strict.post("/upload", content=jpeg_of_scans(16, 1000, 1000))).status_code == 201


# --- a store that somebody tampered with ---------------------------------------------------------


async def test_a_link_planted_in_the_store_is_not_followed(
    client: httpx.AsyncClient, store: MediaStore, data: Path
) -> None:
    """Attack 4."""
    content = b"plain text"
    reference = await store.put(content)
    secret = data.parent / "secret"
    secret.write_bytes(b"s" * len(content))
    blob = blob_path(data, reference.digest)
    blob.unlink()
    blob.symlink_to(secret)
    response = await client.get(image_url(reference))
    assert_problem(response, 500, "damaged_blob")
    assert b"ssss" not in response.content


async def test_a_blob_that_was_cut_short_is_never_a_whole_answer(
    client: httpx.AsyncClient, store: MediaStore, data: Path
) -> None:
    content = b"".join(b"line %08d\n" % number for number in range(100_000))
    reference = await store.put(content)
    with blob_path(data, reference.digest).open("r+b") as file:
        file.truncate(700_000)
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get(image_url(reference))


async def test_errors_of_one_request_leave_the_server_well(
    client: httpx.AsyncClient, store: MediaStore
) -> None:
    content = b"plain text"
    reference = await store.put(content)
    answers: list[int] = []

    async def ask(url: str) -> None:
        answers.append((await client.get(url)).status_code)

    async with anyio.create_task_group() as tasks:
        for number in range(40):
            url = image_url(reference) if number % 2 else f"/image/{UNKNOWN}"
            tasks.start_soon(ask, url)
    assert sorted(answers) == [200] * 20 + [404] * 20
