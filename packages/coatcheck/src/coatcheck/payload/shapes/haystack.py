"""Haystack: images and files of chat messages. Pure.

``haystack/dataclasses/image_content.py`` and ``file_content.py`` of haystack-ai 3.4. Its classes
take base64 alone, so that is emptied, and the reference stands in what they keep for others.
"""

from typing import Any, Final

from coatcheck.payload.links import Links
from coatcheck.payload.shapes.codec import (
    Inline,
    Node,
    Original,
    Replacement,
    object_of,
    text_of,
    without,
)

_OURS: Final = "coatcheck"


class HaystackContent:
    """``{base64_image, mime_type, meta}`` and ``{base64_data, mime_type, filename, extra}``.

    Args:
        data: the member that has base64.
        keeps: the member that is kept for others.
    """

    def __init__(self, data: str, keeps: str) -> None:
        self._data = data
        self._keeps = keeps
        self.members = frozenset({data})

    def recognize(self, node: Node) -> Inline | None:
        data = text_of(node, self._data)
        if not data:
            return None
        return Inline(
            media=data, media_type=text_of(node, "mime_type"), name=text_of(node, "filename")
        )

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        kept = {**object_of(node, self._keeps), _OURS: replacement.body}
        return {**node, self._data: "", self._keeps: kept}

    def linked(self, node: Node, links: Links) -> str | None:
        if node.get(self._data) != "":
            return None
        return text_of(object_of(object_of(node, self._keeps), _OURS), "id")

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        kept = without(object_of(node, self._keeps), _OURS)
        return {**node, self._data: original.base64, self._keeps: kept}


SHAPES = (HaystackContent("base64_image", "meta"), HaystackContent("base64_data", "extra"))
