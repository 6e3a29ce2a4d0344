"""What is sent for a picture: how large, in which format, and what happens when it cannot be."""

import io
import json
from dataclasses import replace
from pathlib import Path
from random import Random

import anyio
import pybase64
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from coatcheck.errors import MediaTooLargeError
from coatcheck.opening import open_backends
from coatcheck.options import StoreOptions
from coatcheck.payload.hydrate import OVER_BUDGET, Hydrated, hydrate
from coatcheck.payload.hydration.fitting import fit
from coatcheck.payload.hydration.limits import base64_length
from coatcheck.payload.hydration.providers import (
    Provider,
    ProviderName,
    estimate_tokens,
    provider_named,
)
from coatcheck.payload.offload import OffloadLimits, offload
from coatcheck.reference import MediaReference
from coatcheck.store import MediaStore
from tests.media import gif_frames, image_bytes, picture, png_bytes
from tests.unit.payload.conversations import (
    EVERYTHING,
    PROVIDERS,
    image_block,
    text_block,
    tool_turn,
    user,
)

pytestmark = pytest.mark.anyio

DRAWING = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><path d="M0 0h40v30z"/></svg>'
)


async def hydrated(
    store: MediaStore,
    provider: ProviderName,
    *references: MediaReference,
    original: bool = False,
) -> Hydrated:
    message = user(provider, *(reference.to_stored() for reference in references))
    return await hydrate([message], store, provider=provider, policy=EVERYTHING, original=original)


def sent(result: Hydrated) -> list[tuple[str, bytes]]:
    """The media types and bytes of all images in the first message."""
    (message,) = result.messages
    found = []
    for part in message.get("content") or message.get("parts"):
        match part:
            case {"image_url": {"url": url}} | {"image_url": url} if isinstance(url, str):
                head, _, data = url.partition(";base64,")
                found.append((head.removeprefix("data:"), data))
            case {"source": {"media_type": media_type, "data": data}}:
                found.append((media_type, data))
            case {"inlineData": {"mimeType": media_type, "data": data}}:
                found.append((media_type, data))
    return [(kind, pybase64.b64decode(data, validate=True)) for kind, data in found]


async def sent_for(
    store: MediaStore, provider: ProviderName, content: bytes, *, original: bool = False
) -> tuple[str, Image.Image, bytes]:
    reference = await store.put(content)
    ((media_type, data),) = sent(await hydrated(store, provider, reference, original=original))
    image = Image.open(io.BytesIO(data))
    assert Image.MIME[image.format or ""] == media_type
    return media_type, image, data


# --- sizes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("kind", ["jpeg", "webp"])
async def test_a_picture_that_is_right_sized_already_is_sent_bit_for_bit(
    store: MediaStore, provider: ProviderName, kind: str
) -> None:
    content = image_bytes(kind, 640, 480)
    media_type, _, data = await sent_for(store, provider, content)
    assert (media_type, data) == (f"image/{kind}", content)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_png_is_sent_as_webp_in_its_own_size_unless_that_is_heavier(
    store: MediaStore, provider: ProviderName
) -> None:
    content = noise(300, 200)
    media_type, image, data = await sent_for(store, provider, content)
    assert (media_type, image.size) == ("image/webp", (300, 200))
    assert len(data) < len(content) / 2
    buffer = io.BytesIO()
    stripes = Image.frombytes("L", (200, 200), bytes([0, 255] * 20_000))
    stripes.save(buffer, format="png")
    assert (await sent_for(store, provider, buffer.getvalue()))[::2] == (
        "image/png",
        buffer.getvalue(),
    )


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
async def test_the_original_is_sent_bit_for_bit_where_it_is_wanted(
    store: MediaStore, provider: ProviderName, kind: str
) -> None:
    content = image_bytes(kind, 1900, 1900)  # more than any of them looks at
    media_type, _, data = await sent_for(store, provider, content, original=True)
    assert (media_type, data) == (f"image/{kind}", content)
    # What a provider would refuse is rendered all the same.
    huge = image_bytes("jpeg", 8200, 64)
    _, image, _ = await sent_for(store, provider, huge, original=True)
    assert image.width < 8200


async def test_a_vendor_without_webp_gets_jpeg(store: MediaStore) -> None:
    named = provider_named("openai")
    limits = replace(named.limits, image_types=frozenset({"image/jpeg", "image/png"}))
    provider = Provider(form=named.form, limits=limits)
    for content in (noise(320, 200), image_bytes("webp", 320, 200)):
        reference = await store.put(content)
        message = user("openai", reference.to_stored())
        ((media_type, data),) = sent(await hydrate([message], store, provider=provider))
        assert media_type == "image/jpeg"
        assert Image.open(io.BytesIO(data)).size == (320, 200)


