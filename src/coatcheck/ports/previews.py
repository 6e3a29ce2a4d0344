"""Where previews wait to be fetched."""

from typing import Protocol

from coatcheck.ports.catalog import MediaRecord
from coatcheck.ports.imaging import RenderedImage


class MediaRecords(Protocol):
    """Whatever tells whom and what a medium belongs to."""

    async def record(self, reference_id: str) -> MediaRecord:
        """The record of the media with this id.

        Raises:
            NotFoundError: there is none.
        """
        ...


class PreviewBoard(MediaRecords, Protocol):
    """Previews of pictures that are being made: in memory, bounded, and forgotten soon."""

    def put(self, image: RenderedImage, *, owner: str | None, conversation_id: str | None) -> str:
        """Show a preview for a while under the unguessable id that is returned, a UUIDv4."""
        ...

    def read(self, preview_id: str) -> RenderedImage:
        """The preview with this id.

        Raises:
            NotFoundError: there is none, or none any more.
        """
        ...
