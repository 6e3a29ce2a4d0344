"""``GET`` and ``HEAD`` of originals and renditions: the hot path, plain ASGI."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import anyio
from starlette.datastructures import Headers, QueryParams
from starlette.types import Receive, Scope, Send

from coatcheck.delivery.access import Authorizer
from coatcheck.delivery.conditional import (
    content_disposition,
    entity_tag,
    fails_if_match,
    is_not_modified,
    presentation,
    requested_range,
)
from coatcheck.delivery.negotiation import negotiate
from coatcheck.delivery.ready import ANSWERED
from coatcheck.delivery.sendfile import SendFile
from coatcheck.errors import (
    DamagedBlobError,
    InvalidInputError,
    NotFoundError,
    PreconditionFailedError,
    SlowReaderError,
)
from coatcheck.mediatype import OPAQUE_TYPE
from coatcheck.ports import THUMBNAIL, MediaRecord, VariantRecord
from coatcheck.store import MediaStore
from coatcheck.variants import LADDER, VariantSpec, parse_format, parse_width, snap, widest

SLOW_READER_SECONDS = 60.0
"""How long a client may take nothing of an answer that it has begun to read."""

_PARAMETERS = ("thumbnail", "download", "w", "format")


@dataclass(frozen=True, slots=True)
class _Representation:
    digest: str
    size: int
    media_type: str
    negotiated: bool = False


class MediaEndpoint:
    """Answers ``/image/{id}``: the original, its thumbnail, or a width of the ladder."""

    def __init__(
        self, store: MediaStore, access: Authorizer, sendfile: SendFile | None = None
    ) -> None:
        self._store = store
        self._access = access
        self._sendfile = sendfile

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            UnauthorizedError, ForbiddenError: the client may not have it.
            NotFoundError: there is no such reference, or no such rendition of it.
            InvalidInputError: a parameter cannot be read.
            PreconditionFailedError: ``If-Match`` names other content.
            InvalidRangeError: the range lies outside the content.
            CoatcheckError: what `MediaStore.variant` raises.
        """
        # Before anything that a client without permission could learn from.
        record = await self._access.find_readable(scope, self._store)
        query = _parameters(scope["query_string"])
        request = Headers(scope=scope)
        chosen = await self._choose(record, query, request.get("accept"))
        tag = entity_tag(chosen.digest)
        if fails_if_match(request.get("if-match"), tag):
            raise PreconditionFailedError
        headers = {"etag": tag, "cache-control": self._access.cache_control}
        if chosen.negotiated:
            headers["vary"] = "Accept"
        # Before any look at the blob: the catalog's row is enough to know what has not changed.
        if is_not_modified(request.get("if-none-match"), tag):
            scope[ANSWERED] = record, chosen.digest
            await _answer(send, 304, headers)
            return
        headers |= _describe(record, chosen, attachment=query.get("download") == "true")
        part = requested_range(
            scope["method"], request.get("range"), request.get("if-range"), tag, chosen.size
        )
        start, end = part or (0, chosen.size)
        headers["content-length"] = str(end - start)
        if part is not None:
            headers["content-range"] = f"bytes {start}-{end - 1}/{chosen.size}"
        if scope["method"] == "HEAD":
            await _answer(send, 200, headers)
            return
        if self._sendfile is not None and chosen.digest == record.reference.digest:
            named = await self._sendfile.find(chosen.digest, chosen.size, request)
            if named is not None:  # the proxy sends the bytes, and cuts the range out itself
                await _answer(send, 200, _without_bytes(headers) | dict([named]))
                return
        if part is None:
            scope[ANSWERED] = record, chosen.digest
        content = self._store.recall_blob(chosen.digest)
        if content is not None:
            await _start(send, 200 if part is None else 206, headers)
            body = content if part is None else content[start:end]
            await send({"type": "http.response.body", "body": body})
            return
        reading = self._store.read_blob(
            chosen.digest,
            chosen.size,
            start=start,
            end=end,
            reference_id=record.reference.id,
        )
        async with aclosing(reading) as chunks:
            await _stream(send, 200 if part is None else 206, headers, chunks, end - start)

    async def _choose(
        self, record: MediaRecord, query: dict[str, str], accept: str | None
    ) -> _Representation:
        reference = record.reference
        if query.get("thumbnail") == "true":
            thumbnail = record.variants.get(THUMBNAIL)
            if thumbnail is None:
                raise NotFoundError("This media has no thumbnail: it is no image.")
            return _represent(thumbnail)
        if "w" not in query and "format" not in query:
            return _Representation(reference.digest, reference.size, reference.mime_type)
        width = parse_width(query.get("w", str(LADDER[-1])))
        given = parse_format(query.get("format", "auto"))
        if reference.width is None:
            raise NotFoundError("This media has no variants: it is no image.")
        # Without w it is the original's own width, also where a wider rendition could be drawn.
        limit = widest(reference.mime_type, reference.width) if "w" in query else reference.width
        spec = VariantSpec(snap(width, limit), given or negotiate(accept, reference.mime_type))
        variant = await self._store.variant(record, spec)
        return _represent(variant, negotiated=given is None)


