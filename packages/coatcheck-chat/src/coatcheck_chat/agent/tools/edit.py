"""The tool `edit_image`."""

from pathlib import PurePath
from typing import Any, Final

from coatcheck.edits import edited_size, parse_edits, summarize
from coatcheck.reference import ALT_WEIGHT, MediaReference, clean_text
from coatcheck_chat.agent.previews import Show
from coatcheck_chat.agent.tools.context import Announce, ToolContext, announced
from coatcheck_chat.agent.tools.results import ImageResult, slug

_DONE_WEIGHT: Final = 120
_MARK: Final = "-edited"
_ENDINGS: Final = {"image/jpeg": ".jpg", "image/webp": ".webp", "image/avif": ".avif"}


async def edit_image(
    context: ToolContext,
    announce: Announce,
    *,
    part_id: str,
    reference_id: str,
    edits: Any,
    filename: str | None = None,
) -> ImageResult:
    """Change a picture and keep the result as a new one. The original stays as it is.

    Args:
        context: what to work with.
        announce: told of the result's states: pending, then ready or failed.
        part_id: the id of the part that shows them.
        reference_id: the picture.
        edits: what to do, in order: JSON as `coatcheck.edits.parse_edits` reads it.
        filename: what to save it as; made from the original's name when None.

    Raises:
        NotFoundError: the picture is unknown.
        InvalidInputError: an edit cannot be used, or not on this picture; the message tells a model
            which and how to mend it.
        StorageError: the result could not be kept.
    """
    parsed = parse_edits(edits)
    original = (await context.find(reference_id)).reference
    size = edited_size(parsed, original)
    alt = _caption(original, summarize(parsed))

    async def work(_show: Show) -> MediaReference:
        return await context.store.edit(
            original.id,
            parsed,
            display_name=filename or _filename(original),
            alt=alt,
            owner=context.owner,
            conversation_id=context.conversation_id,
        )

    return ImageResult(
        reference=await announced(context, announce, work, part_id=part_id, size=size, alt=alt),
        prompt=summarize(parsed),
        model="libvips",
        message="Image edited.",
        mode="edit",
    )


def _caption(original: MediaReference, done: str) -> str:
    """The caption of the original and the edits that followed, newest last."""
    before = original.alt or PurePath(original.display_name or "a picture").stem
    done = clean_text(done, _DONE_WEIGHT)
    # Where both do not fit, the older words give way.
    room = ALT_WEIGHT - len(", ") - sum(1 if letter.isascii() else 3 for letter in done)
    return f"{clean_text(before, room)}, {done}"


def _filename(original: MediaReference) -> str:
    stem = PurePath(original.display_name or slug(original.alt or "")).stem.removesuffix(_MARK)
    return f"{stem}{_MARK}{_ENDINGS.get(original.mime_type, '.png')}"
