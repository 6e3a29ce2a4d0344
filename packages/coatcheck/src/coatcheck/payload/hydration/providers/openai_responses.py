"""OpenAI's Responses API: a list of items, of which messages are one kind. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from coatcheck.payload.hydration.limits import Inline, Kind
from coatcheck.payload.hydration.places import TEXT_ONLY, Visitor, each, with_member
from coatcheck.payload.hydration.providers import openai
from coatcheck.payload.hydration.providers.base import MessageForm, marks, member
from coatcheck.payload.shapes.codec import REFERENCE_MEMBER, without

_SHOWN: Final[frozenset[Kind]] = frozenset({"image", "document"})
_IMAGE: Final[frozenset[Kind]] = frozenset({"image"})


LIMITS: Final = replace(openai.LIMITS, other_types=frozenset({"application/pdf"}))
"""The limits of Chat Completions, without audio."""


class OpenAIResponses(MessageForm):
    """User messages and function outputs that consist of parts show media."""

    def rewrite(self, message: Mapping[str, Any], visitor: Visitor) -> Mapping[str, Any]:
        """See `MessageForm.rewrite`."""
        kind = message.get("type")
        if _is_message(message):
            content, role = message.get("content"), message.get("role")
            if isinstance(content, list | tuple):
                content = each(content, lambda part: _message_part(part, visitor, role))
            else:
                content = visitor.mentions(content)
            return visitor.others(with_member(message, "content", content), ("content",))
        if kind == "image_generation_call":
            return _generated(message, visitor)
        if _is_output(message):
            output = _output(message.get("output"), visitor)
            return visitor.others(with_member(message, "output", output), ("output",))
        return visitor.others(message, ())

    def after(self, messages: Sequence[Any], index: int) -> int:
        """Past the outputs of all calls that the model made at once, which belong together.

        Calls that it makes after it got these outputs change nothing.
        """
        answered = {member(item, "call_id") for item in messages if _is_output(item)}
        waiting: set[object] = set()
        for place, item in enumerate(messages):
            made_at_once = _is_call(item) and not _is_output(messages[place - 1])
            if place > index and not waiting and not made_at_once:
                return place
            if _is_output(item):
                waiting.discard(member(item, "call_id"))
            elif _is_call(item) and member(item, "call_id") in answered:
                waiting.add(member(item, "call_id"))
        return len(messages)

    def show(self, media: Sequence[Inline]) -> dict[str, Any]:
        """See `MessageForm.show`."""
        parts = [part for shown in media for part in (_text(shown.line), _block(shown, {}))]
        return {"type": "message", "role": "user", "content": parts}


def _is_message(item: Any) -> bool:
    return member(item, "type") in (None, "message")  # a set would have to hash it


def _is_call(item: Any) -> bool:
    kind = member(item, "type")
    return isinstance(kind, str) and kind.endswith("_call")


def _is_output(item: Any) -> bool:
    kind = member(item, "type")
    return isinstance(kind, str) and kind.endswith("_call_output")


def _message_part(part: Any, visitor: Visitor, role: object) -> Any:
    match visitor.part(part, _SHOWN if role == "user" else TEXT_ONLY):
        case None:
            return visitor.mentions(part)
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
            return visitor.tool_value(part)
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
