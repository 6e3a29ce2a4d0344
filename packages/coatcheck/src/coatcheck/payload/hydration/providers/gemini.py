"""Google's Gemini API: its limits, the costs of pictures, and its parts. Pure.

Sources, as of November 2026:
https://firebase.google.com/docs/ai-logic/input-file-requirements (formats, formula),
https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/image-understanding (lengths),
https://blog.google/innovation-and-ai/technology/developers-tools/gemini-api-new-file-limits.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from coatcheck.payload.hydration.limits import MEGABYTE, Inline, Kind, MediaLimits, count_of
from coatcheck.payload.hydration.places import Visitor, each, with_member
from coatcheck.payload.hydration.providers.base import MessageForm, member

TILE_TOKENS: Final = 258
"""Tokens of a tile, or of a picture of up to 384 × 384 pixels."""

_UNTILED_EDGE: Final = 384
_TILES_PER_SHORT_EDGE: Final = 1.5
_SMALLEST_TILE: Final = 256
_LARGEST_TILE: Final = 768
_MAX_EDGE: Final = 3072
_EVERYTHING: Final[frozenset[Kind]] = frozenset({"image", "document", "audio"})
_SHOWN_BY_FUNCTIONS: Final[frozenset[Kind]] = frozenset({"image", "document"})
_MEDIA_MEMBERS: Final = ("inlineData", "inline_data", "fileData", "file_data")
_RESPONSES: Final = ("functionResponse", "function_response")
_LINES: Final = "media"
_KEPT_WITH_TEXT: Final = ("thought", "thoughtSignature", "thought_signature")


def _fits(width: int, height: int) -> bool:
    # On a longer short edge the tiles grow no more, and there are more of them.
    return (
        max(width, height) <= _MAX_EDGE
        and min(width, height) <= _TILES_PER_SHORT_EDGE * _LARGEST_TILE
    )


def estimate_tokens(width: int, height: int) -> int:
    """258 tokens for each tile, whose edge is the short edge divided by 1.5.

    Gemini 3 counts up to 1,120 tokens for any picture instead, depending on ``media_resolution``.
    """
    if max(width, height) <= _UNTILED_EDGE:
        return TILE_TOKENS
    scale = min(1.0, _MAX_EDGE / max(width, height))
    short = min(width, height) * scale / _TILES_PER_SHORT_EDGE
    tile = min(max(short, _SMALLEST_TILE), _LARGEST_TILE)
    return TILE_TOKENS * count_of(width * scale, tile) * count_of(height * scale, tile)


LIMITS: Final = MediaLimits(
    image_types=frozenset({"image/png", "image/jpeg", "image/webp"}),
    fits=_fits,
    max_edge=8192,
    image_length=7 * MEGABYTE,
    request_length=18 * MEGABYTE,
    request_media=900,
    other_types=frozenset(
        {"application/pdf", "audio/wav", "audio/mpeg", "audio/ogg", "audio/flac"}
    ),
    estimate_tokens=estimate_tokens,
)
"""7 MB an image and 20 MB a request on Vertex AI, of which 2 MB are left for text; the Gemini API
has taken 100 MB a request since January 2026. The longest edge is not limited; pictures with an
edge over 8192 pixels are always scaled down."""


class Gemini(MessageForm):
    """Parts of any role show media, and so do the parts of a function's response (Gemini 3)."""

    def rewrite(self, message: Mapping[str, Any], visitor: Visitor) -> Mapping[str, Any]:
        """See `MessageForm.rewrite`."""
        parts = message.get("parts")
        if isinstance(parts, list | tuple):
            parts = each(parts, lambda part: _part(part, visitor))
        else:
            parts = visitor.mentions(parts)
        return visitor.others(with_member(message, "parts", parts), ("parts",))

    def after(self, messages: Sequence[Any], index: int) -> int:
        """Past the responses of functions, which must follow their calls at once."""
        after = index + 1
        while after < len(messages) and _has_response(messages[after]):
            after += 1
        return after

    def show(self, media: Sequence[Inline]) -> dict[str, Any]:
        """See `MessageForm.show`."""
        parts = [part for shown in media for part in ({"text": shown.line}, _media(shown, {}))]
        return {"role": "user", "parts": parts}


def _response_name(part: Any) -> str | None:
    return next((name for name in _RESPONSES if member(part, name) is not None), None)


def _has_response(message: Any) -> bool:
    parts = member(message, "parts")
    return isinstance(parts, list | tuple) and any(map(_response_name, parts))


def _part(part: Any, visitor: Visitor) -> Any:
    name = _response_name(part)
    if name is not None and isinstance(part, Mapping) and isinstance(part[name], Mapping):
        return with_member(part, name, _response(part[name], visitor))
    match visitor.part(part, _EVERYTHING):
        case None:
            return visitor.mentions(part)
        case str(line):
            return {"text": line} | {name: part[name] for name in _KEPT_WITH_TEXT if name in part}
        case Inline() as shown:
            return _media(shown, part)


def _response(response: Mapping[str, Any], visitor: Visitor) -> Mapping[str, Any]:
    told = visitor.tool_value(response.get("response"))
    if isinstance(told, str):  # all of it was a reference, and a response is an object
        told = {"result": told}
    response = with_member(response, "response", told)
    parts = response.get("parts")
    if not isinstance(parts, list | tuple):
        return response
    shown = each(parts, lambda part: _shown_by_function(part, visitor))
    lines = [line for line in shown if isinstance(line, str)]
    if lines:  # no text may stand among these parts
        kept = [part for part in shown if not isinstance(part, str)]
        return {**response, "response": {**(told or {}), _LINES: lines}, "parts": kept}
    return with_member(response, "parts", shown)


def _shown_by_function(part: Any, visitor: Visitor) -> Any:
    match visitor.part(part, _SHOWN_BY_FUNCTIONS):
        case None:
            return visitor.tool_value(part)
        case str(line):
            return line
        case Inline() as shown:
            return _media(shown, part)


def _media(shown: Inline, part: Mapping[str, Any]) -> dict[str, Any]:
    """The part in the spelling in which it was found: the SDK's dicts are in snake case."""
    found = [name for name in _MEDIA_MEMBERS if name in part]
    kept = {name: part[name] for name in part if name not in found} if found else {}
    if any("_" in name for name in found):
        return kept | {"inline_data": {"mime_type": shown.media_type, "data": shown.base64()}}
    return kept | {"inlineData": {"mimeType": shown.media_type, "data": shown.base64()}}
