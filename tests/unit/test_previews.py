"""Previews wait in memory for a while, within a bound."""

import pytest

from coatcheck.delivery.previews import LIFE_SECONDS, PreviewStore
from coatcheck.errors import NotFoundError
from coatcheck.ports import RenderedImage
from coatcheck.reference import is_reference_id

pytestmark = pytest.mark.anyio


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def image(data: bytes = b"webp") -> RenderedImage:
    return RenderedImage(data=data, media_type="image/webp", width=8, height=6)


def put(store: PreviewStore, data: bytes = b"webp") -> str:
    return store.put(image(data), owner="anna", conversation_id="c")


async def test_a_preview_is_read_under_an_unguessable_id_and_has_a_record() -> None:
    store = PreviewStore()
    preview_id = put(store)
    assert is_reference_id(preview_id)
    assert store.read(preview_id) == store.read(preview_id.upper()) == image()
    record = await store.record(preview_id)
    assert (record.owner, record.conversation_id) == ("anna", "c")
    assert (record.reference.mime_type, record.reference.size) == ("image/webp", 4)
    assert put(store) != preview_id


async def test_an_unknown_preview_is_not_found() -> None:
    store = PreviewStore()
    put(store)
    for unknown in ("", "x", "../x", "9188cc90-b172-47e9-b493-4e22175bd478"):
        with pytest.raises(NotFoundError):
            store.read(unknown)
        with pytest.raises(NotFoundError):
            await store.record(unknown)


def test_a_preview_is_forgotten_after_its_time() -> None:
    clock = Clock()
    store = PreviewStore(clock)
    preview_id = put(store)
    clock.now = LIFE_SECONDS - 1
    assert store.read(preview_id) is not None
    clock.now = LIFE_SECONDS
    with pytest.raises(NotFoundError):
        store.read(preview_id)
    put(store)
    assert len(store._shown) == 1


def test_what_waits_is_bounded_and_the_oldest_goes_first() -> None:
    store = PreviewStore(capacity=1000)
    ids = [put(store, bytes(300)) for _ in range(50)]
    assert store._shown.weight <= 1000
    assert [store.read(one).data for one in ids[-3:]] == [bytes(300)] * 3
    for gone in ids[:-3]:
        with pytest.raises(NotFoundError):
            store.read(gone)
    put(store, bytes(5000))  # more than there is room for
    assert store._shown.weight == 0
