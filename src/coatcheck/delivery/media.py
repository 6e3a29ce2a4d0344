"""``GET`` and ``HEAD`` of originals and thumbnails: the hot path, plain ASGI."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from starlette.datastructures import Headers, QueryParams
from starlette.types import Receive, Scope, Send

from coatcheck.delivery.conditional import (
    CACHE_FOREVER,
    content_disposition,
    entity_tag,
    is_not_modified,
)
from coatcheck.errors import DamagedBlobError, NotFoundError
from coatcheck.ports import THUMBNAIL, MediaRecord
from coatcheck.store import MediaStore


@dataclass(frozen=True, slots=True)
class _Representation:
    digest: str
    size: int
    media_type: str


class MediaEndpoint:
    """Answers ``/image/{id}``: the original, or with ``?thumbnail=true`` the thumbnail."""

    def __init__(self, store: MediaStore) -> None:
        self._store = store

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            NotFoundError: there is no such reference, or no thumbnail of it.
            DamagedBlobError: the stored bytes are missing.
        """
        query = QueryParams(scope["query_string"])
        record = await self._store.record(scope["path_params"]["id"])
        chosen = _choose(record, thumbnail=query.get("thumbnail") == "true")
        tag = entity_tag(chosen.digest)
        headers = {"etag": tag, "cache-control": CACHE_FOREVER}
        # Before any look at the blob: the catalog's row is enough to know what has not changed.
        if is_not_modified(Headers(scope=scope).get("if-none-match"), tag):
            await _start(send, 304, headers)
            await send({"type": "http.response.body"})
            return
        reference = record.reference
        attachment = query.get("download") == "true"
        headers |= {
            "content-type": chosen.media_type,
            "content-length": str(chosen.size),
            "content-disposition": content_disposition(
                "attachment" if attachment else "inline",
                # The stored name fits the original's type only.
                reference.display_name if chosen.digest == reference.digest else None,
                reference.id,
                chosen.media_type,
            ),
            "x-content-type-options": "nosniff",
            # Media is never a document of our origin, whatever a browser makes of it.
            "content-security-policy": "default-src 'none'; sandbox",
        }
        if scope["method"] == "HEAD":
            await _start(send, 200, headers)
            await send({"type": "http.response.body"})
            return
        async with aclosing(self._store.read_blob(chosen.digest, end=chosen.size)) as chunks:
            await _stream(send, headers, chunks)


def _choose(record: MediaRecord, *, thumbnail: bool) -> _Representation:
    if not thumbnail:
        reference = record.reference
        return _Representation(reference.digest, reference.size, reference.mime_type)
    variant = record.variants.get(THUMBNAIL)
    if variant is None:
        raise NotFoundError("This media has no thumbnail: it is no image.")
    return _Representation(variant.digest, variant.size, variant.media_type)


async def _stream(send: Send, headers: dict[str, str], chunks: AsyncGenerator[bytes]) -> None:
    # The first chunk comes before the status: missing bytes are an error then, not a torn 200.
    first = await anext(chunks, None)
    if first is None:
        raise DamagedBlobError
    await _start(send, 200, headers)
    await send({"type": "http.response.body", "body": first, "more_body": True})
    async for chunk in chunks:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body"})


async def _start(send: Send, status: int, headers: dict[str, str]) -> None:
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
