"""The ten invariants of docs/explanation/architecture.md, as far as the project reaches today."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from coatcheck.delivery import media_app
from coatcheck.errors import NotFoundError, OverloadedError
from coatcheck.opening import Backends
from coatcheck.payload.projection import for_model, for_storage, for_ui
from coatcheck.reference import MediaUrls
from coatcheck.store import MediaStore
from coatcheck.workers import WorkerLimits, WorkerPool
from coatcheck_chat.agent.pydantic_ai import PydanticAIResponder, load_model
from coatcheck_chat.agent.tools import ToolContext
from coatcheck_chat.history.history import History
from coatcheck_chat.history.sql_log import SqlConversationLog
from coatcheck_chat.painting import PAINTERS
from coatcheck_chat.providers.procedural import ProceduralProvider
from coatcheck_chat.streaming.events import encode_frame
from coatcheck_chat.streaming.turns import Turns
from tests.databases import dump_of
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

INLINE = re.compile(rb"[A-Za-z0-9+/_-]{4096}")
CONVERSATION = "9188cc90-b172-47e9-b493-4e22175bd478"


@pytest.fixture
async def client(store: MediaStore) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(media_app(store), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


@pytest.fixture
async def drawn(backends: Backends) -> list[dict[str, Any]]:
    """The chunks of a drawing turn, run for real."""
    painters = WorkerPool("coatcheck_chat.painting", PAINTERS)
    urls = MediaUrls()
    context = ToolContext(
        store=backends.store,
        provider=ProceduralProvider(painters),
        painters=painters,
        urls=urls,
    )
    history = History(SqlConversationLog(backends.store), backends.store, urls)
    responder = PydanticAIResponder(load_model("offline"), context)
    async with Turns.running(history, responder) as turns:
        message = {"role": "user", "parts": [{"type": "text", "text": "Draw the sea at dawn"}]}
        turn = await turns.begin(CONVERSATION, await history.accept(message))
        chunks = [chunk async for chunk in turn.follow()]
    await painters.aclose()
    assert [chunk["type"] for chunk in chunks].count("data-media") == 2
    return chunks


def rows(data: Path) -> bytes:
    """Everything that the database holds, as text."""
    return dump_of(data).encode()


@pytest.mark.usefixtures("drawn")
async def test_1_no_url_is_ever_persisted(data: Path) -> None:
    dump = rows(data)
    assert b"media_reference" in dump
    assert b"/api/media" not in dump
    assert b"http" not in dump


async def test_2_there_is_never_a_reference_without_its_blob(store: MediaStore, data: Path) -> None:
    """See also tests/faults/test_kill.py and the race in tests/unit/test_store.py."""
    content = png_bytes(48, 48)
    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(put_and_maybe_delete, store, content)
    # The picture and its thumbnail, which half of the references are left to.
    assert [finding.state async for finding in store.verify()] == ["sound", "sound"]
    assert not list((data / "staging").iterdir())


async def put_and_maybe_delete(store: MediaStore, content: bytes) -> None:
    for number in range(4):
        reference = await store.put(content)
        if number % 2:
            await store.delete(reference.id)
        else:
            assert (await store.thumbnail(reference.id)).data


async def test_3_a_reference_is_the_same_bytes_for_the_model_every_time(store: MediaStore) -> None:
    reference = await store.put(png_bytes(), alt="the sea")
    message = {"output": {"data": {"imageReference": reference.to_ui(MediaUrls())}}}
    kept = for_storage(message)
    again = for_storage(
        for_ui(kept, MediaUrls(base_url="https://elsewhere.example/m"), {reference.id})
    )
    assert for_model(message) == for_model(kept) == for_model(again)
    assert reference.to_model() == (await store.get(reference.id)).to_model()


async def test_4_no_inline_media_leaves_through_any_sink(
    drawn: list[dict[str, Any]], data: Path
) -> None:
    """Frames and rows here; model requests and logs in tests/integration/test_chat_socket.py."""
    for chunk in drawn:
        frame = encode_frame(1, chunk).encode()
        assert len(frame) <= 2048
        assert not INLINE.search(frame)
    assert not INLINE.search(rows(data))


async def test_5_of_a_foreign_reference_only_the_id_is_believed(
    backends: Backends,
) -> None:
    reference = await backends.store.put(png_bytes(), display_name="mine.png")
    history = History(SqlConversationLog(backends.store), backends.store, MediaUrls())
    forged = reference.to_ui(MediaUrls()) | {
        "digest": "sha-256:" + "0" * 64,
        "mimeType": "text/html",
        "displayName": "<script>",
        "url": "https://evil.example/",
    }
    part = {"type": "data-media", "id": "m1", "data": {"state": "ready", "reference": forged}}
    accepted = await history.accept({"role": "user", "parts": [part]})
    assert accepted["parts"][0]["data"]["reference"] == reference.to_stored()
    unknown = json.loads(json.dumps(part).replace(reference.id, CONVERSATION))
    with pytest.raises(NotFoundError):
        await history.accept({"role": "user", "parts": [unknown]})


async def test_6_existence_is_checked_before_any_answer_from_a_cache(
    store: MediaStore, client: httpx.AsyncClient
) -> None:
    reference = await store.put(png_bytes())
    url = f"/image/{reference.id}"
    tag = (await client.get(url)).headers["etag"]
    assert (await client.get(url, headers={"if-none-match": tag})).status_code == 304
    await store.delete(reference.id)
    assert (await client.get(url, headers={"if-none-match": tag})).status_code == 404
    assert (await client.get(url, headers={"if-none-match": "*"})).status_code == 404


async def test_7_only_content_addressed_answers_are_immutable(
    store: MediaStore, client: httpx.AsyncClient, data: Path
) -> None:
    reference = await store.put(png_bytes())
    url = f"/image/{reference.id}"
    good = await client.head(url)  # no GET: a small blob would be remembered
    assert "immutable" in good.headers["cache-control"]
    not_modified = await client.get(url, headers={"if-none-match": good.headers["etag"]})
    assert "immutable" in not_modified.headers["cache-control"]
    name = reference.digest.removeprefix("sha-256:")
    (data / "blobs" / name[:2] / name[2:4] / name).unlink()
    for answer in [
        await client.get(url),  # the blob is missing: 500
        await client.get(f"/image/{CONVERSATION}"),
        await client.get("/image/%2e%2e%2fsecret"),
        await client.post(url),
        await client.post("/upload", content=b""),
        await client.post("/upload", content=b"\x00\x01"),
        await client.get(f"/{reference.id}"),
        await client.delete(f"/{reference.id}"),
    ]:
        assert answer.headers["cache-control"] == "no-store", answer


async def test_8_overload_is_refused_early_and_originals_keep_flowing(
    store: MediaStore, client: httpx.AsyncClient
) -> None:
    reference = await store.put(png_bytes())
    busy = WorkerPool("tests.unit.workers.tasks", WorkerLimits(processes=1, waiting=0, seconds=20))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: busy.run("sleep", seconds=1))
        await anyio.sleep(0.2)
        with pytest.raises(OverloadedError), anyio.fail_after(0.5):
            await busy.run("echo", value=1)
        assert (await client.get(f"/image/{reference.id}")).status_code == 200
    await busy.aclose()
    assert OverloadedError.status == 503


@pytest.mark.parametrize("content", [b"", b"\x00\x01", png_bytes(300, 300)[:-200]])
async def test_9_a_malformed_input_gets_a_precise_error_and_leaves_nothing(
    client: httpx.AsyncClient, store: MediaStore, data: Path, content: bytes
) -> None:
    before = sorted(data.rglob("*"))
    answer = await client.post("/upload?filename=x.png", content=content)
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] in {
        "empty_media",
        "unsupported_media_type",
        "unprocessable_media",
    }
    assert [path for path in sorted(data.rglob("*")) if "sqlite3" not in path.name] == [
        path for path in before if "sqlite3" not in path.name
    ]
    assert [finding async for finding in store.verify()] == []


def test_10_what_is_no_reference_passes_unchanged() -> None:
    payload = {
        "text": "data:image/png;base64,iVBORw0KGgo=",
        "nested": [1, 2.5, None, True, {"type": "other", "url": "https://example.com/"}],
        "thumbnailUrl": "not ours",
    }
    assert for_storage(payload) == payload
    assert for_model(payload) == payload
    assert for_ui(payload, MediaUrls(), ()) == payload
