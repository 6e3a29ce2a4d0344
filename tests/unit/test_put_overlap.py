"""A put does its parts beside each other; whatever fails, it leaves nothing behind."""

import os
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from coatcheck.errors import NotFoundError, StorageError, UnprocessableMediaError
from coatcheck.opening import Backends
from coatcheck.ports import ImageFacts
from coatcheck.store import Inspected, MediaStore
from tests.media import png_bytes

pytestmark = pytest.mark.anyio


def files(data: Path) -> list[Path]:
    return [path for folder in ("blobs", "staging") for path in (data / folder).rglob("*.*")] + [
        path for path in (data / "blobs").rglob("*") if path.is_file()
    ]


async def streamed(content: bytes) -> AsyncIterator[bytes]:
    yield content[:1000]
    yield content[1000:]


@pytest.fixture
def inspections(backends: Backends, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happens to originals: when a look at one begins and ends, and when it is synced."""
    steps: list[str] = []
    inspect, fsync = backends.renderer.inspect, os.fsync

    async def recorded(*arguments: Any, **options: Any) -> ImageFacts:
        steps.append("inspection begins")
        facts = await inspect(*arguments, **options)
        steps.append("inspection ends")
        return facts

    def slow_fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.suffix != ".part" or path.read_bytes().startswith(b"RIFF"):
            fsync(descriptor)
            return
        steps.append("sync begins")
        # Until the look is over, which it could not be if it waited for the sync.
        deadline = time.monotonic() + 20
        while "inspection ends" not in steps and time.monotonic() < deadline:
            time.sleep(0.01)
        fsync(descriptor)
        steps.append("sync ends")

    monkeypatch.setattr(backends.renderer, "inspect", recorded)
    monkeypatch.setattr(os, "fsync", slow_fsync)
    return steps


@pytest.mark.parametrize("is_streamed", [False, True])
async def test_a_picture_is_inspected_while_it_is_synced(
    store: MediaStore, inspections: list[str], is_streamed: bool
) -> None:
    content = png_bytes(700, 400)
    await store.put(streamed(content) if is_streamed else content)
    assert sorted(inspections[:2]) == ["inspection begins", "sync begins"]
    assert inspections[2:] == ["inspection ends", "sync ends"]


async def test_a_picture_that_cannot_be_decoded_leaves_nothing_while_it_is_synced(
    store: MediaStore, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The staged file is discarded once its sync is over, not under its hands."""
    fsync, synced = os.fsync, threading.Event()

    def slow_fsync(descriptor: int) -> None:
        time.sleep(0.3)
        fsync(descriptor)
        synced.set()

    content = png_bytes(700, 400)
    await store.put(content)  # a worker is there: the look at the next one takes no time
    before = files(data)
    monkeypatch.setattr(os, "fsync", slow_fsync)
    with pytest.raises(UnprocessableMediaError):
        await store.put(content[: len(content) // 2])
    assert synced.is_set()
    assert files(data) == before


async def test_a_file_that_cannot_be_synced_is_not_acknowledged(
    store: MediaStore, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(StorageError):
            await store.put(png_bytes(700, 400))
    assert files(data) == []
    assert await store.list_media() == []
    assert (await store.put(png_bytes(700, 400))).width == 700


async def test_a_directory_that_cannot_be_synced_leaves_no_row(
    store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_path: Path) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("coatcheck.storage.local.sync_directory", fail)
        with pytest.raises(StorageError):
            await store.put(png_bytes(700, 400))
    assert await store.list_media() == []
    assert (await store.put(png_bytes(700, 400))).width == 700


async def test_a_put_that_is_cancelled_while_it_is_inspected_leaves_nothing(
    store: MediaStore, data: Path
) -> None:
    with anyio.CancelScope() as scope:
        await store.put(png_bytes(700, 400), on_inspected=lambda _: scope.cancel())
    assert scope.cancelled_caught
    assert files(data) == []
    assert await store.list_media() == []


async def test_size_and_placeholder_are_told_before_the_picture_is_stored(
    store: MediaStore, backends: Backends, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Inspected] = []
    blobs: Any = backends.local_paths
    publish = blobs.publish

    async def published(*staged: Any) -> None:
        assert len(told) == 1
        await publish(*staged)

    def tell(inspected: Inspected) -> None:
        told.append(inspected)

    monkeypatch.setattr(blobs, "publish", published)
    reference = await store.put(png_bytes(700, 400), on_inspected=tell)
    assert told == [
        Inspected(
            media_type="image/png",
            width=700,
            height=400,
            placeholder=reference.placeholder or "",
        )
    ]
    # Neither for what is known, nor for what is no picture.
    await store.put(png_bytes(700, 400), on_inspected=tell)
    await store.put(b"%PDF-1.7", on_inspected=tell)
    assert len(told) == 1


async def test_what_was_told_of_a_picture_does_not_exist_if_its_put_fails(
    store: MediaStore, backends: Backends, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Inspected] = []

    async def fail(*_: Any) -> None:
        raise StorageError

    monkeypatch.setattr(backends.local_paths, "publish", fail)
    with pytest.raises(StorageError):
        await store.put(png_bytes(700, 400), on_inspected=told.append)
    assert len(told) == 1
    assert await store.list_media() == []
    with pytest.raises(NotFoundError):
        await store.get("00000000-0000-4000-8000-000000000000")


async def test_what_a_caller_changes_during_a_put_is_not_stored(store: MediaStore) -> None:
    """The digest, the look and the bytes are of the content as it was passed."""
    content = bytearray(png_bytes(700, 400))
    original = bytes(content)

    def scribble(_: Inspected) -> None:
        content[:] = b"x" * len(content)

    reference = await store.put(content, on_inspected=scribble)
    assert await store.read(reference.id) == original


async def test_known_content_whose_copy_is_damaged_is_mended(store: MediaStore, data: Path) -> None:
    content = png_bytes(700, 400)
    first = await store.put(content)
    (path,) = (data / "blobs").rglob(first.digest.removeprefix("sha-256:"))
    path.write_bytes(content[:-1] + b"x")
    second = await store.put([content[:5000], content[5000:]])
    assert await store.read(first.id) == await store.read(second.id) == content
    assert (data / "staging").exists()
    assert list((data / "staging").iterdir()) == []
