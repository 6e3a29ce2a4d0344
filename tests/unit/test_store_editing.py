"""Editing stored images: a new reference each time, the original as it was, or nothing at all."""

import io
from pathlib import Path
from uuid import uuid4

import anyio
import pytest
from PIL import Image

from coatcheck.edits import Brightness, Crop, Edit, Grayscale, Resize, Text
from coatcheck.errors import CoatcheckError, InvalidInputError, NotFoundError, PixelBudgetError
from coatcheck.reference import MediaReference
from coatcheck.store import MediaStore
from tests.media import image_bytes, png_bytes

pytestmark = pytest.mark.anyio

CONVERSATION = "9188cc90-b172-47e9-b493-4e22175bd478"


async def read(store: MediaStore, reference: MediaReference) -> bytes:
    stream = await store.open(reference.id)
    return b"".join([chunk async for chunk in stream.chunks])


def files(data: Path) -> list[Path]:
    return sorted(path for path in data.rglob("*") if path.is_file() and path.suffix == "")


async def test_an_edited_image_is_a_new_reference_and_the_original_stays(store: MediaStore) -> None:
    content = png_bytes(96, 64)
    original = await store.put(content, owner="ada")
    edited = await store.edit(
        original.id,
        [Brightness(factor=0.5), Crop(aspect="square")],
        display_name="dark.png",
        alt="the sea, darker",
        owner="ada",
        conversation_id=CONVERSATION,
    )
    assert (edited.mime_type, edited.width, edited.height) == ("image/png", 64, 64)
    assert (edited.display_name, edited.alt) == ("dark.png", "the sea, darker")
    record = await store.record(edited.id)
    assert (record.owner, record.conversation_id) == ("ada", CONVERSATION)
    assert await read(store, original) == content
    assert await store.get(original.id) == original
    shown = Image.open(io.BytesIO(await read(store, edited)))
    assert shown.size == (64, 64)
    assert (await store.thumbnail(edited.id)).width == 64
    assert {finding.state async for finding in store.verify()} == {"sound"}


async def test_the_same_edits_of_the_same_image_are_stored_once(store: MediaStore) -> None:
    original = await store.put(png_bytes())
    one, other = [await store.edit(original.id, [Text(text="HOME")]) for _ in range(2)]
    assert one.digest == other.digest
    assert one.id != other.id


@pytest.mark.parametrize(
    ("edits", "error"),
    [
        ([], InvalidInputError),
        ([Grayscale()] * 11, InvalidInputError),
        ([Crop(width=97, height=1)], InvalidInputError),
        ([Brightness(factor=99)], InvalidInputError),
        ([Resize(width=10**9)], InvalidInputError),
        ([Resize(width=8000, height=8000, fit="stretch")], PixelBudgetError),
    ],
)
async def test_edits_that_cannot_be_made_leave_nothing(
    store: MediaStore, data: Path, edits: list[Edit], error: type[CoatcheckError]
) -> None:
    """Attacks 10 and 11, also where Python built the edit and nothing was parsed."""
    original = await store.put(png_bytes(96, 64))
    before = files(data)
    with pytest.raises(error):
        await store.edit(original.id, edits)
    assert files(data) == before


async def test_what_is_unknown_or_no_image_is_not_edited(store: MediaStore) -> None:
    text = await store.put(b"Dear diary,\n")
    with pytest.raises(InvalidInputError, match="no image"):
        await store.edit(text.id, [Grayscale()])
    for identifier in (str(uuid4()), "../x", ""):
        with pytest.raises(NotFoundError):
            await store.edit(identifier, [Grayscale()])


async def test_an_edit_that_is_cancelled_keeps_nothing(store: MediaStore, data: Path) -> None:
    original = await store.put(png_bytes(4000, 4000))
    before = files(data)
    with anyio.move_on_after(0.2) as scope:
        await store.edit(original.id, [Resize(width=7000)])
    assert scope.cancelled_caught
    assert files(data) == before
    assert (await store.edit(original.id, [Resize(width=10)])).width == 10


async def test_the_main_colors_are_those_of_the_pixels(store: MediaStore) -> None:
    image = Image.new("RGB", (400, 100), (0, 0, 128))
    image.paste((250, 160, 10), (0, 0, 100, 100))
    buffer = io.BytesIO()
    image.save(buffer, "png")
    blue, orange = await store.palette((await store.put(buffer.getvalue())).id)
    assert abs(blue.share - 0.75) < 0.05
    assert abs(orange.share - 0.25) < 0.05
    assert (blue.red < 30, blue.blue > 100) == (True, True)
    assert (orange.red > 220, orange.blue < 40) == (True, True)


async def test_the_colors_of_a_drawing_and_of_nothing_are_told(store: MediaStore) -> None:
    drawing = (
        b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9" fill="red"/></svg>'
    )
    assert await store.palette((await store.put(drawing)).id)
    clear = io.BytesIO()
    Image.new("RGBA", (9, 9)).save(clear, "png")
    assert await store.palette((await store.put(clear.getvalue())).id) == []
    sound = await store.put(b"some text")
    with pytest.raises(NotFoundError):
        await store.palette(sound.id)


@pytest.mark.parametrize("kind", ["jpeg", "webp", "avif", "gif"])
async def test_every_type_is_edited_through_the_workers(store: MediaStore, kind: str) -> None:
    original = await store.put(image_bytes(kind, 96, 64))
    edited = await store.edit(original.id, [Grayscale()])
    assert edited.mime_type == ("image/png" if kind == "gif" else f"image/{kind}")
