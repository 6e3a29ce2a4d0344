"""OpenAI's Chat Completions, which many other servers offer too. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from coatcheck.payload.hydration.limits import Inline, Kind
from coatcheck.payload.hydration.places import TEXT_ONLY, Visitor, each, with_member
from coatcheck.payload.hydration.providers.base import MessageForm, marks, member
from coatcheck.payload.shapes.codec import without

_USER_TAKES: Final[frozenset[Kind]] = frozenset({"image", "document", "audio"})
_TOOL_ROLES: Final = ("tool", "function")
_BESIDE: Final = "images"
_AUDIO_FORMATS: Final = {"audio/wav": "wav", "audio/mpeg": "mp3"}


class OpenAIChat(MessageForm):
    """Parts of user messages show media. Tools and assistants have text only; pictures follow."""

    def rewrite(self, message: Mapping[str, Any], visitor: Visitor) -> Mapping[str, Any]:
        """See `MessageForm.rewrite`."""
        message = _told(message, visitor)
        role, content = message.get("role"), message.get("content")
        if isinstance(content, list | tuple):
            takes = _USER_TAKES if role == "user" else TEXT_ONLY
            content = each(content, lambda part: _part(part, visitor, takes, role))
        elif role in _TOOL_ROLES:
            content = visitor.tool_value(content)
        else:
            content = visitor.mentions(content)
        return visitor.others(with_member(message, "content", content), ("content",))

    def after(self, messages: Sequence[Any], index: int) -> int:
        """Past the run of tool messages, which must follow their assistant message at once."""
        after = index + 1
        while after < len(messages) and member(messages[after], "role") in _TOOL_ROLES:
            after += 1
        return after

    def show(self, media: Sequence[Inline]) -> dict[str, Any]:
        """See `MessageForm.show`."""
        parts = [part for shown in media for part in (_text(shown.line), _block(shown, {}))]
        return {"role": "user", "content": parts}


def _told(message: Mapping[str, Any], visitor: Visitor) -> Mapping[str, Any]:
    """The message with lines in its text for the pictures that OpenRouter puts beside that."""
    images = message.get(_BESIDE)
    if not isinstance(images, list | tuple):
        return message
    told = [(image, visitor.part(image, TEXT_ONLY)) for image in images]
    lines = [line for _, line in told if isinstance(line, str)]
    if not lines:
        return message
    kept = [image for image, line in told if line is None]
    content = message.get("content")
    if isinstance(content, list | tuple):
        content = [*content, *map(_text, lines)]
    else:
        content = "\n".join([*([content] if isinstance(content, str) else []), *lines])
    rest = {**message, "content": content, _BESIDE: kept}
    return rest if kept else without(rest, _BESIDE)


def _part(part: Any, visitor: Visitor, takes: frozenset[Kind], role: object) -> Any:
    match visitor.part(part, takes):
        case None:
            return (visitor.tool_value if role in _TOOL_ROLES else visitor.mentions)(part)
        case str(line):
            return _text(line) | marks(part)
        case Inline() as shown:
            return _block(shown, part) | marks(part)


def _text(line: str) -> dict[str, Any]:
    return {"type": "text", "text": line}


def _block(shown: Inline, part: Mapping[str, Any]) -> dict[str, Any]:
    if shown.kind == "document":
        return {"type": "file", "file": {"filename": shown.name, "file_data": shown.data_uri()}}
    if shown.kind == "audio":
        audio = {"data": shown.base64(), "format": _AUDIO_FORMATS[shown.media_type]}
        return {"type": "input_audio", "input_audio": audio}
    image = part.get("image_url")
    detail = {"detail": image["detail"]} if isinstance(image, Mapping) and "detail" in image else {}
    return {"type": "image_url", "image_url": {"url": shown.data_uri()} | detail}
