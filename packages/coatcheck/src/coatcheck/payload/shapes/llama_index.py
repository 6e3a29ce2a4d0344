"""LlamaIndex: content blocks of chat messages. Pure.

``llama_index/core/base/llms/types.py`` of llama-index-core 0.14.
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

_DATA: Final = {"image": "image", "audio": "audio", "video": "video", "document": "data"}
_MEDIA_TYPE: Final = {
    "image": "image_mimetype",
    "video": "video_mimetype",
    "document": "document_mimetype",
}


class LlamaIndexBlock:
    """``{block_type: "image" | …, image | …}`` ↔ ``url``.

    The member for the data has the block's type for a name, or is ``data``. Of a Python dump it is
    base64 as bytes.
    """

    members = frozenset({"block_type"})

    def recognize(self, node: Node) -> Inline | None:
        kind = text_of(node, "block_type") or ""
        data = node.get(_DATA.get(kind, ""))
        if isinstance(data, bytes):
            data = data.decode("ascii", "replace")
        if not isinstance(data, str):
            return None
        media_type = text_of(node, _MEDIA_TYPE.get(kind, ""))
        return Inline(media=data, media_type=media_type, name=text_of(node, "title"))

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        return exchange(node, _DATA[node["block_type"]], "url", replacement.link)

    def linked(self, node: Node, links: Links) -> str | None:
        return links.id_of(node.get("url")) if text_of(node, "block_type") in _DATA else None

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        return exchange(node, "url", _DATA[node["block_type"]], original.base64)


SHAPES = (LlamaIndexBlock(),)
