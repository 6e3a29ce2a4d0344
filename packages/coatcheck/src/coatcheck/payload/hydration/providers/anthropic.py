"""Anthropic's Messages API: its limits, the costs of pictures, and its blocks. Pure.

Sources, as of November 2026: https://platform.claude.com/docs/en/build-with-claude/vision (formats,
lengths, formula), https://platform.claude.com/docs/en/build-with-claude/pdf-support (PDF, length of
a request).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from coatcheck.payload.hydration.limits import MEGABYTE, Inline, Kind, MediaLimits, count_of
from coatcheck.payload.hydration.places import TEXT_ONLY, Visitor, each, with_member
from coatcheck.payload.hydration.providers.base import MessageForm, marks, member

MAX_TOKENS: Final = 1568
"""Visual tokens of one picture: patches of 28 × 28 pixels."""

MAX_EDGE: Final = 1568
"""Longest edge in pixels that a model looks at."""

_PATCH: Final = 28
_SHOWN: Final[frozenset[Kind]] = frozenset({"image", "document"})


def _patches(width: float, height: float) -> int:
    return count_of(width, _PATCH) * count_of(height, _PATCH)


def _fits(width: int, height: int) -> bool:
    return max(width, height) <= MAX_EDGE and _patches(width, height) <= MAX_TOKENS


def estimate_tokens(width: int, height: int) -> int:
    """Count one token for each patch; larger pictures are scaled down to `MAX_TOKENS`.

    Until 2025 the documentation gave width × height ÷ 750, which differs by a few percent.
    """
    scale = min(1.0, MAX_EDGE / max(width, height))
    return min(MAX_TOKENS, _patches(width * scale, height * scale))


LIMITS: Final = MediaLimits(
    image_types=frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"}),
    fits=_fits,
    max_edge=2000,
    image_length=5 * 1024 * 1024,
    request_length=30 * MEGABYTE,
    request_media=100,
    other_types=frozenset({"application/pdf"}),
    estimate_tokens=estimate_tokens,
)
"""5 MB of base64 an image; 100 images and 32 MB a request, of which 2 MB are left for text; an edge
of 8000 pixels, or of 2000 with more than 20 images in a request. The sizes apply to all models.
Some look at up to 2576 pixels and 4784 tokens."""


class Anthropic(MessageForm):
    """User messages and tool results that consist of blocks show media."""

    def rewrite(self, message: Mapping[str, Any], visitor: Visitor) -> Mapping[str, Any]:
        """See `MessageForm.rewrite`."""
        content = message.get("content")
        if isinstance(content, list | tuple):
            takes = _SHOWN if message.get("role") == "user" else TEXT_ONLY
            content = each(content, lambda block: _block_of(block, visitor, takes))
        else:
            content = visitor.mentions(content)
        return visitor.others(with_member(message, "content", content), ("content",))

    def after(self, messages: Sequence[Any], index: int) -> int:
        """Past the tool results, which must follow their assistant message at once."""
        after = index + 1
        return after + (after < len(messages) and _has_results(messages[after]))

    def show(self, media: Sequence[Inline]) -> dict[str, Any]:
        """See `MessageForm.show`."""
        blocks = [block for shown in media for block in (_text(shown.line), _media(shown, {}))]
        return {"role": "user", "content": blocks}


def _has_results(message: Any) -> bool:
    content = member(message, "content")
    return isinstance(content, list | tuple) and any(map(_is_result, content))


def _is_result(block: object) -> bool:
    return isinstance(block, Mapping) and block.get("type") == "tool_result"


def _block_of(block: Any, visitor: Visitor, takes: frozenset[Kind]) -> Any:
    if _is_result(block):
        return with_member(block, "content", _result(block.get("content"), visitor))
    shown = visitor.part(block, takes)
    return visitor.mentions(block) if shown is None else _replaced(block, shown)


def _result(content: Any, visitor: Visitor) -> Any:
    if isinstance(content, list | tuple):
        return each(content, lambda block: _result_block(block, visitor))
    return visitor.tool_value(content)


def _result_block(block: Any, visitor: Visitor) -> Any:
    shown = visitor.part(block, _SHOWN)
    return visitor.tool_value(block) if shown is None else _replaced(block, shown)


def _replaced(block: Mapping[str, Any], shown: Inline | str) -> Any:
    if isinstance(shown, str):
        return _text(shown) | marks(block)
    return _media(shown, block)


def _text(line: str) -> dict[str, Any]:
    return {"type": "text", "text": line}


def _media(shown: Inline, block: Mapping[str, Any]) -> dict[str, Any]:
    kind = shown.kind
    source = {"type": "base64", "media_type": shown.media_type, "data": shown.base64()}
    # A document's title and the like stay; a reference has nothing that belongs into a block.
    kept = block if block.get("type") == kind and "source" in block else marks(block)
    return {**kept, "type": kind, "source": source}
