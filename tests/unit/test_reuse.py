"""`put(…, reuse=True)`: one reference for the same content, nothing written where it is known."""

import json
import sqlite3
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from coatcheck import offload
from coatcheck.errors import QuotaExceededError, UnsupportedMediaError
from coatcheck.opening import open_backends
from coatcheck.options import StoreOptions
from coatcheck.reference import MediaReference
from coatcheck.store import MediaStore
from coatcheck.store.admission import Content
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

PUT_MANY = textwrap.dedent(
    """
    import asyncio, json, sys
    from pathlib import Path
    from coatcheck import open_store

    async def main(data, picture, owner):
        content = Path(picture).read_bytes()
        owner = json.loads(owner)
        async with open_store(data, workers=1) as store:
            print("ready", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            puts = [store.put(content, owner=owner, reuse=True) for _ in range(8)]
            print(json.dumps([one.id for one in await asyncio.gather(*puts)]), flush=True)

    asyncio.run(main(*sys.argv[1:]))
    """
)


def state(data: Path) -> dict[str, Any]:
    """Every blob with its inode and time, every row, and how often the database was changed."""
    files = sorted(path for path in data.rglob("*") if path.is_file() and path.suffix == "")
    connection = sqlite3.connect(data / "catalog.sqlite3")
    rows = {
        table: connection.execute(f"SELECT * FROM {table}").fetchall()
        for table in ("blobs", "media", "variants", "owners", "tombstones")
    }
    connection.close()
    wal = data / "catalog.sqlite3-wal"
    return {
        "files": [(path, path.stat().st_ino, path.stat().st_mtime_ns) for path in files],
        "rows": rows,
        "log": wal.stat().st_size,
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    picture = tmp_path / "picture"
    picture.write_bytes(png_bytes())
    return picture


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 1000):
        yield content[start : start + 1000]


@pytest.mark.parametrize("owner", [None, "", "ada"])
async def test_reading_a_history_a_thousand_times_writes_nothing(
    store: MediaStore, data: Path, owner: str | None
) -> None:
    content = png_bytes()
    first = await store.put(content, owner=owner, reuse=True)
    before = await anyio.to_thread.run_sync(state, data)
    ids = {(await store.put(content, owner=owner, reuse=True)).id for _ in range(1000)}
    assert ids == {first.id}
    assert await anyio.to_thread.run_sync(state, data) == before


async def test_however_the_content_comes_it_is_the_same(store: MediaStore, path: Path) -> None:
    content = png_bytes()
    chunks = [content[start : start + 1000] for start in range(0, len(content), 1000)]
    given: list[Content] = [
        *(content, bytearray(content), memoryview(content), path, pieces(content)),
        *(chunks, tuple(chunks)),
    ]
    assert len({(await store.put(one, reuse=True)).id for one in given}) == 1
    assert len([one async for one in store.verify()]) == 2  # the picture and its thumbnail


async def test_names_belong_to_the_place_where_it_stands(store: MediaStore) -> None:
    ours = await store.put(png_bytes(), display_name="a.png", alt="the sea", reuse=True)
    theirs = await store.put(png_bytes(), display_name="b.png", reuse=True)
    assert ours.id == theirs.id
    assert (ours.display_name, ours.alt) == ("a.png", "the sea")
    assert (theirs.display_name, theirs.alt) == ("b.png", None)
    kept = await store.get(ours.id)
    assert (kept.display_name, kept.alt) == (None, None)


async def test_a_false_claim_is_refused_whether_the_content_is_known_or_not(
    store: MediaStore,
) -> None:
    for name, media_type in (("a.png", None), (None, "image/png")):
        with pytest.raises(UnsupportedMediaError):
            await store.put(b"plain text", reuse=True, display_name=name, media_type=media_type)
        await store.put(b"plain text", reuse=True)


async def test_a_blob_that_was_lost_is_made_whole_under_the_same_reference(
    store: MediaStore, data: Path
) -> None:
    content = png_bytes()
    first = await store.put(content, reuse=True)
    name = first.digest.removeprefix("sha-256:")
    (blob,) = [one for one in data.rglob("*") if one.is_file() and name.endswith(one.name)]
    blob.unlink()
    assert (await store.put(content, reuse=True)).id == first.id
    assert await store.read(first.id) == content


async def test_a_deleted_reference_is_not_given_out_again(store: MediaStore) -> None:
    content = png_bytes()
    first = await store.put(content, reuse=True)
    await store.delete(first.id)
    second = await store.put(content, reuse=True)
    assert second.id != first.id
    assert await store.read(second.id) == content


async def test_known_content_needs_no_room(data: Path) -> None:
    content = png_bytes()
    options = StoreOptions(data=data, owner_bytes=len(content) + 10)
    async with open_backends(options) as backends:
        store = backends.store
        first = await store.put(content, reuse=True)
        assert (await store.put(content, reuse=True)).id == first.id
        with pytest.raises(QuotaExceededError):
            await store.put(png_bytes(seed=1), reuse=True)


@pytest.mark.parametrize("owner", [None, "", "ada"])
async def test_many_tasks_that_put_the_same_get_one_reference(
    store: MediaStore, data: Path, owner: str | None
) -> None:
    references: list[MediaReference] = []

    async def put() -> None:
        references.append(await store.put(png_bytes(), owner=owner, reuse=True))

    async with anyio.create_task_group() as tasks:
        for _ in range(16):
            tasks.start_soon(put)
    assert len({one.id for one in references}) == 1
    assert len((await anyio.to_thread.run_sync(state, data))["rows"]["media"]) == 1


@pytest.mark.parametrize("owner", [None, "ada"])
async def test_two_processes_that_put_the_same_get_one_reference(
    data: Path, path: Path, owner: str | None
) -> None:
    command = [sys.executable, "-c", PUT_MANY, str(data), str(path), json.dumps(owner)]
    ids: list[str] = []

    async def line(process: anyio.abc.Process) -> str:
        assert process.stdout is not None
        text = b""
        while not text.endswith(b"\n"):
            text += await process.stdout.receive()
        return text.decode()

    async def finish(process: anyio.abc.Process) -> None:
        assert process.stdin is not None
        await process.stdin.send(b"go\n")
        ids.extend(json.loads(await line(process)))
        await process.wait()

    async with await anyio.open_process(command) as one, await anyio.open_process(command) as two:
        for process in (one, two):
            assert await line(process) == "ready\n"
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(finish, one)
            tasks.start_soon(finish, two)
    assert len(ids) == 16
    assert len(set(ids)) == 1


async def test_offload_gives_the_same_content_the_same_reference(store: MediaStore) -> None:
    picture = png_bytes(240, 180)
    first, second, other = [
        (await offload({"image": picture}, store, owner=owner)).payload["image"]["id"]
        for owner in (None, None, "ada")
    ]
    assert first == second != other


async def test_media_that_left_a_conversation_is_not_found_for_it_again(store: MediaStore) -> None:
    """Else what is put there later would stay when the conversation is forgotten."""
    content = png_bytes()
    bens = await store.put(content, owner="ben", conversation_id="c", reuse=True)
    async with store.transaction() as transaction:
        await transaction.hold("c", "m1", [bens.id], owner="anna")
    await store.erase_owner("anna")
    again = await store.put(content, owner="ben", conversation_id="c", reuse=True)
    assert again.id != bens.id
    assert (await store.record(again.id)).conversation_id == "c"
