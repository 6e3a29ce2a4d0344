"""Messages of agent frameworks, which their own code turns into a vendor's messages. Pure.

They are dictionaries as the frameworks' own functions write and read them. Combine a form with the
limits of a vendor in a `Provider`.
"""

from collections.abc import Mapping, Sequence
from operator import is_
from typing import Any, Final

from coatcheck.payload.hydration.limits import Inline, Kind
from coatcheck.payload.hydration.places import TEXT_ONLY, Visitor, each, with_member
from coatcheck.payload.hydration.providers.base import MessageForm, member
from coatcheck.payload.shapes.codec import object_of, without

_SHOWN: Final[frozenset[Kind]] = frozenset({"image", "document", "audio"})
_NO_AUDIO: Final[frozenset[Kind]] = frozenset({"image", "document"})
_OURS: Final = "coatcheck"


class _ToolRole(MessageForm):
    """A tool's result is a message of its own, which must follow the call at once."""

    def after(self, messages: Sequence[Any], index: int) -> int:
        """Return the index after the run of tool messages."""
        after = index + 1
        while after < len(messages) and member(messages[after], "role") == "tool":
            after += 1
        return after


class Haystack(_ToolRole):
    """``ChatMessage.to_dict()``: user messages and tool results show media as content parts."""

    def rewrite(self, message: Mapping[str, Any], visitor: Visitor) -> Mapping[str, Any]:
        """See `MessageForm.rewrite`."""
        content = message.get("content")
        if isinstance(content, list | tuple):
            takes = _NO_AUDIO if message.get("role") == "user" else TEXT_ONLY
            content = each(content, lambda part: self._part(part, visitor, takes))
        return visitor.others(with_member(message, "content", content), ("content",))

    def show(self, media: Sequence[Inline]) -> dict[str, Any]:
        """See `MessageForm.show`."""
        parts = [part for shown in media for part in ({"text": shown.line}, _content(shown, {}))]
        return {"role": "user", "meta": {}, "name": None, "content": parts}

    def _part(self, part: Any, visitor: Visitor, takes: frozenset[Kind]) -> Any:
        if not isinstance(part, Mapping) or "reasoning" in part:
            return part
        told = part.get("tool_call_result")
        if isinstance(told, Mapping):
            result = told.get("result")
            if isinstance(result, list | tuple):
                result = each(result, lambda item: self._told(item, visitor))
            else:
                result = visitor.tool_value(result)
            return with_member(part, "tool_call_result", with_member(told, "result", result))
        found = self._found(part, visitor, takes)
        return visitor.mentions(part) if found is part else found

    def _told(self, item: Any, visitor: Visitor) -> Any:
        found = self._found(item, visitor, _NO_AUDIO)
        return visitor.tool_value(item) if found is item else found

    def _found(self, part: Any, visitor: Visitor, takes: frozenset[Kind]) -> Any:
        if not isinstance(part, Mapping):
            return part
        kinds = (part[kind] for kind in ("image", "file") if isinstance(part.get(kind), Mapping))
        named = next(kinds, part)
        match visitor.part(named, takes):
            case None:
                return part
            case str(line):
                return {"text": line}
            case Inline() as shown:
                return _content(shown, named)


def _content(shown: Inline, named: Mapping[str, Any]) -> dict[str, Any]:
    """An ``ImageContent`` or a ``FileContent``; what else the part had is kept."""
    is_image = shown.kind == "image"
    data, keeps = ("base64_image", "meta") if is_image else ("base64_data", "extra")
    kept = {**named, keeps: without(object_of(named, keeps), _OURS)} if data in named else {}
    named_file = {} if is_image else {"filename": shown.name}
    content = {**named_file, **kept, data: shown.base64(), "mime_type": shown.media_type}
    return {"image" if is_image else "file": content}


class LlamaIndex(_ToolRole):
    """``ChatMessage.model_dump()``: blocks of user messages show media; tools have text only."""

    def rewrite(self, message: Mapping[str, Any], visitor: Visitor) -> Mapping[str, Any]:
        """See `MessageForm.rewrite`."""
        blocks, role = message.get("blocks"), message.get("role")
        if isinstance(blocks, list | tuple):
            takes = _SHOWN if role == "user" else TEXT_ONLY
            rest = visitor.tool_value if role == "tool" else visitor.mentions
            blocks = each(blocks, lambda block: self._block(block, visitor, takes, rest))
        return visitor.others(with_member(message, "blocks", blocks), ("blocks",))

    def show(self, media: Sequence[Inline]) -> dict[str, Any]:
        """See `MessageForm.show`."""
        blocks = [block for shown in media for block in (_text(shown.line), _llama(shown, {}))]
        return {"role": "user", "additional_kwargs": {}, "blocks": blocks}

    def _block(self, block: Any, visitor: Visitor, takes: frozenset[Kind], rest: Any) -> Any:
        match visitor.part(block, takes):
            case None:
                return rest(block)
            case str(line):
                return _text(line)
            case Inline() as shown:
                return _llama(shown, block)


def _text(line: str) -> dict[str, Any]:
    return {"block_type": "text", "text": line}


