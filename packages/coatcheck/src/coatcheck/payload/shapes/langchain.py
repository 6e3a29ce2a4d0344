"""LangChain: content blocks of both versions, and ``media`` of its Google integration. Pure.

https://docs.langchain.com/oss/python/langchain/messages#multimodal
"""

from typing import Any, Final

from coatcheck.payload.links import Links
from coatcheck.payload.shapes.codec import (
    Inline,
    Node,
    Original,
    Replacement,
    exchange,
    text_of,
)

_KINDS: Final = frozenset({"image", "audio", "video", "file"})


class LangChainBlock:
    """Version 1: ``{type: "image" | …, base64, mime_type}`` ↔ ``url``."""

    members = frozenset({"base64"})

    def recognize(self, node: Node) -> Inline | None:
        data = text_of(node, "base64")
        if text_of(node, "type") not in _KINDS or data is None:
            return None
        return Inline(media=data, media_type=text_of(node, "mime_type"))

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        link = exchange(node, "base64", "url", replacement.link)
        link.setdefault("mime_type", replacement.reference.mime_type)  # without it, it is no block
        return link

    def linked(self, node: Node, links: Links) -> str | None:
        if text_of(node, "type") not in _KINDS or "mime_type" not in node or "source_type" in node:
            return None
        return links.id_of(node.get("url"))

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        return exchange(node, "url", "base64", original.base64)


class LangChainSource:
    """Version 0: ``{source_type: "base64", data, mime_type}`` ↔ ``source_type: "url"``."""

    members = frozenset({"source_type"})

    def recognize(self, node: Node) -> Inline | None:
        data = text_of(node, "data")
        if node.get("source_type") != "base64" or data is None:
            return None
        return Inline(media=data, media_type=text_of(node, "mime_type"))

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        return exchange(node, "data", "url", replacement.link) | {"source_type": "url"}

    def linked(self, node: Node, links: Links) -> str | None:
        return links.id_of(node.get("url")) if node.get("source_type") == "url" else None

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        return exchange(node, "url", "data", original.base64) | {"source_type": "base64"}


class LangChainMedia:
    """``{type: "media", mime_type, data}`` ↔ ``file_uri``."""

    members = frozenset({"mime_type"})

    def recognize(self, node: Node) -> Inline | None:
        data = node.get("data")
        if node.get("type") != "media" or not isinstance(data, str | bytes):
            return None
        return Inline(media=data, media_type=text_of(node, "mime_type"))

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        return exchange(node, "data", "file_uri", replacement.link)

    def linked(self, node: Node, links: Links) -> str | None:
        return links.id_of(node.get("file_uri")) if node.get("type") == "media" else None

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        return exchange(node, "file_uri", "data", original.base64)


SHAPES = (LangChainSource(), LangChainBlock(), LangChainMedia())
