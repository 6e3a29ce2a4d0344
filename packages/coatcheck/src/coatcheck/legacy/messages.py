"""Convert what histories held before there were references. Pure.

Three forms carried the picture itself: a tool's result as text (``✅ **Success**: {json}``), as an
object, and ``![alt](data:…)`` in the text of a message. Offloading takes the bytes out, with
`LEGACY_SHAPES`; what it leaves is small, and `modernize` gives it today's form.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from coatcheck import media_part
from coatcheck.legacy.formatted import FormattedResult, end_of_prefix
from coatcheck.legacy.modern import (
    Kept,
    WantedFile,
    is_unfinished,
    modern_result,
    wanted_file,
)
from coatcheck.legacy.results import (
    PICTURE_MEMBERS,
    THUMBNAIL_MEMBER,
    is_legacy_result,
    is_result_text,
    read_text,
)
from coatcheck.payload.links import Links
from coatcheck.payload.offloading.rewriting import MAX_DEPTH
from coatcheck.payload.results import REFERENCE_MEMBER, result_members
from coatcheck.payload.shapes import DEFAULT_SHAPES, Inline, Node, Original, Replacement
from coatcheck.payload.shapes.codec import text_of, without
from coatcheck.reference import REFERENCE_TYPE

LEGACY_THRESHOLD: Final = 256
"""Base64 characters from which on a legacy result holds a picture: its member says so itself."""

_OPENING: Final = 256
_LINKS: Final = Links()
# What frameworks read as text stays a text.
_TEXT_MEMBERS: Final = frozenset({"content", "text"})


class LegacyResult:
    """A member of a legacy result, or of its ``imageReference``, with a picture in it."""

    members = frozenset({*PICTURE_MEMBERS, THUMBNAIL_MEMBER})

    def recognize(self, node: Node) -> Inline | None:
        """The first picture that the node carries."""
        name = _inline_member(node)
        if name is None:
            return None
        return Inline(
            media=node[name],
            media_type=text_of(node, "mime_type") or text_of(node, "mimeType") or "image/*",
            alt=text_of(node, "prompt"),
        )

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        """The node with a reference in the place of that picture."""
        name = _inline_member(node)
        if name is None:
            return dict(node)
        replaced = {**node, name: dict(replacement.body)}
        earlier = node.get(REFERENCE_MEMBER)
        if name != THUMBNAIL_MEMBER and isinstance(earlier, Mapping):
            # Where the picture is kept, its thumbnail is made anew.
            replaced[REFERENCE_MEMBER] = without(earlier, THUMBNAIL_MEMBER)
        return replaced

    def linked(self, node: Node, links: Links) -> str | None:  # noqa: ARG002 - the protocol's
        """None: nothing is written in this shape."""
        return None

    def restore(self, node: Node, original: Original) -> dict[str, Any]:  # noqa: ARG002 - likewise
        """The node itself, for the same reason."""
        return dict(node)


LEGACY_TEXTS: Final = DEFAULT_SHAPES.framed_by(FormattedResult())
"""For offloading what may have a formatted result among its texts."""

LEGACY_SHAPES: Final = LEGACY_TEXTS.preceded_by(LegacyResult())
"""For offloading what may be legacy."""


def has_marker(payload: Any, depth: int = 0) -> bool:
    """Whether a payload may hold a legacy result; False is certain.

    Only names of members and the beginnings of texts are looked at.
    """
    if isinstance(payload, str):
        return len(payload) >= _SHORTEST and is_result_text(payload)
    if depth > MAX_DEPTH:
        return False
    if isinstance(payload, Mapping):
        return is_legacy_result(payload) or any(
            has_marker(value, depth + 1) for value in payload.values()
        )
    return isinstance(payload, list) and any(has_marker(item, depth + 1) for item in payload)


_SHORTEST: Final = len('**Success**: {"url":"data:,"}')


def files_wanted(payload: Any, kept: Kept) -> list[WantedFile]:
    """The files that hold the pictures of legacy results which hold none themselves."""
    return [
        wanted
        for members in _results(payload)
        if (wanted := wanted_file(members, kept)) is not None
    ]


def modernize(payload: Any, kept: Kept, depth: int = 0) -> Any:
    """A payload without legacy results; the very same object if there is none to be changed.

    Args:
        payload: what offloading with `LEGACY_SHAPES` left.
        kept: the references in it.
        depth: how deep it lies in a larger one.

    Returns:
        Today's results in the place of earlier ones whose picture is kept. Where a text has to
        stay a text, the JSON of one.
    """
    if depth > MAX_DEPTH:
        return payload
    if isinstance(payload, str):
        return _modern_text(payload, kept, depth)
    if isinstance(payload, Mapping):
        return _modern_object(payload, kept, depth)
    if isinstance(payload, list):
        items = [modernize(item, kept, depth + 1) for item in payload]
        return payload if _same(items, payload) else items
    return payload


def _modern_message(message: Mapping[str, Any], kept: Kept, depth: int) -> Mapping[str, Any]:
    is_user = message["role"] == "user"
    parts: list[Any] = []
    for index, part in enumerate(message["parts"]):
        if isinstance(part, Mapping) and part.get("type") == "text":
            parts += _modern_parts(part, kept, f"legacy-{index}", is_user=is_user)
        else:
            parts.append(modernize(part, kept, depth + 2))
    return message if _same(parts, message["parts"]) else {**message, "parts": parts}


def _modern_parts(
    part: Mapping[str, Any], kept: Kept, identifier: str, *, is_user: bool
) -> list[Any]:
    """What becomes of the text of an AI SDK UI message.

    A text that is a result becomes the part of a tool. In a user's text, where nobody believes
    links, a picture becomes a part of its own.
    """
    text = text_of(part, "text") or ""
    result = _modern_result(text, kept) if is_result_text(text) else None
    if result is not None:
        return [
            {
                "type": "tool-generate_image",
                "toolCallId": identifier,
                "state": "output-available",
                "input": {"prompt": result["data"].get("prompt", "")},
                "output": result,
            }
        ]
    return _pictures_apart(part, text, kept) if is_user else [part]


def _pictures_apart(part: Mapping[str, Any], text: str, kept: Kept) -> list[Any]:
    """A text, and the pictures that it links to after it."""
    shown = [kept.by_id[found] for _, _, found in _LINKS.find(text) if found in kept.by_id]
    if not shown:
        return [part]
    for reference in shown:
        for link in (f"![{reference.alt or ''}]({reference.uri})", reference.uri):
            text = text.replace(link, "")
    texts = [{**part, "text": text.strip()}] if text.strip() else []
    return texts + [
        media_part.media_part(reference.id, media_part.ready(reference.to_stored()))
        for reference in {one.id: one for one in shown}.values()
    ]


def _modern_object(node: Mapping[str, Any], kept: Kept, depth: int) -> Mapping[str, Any]:
    if node.get("type") == REFERENCE_TYPE:
        return node
    result = modern_result(node, kept)
    if result is not None:
        return result
    if isinstance(node.get("role"), str) and isinstance(node.get("parts"), list):
        return _modern_message(node, kept, depth)
    members = {name: _modern_member(name, value, kept, depth + 1) for name, value in node.items()}
    return node if _same(members.values(), node.values()) else members


def _modern_member(name: str, value: Any, kept: Kept, depth: int) -> Any:
    modern = modernize(value, kept, depth)
    if name in _TEXT_MEMBERS and isinstance(value, str) and modern is not value:
        return modern if isinstance(modern, str) else _json(modern)
    return modern


def _modern_text(text: str, kept: Kept, depth: int) -> Any:
    if len(text) < _SHORTEST:
        return text
    if end_of_prefix(text):
        result = _modern_result(text, kept)
        return text if result is None else result
    if not is_result_text(text) and not _links_to_kept(text):
        return text
    value = _parsed(text)
    modern = modernize(value, kept, depth + 1)
    return text if modern is value else _json(modern)


def _modern_result(text: str, kept: Kept) -> dict[str, Any] | None:
    members = read_text(text)
    return None if members is None else modern_result(members, kept)


def _links_to_kept(text: str) -> bool:
    """Whether a text is JSON with a reference in it, which offloading may have put there."""
    return text[:_OPENING].lstrip()[:1] in {"{", "["} and REFERENCE_TYPE in text


def _parsed(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None


def _results(payload: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    if depth > MAX_DEPTH:
        return
    if isinstance(payload, str) and len(payload) >= _SHORTEST and is_result_text(payload):
        payload = read_text(payload)
    if isinstance(payload, Mapping):
        members = result_members(payload)
        if is_unfinished(members):
            yield members
            return
        for value in payload.values():
            yield from _results(value, depth + 1)
    elif isinstance(payload, list):
        for item in payload:
            yield from _results(item, depth + 1)


def _inline_member(node: Node) -> str | None:
    if isinstance(node.get(THUMBNAIL_MEMBER), str):
        return THUMBNAIL_MEMBER
    if not is_legacy_result(node):
        return None
    names = (name for name in PICTURE_MEMBERS if isinstance(node.get(name), str))
    return next((name for name in names if "://" not in node[name][:16]), None)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _same(new: Any, old: Any) -> bool:
    new, old = list(new), list(old)
    return len(new) == len(old) and all(one is other for one, other in zip(new, old, strict=True))