@pytest.mark.parametrize(
    ("provider", "tokens"),
    [("openai", 1024), ("openai-responses", 1024), ("anthropic", 1369), ("gemini", 1032)],
)
async def test_a_large_png_costs_the_tokens_that_it_must(
    store: MediaStore, provider: ProviderName, tokens: int
) -> None:
    content = png_bytes(2048, 2048)
    reference = await store.put(content)
    result = await hydrated(store, provider, reference)
    ((media_type, data),) = sent(result)
    image = Image.open(io.BytesIO(data))
    # The estimate is of the very size that is sent, and the provider would not make it smaller.
    assert (media_type, image.size) == ("image/webp", (1024, 1024))
    assert provider_named(provider).limits.fits(*image.size)
    assert result.report.tokens == estimate_tokens(provider, *image.size) == tokens
    assert tokens < estimate_tokens(provider, 2048, 2048)
    assert len(data) < len(content) / 2
    assert result.report.length == len(pybase64.b64encode(data))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "size", [(3000, 500), (500, 3000), (1600, 1300), (1000, 1999), (100, 3000)]
)
async def test_every_shape_is_sent_as_the_provider_looks_at_it(
    store: MediaStore, provider: ProviderName, size: tuple[int, int]
) -> None:
    buffer = io.BytesIO()
    picture(*size).save(buffer, format="jpeg")
    reference = await store.put(buffer.getvalue())
    result = await hydrated(store, provider, reference)
    ((_, data),) = sent(result)
    image = Image.open(io.BytesIO(data))
    limits = provider_named(provider).limits
    assert limits.fits(*image.size) or image.width == 64
    assert max(image.size) <= limits.max_edge
    assert result.report.tokens == estimate_tokens(provider, *image.size)
    assert image.width / image.height == pytest.approx(size[0] / size[1], rel=0.02)


# --- formats -------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_drawing_and_an_avif_are_always_rendered(
    store: MediaStore, provider: ProviderName
) -> None:
    media_type, image, _ = await sent_for(store, provider, DRAWING)
    assert (media_type, image.size) == ("image/webp", (512, 384))
    media_type, image, _ = await sent_for(store, provider, image_bytes("avif", 320, 200))
    assert (media_type, image.size) == ("image/webp", (320, 200))


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_what_moves_is_sent_as_a_still(store: MediaStore, provider: ProviderName) -> None:
    content = gif_frames(3, 64, 48)
    media_type, image, data = await sent_for(store, provider, content)
    assert (media_type, image.size) == ("image/png", (64, 48))
    assert getattr(image, "n_frames", 1) == 1
    first = Image.open(io.BytesIO(content)).convert("RGB").getpixel((0, 0))
    assert image.convert("RGB").getpixel((0, 0)) == first
    media_type, image, data = await sent_for(store, provider, content, original=True)
    if provider == "anthropic":  # takes GIF, and looks at the first frame
        assert (media_type, data) == ("image/gif", content)
    else:
        assert media_type == "image/png"


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_animated_webp_is_sent_as_a_still(
    store: MediaStore, provider: ProviderName
) -> None:
    buffer = io.BytesIO()
    frames = [Image.new("RGB", (64, 48), color) for color in ("red", "blue")]
    frames[0].save(buffer, format="webp", save_all=True, append_images=frames[1:])
    media_type, image, _ = await sent_for(store, provider, buffer.getvalue())
    assert (media_type, image.size) == ("image/jpeg", (64, 48))
    assert getattr(image, "n_frames", 1) == 1
    red, _, blue = image.resize((1, 1)).tobytes()
    assert red > 240
    assert blue < 16


def noise(width: int, height: int) -> bytes:
    """A picture that no format makes smaller."""
    image = Image.frombytes("RGB", (width, height), Random(0).randbytes(width * height * 3))
    buffer = io.BytesIO()
    image.save(buffer, format="png")
    return buffer.getvalue()


async def test_a_picture_that_is_too_heavy_is_rendered_at_its_own_size(store: MediaStore) -> None:
    content = noise(1300, 900)
    record = await store.record((await store.put(content)).id)
    limits = replace(provider_named("anthropic").limits, image_length=base64_length(len(content)))
    assert (await fit(store, record, limits, original=True)).digest == record.reference.digest
    limits = replace(limits, image_length=limits.image_length - 1)
    fitted = await fit(store, record, limits, original=True)
    assert (fitted.media_type, fitted.width, fitted.height) == ("image/webp", 1300, 900)
    # Still too heavy: narrower, until it is light enough.
    lighter = await fit(store, record, replace(limits, image_length=fitted.length - 1))
    assert (lighter.media_type, lighter.width) == ("image/webp", 1024)
    with pytest.raises(MediaTooLargeError):
        await fit(store, record, replace(limits, image_length=100))


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_ribbon_that_no_provider_takes_is_its_line(
    store: MediaStore, provider: ProviderName
) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (20, 20_000), "red").save(buffer, format="png")
    reference = await store.put(buffer.getvalue())
    result = await hydrated(store, provider, reference)
    assert sent(result) == []
    assert result.report.left == {"unsupported_media_type": 1}


