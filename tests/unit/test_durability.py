"""In which order a put and a deletion reach the disk: what a power cut at any point leaves."""

import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from coatcheck.opening import Backends
from coatcheck.ports import THUMBNAIL
from coatcheck.variants import VariantSpec
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

COMMIT = ("commit", "")


class Steps:
    """Records every fsync, rename and unlink, and every commit of a write transaction.

    A file is known by what it holds, a directory by its path below that of the blobs. An fsync
    takes longer than it does on any disk: what does not wait for it comes before it.
    """

    def __init__(self, data: Path, backends: Backends, monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken: list[tuple[str, str]] = []
        self._blobs = data / "blobs"
        self._record(monkeypatch, os, "fsync", self._held_by)
        self._record(monkeypatch, Path, "rename", lambda source, _target: self._name(source))
        self._record(monkeypatch, Path, "unlink", lambda path, **_: self._name(path))
        engine = backends.store._catalog._catalog._database._engine.sync_engine  # type: ignore[attr-defined]
        event.listen(engine, "commit", lambda _: self.taken.append(COMMIT))

    def _record(
        self,
        monkeypatch: pytest.MonkeyPatch,
        owner: object,
        call: str,
        name: Callable[..., str | None],
    ) -> None:
        real = getattr(owner, call)

        def recorded(*arguments: Any, **options: Any) -> Any:
            subject = name(*arguments, **options)
            if call == "fsync" and subject is not None:
                time.sleep(0.02)
            result = real(*arguments, **options)
            if subject is not None:
                self.taken.append((call, subject))
            return result

        monkeypatch.setattr(owner, call, recorded)

    def _held_by(self, descriptor: int) -> str | None:
        return self._name(Path(f"/proc/self/fd/{descriptor}").readlink())

    def _name(self, path: Path) -> str | None:
        if path.is_dir():
            return str(path.relative_to(self._blobs))
        if not path.is_file():  # a staged file that was published has left its place
            return None
        return "thumbnail" if path.read_bytes().startswith(b"RIFF") else "original"

    def come_in_order(self, *steps: tuple[str, str]) -> bool:
        """Whether each of these steps was taken once, in this order; others may lie between."""
        return [step for step in self.taken if step in steps] == list(steps)


@pytest.fixture
def steps(data: Path, backends: Backends, monkeypatch: pytest.MonkeyPatch) -> Steps:
    return Steps(data, backends, monkeypatch)


def published(what: str, digest: str) -> list[tuple[str, str]]:
    """The steps from a staged file to a name that stays."""
    outer, inner = digest[8:10], digest[10:12]
    return [("fsync", what), ("rename", what), ("fsync", f"{outer}/{inner}"), COMMIT]


def made_for(*digests: str) -> list[tuple[str, str]]:
    """The syncs of directories that have new directories in them."""
    return [("fsync", folder) for folder in {*(digest[8:10] for digest in digests), "."}]


async def test_original_and_thumbnail_are_on_the_disk_before_the_rows_that_name_them(
    backends: Backends, steps: Steps
) -> None:
    """Fault 2. The file may be synced while it is decoded, and rows written before the commit."""
    reference = await backends.store.put(png_bytes())
    thumbnail = (await backends.store.record(reference.id)).variants[THUMBNAIL]
    assert steps.come_in_order(*published("original", reference.digest))
    assert steps.come_in_order(*published("thumbnail", thumbnail.digest))
    for made in made_for(reference.digest, thumbnail.digest):
        assert steps.come_in_order(made, COMMIT)
    assert steps.taken[-1] == COMMIT
    assert steps.taken.count(COMMIT) == 1


async def test_all_files_of_a_put_are_renamed_before_a_directory_is_synced(
    backends: Backends, steps: Steps
) -> None:
    """So that the first sync of a directory takes all names to the disk."""
    await backends.store.put(png_bytes(1024, 600))
    kinds = [
        "directory" if call == "fsync" and subject not in {"original", "thumbnail"} else call
        for call, subject in steps.taken
    ]
    assert kinds[:6] == [*["fsync"] * 3, *["rename"] * 3]
    assert set(kinds[6:-1]) == {"directory"}


async def test_known_content_is_compared_and_not_written(backends: Backends, steps: Steps) -> None:
    """Its row was committed after its bytes were synced."""
    await backends.store.put(png_bytes())
    steps.taken.clear()
    await backends.store.put(png_bytes())
    assert steps.taken == [COMMIT]


async def test_known_content_that_is_written_is_on_the_disk_before_its_new_row(
    backends: Backends, steps: Steps
) -> None:
    """What is streamed is not compared: it replaces the copy that is there."""

    async def streamed() -> AsyncIterator[bytes]:
        yield png_bytes()

    digest = (await backends.store.put(png_bytes())).digest
    steps.taken.clear()
    await backends.store.put(streamed())
    assert steps.taken == published("original", digest)


async def test_the_rows_go_before_the_bytes_and_the_tombstone_after_them(
    backends: Backends, steps: Steps
) -> None:
    """Fault 4: a tombstone goes once the directory is synced, or the file could come back."""
    reference = await backends.store.put(png_bytes())
    thumbnail = (await backends.store.record(reference.id)).variants[THUMBNAIL]
    steps.taken.clear()
    await backends.store.delete(reference.id)
    removed = {reference.digest: "original", thumbnail.digest: "thumbnail"}
    expected = [COMMIT]
    for digest, what in sorted(removed.items()):
        directory = f"{digest[8:10]}/{digest[10:12]}"
        expected += [("unlink", what), ("fsync", directory), COMMIT]
    assert steps.taken == expected


async def test_a_variant_is_on_the_disk_before_its_row(backends: Backends, steps: Steps) -> None:
    reference = await backends.store.put(png_bytes(512, 300))
    record = await backends.store.record(reference.id)
    steps.taken.clear()
    variant = await backends.store.variant(record, VariantSpec(64, "webp"))
    assert steps.come_in_order(*published("thumbnail", variant.digest))  # WebP as well
    for made in made_for(variant.digest):
        assert steps.come_in_order(made, COMMIT)
    assert steps.taken[-1] == COMMIT
