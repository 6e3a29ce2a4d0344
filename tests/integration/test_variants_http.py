"""Widths, formats and ranges as a browser asks for them."""

import dataclasses
import io
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from PIL import Image, ImageCms

from coatcheck.delivery import media_app
from coatcheck.imaging import ImagingPool
from coatcheck.ports import ImageFacts, RenderedImage
from coatcheck.reference import MediaUrls
from coatcheck.storage import LocalBlobStore
from coatcheck.storage.catalog import Database, SqlCatalog
from coatcheck.store import MediaStore
from coatcheck.variants import VariantSpec
from coatcheck.workers import WorkerLimits
from tests.media import gif_frames, image_bytes, picture, png_bytes
from tests.serving import AskingTwice

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[httpx.AsyncClient, AskingTwice])
async def client(
    store: MediaStore, request: pytest.FixtureRequest
) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(media_app(store), raise_app_exceptions=False)
    async with request.param(transport=transport, base_url="http://test/image") as opened:
        yield opened


async def put(store: MediaStore, content: bytes) -> str:
    return (await store.put(content)).id


def decoded(answer: httpx.Response) -> Image.Image:
    assert answer.status_code == 200, answer.text
    image = Image.open(io.BytesIO(answer.content))
    image.load()
    return image


@pytest.mark.parametrize("kind", ["webp", "avif", "jpeg", "png"])
async def test_a_width_and_a_format_are_rendered(
    store: MediaStore, client: httpx.AsyncClient, kind: str
) -> None:
    identifier = await put(store, png_bytes(600, 400))
    answer = await client.get(f"/{identifier}?w=200&format={kind}")
    assert decoded(answer).size == (256, 171)
    assert answer.headers["content-type"] == f"image/{kind}"
    assert decoded(answer).format == kind.upper()
    assert "vary" not in answer.headers
    assert "immutable" in answer.headers["cache-control"]
    again = await client.get(
        f"/{identifier}?w=256&format={kind}", headers={"if-none-match": answer.headers["etag"]}
    )
    assert again.status_code == 304


async def test_the_choice_by_accept_is_told_to_caches(
    store: MediaStore, client: httpx.AsyncClient
) -> None:
    identifier = await put(store, png_bytes(600, 400))
    url = f"/{identifier}?w=128"
    webp = await client.get(url, headers={"accept": "image/avif;q=0,image/webp"})
    png = await client.get(url, headers={"accept": "image/png"})
    assert (webp.headers["content-type"], png.headers["content-type"]) == (
        "image/webp",
        "image/png",
    )
    assert webp.headers["vary"] == png.headers["vary"] == "Accept"
    assert webp.headers["etag"] != png.headers["etag"]
    head = await client.head(url, headers={"accept": "image/png"})
    for answer in (head, png):
        answer.headers.pop("server-timing", None)
    assert dict(head.headers) == dict(png.headers)
    not_modified = await client.get(
        url, headers={"accept": "image/png", "if-none-match": png.headers["etag"]}
    )
    assert (not_modified.status_code, not_modified.headers["vary"]) == (304, "Accept")


async def test_nothing_is_enlarged(store: MediaStore, client: httpx.AsyncClient) -> None:
    """Attack 10."""
    identifier = await put(store, png_bytes(100, 50))
    sizes = {
        decoded(await client.get(f"/{identifier}?w={width}&format=png")).size
        for width in (101, 512, 2048, 99_999, 999_999_999)
    }
    assert sizes == {(100, 50)}
    assert len((await store.record(identifier)).variants) == 2  # the thumbnail and one more


