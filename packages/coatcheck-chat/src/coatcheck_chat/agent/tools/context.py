"""The context that tools share, and the media that they may use."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from coatcheck import media_part
from coatcheck.errors import CoatcheckError, NotFoundError
from coatcheck.reference import URI_SCHEME, MediaReference, MediaUrls
from coatcheck.store import MediaRecord, MediaStore
from coatcheck.workers import WorkerPool
from coatcheck_chat.agent.previews import Previews, Show
from coatcheck_chat.providers.image import ImageProvider

Announce = Callable[[dict[str, Any]], Awaitable[None]]
"""Takes a ``data-media`` part for the user to see while a tool is at work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext:
    """The context of the tools.

    Attributes:
        store: where media goes.
        provider: who draws.
        painters: worker processes that offer the task ``plot``.
        urls: mints the URLs of UI forms.
        conversation_id: what the media belongs to; None outside a conversation.
        owner: whom the media belongs to; None where clients are anonymous.
        attached: ids of media that the conversation's messages refer to, such as uploads.
        previews: shows pictures while they are being made; None where they are not shown.
    """

    store: MediaStore
    provider: ImageProvider
    painters: WorkerPool
    urls: MediaUrls
    conversation_id: str | None = None
    owner: str | None = None
    attached: frozenset[str] = frozenset()
    previews: Previews | None = None

    async def find(self, reference_id: str) -> MediaRecord:
        """The media that a model names by its id.

        What is another owner's is unknown, even with its id. A named owner's media is theirs in
        every conversation. Where clients are anonymous, a conversation knows what was made in it
        and what its messages refer to.

        Args:
            reference_id: the id, with or without ``media://``.

        Raises:
            NotFoundError: there is none that these tools may touch; the message tells a model
                where to find ids.
        """
        try:
            record = await self.store.record(reference_id.strip().removeprefix(URI_SCHEME))
        except NotFoundError as error:
            raise _unknown() from error
        if not self._may_touch(record):
            raise _unknown()
        return record

    async def keep(self, data: bytes, *, filename: str, alt: str) -> MediaReference:
        """Store a picture that a tool has made.

        Args:
            data: the picture, encoded.
            filename: what to save it as.
            alt: alternative text.
        """
        return await self.store.put(
            data,
            display_name=filename,
            alt=alt,
            media_type="image/*",  # whatever a provider sends must be an image
            owner=self.owner,
            conversation_id=self.conversation_id,
        )

    def _may_touch(self, record: MediaRecord) -> bool:
        if record.owner != self.owner:
            return False
        return (
            self.owner is not None
            or self.conversation_id is None
            or record.conversation_id == self.conversation_id
            or record.reference.id in self.attached
        )


async def announced(
    context: ToolContext,
    announce: Announce,
    work: Callable[[Show], Awaitable[MediaReference]],
    *,
    part_id: str,
    size: tuple[int, int],
    alt: str,
) -> MediaReference:
    """Make a picture while the user sees its states: pending, previews, then ready or failed.

    Args:
        context: what to work with.
        announce: told of the states.
        work: makes the picture and keeps it.
        part_id: the id of the part that shows them.
        size: width and height in pixels that the picture is going to have.
        alt: what it is going to show.

    Raises:
        CoatcheckError: what `work` raises.
    """

    async def show(data: dict[str, Any]) -> None:
        await announce(media_part.media_part(part_id, data))

    await show(media_part.pending(width=size[0], height=size[1], alt=alt))
    try:
        reference = await work(show)
    except CoatcheckError as error:
        await show(media_part.failed(error))
        raise
    await show(media_part.ready(reference.to_ui(context.urls)))
    return reference


def _unknown() -> NotFoundError:
    return NotFoundError(
        "There is no media under this id here. An id has 36 characters and stands in the line of"
        " each picture; list_media tells those of this conversation."
    )
