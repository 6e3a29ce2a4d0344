"""Previews of pictures that are being made: kept in memory for a minute, and nowhere else."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from coatcheck.errors import NotFoundError
from coatcheck.ports import MediaRecord, RenderedImage
from coatcheck.reference import MediaReference, normalize_reference_id

LIFE_SECONDS: Final = 60.0
"""How long a preview can be fetched. The next one comes long before that."""

CAPACITY: Final = 32 * 1024 * 1024
"""Bytes of all previews together; the oldest go first."""


@dataclass(frozen=True, slots=True)
class _Shown:
    image: RenderedImage
    owner: str | None
    conversation_id: str | None
    expires: float


class PreviewStore:
    """A `PreviewBoard` in this process's memory.

    A preview has a record like any media, so that whoever decides who gets media decides about
    previews by the same rules. It is in no catalog and on no disk.

    Args:
        clock: a monotonic clock in seconds.
        capacity: bytes of all previews together.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, capacity: int = CAPACITY
    ) -> None:
        self._clock = clock
        self._capacity = capacity
        self._shown: OrderedDict[str, _Shown] = OrderedDict()
        self._bytes = 0

    def put(self, image: RenderedImage, *, owner: str | None, conversation_id: str | None) -> str:
        """Show a preview for `LIFE_SECONDS` under the id that is returned."""
        now = self._clock()
        preview_id = str(uuid4())
        self._shown[preview_id] = _Shown(image, owner, conversation_id, now + LIFE_SECONDS)
        self._bytes += len(image.data)
        # They expire in the order in which they came.
        while self._shown and (self._bytes > self._capacity or self._oldest.expires <= now):
            _, forgotten = self._shown.popitem(last=False)
            self._bytes -= len(forgotten.image.data)
        return preview_id

    def read(self, preview_id: str) -> RenderedImage:
        """The preview with this id.

        Raises:
            NotFoundError: there is none, or none any more.
        """
        return self._find(preview_id).image

    async def record(self, reference_id: str) -> MediaRecord:
        """Whom and what the preview with this id belongs to.

        Raises:
            NotFoundError: there is none, or none any more.
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

    @property
    def _oldest(self) -> _Shown:
        return next(iter(self._shown.values()))

    def _find(self, preview_id: str) -> _Shown:
        shown = self._shown.get(normalize_reference_id(preview_id) or "")
        if shown is None or shown.expires <= self._clock():
            raise NotFoundError("There is no preview under this id.")
        return shown