@pytest.mark.parametrize(
    "query",
    [
        "w=0",
        "w=-5",
        "w=abc",
        "w=",
        "w=1&w=2",
        "format=bmp",
        "format=",
        "w=64&format=webp&format=png",
        "thumbnail=true&thumbnail=true",
        "w=" + "9" * 4000,
    ],
)
async def test_a_parameter_that_cannot_be_read_is_a_problem(
    store: MediaStore, client: httpx.AsyncClient, query: str
) -> None:
    """Attack 11."""
    identifier = await put(store, png_bytes(600, 400))
    before = (await store.record(identifier)).variants
    answer = await client.get(f"/{identifier}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert answer.headers["cache-control"] == "no-store"
    assert (await store.record(identifier)).variants == before


async def test_orientation_color_and_privacy(store: MediaStore, client: httpx.AsyncClient) -> None:
    """Attack 28: what a camera wrote into a photograph stays out of every variant."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "A camera"
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 0.0)}
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    buffer = io.BytesIO()
    picture(300, 200).save(buffer, "jpeg", exif=exif, icc_profile=profile, comment=b"secret")
    identifier = await put(store, buffer.getvalue())
    for query in (
        "thumbnail=true",
        *(f"w=128&format={kind}" for kind in ("webp", "avif", "jpeg", "png")),
    ):
        answer = await client.get(f"/{identifier}?{query}")
        image = decoded(answer)
        assert image.width < image.height, query
        assert not image.getexif(), query
        assert b"A camera" not in answer.content
        assert b"secret" not in answer.content


async def test_cmyk_becomes_srgb(store: MediaStore, client: httpx.AsyncClient) -> None:
    red = Image.new("RGB", (64, 64), (255, 0, 0))
    cmyk = io.BytesIO()
    red.convert("CMYK").save(cmyk, "jpeg", quality=95)
    identifier = await put(store, cmyk.getvalue())
    image = decoded(await client.get(f"/{identifier}?w=64&format=png")).convert("RGB")
    pixel = image.getpixel((32, 32))
    assert isinstance(pixel, tuple)
    assert pixel[0] > 180
    assert pixel[1] < 120
    assert image.mode == "RGB"


async def test_an_animation_stays_one_in_webp_and_shows_its_first_frame_elsewhere(
    store: MediaStore, client: httpx.AsyncClient
) -> None:
    """Attack 9."""
    identifier = await put(store, gif_frames(5, 90, 60))
    moving = decoded(await client.get(f"/{identifier}?w=64&format=webp"))
    assert (moving.size, getattr(moving, "n_frames", 1)) == ((64, 43), 5)
    still = decoded(await client.get(f"/{identifier}?w=64&format=png"))
    assert (still.size, getattr(still, "n_frames", 1)) == ((64, 43), 1)
    long = await put(store, gif_frames(401, 20, 20))
    first = decoded(await client.get(f"/{long}?w=64&format=webp"))
    assert getattr(first, "n_frames", 1) == 1


async def test_transparency_survives_where_the_format_has_it(
    store: MediaStore, client: httpx.AsyncClient
) -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (80, 80), (255, 0, 0, 0)).save(buffer, "png")
    identifier = await put(store, buffer.getvalue())
    for kind in ("webp", "avif", "png"):
        assert decoded(await client.get(f"/{identifier}?w=64&format={kind}")).mode == "RGBA"
    flat = decoded(await client.get(f"/{identifier}?w=64&format=jpeg"))
    assert flat.getpixel((5, 5)) == (255, 255, 255)


async def test_a_part_is_sent_and_every_part_is_of_the_same_content(
    store: MediaStore, client: httpx.AsyncClient
) -> None:
    content = os.urandom(300_000)
    identifier = await put(store, b"%PDF-" + content)
    whole = await client.get(f"/{identifier}")
    parts = b""
    for start in range(0, len(content) + 5, 70_000):
        part = await client.get(
            f"/{identifier}",
            headers={"range": f"bytes={start}-{start + 69_999}", "if-range": whole.headers["etag"]},
        )
        assert part.status_code == 206
        end = min(start + 70_000, len(content) + 5)
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{len(content) + 5}"
        assert part.headers["content-length"] == str(end - start)
        assert part.headers["etag"] == whole.headers["etag"]
        parts += part.content
    assert parts == whole.content
    outside = await client.get(f"/{identifier}", headers={"range": "bytes=300005-"})
    assert (outside.status_code, outside.json()["code"]) == (416, "range_not_satisfiable")
    assert outside.headers["content-range"] == "bytes */300005"
    assert outside.headers["cache-control"] == "no-store"
    other = await client.get(f"/{identifier}", headers={"if-match": '"other"'})
    assert (other.status_code, other.json()["code"]) == (412, "precondition_failed")
    several = await client.get(f"/{identifier}", headers={"range": "bytes=0-1,5-6"})
    assert (several.status_code, several.content) == (200, whole.content)


async def test_a_full_queue_refuses_renditions_while_all_else_flows(
    store: MediaStore, client: httpx.AsyncClient
) -> None:
    """Fault 14, invariant 8."""
    identifiers = [await put(store, png_bytes(1500, 1000, seed)) for seed in range(14)]
    ready = await client.get(f"/{identifiers[0]}?w=64&format=png")
    answers: list[httpx.Response] = []

    async def ask(identifier: str) -> None:
        answers.append(await client.get(f"/{identifier}?w=1024&format=avif"))

    async with anyio.create_task_group() as tasks:
        for identifier in identifiers:
            tasks.start_soon(ask, identifier)
        await anyio.sleep(0.05)
        assert (await client.get(f"/{identifiers[1]}")).status_code == 200
        assert (await client.get(f"/{identifiers[1]}?thumbnail=true")).status_code == 200
        again = await client.get(f"/{identifiers[0]}?w=64&format=png")
        assert again.content == ready.content
    refused = [answer for answer in answers if answer.status_code == 503]
    assert {answer.status_code for answer in answers} == {200, 503}
    for answer in refused:
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json()["code"] == "overloaded"


async def test_a_variant_that_is_lost_is_an_error_and_not_a_cached_one(
    store: MediaStore, client: httpx.AsyncClient, data: Path
) -> None:
    """Faults 16 and 17."""
    identifier = await put(store, png_bytes(600, 400))
    head = await client.head(f"/{identifier}?w=512&format=png")
    name = head.headers["etag"].strip('"')
    (data / "blobs" / name[:2] / name[2:4] / name).unlink()
    lost = await client.get(f"/{identifier}?w=512&format=png")
    assert lost.status_code == 500
    assert lost.headers["cache-control"] == "no-store"


class WatchedPool(ImagingPool):
    """The real one, which counts renditions; where it is told to, it makes all of them on request.

    Args:
        prepares: whether it hands out what it prepared with the thumbnail.
    """

    def __init__(self, *, prepares: bool) -> None:
        super().__init__(max_pixels=50_000_000, limits=WorkerLimits(processes=2))
        self.renders = 0
        self._prepares = prepares

    async def inspect(self, path: Path, media_type: str, *, share: str | None = None) -> ImageFacts:
        facts = await super().inspect(path, media_type, share=share)
        return facts if self._prepares else dataclasses.replace(facts, prepared=None)

    async def render(
        self, path: Path, media_type: str, spec: VariantSpec, **rest: Any
    ) -> RenderedImage:
        self.renders += 1
        return await super().render(path, media_type, spec, **rest)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif", "avif"])
async def test_the_first_view_of_a_picture_renders_nothing_and_gets_the_same_answer(
    tmp_path: Path, kind: str
) -> None:
    content = image_bytes(kind, 1600, 900)
    answers: list[tuple[dict[str, str], bytes]] = []
    for prepares in (True, False):
        pool, data = WatchedPool(prepares=prepares), tmp_path / str(prepares)
        async with MediaStore(
            blobs=await LocalBlobStore.open(data),
            catalog=SqlCatalog(await Database.open(data / "catalog.sqlite3")),
            renderer=pool,
        ) as store:
            transport = httpx.ASGITransport(media_app(store), raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                reference = await store.put(content)
                assert 512 in reference.to_ui(MediaUrls())["variants"]
                answer = await client.get(
                    f"/image/{reference.id}?w=512", headers={"accept": "image/avif,image/webp,*/*"}
                )
        assert decoded(answer).size == (512, 288)
        assert pool.renders == (0 if prepares else 1)
        del answer.headers["server-timing"]
        headers = {name: text.replace(reference.id, "") for name, text in answer.headers.items()}
        answers.append((headers, answer.content))
    assert answers[0] == answers[1]
