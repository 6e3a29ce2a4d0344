"""The tool `view_media`."""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from coatcheck.errors import InvalidInputError
from coatcheck.payload import result_line
from coatcheck.reference import MediaReference
from coatcheck.store import (
    IMAGE_TYPES,
    MediaRecord,
    RenderedImage,
    Swatch,
    VariantSpec,
)
from coatcheck_chat.agent.tools.colors import describe_colors
from coatcheck_chat.agent.tools.context import ToolContext

VIEWED_EDGE: Final = 1024
"""Longest edge in pixels of what a model sees; providers shrink what is much larger."""

_SHOWN: Final = "The picture came with this result, this once."


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewedMedia:
    """A picture that a model looks at.

    Attributes:
        reference: what it is.
        colors: its main colors, largest share first.
        picture: a JPEG for the very next request to the model, never kept in a message; None for a
            model that does not see.
    """

    reference: MediaReference
    colors: Sequence[Swatch]
    picture: RenderedImage | None

    def to_model(self) -> str:
        """The line of text about the picture that the model reads next to it."""
        line = result_line("Viewed.", self.reference)
        told = f"{line} Colours: {describe_colors(self.colors)}."
        return told if self.picture is None else f"{told} {_SHOWN}"


async def view_media(
    context: ToolContext, *, reference_id: str, with_picture: bool = True
) -> ViewedMedia:
    """Look at a picture.

    Args:
        context: what to work with.
        reference_id: the picture.
        with_picture: whether the pixels are wanted, or what can be told of them alone.

    Raises:
        NotFoundError: the picture is unknown.
        InvalidInputError: the media is no picture.
        OverloadedError: too many images are waiting already.
    """
    record = await context.find(reference_id)
    reference = record.reference
    if reference.mime_type not in IMAGE_TYPES:
        raise InvalidInputError(f"This media is {reference.mime_type}; only pictures can be seen.")
    return ViewedMedia(
        reference=reference,
        colors=await context.store.palette(reference.id),
        picture=await _picture(context, record) if with_picture else None,
    )


async def _picture(context: ToolContext, record: MediaRecord) -> RenderedImage:
    reference = record.reference
    # JPEG is what every model that sees can read.
    spec = VariantSpec.within(
        VIEWED_EDGE, "jpeg", width=reference.width or 1, height=reference.height or 1
    )
    variant = await context.store.variant(record, spec)
    async with aclosing(context.store.read_blob(variant.digest, variant.size)) as chunks:
        data = b"".join([chunk async for chunk in chunks])
    return RenderedImage(
        data=data, media_type=variant.media_type, width=variant.width, height=variant.height
    )
