"""Coatcheck's media endpoint and nothing around it, for uvicorn. It counts what it renders."""

import os
from typing import Any
from unittest import mock

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from benchmarks.peers.names import DATA_VARIABLE, ENCODES_PATH
from coatcheck import open_store
from coatcheck.delivery import media_app
from coatcheck.imaging import ImagingPool
from coatcheck.ports import RenderedImage

_render = ImagingPool.render
_mounted: dict[str, ASGIApp] = {}
_encodes = [0]


async def _counted(pool: ImagingPool, *arguments: Any, **options: Any) -> RenderedImage:
    image = await _render(pool, *arguments, **options)
    _encodes[0] += 1
    return image


mock.patch.object(ImagingPool, "render", _counted).start()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """The media endpoint at the root, and the count at `ENCODES_PATH`."""
    if scope["type"] == "lifespan":
        await receive()
        async with open_store(os.environ[DATA_VARIABLE]) as store:
            _mounted["media"] = media_app(store)
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["path"] == ENCODES_PATH:
        await JSONResponse(_encodes[0])(scope, receive, send)
    else:
        await _mounted["media"](scope, receive, send)
