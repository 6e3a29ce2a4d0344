"""In which order a put and a deletion reach the disk: what a power cut at any point leaves."""

import os
from collections.abc import Callable
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

    A file is known by what it holds, a directory by its path below that of the blobs.
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


@pytest.fixture
def steps(data: Path, backends: Backends, monkeypatch: pytest.MonkeyPatch) -> Steps:
    return Steps(data, backends, monkeypatch)


def published(what: str, digest: str) -> list[tuple[str, str]]:
    outer, inner = digest[8:10], digest[10:12]
    # The new directories' own names are made durable too: each in the directory above it.
    made = [("fsync", outer), ("fsync", ".")]
    return [*made, ("rename", what), ("fsync", f"{outer}/{inner}")]


async def test_original_and_thumbnail_are_on_the_disk_before_the_rows_that_name_them(
    backends: Backends, steps: Steps
) -> None:
    """Fault 2."""
    reference = await backends.store.put(png_bytes())
    thumbnail = (await backends.store.record(reference.id)).variants[THUMBNAIL]
    assert steps.taken == [
        ("fsync", "original"),
        ("fsync", "thumbnail"),
        *published("original", reference.digest),
        *published("thumbnail", thumbnail.digest),
        COMMIT,
    ]


async def test_known_content_is_on_the_disk_before_its_new_row(
    backends: Backends, steps: Steps
) -> None:
    """Its first copy may be one that another process has renamed and not synced yet."""
    digest = (await backends.store.put(png_bytes())).digest
    steps.taken.clear()
    await backends.store.put(png_bytes())
    directory = f"{digest[8:10]}/{digest[10:12]}"
    assert steps.taken == [
        ("fsync", "original"),
        ("rename", "original"),
        ("fsync", directory),
        COMMIT,
    ]


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
    assert steps.taken == [
        ("fsync", "thumbnail"),  # WebP as well
        *published("thumbnail", variant.digest),
        COMMIT,
    ]