def _llama(shown: Inline, block: Mapping[str, Any]) -> dict[str, Any]:
    kept = block if "block_type" in block else {}
    if shown.kind == "image":
        media = {"image": shown.base64(), "image_mimetype": shown.media_type}
        return {**without(kept, "url"), "block_type": "image", **media}
    if shown.kind == "audio":
        media = {"audio": shown.base64(), "format": shown.media_type.rpartition("/")[2]}
        return {**without(kept, "url"), "block_type": "audio", **media}
    media = {"data": shown.base64(), "document_mimetype": shown.media_type}
    named = {"title": shown.name} | without(kept, "url")
    return {**named, "block_type": "document", **media}


class Agno(_ToolRole):
    """``Message.to_dict()``: media is in lists beside the text.

    The lines of media that is not shown are added to the text.
    """

    def rewrite(self, message: Mapping[str, Any], visitor: Visitor) -> Mapping[str, Any]:
        """See `MessageForm.rewrite`."""
        role, content = message.get("role"), message.get("content")
        content = visitor.tool_value(content) if role == "tool" else visitor.mentions(content)
        rewritten = message
        for name, takes in _AGNO_LISTS.items():
            listed = message.get(name)
            if not isinstance(listed, list | tuple):
                continue
            items = self._media(listed, visitor, takes if role == "user" else TEXT_ONLY)
            lines = [item for item in items if isinstance(item, str)]
            if lines:
                content = "\n".join([*([content] if isinstance(content, str) else []), *lines])
                items = [item for item in items if not isinstance(item, str)]
            rewritten = with_member(rewritten, name, items) if items else without(rewritten, name)
        rewritten = with_member(rewritten, "content", content)
        return visitor.others(rewritten, ("content", *_AGNO_LISTS))

    def show(self, media: Sequence[Inline]) -> dict[str, Any]:
        """See `MessageForm.show`."""
        message: dict[str, Any] = {
            "role": "user",
            "content": "\n".join(shown.line for shown in media),
        }
        for shown in media:
            named = _agno(shown, {"id": shown.name})
            message.setdefault(_AGNO_MEMBERS[shown.kind or "document"], []).append(named)
        return message

    def _media(
        self, listed: Sequence[Any], visitor: Visitor, takes: frozenset[Kind]
    ) -> Sequence[Any]:
        def replaced(item: Any) -> Any:
            match visitor.part(item, takes):
                case None:
                    return visitor.mentions(item)
                case str(line):
                    return line
                case Inline() as shown:
                    return _agno(shown, item)

        return each(listed, replaced)


_AGNO_MEMBERS: Final[Mapping[Kind, str]] = {
    "image": "images",
    "document": "files",
    "audio": "audio",
}
_AGNO_LISTS: Final[Mapping[str, frozenset[Kind]]] = {
    name: frozenset({kind}) for kind, name in _AGNO_MEMBERS.items()
} | {"videos": TEXT_ONLY}


def _agno(shown: Inline, item: Mapping[str, Any]) -> dict[str, Any]:
    metadata = without(object_of(item, "metadata"), _OURS)
    kept = without(item, "url", "metadata") | ({"metadata": metadata} if metadata else {})
    kept = {"id": shown.name} if "type" in kept else kept  # a bare reference has nothing to keep
    return {**kept, "content": shown.base64(), "mime_type": shown.media_type}


class AiSdkUi(MessageForm):
    """UI messages of the AI SDK: files of user messages show media, each after its line.

    ``convertToModelMessages`` or an adapter turns them into a request. Both leave out data parts,
    so the data part of a user's picture becomes a file, or text.
    """

    def rewrite(self, message: Mapping[str, Any], visitor: Visitor) -> Mapping[str, Any]:
        """See `MessageForm.rewrite`."""
        parts = message.get("parts")
        if isinstance(parts, list | tuple):
            takes = _SHOWN if message.get("role") == "user" else TEXT_ONLY
            told = [new for part in parts for new in self._parts(part, visitor, takes)]
            same = len(told) == len(parts) and all(map(is_, told, parts))
            parts = parts if same else told
        return visitor.others(with_member(message, "parts", parts), ("parts",))

    def after(self, messages: Sequence[Any], index: int) -> int:  # noqa: ARG002 - as the protocol has it
        """Return the index after the message: a tool's output is a part of it."""
        return index + 1

    def show(self, media: Sequence[Inline]) -> dict[str, Any]:
        """See `MessageForm.show`."""
        parts = [part for shown in media for part in _file(shown)]
        return {"id": f"media-{media[0].name}", "role": "user", "parts": parts}

    def _parts(self, part: Any, visitor: Visitor, takes: frozenset[Kind]) -> Sequence[Any]:
        match visitor.part(part, takes):
            case None:
                pass
            case str(line):
                return [{"type": "text", "text": line}]
            case Inline() as shown:
                return _file(shown)
        if isinstance(part, Mapping) and "output" in part:
            return [with_member(part, "output", visitor.tool_value(part["output"]))]
        return [visitor.mentions(part)]


def _file(shown: Inline) -> Sequence[dict[str, Any]]:
    return [
        {"type": "text", "text": shown.line},
        {"type": "file", "mediaType": shown.media_type, "url": shown.data_uri()},
    ]
