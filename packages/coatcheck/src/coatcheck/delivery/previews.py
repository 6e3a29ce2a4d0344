"""Previews of pictures that are being made: in memory for a minute, served, kept by no cache."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from coatcheck.bounded import BoundedMemory
from coatcheck.delivery.access import Authorizer
from coatcheck.errors import NotFoundError
from coatcheck.ports import MediaRecord, PreviewBoard, RenderedImage
from coatcheck.reference import MediaReference, normalize_reference_id

LIFE_SECONDS: Final = 60.0
"""How many seconds a preview can be fetched. The next one arrives long before that."""

CAPACITY: Final = 32 * 1024 * 1024
"""Most bytes of all previews together; the oldest are removed first."""

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class _Shown:
    image: RenderedImage
    owner: str | None
    conversation_id: str | None


class PreviewStore:
    """A `PreviewBoard` in this process's memory.

    A preview has a record like any media, so that the authorizer of media applies the same rules to
    previews. It is never written to the catalog or to disk.

    Args:
        clock: a monotonic clock in seconds.
        capacity: most bytes of all previews together.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, capacity: int = CAPACITY
    ) -> None:
        self._shown = BoundedMemory[str, _Shown](
            capacity=capacity,
            weigh=lambda shown: len(shown.image.data),
            seconds=LIFE_SECONDS,
            clock=clock,
        )

    def put(self, image: RenderedImage, *, owner: str | None, conversation_id: str | None) -> str:
        """Show a preview for `LIFE_SECONDS`, and return its id."""
        preview_id = str(uuid4())
        self._shown.put(preview_id, _Shown(image, owner, conversation_id))
        return preview_id

    def read(self, preview_id: str) -> RenderedImage:
        """The preview with this id.

        Raises:
            NotFoundError: there is none, or it has expired.
        """
        return self._find(preview_id).image

    async def record(self, reference_id: str) -> MediaRecord:
        """Return the owner and the conversation of the preview with this id.

        Raises:
            NotFoundError: there is none, or it has expired.
        """
        shown = self._find(reference_id)
        image = shown.image
        reference = MediaReference(
            id=reference_id.lower(),
            mime_type=image.media_type,
            size=len(image.data),
            digest=f"sha-256:{hashlib.sha256(image.data).hexdigest()}",
            width=image.width,
            height=image.height,
        )
        return MediaRecord(
            reference=reference,
            created_at=datetime.now(UTC),
            owner=shown.owner,
            conversation_id=shown.conversation_id,
            variants={},
        )

    def _find(self, preview_id: str) -> _Shown:
        shown = self._shown.get(normalize_reference_id(preview_id) or "")
        if shown is None:
            raise NotFoundError("There is no preview under this id.")
        return shown


class PreviewEndpoint:
    """Answers ``GET`` and ``HEAD`` of ``/preview/{id}``.

    Args:
        previews: the previews.
        access: decides who gets a preview, by the rules for media.
    """

    def __init__(self, previews: PreviewBoard, access: Authorizer) -> None:
        self._previews = previews
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            UnauthorizedError, ForbiddenError: the client may not have it.
            NotFoundError: there is no such preview, or it has expired.
        """
        record = await self._access.find_readable(scope, self._previews)
        image = self._previews.read(record.reference.id)
        response = Response(image.data, headers=_HEADERS, media_type=image.media_type)
        await response(scope, receive, send)
