import hashlib
import io
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from coatcheck.errors import (
    EmptyMediaError,
    InvalidInputError,
    InvalidRangeError,
    MediaTooLargeError,
    NotFoundError,
    PixelBudgetError,
    UnprocessableMediaError,
    UnsupportedMediaError,
)
from coatcheck.opening import open_backends
from coatcheck.options import StoreOptions
from coatcheck.reference import MediaReference
from coatcheck.store import MediaStore
from coatcheck.store.admission import Content
from tests.media import gif_frames, image_bytes, png_bytes

pytestmark = pytest.mark.anyio

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def files(data: Path) -> list[Path]:
    """Every stored file; the database is not of interest here."""
    return sorted(path for path in data.rglob("*") if path.is_file() and path.suffix == "")


async def read(store: MediaStore, reference: MediaReference) -> bytes:
    return await store.read(reference.id)


async def pieces(content: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif", "avif"])
async def test_an_image_comes_back_bit_for_bit_with_its_facts(store: MediaStore, kind: str) -> None:
    content = image_bytes(kind, 320, 200)
    reference = await store.put(content, display_name=f"sea.{kind}", alt="the sea")
    assert await read(store, reference) == content
    assert reference.mime_type == f"image/{kind}"
    assert (reference.width, reference.height) == (320, 200)
    assert reference.size == len(content)
    assert reference.digest == f"sha-256:{hashlib.sha256(content).hexdigest()}"
    assert reference.placeholder is not None
    assert await store.get(reference.id) == reference
    thumbnail = await store.thumbnail(reference.id)
    assert (thumbnail.media_type, thumbnail.width, thumbnail.height) == ("image/webp", 256, 160)
    assert thumbnail.data[8:12] == b"WEBP"


async def test_bytes_a_path_and_an_iterator_are_the_same_to_the_store(
    store: MediaStore, tmp_path: Path
) -> None:
    content = png_bytes()
    path = tmp_path / "picture"
    await anyio.Path(path).write_bytes(content)
    given: list[Content] = [content, bytearray(content), memoryview(content), path, pieces(content)]
    digests = {(await store.put(one)).digest for one in given}
    assert digests == {f"sha-256:{hashlib.sha256(content).hexdigest()}"}


async def test_the_same_content_is_stored_once_and_each_reference_is_its_own(
    store: MediaStore, data: Path
) -> None:
    first = await store.put(png_bytes(), display_name="a.png", owner="ada")
    kept = files(data)
    second = await store.put(png_bytes(), display_name="b.png", owner="bob")
    assert files(data) == kept
    assert first.id != second.id
    assert (first.display_name, second.display_name) == ("a.png", "b.png")
    assert (await store.record(second.id)).owner == "bob"


async def test_what_is_no_image_is_kept_without_a_thumbnail(store: MediaStore) -> None:
    reference = await store.put(b"%PDF-1.7\n" + bytes(5000), display_name="report.pdf")
    assert (reference.mime_type, reference.width) == ("application/pdf", None)
    assert reference.placeholder is None
    with pytest.raises(NotFoundError, match="no thumbnail"):
        await store.thumbnail(reference.id)


async def test_a_range_is_a_slice(store: MediaStore) -> None:
    content = b"0123456789" * 100
    reference = await store.put(content)
    stream = await store.open(reference.id, start=5, end=15)
    assert b"".join([chunk async for chunk in stream.chunks]) == b"5678901234"
    for start, end in [(-1, 5), (5, 1001), (6, 5), (1001, None)]:
        with pytest.raises(InvalidRangeError):
            await store.open(reference.id, start=start, end=end)


@pytest.mark.parametrize("identifier", [UNKNOWN, "", "x", "../../etc/passwd", "\x00", "9" * 5000])
async def test_what_is_unknown_is_not_found(store: MediaStore, identifier: str) -> None:
    for look_up in (store.get, store.record, store.open, store.thumbnail, store.delete):
        with pytest.raises(NotFoundError):
            await look_up(identifier)


async def test_a_deleted_reference_takes_its_bytes_along_only_with_the_last(
    store: MediaStore, data: Path
) -> None:
    first, second = await store.put(png_bytes()), await store.put(png_bytes())
    await store.delete(first.id)
    with pytest.raises(NotFoundError):
        await store.get(first.id)
    assert await read(store, second) == png_bytes()
    await store.delete(second.id)
    assert files(data) == []


async def test_putting_and_deleting_the_same_content_at_once_loses_no_reference(
    store: MediaStore,
) -> None:
    content = png_bytes(32, 32)

    async def put_and_delete() -> None:
        for _ in range(5):
            await store.delete((await store.put(content)).id)

    kept: list[MediaReference] = []

    async def put_and_keep() -> None:
        for _ in range(5):
            kept.append(await store.put(content))
            assert await read(store, kept[-1]) == content

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(put_and_delete)
            tasks.start_soon(put_and_keep)
    for reference in kept:
        assert await read(store, reference) == content
        assert (await store.thumbnail(reference.id)).data
    assert {finding.state async for finding in store.verify()} == {"sound"}


async def test_content_that_is_put_again_mends_its_stored_copy(
    store: MediaStore, data: Path
) -> None:
    first = await store.put(png_bytes())
    name = first.digest.removeprefix("sha-256:")
    path = data / "blobs" / name[:2] / name[2:4] / name
    for harm in (lambda: path.write_bytes(b"rotten"), path.unlink):
        harm()
        assert {f.state async for f in store.verify()} != {"sound"}
        await store.put(png_bytes())
        assert {f.state async for f in store.verify()} == {"sound"}
        assert await read(store, first) == png_bytes()


async def test_records_are_found_by_the_ids_that_were_given(store: MediaStore) -> None:
    first, second = await store.put(png_bytes()), await store.put(b"%PDF-1.7", owner="ada")
    given = [first.id, second.id.upper(), UNKNOWN, "", "x", "../../etc/passwd", "9" * 5000]
    found = await store.records(given)
    assert found.keys() <= {first.id, second.id.upper()}
    assert found[first.id] == await store.record(first.id)
    for one in given:
        if one not in found:
            with pytest.raises(NotFoundError):
                await store.record(one)
    assert await store.records([]) == {}


def bomb() -> bytes:
    """A PNG whose header declares 50,000 × 50,000 pixels in a few bytes."""
    import struct  # noqa: PLC0415 - for this one picture
    import zlib  # noqa: PLC0415 - likewise

    header = b"IHDR" + struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + header
        + struct.pack(">I", zlib.crc32(header))
        + image_bytes("png")[33:]
    )


