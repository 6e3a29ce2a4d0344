"""Attacks 1 to 4: only files of the allowed directory are read, whatever a history says."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from coatcheck.errors import InvalidInputError, NotFoundError, UnprocessableMediaError
from coatcheck.legacy.modern import WantedFile
from coatcheck.legacy.modernizing import modernize_document
from coatcheck.migration.files import AllowedFiles
from coatcheck.store import MediaStore
from tests.legacy import reference
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

PICTURE = png_bytes(300, 200)
SECRET = png_bytes(300, 200, seed=5)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    (root / "inner").mkdir(parents=True)
    (root / "a b.png").write_bytes(PICTURE)
    (root / "inner" / "c.png").write_bytes(PICTURE)
    (root / "link.png").symlink_to("a b.png")
    (root / "out.png").symlink_to(tmp_path / "secret.png")
    (root / "outside").symlink_to(tmp_path / "data-evil")
    os.mkfifo(root / "pipe.png")
    (tmp_path / "data-evil").mkdir()
    (tmp_path / "data-evil" / "secret.png").write_bytes(SECRET)
    (tmp_path / "secret.png").write_bytes(SECRET)
    return root


@pytest.mark.parametrize(
    "name",
    [
        "a b.png",
        "inner/c.png",
        "inner/../a b.png",
        "link.png",
        "{root}/a b.png",
        "file://{root}/a%20b.png",
        "file://localhost{root}/a%20b.png",
        "FILE://{root}/inner/c.png",
    ],
)
async def test_a_file_of_the_directory_is_stored(
    store: MediaStore, directory: Path, name: str
) -> None:
    wanted = WantedFile(names=(name.format(root=directory),), alt="the sea")
    kept = await (await AllowedFiles.open(directory, store, owner="me")).read(wanted)
    assert kept.digest == f"sha-256:{hashlib.sha256(PICTURE).hexdigest()}"
    assert kept.alt == "the sea"
    assert (await store.record(kept.id)).owner == "me"


@pytest.mark.parametrize(
    "name",
    [
        "../secret.png",
        "file://{root}/%2e%2e/secret.png",
        "file://{root}/%252e%252e/secret.png",
        "{root}-evil/secret.png",
        "file://{root}-evil/secret.png",
        "..%5Csecret.png",
        "..\\secret.png",
        "a b.png\0.txt",
        "file://{root}/a%20b.png%00",
        "x" * 5000,
        "out.png",
        "outside/secret.png",
        "pipe.png",
        "inner",
        "",
        "/dev/zero",
        "/etc/passwd",
        "file:///etc/passwd",
        "file://elsewhere{root}/a%20b.png",
        "absent.png",
    ],
)
async def test_nothing_else_is_read(store: MediaStore, directory: Path, name: str) -> None:
    wanted = WantedFile(names=(name.format(root=directory),))
    files = await AllowedFiles.open(directory, store)
    with pytest.raises(NotFoundError):
        await files.read(wanted)
    assert [finding async for finding in store.verify()] == []


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
async def test_a_checksum_is_compared(store: MediaStore, directory: Path, algorithm: str) -> None:
    files = await AllowedFiles.open(directory, store)
    right = hashlib.new(algorithm, PICTURE, usedforsecurity=False).hexdigest()
    for checksum in (right, right.upper(), f"{algorithm}:{right}", "no checksum", None):
        await files.read(WantedFile(names=("a b.png",), checksum=checksum))
    wrong = hashlib.new(algorithm, SECRET, usedforsecurity=False).hexdigest()
    with pytest.raises(UnprocessableMediaError):
        await files.read(WantedFile(names=("a b.png",), checksum=wrong))


async def test_the_directory_must_be_one(store: MediaStore, directory: Path) -> None:
    with pytest.raises(InvalidInputError, match="no directory"):
        await AllowedFiles.open(directory / "a b.png", store)


async def test_a_history_gets_the_file_in_the_place_of_the_thumbnail(
    store: MediaStore, directory: Path
) -> None:
    (directory / "lighthouse.png").write_bytes(PICTURE)
    files = await AllowedFiles.open(directory, store)
    thumbnail = png_bytes(32, 24)
    output = {"success": True, "data": {"imageReference": reference(thumbnail), "prompt": "sea"}}
    # First without the directory, then with it: what was kept of the path is enough.
    without, _ = await modernize_document(json.dumps(output), store)
    for document in (json.dumps(output), without):
        modern, report = await modernize_document(document, store, read_file=files.read)
        data = json.loads(modern)["data"]
        assert data["imageReference"]["digest"].endswith(hashlib.sha256(PICTURE).hexdigest())
        assert data["imageReference"]["alt"] == "sea"
        assert "legacyReference" not in data
        assert report.left == {}
    url = json.dumps({"imageUrl": f"file://{directory}/lighthouse.png", "prompt": "sea"})
    modern, _ = await modernize_document(url, store, read_file=files.read)
    assert json.loads(modern)["data"]["imageReference"]["size"] == len(PICTURE)
    _, report = await modernize_document(
        json.dumps({"imageUrl": "file:///etc/passwd", "prompt": "x"}), store, read_file=files.read
    )
    assert report.left == {"file_not_found": 1}
