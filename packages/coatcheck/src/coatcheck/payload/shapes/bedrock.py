"""Amazon Bedrock's Converse API, and Strands, whose messages have the same form. Pure.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ImageSource.html, and of
strands-agents 1.62 ``strands/types/media.py`` and ``strands/types/session.py``. boto3 and Strands
have bytes, JSON has base64, and the sessions that Strands keeps have that in an object.
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
)

_MARK: Final = "__bytes_encoded__"
_CARRIER: Final = "bytesAs"


class BedrockSource:
    """``{format, source: {bytes}}`` ↔ ``source: {location: {type: "url", uri}}``.

    Strands leaves the types of locations open. ``bytesAs`` says what carried the bytes, where it
    was text: a location says nothing of that.
    """

    members = frozenset({"source"})

    def recognize(self, node: Node) -> Inline | None:
        carried = object_of(node, "source").get("bytes")
        if text_of(node, "format") is None:
            return None
        encoded = object_of(object_of(node, "source"), "bytes")
        data = text_of(encoded, "data") if encoded.get(_MARK) is True else carried
        if not isinstance(data, str | bytes):
            return None
        return Inline(media=data, name=text_of(node, "name"))

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        location = {"type": "url", "uri": replacement.link}
        carried = object_of(node, "source").get("bytes")
        if not isinstance(carried, bytes):
            location[_CARRIER] = "base64" if isinstance(carried, str) else _MARK
        return {**node, "source": {"location": location}}

    def linked(self, node: Node, links: Links) -> str | None:
        if text_of(node, "format") is None:
            return None
        return links.id_of(object_of(object_of(node, "source"), "location").get("uri"))

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        carrier = object_of(object_of(node, "source"), "location").get(_CARRIER)
        if carrier is None:
            return {**node, "source": {"bytes": original.data}}
        encoded = {_MARK: True, "data": original.base64}
        return {**node, "source": {"bytes": encoded if carrier == _MARK else original.base64}}


SHAPES = (BedrockSource(),)
