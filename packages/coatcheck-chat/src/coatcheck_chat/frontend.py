"""The built page."""

import pathlib
from collections.abc import Callable
from typing import Final

from anyio import Path
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

PAGE: Final = pathlib.Path(__file__).parent / "page"
"""Where the built page is: made by ``make page``, part of the wheel."""

# `connect-src 'self'` covers the chat's socket too: since CSP Level 3, 'self' matches ws and wss of
# the page's own host and port (Chromium, Firefox, Safari from 15.4).
_HEADERS: Final = {
    "cache-control": "no-cache",
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline';"
        " connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}


Welcome = Callable[[Request, Response], None]
"""Adds to the answer with the page, for example a cookie."""


def page_routes(welcome: Welcome) -> list[BaseRoute]:
    """The page at ``/``, ``/c/{conversation}``, ``/pictures`` and ``/compare``, with its assets.

    Args:
        welcome: adds to the answer with the page.
    """

    async def show(request: Request) -> Response:
        page = await _built("index.html")
        welcome(request, page)
        return page

    async def show_shell(_request: Request) -> Response:
        # Without what the page's own answer gives its visitor: a worker may keep it for any.
        return await _built("index.html")

    async def show_components(_request: Request) -> Response:
        return await _built("components.html")

    async def send_worker(_request: Request) -> Response:
        script = await _built("media-worker.js")
        script.headers["service-worker-allowed"] = "/"
        return script

    # The directories are not looked at before a request comes: the page may be built later.
    return [
        Route("/", show),
        Route("/c/{conversation}", show),
        Route("/pictures", show),
        Route("/shell", show_shell),
        Route("/components", show_components),
        Route("/media-worker.js", send_worker),
        Route("/compare", show),
        Mount("/assets", _HashedAssets(directory=PAGE / "assets", check_dir=False)),
    ]


class _HashedAssets(StaticFiles):
    """Files whose names change with their content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


async def _built(name: str) -> Response:
    """A file of the page whose name stays while its content changes."""
    file = PAGE / name
    if not await Path(file).is_file():
        return PlainTextResponse(
            "The page is not built yet: run `make page`, then reload.\n", 503, _HEADERS
        )
    return FileResponse(file, headers=_HEADERS)
