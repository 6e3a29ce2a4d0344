"""Amazon Bedrock's Converse API, whose messages Strands uses too. Pure.

Source, as of November 2026:
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html (numbers, lengths).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from coatcheck.payload.hydration.limits import MEGABYTE, Inline, Kind, base64_length
from coatcheck.payload.hydration.places import TEXT_ONLY, Visitor, each, with_member
from coatcheck.payload.hydration.providers import anthropic
from coatcheck.payload.hydration.providers.base import MessageForm, member

LIMITS: Final = replace(
    anthropic.LIMITS,
    image_length=base64_length(3_750_000),
    request_length=18 * MEGABYTE,
    request_media=20,
    other_length=base64_length(4_500_000),
)
"""20 images of 3.75 MB, and documents of 4.5 MB, of which it takes five; in a request of 20 MB, of
which 2 MB are left for text. Sizes and tokens are those of Claude, the most used models there."""

_SHOWN: Final[frozenset[Kind]] = frozenset({"image", "document"})
_MEDIA: Final = ("image", "document", "video", "audio")
_UNNAMED: Final = re.compile(
    r"[^A-Za-z0-9()\[\]\- ]|(?<= ) "
)  # what a document's name must not have


class BedrockConverse(MessageForm):
    """User messages and tool results show media, as bytes, as boto3 expects.

    Roles alternate: a picture that follows joins the previous message if that is the user's.
    """

    def rewrite(self, message: Mapping[str, Any], visitor: Visitor) -> Mapping[str, Any]:
        """See `MessageForm.rewrite`."""
        content = message.get("content")
        if isinstance(content, list | tuple):
            takes = _SHOWN if message.get("role") == "user" else TEXT_ONLY
            content = each(content, lambda block: _block(block, visitor, takes))
        return visitor.others(with_member(message, "content", content), ("content",))

    def after(self, messages: Sequence[Any], index: int) -> int:
        """Past the tool results, which must follow their assistant message at once."""
        after = index + 1
        return after + (after < len(messages) and _has_results(messages[after]))

    def show(self, media: Sequence[Inline]) -> dict[str, Any]:
        """See `MessageForm.show`."""
        blocks = [block for shown in media for block in ({"text": shown.line}, _shown(shown, {}))]
        return {"role": "user", "content": blocks}

    def finish(self, messages: list[Any]) -> list[Any]:
        """Merge consecutive messages of one role."""
        joined: list[Any] = []
        for message in messages:
            before = joined[-1] if joined else None
            if (
                isinstance(before, Mapping)
                and isinstance(message, Mapping)
                and before.get("role") == message.get("role")
                and isinstance(before.get("content"), list)
                and isinstance(message.get("content"), list)
            ):
                joined[-1] = {**before, "content": [*before["content"], *message["content"]]}
            else:
                joined.append(message)
        return joined


def _has_results(message: Any) -> bool:
    content = member(message, "content")
    return isinstance(content, list | tuple) and any(
        isinstance(block, Mapping) and "toolResult" in block for block in content
    )


def _block(block: Any, visitor: Visitor, takes: frozenset[Kind]) -> Any:
    result = block.get("toolResult") if isinstance(block, Mapping) else None
    if isinstance(result, Mapping) and isinstance(result.get("content"), list | tuple):
        told = each(result["content"], lambda item: _told(item, visitor))
        return with_member(block, "toolResult", with_member(result, "content", told))
    found = _found(block, visitor, takes)
    return visitor.mentions(block) if found is None else found


def _told(item: Any, visitor: Visitor) -> Any:
    found = _found(item, visitor, _SHOWN)
    return visitor.tool_value(item) if found is None else found


def _found(block: Any, visitor: Visitor, takes: frozenset[Kind]) -> Any:
    """What stands for a block that names media, by itself or in the member that media has."""
    if not isinstance(block, Mapping):
        return None
    named = next((block[kind] for kind in _MEDIA if isinstance(block.get(kind), Mapping)), block)
    match visitor.part(named, takes):
        case None:
            return None
        case str(line):
            return {"text": line}
        case Inline() as shown:
            return _shown(shown, named)


def _shown(shown: Inline, named: Mapping[str, Any]) -> dict[str, Any]:
    media_format = shown.media_type.rpartition("/")[2]
    media = {"format": media_format, "source": {"bytes": shown.data()}}
    if shown.kind == "image":
        return {"image": media}
    kept = {name: value for name, value in named.items() if name not in media and "source" in named}
    name = _UNNAMED.sub("", shown.name.replace(".", " ")).strip() or "document"
    return {"document": {"name": name, **kept, **media}}