@pytest.mark.parametrize(
    ("content", "name", "error"),
    [
        (b"", None, EmptyMediaError),
        (b"\x00\x01\x02\x03", None, UnsupportedMediaError),
        (b"II*\x00" + bytes(100), "scan.tiff", UnsupportedMediaError),
        (b"just words", "words.png", UnsupportedMediaError),
        (b"<html><svg xmlns='http://www.w3.org/2000/svg'/>", "x.svg", UnsupportedMediaError),
        (
            b"<!DOCTYPE svg><svg xmlns='http://www.w3.org/2000/svg'/>",
            "x.svg",
            UnprocessableMediaError,
        ),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", "x.svg", UnprocessableMediaError),
        (bomb(), "bomb.png", PixelBudgetError),
        (gif_frames(1000, 300, 300), "long.gif", PixelBudgetError),
        *[
            (image_bytes(kind, 300, 300)[:-400], None, UnprocessableMediaError)
            for kind in ("png", "jpeg", "webp", "gif", "avif")
        ],
        (b"\x89PNG\r\n\x1a\n" + bytes(100), None, UnprocessableMediaError),
    ],
)
async def test_what_is_refused_leaves_nothing(
    store: MediaStore,
    data: Path,
    content: bytes,
    name: str | None,
    error: type[Exception],
) -> None:
    with pytest.raises(error):
        await store.put(content, display_name=name)
    with pytest.raises(error):
        await store.put(pieces(content), display_name=name)
    assert files(data) == []
    assert [finding async for finding in store.verify()] == []


