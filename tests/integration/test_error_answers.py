"""What an application answers with an error is not looked at: it may echo what anyone sent."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
import pytest
from fastapi import Body, FastAPI
from pydantic import BaseModel
from starlette.types import ASGIApp

from coatcheck import OffloadMiddleware, open_store, wrap
from tests.media import png_bytes
from tests.serving import serving

pytestmark = pytest.mark.anyio

INLINE = "data:image/png;base64," + base64.b64encode(png_bytes(240, 180)).decode()


class Order(BaseModel):
    picture: str
    count: int


def application() -> FastAPI:
    app = FastAPI()

    @app.post("/orders")
    async def order(order: Annotated[Order, Body()]) -> dict[str, Any]:
        return {"picture": order.picture}

    return app


@asynccontextmanager
async def wrapped(way: Literal["middleware", "embed"], data: Path) -> AsyncIterator[ASGIApp]:
    if way == "embed":
        yield wrap(application(), data)
        return
    async with open_store(data) as store:
        yield OffloadMiddleware(application(), store)


def blobs(data: Path) -> list[Path]:
    return [path for path in (data / "blobs").rglob("*") if path.is_file()]


async def posted(app: ASGIApp, body: dict[str, Any]) -> httpx.Response:
    async with (
        serving(app) as address,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=30) as client,
    ):
        return await client.post("/orders", json=body)


@pytest.mark.parametrize("way", ["middleware", "embed"])
async def test_an_error_that_echoes_its_input_is_sent_byte_for_byte_and_nothing_is_stored(
    data: Path, way: Literal["middleware", "embed"]
) -> None:
    refused = {"picture": {"of": INLINE}, "count": 1}
    bare = await posted(application(), refused)
    assert (bare.status_code, INLINE in bare.text) == (422, True)
    async with wrapped(way, data) as app:
        answer = await posted(app, refused)
        assert (answer.status_code, answer.content) == (422, bare.content)
        assert answer.headers["content-length"] == bare.headers["content-length"]
        assert blobs(data) == []
        # What the application accepts is looked at.
        taken = await posted(app, {"picture": INLINE, "count": 1})
        assert taken.json()["picture"].startswith("/api/media/image/")
        assert len(blobs(data)) == 2  # the picture and its thumbnail
