"""Vercel AI SDK: file parts of UI messages, content of model messages; assistant-ui. Pure.

https://ai-sdk.dev/docs/reference/ai-sdk-core/model-message. In a UI message media travels as a
``data-media`` part (``spec/wire.md``). A model message names media by a URL.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from coatcheck import media_part
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

_DATA_URI: Final = "data:"
_REST: Final = "part"
_OPTIONS: Final = "providerOptions"
_OURS: Final = "coatcheck"
_URL_TYPES: Final = {"image-url": "image-data", "file-url": "file-data"}


class AiSdkUserFile:
    """A file in a user's message: it stays a file, its URL a link.

    A data part would be left out of what a model is asked (``convertToModelMessages``).
    """

    members = frozenset({"parts"})

    def recognize(self, node: Node) -> Inline | None:
        part = next(self._inline_files(node), None)
        if part is None:
            return None
        return Inline(media=part["url"], media_type=text_of(part, "mediaType"))

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        inline = next(self._inline_files(node))
        file = {**inline, "url": replacement.link}
        return {**node, "parts": [file if part is inline else part for part in node["parts"]]}

    def linked(self, node: Node, links: Links) -> str | None:
        return None  # a link becomes a data: URI again wherever it stands

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        return {**node}

    def _inline_files(self, node: Node) -> Iterator[Node]:
        parts = node.get("parts")
        if node.get("role") != "user" or not isinstance(parts, list):
            return
        for part in parts:
            if isinstance(part, Mapping) and part.get("type") == "file":
                url = text_of(part, "url")
                if url is not None and url.startswith(_DATA_URI):
                    yield part


class AiSdkUiFile:
    """``{type: "file", url: "data:…", mediaType}`` ↔ a ``data-media`` part that is ready."""

    members = frozenset({"url"})

    def recognize(self, node: Node) -> Inline | None:
        url, media_type = text_of(node, "url"), text_of(node, "mediaType")
        if node.get("type") != "file" or media_type is None or url is None:
            return None
        if not url.startswith(_DATA_URI):
            return None
        return Inline(media=url, media_type=media_type, name=text_of(node, "filename"))

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        ready = media_part.ready(dict(replacement.body))
        rest = without(node, "type", "url", "mediaType", "filename")
        if rest:  # such as `providerMetadata`
            ready[_REST] = rest
        return media_part.media_part(replacement.reference.id, ready)

    def linked(self, node: Node, links: Links) -> str | None:
        if node.get("type") != media_part.MEDIA_PART:
            return None
        return text_of(object_of(object_of(node, "data"), "reference"), "id")

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        data = object_of(node, "data")
        rest = object_of(data, _REST)
        file = {
            "type": "file",
            "mediaType": original.reference.mime_type,
            "url": original.data_uri,
            **rest,
        }
        # The name is the place's: another place may show the same media under another one.
        name = text_of(object_of(data, "reference"), "displayName")
        return file if name is None else file | {"filename": name}


class AiSdkFile:
    """``{type: "file", mediaType | mimeType, data}`` ↔ the same with a URL for ``data``.

    ``data`` is base64 or, since AI SDK 6, ``{type: "data", data}``. assistant-ui has ``mimeType``
    and tells what ``data`` is by ``sourceType``.
    """

    members = frozenset({"data"})

    def recognize(self, node: Node) -> Inline | None:
        media_type = text_of(node, "mediaType") or text_of(node, "mimeType")
        if node.get("type") != "file" or media_type is None:
            return None
        tagged = object_of(node, "data")
        data = text_of(tagged, "data") if tagged.get("type") == "data" else text_of(node, "data")
        if data is None:
            return None
        return Inline(media=data, media_type=media_type, name=text_of(node, "filename"))

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        link = replacement.link
        if object_of(node, "data"):
            return {**node, "data": {"type": "url", "url": link}}
        source = {"sourceType": "url"} if "mimeType" in node else {}
        return {**node, "data": link, **source}

    def linked(self, node: Node, links: Links) -> str | None:
        if node.get("type") != "file":
            return None
        return links.id_of(object_of(node, "data").get("url", node.get("data")))

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        if object_of(node, "data"):
            return {**node, "data": {"type": "data", "data": original.base64}}
        return without(node, "sourceType") | {"data": original.base64}


class AiSdkToolMedia:
    """``{type: "image-data" | "file-data" | "media", data}`` ↔ ``{type: "file", data: {url}}``.

    Content of tool results before AI SDK 7, which deprecates these types and those for URLs. What
    the type was stands in ``providerOptions``, which the SDK passes on. A part of the deprecated
    types for URLs that an application wrote is read as well.
    """

    members = frozenset({"data"})

    def recognize(self, node: Node) -> Inline | None:
        data, media_type = text_of(node, "data"), text_of(node, "mediaType")
        if text_of(node, "type") not in {"image-data", "file-data", "media"}:
            return None
        if data is None or media_type is None:
            return None
        return Inline(media=data, media_type=media_type, name=text_of(node, "filename"))

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        options = {**object_of(node, _OPTIONS), _OURS: {"type": node["type"]}}
        data = {"type": "url", "url": replacement.link}
        return {**node, "type": "file", "data": data, _OPTIONS: options}

    def linked(self, node: Node, links: Links) -> str | None:
        kind = text_of(node, "type")
        if kind in _URL_TYPES:
            return links.id_of(node.get("url"))
        if kind != "file" or _former_type(node) is None:
            return None
        return links.id_of(object_of(node, "data").get("url"))

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        kind = _URL_TYPES.get(node["type"])
        if kind is not None:
            return without(node, "url") | {"type": kind, "data": original.base64}
        inline = {**node, "type": _former_type(node), "data": original.base64}
        options = without(object_of(node, _OPTIONS), _OURS)
        return inline | {_OPTIONS: options} if options else without(inline, _OPTIONS)


def _former_type(node: Node) -> str | None:
    return text_of(object_of(object_of(node, _OPTIONS), _OURS), "type")


class AiSdkImage:
    """``{type: "image", image}`` of a user's message, base64 ↔ the same with a URL."""

    members = frozenset({"image"})

    def recognize(self, node: Node) -> Inline | None:
        image = text_of(node, "image")
        if node.get("type") != "image" or image is None or image.startswith(_DATA_URI):
            return None  # a data: URI becomes a link, and a link one again, wherever it stands
        return Inline(media=image, media_type=text_of(node, "mediaType") or "image/*")

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        return {**node, "image": replacement.link}

    def linked(self, node: Node, links: Links) -> str | None:
        is_bare = node.get("type") == "image" and "mediaType" in node
        return links.id_of(node.get("image")) if is_bare else None

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        return {**node, "image": original.base64}


# What was of an older type asks before `AiSdkFile`, whose form it takes.
SHAPES = (AiSdkUserFile(), AiSdkUiFile(), AiSdkToolMedia(), AiSdkFile(), AiSdkImage())
