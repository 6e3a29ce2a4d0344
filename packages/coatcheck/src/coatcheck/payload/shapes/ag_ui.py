"""AG-UI and A2A: parts of messages between agents and their front ends. Pure.

https://docs.ag-ui.com/concepts/messages, https://a2a-protocol.org/latest/specification/
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
    spelling,
    text_of,
)

_MEDIA_TYPE: Final = ("mimeType", "mime_type")


class AgUiSource:
    """``source: {type: "data", value, mimeType}`` ↔ ``source: {type: "url", value, mimeType}``."""

    members = frozenset({"source"})

    def recognize(self, node: Node) -> Inline | None:
        source = object_of(node, "source")
        value = text_of(source, "value")
        if source.get("type") != "data" or value is None:
            return None
        return Inline(media=value, media_type=text_of(source, spelling(source, *_MEDIA_TYPE)))

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        source = object_of(node, "source")
        return {**node, "source": {**source, "type": "url", "value": replacement.link}}

    def linked(self, node: Node, links: Links) -> str | None:
        source = object_of(node, "source")
        return links.id_of(source.get("value")) if source.get("type") == "url" else None

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        source = object_of(node, "source")
        return {**node, "source": {**source, "type": "data", "value": original.base64}}


class AgUiBinary:
    """``{type: "binary", mimeType, data, filename}`` ↔ ``url``; before AG-UI 1.0."""

    members = frozenset({"data"})

    def recognize(self, node: Node) -> Inline | None:
        data = text_of(node, "data")
        if node.get("type") != "binary" or data is None:
            return None
        media_type = text_of(node, spelling(node, *_MEDIA_TYPE))
        return Inline(media=data, media_type=media_type, name=text_of(node, "filename"))

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        return exchange(node, "data", "url", replacement.link)

    def linked(self, node: Node, links: Links) -> str | None:
        return links.id_of(node.get("url")) if node.get("type") == "binary" else None

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        return exchange(node, "url", "data", original.base64)


class A2AFile:
    """``{kind: "file", file: {bytes, mimeType}}`` ↔ ``file: {uri, mimeType}``."""

    members = frozenset({"file"})

    def recognize(self, node: Node) -> Inline | None:
        file = object_of(node, "file")
        data = text_of(file, "bytes")
        if node.get("kind") != "file" or data is None:
            return None
        return Inline(
            media=data,
            media_type=text_of(file, spelling(file, *_MEDIA_TYPE)),
            name=text_of(file, "name"),
        )

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        file = exchange(object_of(node, "file"), "bytes", "uri", replacement.link)
        return {**node, "file": file}

    def linked(self, node: Node, links: Links) -> str | None:
        return (
            links.id_of(object_of(node, "file").get("uri")) if node.get("kind") == "file" else None
        )

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        file = exchange(object_of(node, "file"), "uri", "bytes", original.base64)
        return {**node, "file": file}


SHAPES = (AgUiSource(), AgUiBinary(), A2AFile())
