"""The tool `list_media`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from coatcheck.errors import InvalidInputError
from coatcheck.reference import MediaReference
from coatcheck_chat.agent.tools.context import ToolContext

MAX_LISTED: Final = 20
"""Most media of one list."""

_MAX_BYTES: Final = 1700  # as JSON; the frame that carries it may have 2,048


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaListing:
    """Media of a conversation, newest first; `has_more` is true if there is older media.

    Attributes:
        references: what is listed.
        has_more: whether there is older one.
    """

    references: Sequence[MediaReference]
    has_more: bool

    def to_model(self) -> str:
        """A line for each, and how to get the rest."""
        if not self.references:
            return "There is no media in this conversation."
        lines = [
            f"{len(self.references)} of this conversation's media, newest first:",
            *(reference.to_model() for reference in self.references),
        ]
        if self.has_more:
            lines.append(f"There is more: call list_media with before={self.references[-1].id}.")
        return "\n".join(lines)


async def list_media(
    context: ToolContext, *, limit: int = 10, before: str | None = None
) -> MediaListing:
    """The media of this conversation, newest first: what was made in it, and its uploads.

    Args:
        context: what to work with; it is in a conversation.
        limit: how many at most, 1 to `MAX_LISTED`. There are fewer where their lines are long.
        before: the id of the last one of the list before; for the next page.

    Raises:
        InvalidInputError: the limit is out of its range.
        NotFoundError: `before` is unknown.
    """
    if not 1 <= limit <= MAX_LISTED:
        raise InvalidInputError(f"limit is a whole number from 1 to {MAX_LISTED}.")
    if context.conversation_id is None:
        raise InvalidInputError("There is no conversation here whose media could be listed.")
    last = None if before is None else (await context.find(before)).reference.id
    found = await context.store.conversation_media(
        context.conversation_id,
        owner=context.owner,
        also=context.attached,
        before=last,
        limit=limit + 1,
    )
    references = [record.reference for record in found]
    listing = MediaListing(references=references[:limit], has_more=len(references) > limit)
    while _weight(listing) > _MAX_BYTES and len(listing.references) > 1:
        listing = MediaListing(references=listing.references[:-1], has_more=True)
    return listing


def _weight(listing: MediaListing) -> int:
    return len(json.dumps(listing.to_model(), ensure_ascii=False).encode())
