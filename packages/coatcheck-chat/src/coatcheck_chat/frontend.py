"""The built page, compressed where the browser takes it."""

import hashlib
import os
import pathlib
from collections.abc import Callable
from typing import Final

from anyio import Path
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

from coatcheck.delivery import negotiate_encoding

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

_SUFFIXES: Final = {"br": ".br", "gzip": ".gz", "identity": ""}
"""What a file's name ends in for each content coding, the smallest first: ``web/app/compress.mjs``
makes them."""

Welcome = Callable[[Request, Response], None]
"""Adds to the answer with the page, for example a cookie."""


def page_routes(welcome: Welcome) -> list[BaseRoute]:
    """The page at ``/``, ``/c/{conversation}``, ``/pictures`` and ``/compare``, with its assets.

    Args:
        welcome: adds to the answer with the page.
    """

    async def show(request: Request) -> Response:
        page = await _built("index.html", request.headers)
        welcome(request, page)
        return page

    async def show_shell(request: Request) -> Response:
        # Without what the page's own answer gives its visitor: a worker may keep it for any.
        return await _built("index.html", request.headers)

    async def show_components(request: Request) -> Response:
        return await _built("components.html", request.headers)

    async def send_worker(request: Request) -> Response:
        script = await _built("media-worker.js", request.headers)
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
        if path.endswith((".br", ".gz")):
            raise HTTPException(404)  # a coding of a file, which has no address of its own
        coding, varies = await _coding(PAGE / "assets" / path, Headers(scope=scope))
        if coding is None:
            return _not_acceptable()
        response = await super().get_response(path + _SUFFIXES[coding], scope)
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        _describe_coding(response, coding, varies=varies)
        return response

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        # The name tells content and coding. Starlette's tag is made of time and size, and every
        # file of a wheel has the same time.
        tag = f'"{pathlib.Path(full_path).name}"'
        response = FileResponse(
            full_path, status_code, headers={"etag": tag}, stat_result=stat_result
        )
        if self.is_not_modified(response.headers, Headers(scope=scope)):
            return NotModifiedResponse(response.headers)
        return response


async def _built(name: str, headers: Headers) -> Response:
    """A file of the page whose name stays while its content changes."""
    coding, varies = await _coding(PAGE / name, headers)
    if coding is None:
        return _not_acceptable()
    file = Path(f"{PAGE / name}{_SUFFIXES[coding]}")
    if not await file.is_file():
        return PlainTextResponse(
            "The page is not built yet: run `make page`, then reload.\n", 503, _HEADERS
        )
    digest = hashlib.sha256(await file.read_bytes()).hexdigest()
    response = FileResponse(file, headers=_HEADERS | {"etag": f'"{digest}"'})
    _describe_coding(response, coding, varies=varies)
    return response


async def _coding(file: pathlib.Path, headers: Headers) -> tuple[str | None, bool]:
    """The content coding of the answer with a file, and whether the client's header decides it.

    None for a client that takes none of those that are there.
    """
    available = [
        coding
        for coding, suffix in _SUFFIXES.items()
        if not suffix or await Path(f"{file}{suffix}").is_file()
    ]
    accepted = ", ".join(headers.getlist("accept-encoding")) or None
    return negotiate_encoding(accepted, available), len(available) > 1


def _describe_coding(response: Response, coding: str, *, varies: bool) -> None:
    if varies:
        response.headers["vary"] = "Accept-Encoding"
    if coding != "identity" and not isinstance(response, NotModifiedResponse):
        response.headers["content-encoding"] = coding


def _not_acceptable() -> Response:
    return PlainTextResponse(
        "The page is sent as br, gzip or identity: accept one of them.\n",
        406,
        {"cache-control": "no-store", "vary": "Accept-Encoding"},
    )
