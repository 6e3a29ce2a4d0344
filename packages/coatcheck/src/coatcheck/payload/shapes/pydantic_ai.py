"""pydantic-ai: binary content in prompts, tool returns and files that a model made. Pure.

https://ai.pydantic.dev/api/messages/
"""

from typing import Any, Final

from coatcheck.payload.links import Links
from coatcheck.payload.shapes.codec import (
    Inline,
    Node,
    Original,
    Replacement,
    exchange,
    object_of,
    text_of,
    without,
)

_VENDOR: Final = "vendor_metadata"
_OURS: Final = "coatcheck"
_URL_KINDS: Final = {
    "image-url": "image/",
    "audio-url": "audio/",
    "video-url": "video/",
    "document-url": "",
}


class PydanticAIFile:
    """A part whose ``content`` can only be binary: it is emptied, the reference in its metadata."""

    members = frozenset({"part_kind"})

    def recognize(self, node: Node) -> Inline | None:
        if node.get("part_kind") != "file":
            return None
        return _binary(object_of(node, "content"))

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        content = object_of(node, "content")
        told = {**object_of(content, _VENDOR), _OURS: replacement.body}
        return {**node, "content": {**content, "data": "", _VENDOR: told}}

    def linked(self, node: Node, links: Links) -> str | None:
        if node.get("part_kind") != "file":
            return None
        vendor = object_of(object_of(node, "content"), _VENDOR)
        return text_of(object_of(vendor, _OURS), "id")

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        content = object_of(node, "content")
        kept = without(object_of(content, _VENDOR), _OURS) or None
        return {**node, "content": {**content, "data": original.base64url, _VENDOR: kept}}


class PydanticAIBinary:
    """``{kind: "binary", data, media_type}`` ↔ ``{kind: "image-url" | …, url, media_type}``."""

    members = frozenset({"kind"})

    def recognize(self, node: Node) -> Inline | None:
        return _binary(node)

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        media_type = replacement.reference.mime_type
        kind = next(kind for kind, begin in _URL_KINDS.items() if media_type.startswith(begin))
        return exchange(node, "data", "url", replacement.link) | {"kind": kind}

    def linked(self, node: Node, links: Links) -> str | None:
        return links.id_of(node.get("url")) if text_of(node, "kind") in _URL_KINDS else None

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        plain = without(node, "force_download")  # pydantic-ai's own dump adds it to a URL
        return exchange(plain, "url", "data", original.base64url) | {"kind": "binary"}


SHAPES = (PydanticAIFile(), PydanticAIBinary())


def _binary(node: Node) -> Inline | None:
    data = node.get("data")
    if node.get("kind") != "binary" or not isinstance(data, str | bytes):
        return None
    return Inline(media=data, media_type=text_of(node, "media_type"))
