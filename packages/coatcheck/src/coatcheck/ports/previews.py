"""The port of the preview board, where clients fetch previews."""

from typing import Protocol

from coatcheck.ports.catalog import MediaRecord
from coatcheck.ports.imaging import RenderedImage


class MediaRecords(Protocol):
    """Looks up the owner and the conversation of media."""

    async def record(self, reference_id: str) -> MediaRecord:
        """Return the record of the media with this id.

        Args:
            reference_id: the reference, by its id.

        Raises:
            NotFoundError: there is none.
        """
        ...


class PreviewBoard(MediaRecords, Protocol):
    """Holds previews of pictures that are being made: in memory, bounded, for a short time."""

    def put(self, image: RenderedImage, *, owner: str | None, conversation_id: str | None) -> str:
        """Show a preview for a short time, and return its unguessable id, a UUIDv4.

        Args:
            image: the preview.
            owner: who may see it; None for anyone.
            conversation_id: the conversation that it belongs to; None outside one.
        """
        ...

    def read(self, preview_id: str) -> RenderedImage:
        """Return the preview with this id.

        Args:
            preview_id: the id that `put` returned.

        Raises:
            NotFoundError: there is none, or it has expired.
        """
        ...
