"""Pictures for a model: those of the user's messages, and those that it asks to look at."""

from dataclasses import replace
from typing import Final

from pydantic_ai import BinaryContent
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelRequestPart, UserPromptPart
from pydantic_ai.models import Model

from coatcheck.payload import (
    BEDROCK_LIMITS,
    GEMINI_LIMITS,
    OPENAI_LIMITS,
    AiSdkUi,
    Provider,
    stable,
)
from coatcheck.store import RenderedImage
from coatcheck_chat.agent.tools.view import VIEWED_EDGE

_MARK: Final = "viewed-"

SHOWN: Final = stable(kinds={"image"})
"""Which pictures of the user's messages a model sees: all, in their places, while there is room.

What is retired is decided anew from the conversation at each request: that gives the same, and
nothing is to be kept."""

ANY_MODEL: Final = Provider(
    form=AiSdkUi(),
    limits=replace(
        OPENAI_LIMITS,
        image_types=frozenset({"image/jpeg"}),  # what every model that sees can read
        fits=lambda width, height: max(width, height) <= VIEWED_EDGE,
        image_length=BEDROCK_LIMITS.image_length,
        request_length=GEMINI_LIMITS.request_length,
        request_media=BEDROCK_LIMITS.request_media,
    ),
)
"""The chat's messages, and of each number the least of the vendors': any model may be asked."""


def sees_pictures(model: object) -> bool:
    """Whether pictures may be sent to the model; pydantic-ai assumes so where nothing is known."""
    return isinstance(model, Model) and bool(model.profile.get("supports_image_input", True))


def picture_content(reference_id: str, picture: RenderedImage) -> BinaryContent:
    """The picture for a request to a model, marked so that `forget_viewed` finds it."""
    return BinaryContent(
        picture.data, media_type=picture.media_type, identifier=f"{_MARK}{reference_id}"
    )


async def forget_viewed(messages: list[ModelMessage]) -> list[ModelMessage]:
    """A history processor that leaves viewed pictures in the last request alone.

    Args:
        messages: the history that the model is about to get.
    """
    return [*(_without_pictures(message) for message in messages[:-1]), *messages[-1:]]


def _without_pictures(message: ModelMessage) -> ModelMessage:
    if not isinstance(message, ModelRequest):
        return message
    kept = [part for part in message.parts if not _is_picture(part)]
    return message if len(kept) == len(message.parts) else replace(message, parts=kept)


def _is_picture(part: ModelRequestPart) -> bool:
    return (
        isinstance(part, UserPromptPart)
        and not isinstance(part.content, str)
        and any(
            isinstance(item, BinaryContent) and item.identifier.startswith(_MARK)
            for item in part.content
        )
    )
