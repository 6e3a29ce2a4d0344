"""Agno: images, audio, videos and files of messages and runs. Pure.

``agno/media/media.py`` of agno 3.1: what its ``to_dict`` writes, and its ``from_dict`` reads.
"""

import re
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

_METADATA: Final = "metadata"
_OURS: Final = "coatcheck"
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{64}")  # messages have texts under the same name


class AgnoMedia:
    """``{id, content, mime_type?, …}`` ↔ ``url``, and the reference in ``metadata``.

    The URL is what its classes take. Many other objects have an id and a URL: the reference tells
    them apart, and Agno keeps what is in the metadata.
    """

    members = frozenset({"content"})

    def recognize(self, node: Node) -> Inline | None:
        content = text_of(node, "content")
        if content is None or text_of(node, "id") is None or "role" in node or "type" in node:
            return None
        if not _BASE64.match(content):
            return None
        name, alt = text_of(node, "filename"), text_of(node, "alt_text")
        return Inline(media=content, media_type=text_of(node, "mime_type"), name=name, alt=alt)

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        metadata = {**object_of(node, _METADATA), _OURS: replacement.body}
        return exchange(node, "content", "url", replacement.link) | {_METADATA: metadata}

    def linked(self, node: Node, links: Links) -> str | None:
        if links.id_of(node.get("url")) is None:
            return None
        return text_of(object_of(object_of(node, _METADATA), _OURS), "id")

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        metadata = without(object_of(node, _METADATA), _OURS)
        inline = exchange(node, "url", "content", original.base64)
        return inline | {_METADATA: metadata} if metadata else without(inline, _METADATA)


SHAPES = (AgnoMedia(),)