# --- what cannot be sent -------------------------------------------------------------------------


def blob(data: Path, reference: MediaReference) -> anyio.Path:
    name = reference.digest.removeprefix("sha-256:")
    return anyio.Path(data / "blobs" / name[:2] / name[2:4] / name)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_damaged_media_is_its_line_and_does_not_spoil_the_request(
    store: MediaStore, data: Path, provider: ProviderName
) -> None:
    whole = await store.put(png_bytes(64, 48, 1))
    flipped = await store.put(png_bytes(64, 48, 2))
    shortened = await store.put(png_bytes(64, 48, 3))
    lost = await store.put(png_bytes(64, 48, 4))
    undecodable = await store.put(png_bytes(2048, 2048))
    content = png_bytes(64, 48, 2)
    await blob(data, flipped).write_bytes(content[:-20] + b"!" + content[-19:])
    await blob(data, shortened).write_bytes(b"short")
    await blob(data, lost).unlink()
    await blob(data, undecodable).write_bytes(b"no picture" * 1000)
    references = (flipped, whole, shortened, lost, undecodable)
    result = await hydrated(store, provider, *references)
    assert sent(result) == [("image/png", png_bytes(64, 48, 1))]
    assert result.report.shown == (whole.id,)
    assert sum(result.report.left.values()) == 4
    assert result.report.left["damaged_blob"] >= 3
    text = json.dumps(result.messages, ensure_ascii=False)
    assert all(each.to_model() in text for each in references if each is not whole)


async def test_a_server_that_cannot_render_sends_the_original_where_that_is_taken(
    data: Path,
) -> None:
    """No room for renditions is left: OpenAI gets the original, which it makes smaller itself."""
    content = png_bytes(2048, 2048)
    async with open_backends(StoreOptions(data=data, variant_bytes=0)) as backends:
        store = backends.store
        reference = await store.put(content)
        assert sent(await hydrated(store, "openai", reference)) == [("image/png", content)]
        # Anthropic refuses so many pixels where there are many pictures.
        result = await hydrated(store, "anthropic", reference)
        assert (sent(result), result.report.left) == ([], {"variant_budget_exceeded": 1})


async def test_in_a_request_that_is_full_the_oldest_give_way(store: MediaStore) -> None:
    room = provider_named("gemini").limits.request_length
    pdfs = [b"%PDF-1.7\n" + Random(seed).randbytes(room // 4) for seed in range(4)]
    references = [await store.put(pdf) for pdf in pdfs]
    small = await store.put(png_bytes(64, 48))
    # A picture that would still fit gives way as well: it is older than what did not.
    result = await hydrated(store, "gemini", small, *references)
    assert result.report.shown == tuple(each.id for each in references[2:])
    assert result.report.left == {OVER_BUDGET: 3}
    assert result.report.length <= room
    # What no request has room for is no reason to leave out others.
    huge = await store.put(b"%PDF-1.7\n" + Random(9).randbytes(room))
    result = await hydrated(store, "gemini", small, huge)
    assert (result.report.shown, result.report.left) == ((small.id,), {"media_too_large": 1})


async def test_there_is_a_limit_to_how_many_are_sent(store: MediaStore) -> None:
    content = png_bytes(8, 8)
    references = [await store.put(content) for _ in range(102)]
    result = await hydrated(store, "anthropic", *references)
    assert result.report.shown == tuple(each.id for each in references[2:])
    assert result.report.left == {OVER_BUDGET: 2}


# --- there and back ------------------------------------------------------------------------------


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    provider=st.sampled_from(PROVIDERS),
    kinds=st.lists(st.sampled_from(["png", "jpeg", "webp"]), min_size=1, max_size=3),
    edge=st.integers(50, 400),
    texts=st.lists(st.text(max_size=20), max_size=2),
    from_tool=st.booleans(),
)
async def test_offload_then_hydrate_restores_the_bytes(
    store: MediaStore,
    provider: ProviderName,
    kinds: list[str],
    edge: int,
    texts: list[str],
    *,
    from_tool: bool,
) -> None:
    contents = [image_bytes(kind, edge, 300, seed) for seed, kind in enumerate(kinds)]
    blocks = [
        image_block(provider, content, f"image/{kind}")
        for content, kind in zip(contents, kinds, strict=True)
    ]
    parts = [*(text_block(provider, text) for text in texts), *blocks]
    messages = [user(provider, *parts)]
    if from_tool and provider in {"openai-responses", "anthropic"}:
        messages += tool_turn(provider, parts[-1:], "done")
        messages[0] = user(provider, *parts[:-1])
    limits = OffloadLimits(threshold=200)
    offloaded = await offload(messages, store, limits=limits)
    assert offloaded.report.offloaded == len(kinds)
    result = await hydrate(
        offloaded.payload, store, provider=provider, policy=EVERYTHING, original=True
    )
    assert result.messages == messages
    assert len(result.report.shown) == len(kinds)
