"""OpenAI's Responses API: a list of items, of which messages are one kind. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from coatcheck.payload.hydration.limits import Inline, Kind
from coatcheck.payload.hydration.places import TEXT_ONLY, Visitor, each, with_member
from coatcheck.payload.hydration.providers import openai
from coatcheck.payload.hydration.providers.base import marks, member
from coatcheck.payload.shapes.codec import REFERENCE_MEMBER, without

_SHOWN: Final[frozenset[Kind]] = frozenset({"image", "document"})
_IMAGE: Final[frozenset[Kind]] = frozenset({"image"})


class OpenAIResponses:
    """Users' messages and the outputs of functions show media where they come in parts."""

    limits = replace(openai.LIMITS, other_types=frozenset({"application/pdf"}))
    estimate_tokens = staticmethod(openai.estimate_tokens)

    def rewrite(self, message: Mapping[str, Any], visitor: Visitor) -> Mapping[str, Any]:
        """See `Provider.rewrite`."""
        kind = message.get("type")
        if _is_message(message):
            content, role = message.get("content"), message.get("role")
            if isinstance(content, list | tuple):
                content = each(content, lambda part: _message_part(part, visitor, role))
            return with_member(message, "content", content)
        if kind == "image_generation_call":
            return _generated(message, visitor)
        if isinstance(kind, str) and kind.endswith("_call_output"):
            return with_member(message, "output", _output(message.get("output"), visitor))
        return message

    def after(self, messages: Sequence[Any], index: int) -> int:
        """Past the run of calls and their outputs, which belong together."""
        after = index + 1
        while after < len(messages) and _is_call(messages[after]):
            after += 1
        return after

    def show(self, media: Sequence[tuple[str, Inline]]) -> dict[str, Any]:
        """See `Provider.show`."""
        parts = [part for line, shown in media for part in (_text(line), _block(shown, {}))]
        return {"type": "message", "role": "user", "content": parts}


def _is_message(item: Any) -> bool:
    return member(item, "type") in (None, "message")  # a set would have to hash it


def _is_call(item: Any) -> bool:
    kind = member(item, "type")
    return isinstance(kind, str) and kind.endswith(("_call", "_call_output"))


def _message_part(part: Any, visitor: Visitor, role: object) -> Any:
    match visitor.part(part, _SHOWN if role == "user" else TEXT_ONLY):
        case None:
            return part
        case str(line):
            # What an assistant said has parts of another type than what is said to it.
            said = {"type": "output_text", "text": line, "annotations": []}
            return said if role == "assistant" else _text(line) | marks(part)
        case Inline() as shown:
            return _block(shown, part) | marks(part)


def _output(output: Any, visitor: Visitor) -> Any:
    if isinstance(output, list | tuple):
        return each(output, lambda part: _output_part(part, visitor))
    if isinstance(output, Mapping) and output.get("type") == "computer_screenshot":
        return _screenshot(output, visitor)
    return visitor.tool_value(output)


def _output_part(part: Any, visitor: Visitor) -> Any:
    match visitor.part(part, _SHOWN):
        case None:
            return visitor.tool_part(part)
        case str(line):
            return _text(line) | marks(part)
        case Inline() as shown:
            return _block(shown, part) | marks(part)


def _screenshot(output: Mapping[str, Any], visitor: Visitor) -> Mapping[str, Any]:
    match visitor.part(output, _IMAGE):
        case None:
            return output
        case Inline() as shown:
            return {**output, "image_url": shown.data_uri()}
        case _:  # takes no text
            return without(output, "image_url")


def _generated(item: Mapping[str, Any], visitor: Visitor) -> Mapping[str, Any]:
    match visitor.part(item, _IMAGE):
        case None:
            return item
        case Inline() as shown:
            return without(item, REFERENCE_MEMBER) | {"result": shown.base64()}
        case _:  # the provider remembers it by its id
            return without(item, REFERENCE_MEMBER)


def _text(line: str) -> dict[str, Any]:
    return {"type": "input_text", "text": line}


def _block(shown: Inline, part: Mapping[str, Any]) -> dict[str, Any]:
    if shown.kind == "document":
        return {"type": "input_file", "filename": shown.name, "file_data": shown.data_uri()}
    detail = part.get("detail", "auto") if part.get("type") == "input_image" else "auto"
    return {"type": "input_image", "image_url": shown.data_uri(), "detail": detail}
