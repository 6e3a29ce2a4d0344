"""Gemini and Google ADK: parts with ``inlineData``, generated images. Pure.

https://ai.google.dev/api/caching#Part. JSON of the API is in camel case, dumps of the Python SDK in
snake case, both with base64 in the URL-safe alphabet; neither takes members that it does not know.
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
_NAME: Final = ("displayName", "display_name")


class GeminiPart:
    """``inlineData: {data, mimeType}`` ↔ ``fileData: {fileUri, mimeType}``."""

    members = frozenset({"inlineData", "inline_data"})

    def recognize(self, node: Node) -> Inline | None:
        blob = object_of(node, spelling(node, "inlineData", "inline_data"))
        data = blob.get("data")
        if not isinstance(data, str | bytes):
            return None
        return Inline(
            media=data,
            media_type=text_of(blob, spelling(blob, *_MEDIA_TYPE)),
            name=text_of(blob, spelling(blob, *_NAME)),
        )

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        old = spelling(node, "inlineData", "inline_data")
        uri, new = ("fileUri", "fileData") if old == "inlineData" else ("file_uri", "file_data")
        blob = object_of(node, old)
        # The SDK's own requests have both spellings in one part.
        media_type = spelling(blob, *(_MEDIA_TYPE if new == "fileData" else reversed(_MEDIA_TYPE)))
        link = exchange(blob, "data", uri, replacement.link) | {
            media_type: replacement.reference.mime_type,
        }
        return exchange(node, old, new, link)

    def linked(self, node: Node, links: Links) -> str | None:
        link = object_of(node, spelling(node, "fileData", "file_data"))
        return links.id_of(link.get("fileUri", link.get("file_uri")))

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        old = spelling(node, "fileData", "file_data")
        new = "inlineData" if old == "fileData" else "inline_data"
        link = object_of(node, old)
        blob = exchange(link, spelling(link, "fileUri", "file_uri"), "data", original.base64url)
        return exchange(node, old, new, blob)


class GeminiImage:
    """``{imageBytes, mimeType}`` of a generated image ↔ ``{gcsUri, mimeType}``."""

    members = frozenset({"imageBytes", "image_bytes"})

    def recognize(self, node: Node) -> Inline | None:
        data = node.get(spelling(node, "imageBytes", "image_bytes"))
        if not isinstance(data, str | bytes):
            return None
        return Inline(media=data, media_type=text_of(node, spelling(node, *_MEDIA_TYPE)))

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        old = spelling(node, "imageBytes", "image_bytes")
        return exchange(node, old, "gcsUri" if old == "imageBytes" else "gcs_uri", replacement.link)

    def linked(self, node: Node, links: Links) -> str | None:
        return links.id_of(node.get(spelling(node, "gcsUri", "gcs_uri")))

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        old = spelling(node, "gcsUri", "gcs_uri")
        new = "imageBytes" if old == "gcsUri" else "image_bytes"
        return exchange(node, old, new, original.base64url)


SHAPES = (GeminiPart(), GeminiImage())
