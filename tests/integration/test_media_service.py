"""`MediaService` from an application of one's own, with public names alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.routing import Mount, Route

from coatcheck import MediaStore
from coatcheck.delivery import EXCEPTION_HANDLERS, PreviewStore, Principal
from coatcheck.errors import ConfigurationError
from coatcheck.server import MediaService, Settings
from coatcheck.store import RenderedImage
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

KEYS = SecretStr("k1:" + "3f9d2c7a81b64e05" * 4)


def by_header(connection: HTTPConnection) -> Principal | None:
    name = connection.headers.get("x-user")
    return None if name is None else Principal(name)


@asynccontextmanager
async def serving(service: MediaService) -> AsyncIterator[tuple[MediaStore, httpx.AsyncClient]]:
    app = Starlette(routes=service.routes, exception_handlers=EXCEPTION_HANDLERS)
    transport = httpx.ASGITransport(app)
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
        service.running() as running,
    ):
        app.router.routes += [
            Route("/readyz", running.readiness.answer),
            Route("/api/media", running.media_list, methods=["GET"]),
            Mount("/api/media", running.media),
        ]
        yield running.store, client


async def test_a_server_of_ones_own_has_what_coatcheck_serve_has(data: Path) -> None:
    previews = PreviewStore()
    service = MediaService(Settings(data=data), previews=previews)
    async with serving(service) as (store, client):
        reference = await store.put(png_bytes(300, 200))
        assert (await client.get(service.urls.original(reference.id))).status_code == 200
        assert len((await client.get("/api/media")).json()["media"]) == 1
        draft = RenderedImage(data=b"draft", media_type="image/webp", width=3, height=2)
        preview = previews.put(draft, owner=None, conversation_id=None)
        assert (await client.get(service.urls.preview(preview))).content == b"draft"
        assert (await client.get("/readyz")).json() == {"status": "ready"}
        assert (await client.get("/healthz")).json()["status"] == "ok"
        counted = (await client.get("/metrics")).text
        assert 'coatcheck_encodes_total{operation="inspect",outcome="finished"}' in counted


async def test_who_reads_is_what_the_application_says(data: Path) -> None:
    settings = Settings(data=data, access="cookie", keys=KEYS)
    async with serving(MediaService(settings, reads=by_header)) as (store, client):
        url = f"/api/media/image/{(await store.put(png_bytes(), owner='ann')).id}"
        for user, status in (("ann", 200), ("ben", 404)):
            answer = await client.get(url, headers={"x-user": user})
            assert answer.status_code == status
        assert (await client.get(url)).status_code == 401


async def test_who_uploads_to_signed_urls_is_what_the_application_says(data: Path) -> None:
    settings = Settings(data=data, access="signed", keys=KEYS)
    service = MediaService(settings, uploads=by_header)
    async with serving(service) as (store, client):
        url = "/api/media/upload?filename=a.png"
        assert (await client.post(url, content=png_bytes())).status_code == 401
        answer = await client.post(url, content=png_bytes(), headers={"x-user": "ann"})
        assert answer.is_success
        record = await store.record(answer.json()["id"])
        assert record.owner == "ann"
        assert (await client.get(f"/api/media/image/{record.reference.id}")).status_code == 403
        assert (await client.get(service.urls.original(record.reference.id))).status_code == 200


async def test_a_setting_that_cannot_be_used_is_said_before_the_store_is_opened(
    data: Path,
) -> None:
    with pytest.raises(ConfigurationError, match="COATCHECK_KEYS"):
        MediaService(Settings(data=data, access="signed"))
    assert not data.exists()
