"""The media endpoint as an ASGI application that mounts anywhere."""

from http import HTTPMethod
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from coatcheck.delivery.media import MediaEndpoint
from coatcheck.delivery.problems import EXCEPTION_HANDLERS
from coatcheck.delivery.upload import receive_upload
from coatcheck.reference import MediaUrls
from coatcheck.store import MediaStore


class UncachedJson(Response):
    """JSON that says how things are now; no cache keeps it."""

    media_type = "application/json"

    def __init__(self, content: Any, status_code: int = 200) -> None:
        headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
        super().__init__(msgspec.json.encode(content), status_code, headers)


def media_app(store: MediaStore, urls: MediaUrls | None = None) -> Starlette:
    """An application to mount, by convention at ``/api/media``.

    ::

        app.mount("/api/media", media_app(store))

    It answers ``GET|HEAD /image/{id}``, ``POST /upload``, ``GET /{id}`` and ``DELETE /{id}``;
    ``docs/reference/http.md`` says how.

    Args:
        store: what it serves. The caller opens and closes it.
        urls: how references are turned into URLs, if it is mounted elsewhere.
    """
    minted = urls or MediaUrls()

    async def upload(request: Request) -> Response:
        stored = await receive_upload(request, store)
        return UncachedJson(stored.to_ui(minted), 201)

    async def reference(request: Request) -> Response:
        if request.method == HTTPMethod.DELETE:
            await store.delete(request.path_params["id"])
            return Response(status_code=204, headers={"cache-control": "no-store"})
        found = await store.get(request.path_params["id"])
        return UncachedJson(found.to_ui(minted))

    return Starlette(
        routes=[
            Route("/image/{id}", MediaEndpoint(store), methods=[HTTPMethod.GET]),
            Route("/upload", upload, methods=[HTTPMethod.POST]),
            Route("/{id}", reference, methods=[HTTPMethod.GET, HTTPMethod.DELETE]),
        ],
        exception_handlers=EXCEPTION_HANDLERS,
    )
