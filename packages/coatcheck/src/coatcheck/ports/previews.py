"""Where previews wait to be fetched."""

from typing import Protocol

from coatcheck.ports.catalog import MediaRecord
from coatcheck.ports.imaging import RenderedImage


class MediaRecords(Protocol):
    """Whatever tells whom and what a medium belongs to."""

    async def record(self, reference_id: str) -> MediaRecord:
        """The record of the media with this id.

        Args:
            reference_id: the reference, by its id.

        Raises:
            NotFoundError: there is none.
        """
        ...


class PreviewBoard(MediaRecords, Protocol):
    """Previews of pictures that are being made: in memory, bounded, and forgotten soon."""

    def put(self, image: RenderedImage, *, owner: str | None, conversation_id: str | None) -> str:
        """Show a preview for a while under the unguessable id that is returned, a UUIDv4.

        Args:
            image: what is shown.
            owner: who may see it; None for anyone.
            conversation_id: the conversation that it is made in; None outside one.
        """
        ...

    def read(self, preview_id: str) -> RenderedImage:
        """The preview with this id.

        Args:
            preview_id: the id that `put` returned.

        Raises:
            NotFoundError: there is none, or none any more.
        """
        ...