def _represent(variant: VariantRecord, *, negotiated: bool = False) -> _Representation:
    return _Representation(variant.digest, variant.size, variant.media_type, negotiated)


def _parameters(query_string: bytes) -> dict[str, str]:
    """The known parameters; others are ignored."""
    query = QueryParams(query_string)
    found = {}
    for name in _PARAMETERS:
        values = query.getlist(name)
        if len(values) > 1:
            raise InvalidInputError(f"{name} is given more than once.")
        if values:
            found[name] = values[0]
    return found


def _describe(record: MediaRecord, chosen: _Representation, *, attachment: bool) -> dict[str, str]:
    reference = record.reference
    # What nothing has looked at is not even told by the type that its sender gave it: a page of the
    # same origin could run it as a script.
    shown_as = OPAQUE_TYPE if reference.opaque else chosen.media_type
    content_type, disposition = presentation(shown_as)
    return {
        "content-type": content_type,
        "accept-ranges": "bytes",
        "content-disposition": content_disposition(
            "attachment" if attachment else disposition,
            # The stored name fits the original's type only.
            reference.display_name if chosen.digest == reference.digest else None,
            reference.id,
            chosen.media_type,
        ),
        "x-content-type-options": "nosniff",
        # Media is never a document of our origin, whatever a browser makes of it.
        "content-security-policy": "default-src 'none'; sandbox",
    }


def _without_bytes(headers: dict[str, str]) -> dict[str, str]:
    # Which part is sent, and that parts can be had, is for the proxy to say.
    kept = headers.keys() - {"content-range", "accept-ranges"}
    return {name: headers[name] for name in kept} | {"content-length": "0"}


async def _stream(
    send: Send, status: int, headers: dict[str, str], chunks: AsyncGenerator[bytes], length: int
) -> None:
    # The first chunk comes before the status: missing bytes are an error then, not a torn 200.
    first = await anext(chunks, None)
    if first is None:
        raise DamagedBlobError
    await _start(send, status, headers)
    sent = len(first)
    await send({"type": "http.response.body", "body": first, "more_body": sent < length})
    del first  # a slow reader holds one chunk, not two
    async for chunk in chunks:
        sent += len(chunk)
        # The server's send waits while the client takes nothing: one chunk is all that is held.
        with anyio.move_on_after(SLOW_READER_SECONDS) as patience:
            await send({"type": "http.response.body", "body": chunk, "more_body": sent < length})
        if patience.cancelled_caught:
            raise SlowReaderError


async def _answer(send: Send, status: int, headers: dict[str, str]) -> None:
    """An answer without a body."""
    await _start(send, status, headers)
    await send({"type": "http.response.body"})


async def _start(send: Send, status: int, headers: dict[str, str]) -> None:
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
