"""Model Context Protocol: image and audio content, embedded resources, `resources/read`. Pure.

https://modelcontextprotocol.io/specification: a result may name media by a ``resource_link``. What
the link cannot say (which content it was) goes into its ``_meta``, as does the whole reference.
"""

from typing import Any, Final
from urllib.parse import unquote

from coatcheck.mediatype import extension_for
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
    without,
)
from coatcheck.reference import clean_display_name

_META: Final = "coatcheck"
_CONTENT: Final = frozenset({"image", "audio"})


class McpContent:
    """``{type: "image" | "audio", data, mimeType}`` ↔ ``resource_link``."""

    members = frozenset({"data"})

    def recognize(self, node: Node) -> Inline | None:
        data, media_type = text_of(node, "data"), _media_type(node)
        if text_of(node, "type") not in _CONTENT or data is None or media_type is None:
            return None
        return Inline(media=data, media_type=media_type)

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        link = exchange(node, "data", "uri", replacement.link)
        return _link(link, replacement, {"was": node["type"]}, like=node)

    def linked(self, node: Node, links: Links) -> str | None:
        return links.id_of(node.get("uri")) if _was(node) in _CONTENT else None

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        plain = without(_unnoted(node), "name", "size")
        return exchange(plain, "uri", "data", original.base64) | {"type": _was(node)}


class McpResource:
    """``{type: "resource", resource: {uri, mimeType, blob}}`` ↔ ``resource_link``."""

    members = frozenset({"resource"})

    def recognize(self, node: Node) -> Inline | None:
        resource = object_of(node, "resource")
        blob = text_of(resource, "blob")
        if node.get("type") != "resource" or blob is None:
            return None
        return Inline(media=blob, media_type=_media_type(resource), name=_name(resource))

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        resource = object_of(node, "resource")
        told = {"was": "resource", "resource": without(resource, "blob")}
        return _link(without(node, "resource"), replacement, told, like=resource)

    def linked(self, node: Node, links: Links) -> str | None:
        return links.id_of(node.get("uri")) if _was(node) == "resource" else None

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        resource = object_of(_told(node), "resource")
        plain = without(_unlinked(node), "mimeType", "mime_type")
        return {**plain, "type": "resource", "resource": {**resource, "blob": original.base64}}


class McpBlob:
    """``{uri, mimeType, blob}`` of ``resources/read``, which has no place for a link.

    Its ``blob`` becomes empty and the reference stands in ``_meta``.
    """

    members = frozenset({"blob"})

    def recognize(self, node: Node) -> Inline | None:
        blob = text_of(node, "blob")
        if blob is None or text_of(node, "uri") is None:
            return None
        return Inline(media=blob, media_type=_media_type(node), name=_name(node))

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        told = {"was": "blob", "reference": replacement.body}
        return _noted({**node, "blob": ""}, told)

    def linked(self, node: Node, links: Links) -> str | None:
        if _was(node) != "blob" or "blob" not in node:
            return None
        return text_of(object_of(_told(node), "reference"), "id")

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        return {**_unnoted(node), "blob": original.base64}


SHAPES = (McpResource(), McpContent(), McpBlob())


def _link(
    node: Node, replacement: Replacement, told: dict[str, Any], *, like: Node
) -> dict[str, Any]:
    """A ``resource_link``, with its media type in the spelling of `like`."""
    reference = replacement.reference
    named = reference.display_name or f"media{extension_for(reference.mime_type)}"
    link = {
        **node,
        "type": "resource_link",
        "uri": replacement.link,
        "name": named,
        "size": reference.size,
        spelling(like, "mimeType", "mime_type"): reference.mime_type,
    }
    return _noted(link, {**told, "reference": replacement.body})


def _unlinked(node: Node) -> dict[str, Any]:
    return without(_unnoted(node), "uri", "name", "size")


def _noted(node: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    name = spelling(node, "_meta", "meta")
    return {**node, name: {**object_of(node, name), _META: told}}


def _unnoted(node: Node) -> dict[str, Any]:
    name = spelling(node, "_meta", "meta")
    kept = without(object_of(node, name), _META)
    if kept:
        return {**node, name: kept}
    # On the wire an empty ``_meta`` is absent; a dump in Python's spelling has it as null.
    return {**node, name: None} if name == "meta" else without(node, name)


def _told(node: Node) -> Node:
    return object_of(object_of(node, spelling(node, "_meta", "meta")), _META)


def _was(node: Node) -> str | None:
    return text_of(_told(node), "was")


def _media_type(node: Node) -> str | None:
    return text_of(node, spelling(node, "mimeType", "mime_type"))


def _name(resource: Node) -> str | None:
    uri = text_of(resource, "uri") or ""
    return clean_display_name(unquote(uri.partition("?")[0].rstrip("/"))[-200:])