async def chunks_of_text() -> AsyncIterator[Any]:
    yield b"some bytes, "
    yield "and then text"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("picture.png", r"string is not taken as content.*pathlib\.Path"),
        ("", r"string is not taken as content"),
        ("/etc/passwd", r"string is not taken as content"),
        (None, "of type NoneType. Pass bytes"),
        (3, "of type int. Pass bytes"),
        ({b"chunk"}, "of type set. Pass bytes"),
        ([b"chunk", "text"], "chunk is of type str. Pass bytes"),
        (io.BytesIO(b"bytes"), "of type BytesIO. Pass bytes"),
        (chunks_of_text, "of type function. Pass bytes"),
    ],
)
@pytest.mark.parametrize("owner_bytes", [0, 1_000_000])
async def test_what_is_no_content_is_refused_and_leaves_nothing(
    data: Path, content: Any, message: str, owner_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A string may come from a tool: it is never opened, whatever file it names."""
    data.mkdir()
    (data.parent / "picture.png").write_bytes(png_bytes())
    monkeypatch.chdir(data.parent)
    async with open_backends(StoreOptions(data=data, owner_bytes=owner_bytes)) as backends:
        with pytest.raises(InvalidInputError, match=message) as raised:
            await backends.store.put(content)
        assert type(raised.value) is InvalidInputError
        assert files(data) == []
        assert await backends.store.list_media(owner=None) == []


async def test_a_chunk_that_is_no_bytes_is_refused_and_leaves_nothing(
    store: MediaStore, data: Path
) -> None:
    before = files(data)
    with pytest.raises(InvalidInputError, match="chunk is of type str"):
        await store.put(chunks_of_text())
    assert files(data) == before


async def test_too_much_is_refused_before_it_is_all_taken_in(store: MediaStore, data: Path) -> None:
    store.max_bytes = 10_000
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1000
            yield b"x" * 1000

    with pytest.raises(MediaTooLargeError, match="10,000"):
        await store.put(endless())
    assert taken == 11_000
    with pytest.raises(MediaTooLargeError):
        await store.put(b"x" * 10_001)
    assert (await store.put(b"x" * 10_000)).size == 10_000
    assert len(files(data)) == 1


async def test_a_source_that_fails_leaves_nothing(store: MediaStore, data: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await store.put(broken())
    with pytest.raises(InvalidInputError, match="No such file"):
        await store.put(data / "missing")
    assert files(data) == []


async def test_a_cancelled_put_leaves_nothing(store: MediaStore, data: Path) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"half"
        scope.cancel()
        await anyio.sleep_forever()

    with anyio.CancelScope() as scope:
        await store.put(slow())
    assert scope.cancelled_caught
    assert files(data) == []


async def test_the_stored_type_is_the_sniffed_one(store: MediaStore) -> None:
    """Attack 19: what a client says is not what is stored."""
    reference = await store.put(png_bytes(), display_name="x.txt", media_type="text/html")
    assert reference.mime_type == "image/png"
    renamed = await store.put(image_bytes("jpeg"), display_name="x.png", media_type="image/png")
    assert renamed.mime_type == "image/jpeg"


async def test_verify_finds_what_is_missing_damaged_or_left_behind(
    store: MediaStore, data: Path
) -> None:
    """Fault 21."""
    sound = await store.put(b"sound" * 100)
    missing = await store.put(b"missing" * 100)
    damaged = await store.put(b"damaged" * 100)
    shortened = await store.put(b"shortened" * 100)

    def path(reference: MediaReference) -> anyio.Path:
        name = reference.digest.removeprefix("sha-256:")
        return anyio.Path(data / "blobs" / name[:2] / name[2:4] / name)

    await path(missing).unlink()
    await path(damaged).write_bytes(b"DAMAGED" * 100)
    await path(shortened).write_bytes(b"short")
    orphan = "ab" * 32
    await anyio.Path(data / "blobs/ab/ab").mkdir(parents=True)
    await anyio.Path(data / "blobs/ab/ab" / orphan).write_bytes(b"left by a crash")
    states = {finding.digest: finding.state async for finding in store.verify()}
    assert states == {
        sound.digest: "sound",
        missing.digest: "missing",
        damaged.digest: "damaged",
        shortened.digest: "damaged",
        f"sha-256:{orphan}": "orphan",
    }
    assert await store.blob_count() == 4


async def test_a_large_file_is_never_in_memory_as_a_whole(
    store: MediaStore, tmp_path: Path
) -> None:
    path = tmp_path / "large.zip"
    with path.open("wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(60 * 1024 * 1024)
    await store.put(b"warm")
    tracemalloc.start()
    reference = await store.put(path)
    stream = await store.open(reference.id)
    length = sum([len(chunk) async for chunk in stream.chunks])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert length == reference.size == 60 * 1024 * 1024
    assert peak < 5 * 1024 * 1024
