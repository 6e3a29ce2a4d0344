"""Anthropic Messages: image and document blocks, in messages and in tool results. Pure.

https://docs.anthropic.com/en/docs/build-with-claude/vision
"""

from typing import Any

from coatcheck.payload.links import Links
from coatcheck.payload.shapes.codec import (
    Inline,
    Node,
    Original,
    Replacement,
    object_of,
    text_of,
)


class AnthropicSource:
    """``source: {type: "base64", media_type, data}`` ↔ ``source: {type: "url", url}``."""

    members = frozenset({"source"})

    def recognize(self, node: Node) -> Inline | None:
        source = object_of(node, "source")
        data = text_of(source, "data")
        if source.get("type") != "base64" or data is None:
            return None
        name = text_of(node, "title")
        return Inline(media=data, media_type=text_of(source, "media_type"), name=name)

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        return {**node, "source": {"type": "url", "url": replacement.link}}

    def linked(self, node: Node, links: Links) -> str | None:
        source = object_of(node, "source")
        return links.id_of(source.get("url")) if source.get("type") == "url" else None

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        source = {
            "type": "base64",
            "media_type": original.reference.mime_type,
            "data": original.base64,
        }
        return {**node, "source": source}


SHAPES = (AnthropicSource(),)
