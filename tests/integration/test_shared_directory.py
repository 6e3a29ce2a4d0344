"""Two processes on one directory: what one deletes, the other has not got any more either."""

import os
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from coatcheck_chat.app import create_app
from coatcheck_chat.settings import Settings
from tests.media import png_bytes
from tests.serving import serving

pytestmark = pytest.mark.anyio

LARGE = b"%PDF-1.7\n" + bytes(300_000)  # several chunks, and too large to be kept in memory
DELETE = textwrap.dedent(
    """
    import asyncio, sys
    from coatcheck.opening import open_store

    async def main(data, *ids):
        async with open_store(data) as store:
            for reference_id in ids:
                await store.delete(reference_id)

    asyncio.run(main(*sys.argv[1:]))
    """
)


@pytest.fixture(params=["off", "x-sendfile"])
async def client(
    data: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    # However slow this computer is, a record is still remembered when it is asked for.
    monkeypatch.setattr("coatcheck.storage.catalog.cached.SECONDS", 600.0)
    app = create_app(Settings(data=data, sendfile=request.param))
    async with (
        serving(app) as address,
        httpx.AsyncClient(base_url=f"http://{address}/api/media", timeout=60) as opened,
    ):
        yield opened


async def upload(client: httpx.AsyncClient, content: bytes) -> dict[str, Any]:
    told: dict[str, Any] = (await client.post("/upload", content=content)).raise_for_status().json()
    # From now on the server remembers the record, as after any request for the picture.
    (await client.head(f"/image/{told['id']}")).raise_for_status()
    return told


async def delete_elsewhere(data: Path, *ids: str) -> None:
    """A second process deletes, and has ended when this returns."""
    await anyio.run_process(
        [sys.executable, "-c", DELETE, str(data), *ids], env=os.environ, stderr=subprocess.STDOUT
    )


def blob(data: Path, told: dict[str, Any]) -> Path:
    name: str = told["digest"].removeprefix("sha-256:")
    return data / "blobs" / name[:2] / name[2:4] / name


QUERIES = ("", "?thumbnail=true", "?w=64&format=png", "?download=true")


async def test_what_another_process_deletes_is_not_found_and_no_damage(
    client: httpx.AsyncClient, data: Path
) -> None:
    pictures = [await upload(client, png_bytes(seed=seed)) for seed in range(len(QUERIES))]
    document = await upload(client, LARGE)
    await delete_elsewhere(data, *[told["id"] for told in (*pictures, document)])
    asked = [
        *(
            (f"/image/{told['id']}{query}", {})
            for told, query in zip(pictures, QUERIES, strict=True)
        ),
        (f"/image/{document['id']}", {"range": "bytes=200000-200009"}),
        (f"/image/{document['id']}", {}),
    ]
    for path, headers in asked:
        answer = await client.get(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
        assert answer.headers["cache-control"] == "no-store"
        # It was forgotten with that: what needs no bytes says the same from now on.
        assert (await client.head(path)).status_code == 404


async def test_a_variant_that_was_rendered_is_not_found_either(
    client: httpx.AsyncClient, data: Path
) -> None:
    told = await upload(client, png_bytes())
    path = f"/image/{told['id']}?w=64&format=png"
    for _ in range(2):  # rendered, then remembered with the record; its bytes were never read
        assert (await client.head(path)).status_code == 200
    await delete_elsewhere(data, told["id"])
    assert (await client.head(path)).status_code == 200  # for a moment, as documented
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("query", QUERIES)
async def test_bytes_that_are_missing_or_short_while_the_reference_is_there_are_damage(
    client: httpx.AsyncClient, data: Path, query: str
) -> None:
    told = await upload(client, png_bytes())
    for path in (data / "blobs").rglob("*"):
        if path.is_file():
            path.unlink()
    answer = await client.get(f"/image/{told['id']}{query}")
    assert (answer.status_code, answer.json()["code"]) == (500, "damaged_blob")


async def test_a_blob_that_is_short_while_the_reference_is_there_is_damage(
    client: httpx.AsyncClient, data: Path
) -> None:
    told = await upload(client, LARGE)
    blob(data, told).write_bytes(LARGE[:100])
    answer = await client.get(f"/image/{told['id']}", headers={"range": "bytes=200000-200009"})
    assert (answer.status_code, answer.json()["code"]) == (500, "damaged_blob")


async def test_a_blob_that_is_short_after_a_deletion_elsewhere_is_not_found(
    client: httpx.AsyncClient, data: Path
) -> None:
    """Content that came back under another reference, and is damaged: the old one is still gone."""
    told = await upload(client, LARGE)
    await delete_elsewhere(data, told["id"])
    other = await upload(client, LARGE)
    blob(data, told).write_bytes(LARGE[:100])
    part = {"range": "bytes=200000-200009"}
    for reference, expected in ((told, (404, "not_found")), (other, (500, "damaged_blob"))):
        answer = await client.get(f"/image/{reference['id']}", headers=part)
        assert (answer.status_code, answer.json()["code"]) == expected
