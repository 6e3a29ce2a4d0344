"""OpenAI: files, generated images and their streams, audio. Pure.

https://platform.openai.com/docs/api-reference. Where an ``image_url`` is a data: URI there is
nothing to do here: a data: URI becomes a link wherever it stands.
"""

from dataclasses import dataclass
from typing import Any

from coatcheck.payload.links import Links
from coatcheck.payload.shapes.codec import (
    REFERENCE_MEMBER,
    Inline,
    Node,
    Original,
    Replacement,
    exchange,
    id_beside,
    object_of,
    text_of,
    without,
)


class OpenAIFile:
    """``{type: "input_file" | "file", file_data, filename}`` ↔ ``file_url``.

    Of Responses, and of the Agents SDK's tool outputs.
    """

    members = frozenset({"file_data"})

    def recognize(self, node: Node) -> Inline | None:
        data = text_of(node, "file_data")
        if text_of(node, "type") not in {"input_file", "file"} or data is None:
            return None
        return Inline(media=data, name=text_of(node, "filename"))

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        return exchange(node, "file_data", "file_url", replacement.link)

    def linked(self, node: Node, links: Links) -> str | None:
        return links.id_of(node.get("file_url"))

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        return exchange(node, "file_url", "file_data", original.data_uri)


@dataclass(frozen=True, slots=True)
class OpenAIGenerated:
    """A generated image where only base64 has a place: emptied, the reference beside it.

    Args:
        member: what holds the base64.
        empty: what it may be instead.
        kind: what the node's ``type`` begins with.
    """

    member: str
    empty: str | None
    kind: str

    @property
    def members(self) -> frozenset[str]:
        return frozenset({self.member})

    def recognize(self, node: Node) -> Inline | None:
        data = text_of(node, self.member)
        if data is None or not self._is_kind(node):
            return None
        return Inline(media=data, media_type="image/*")

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        return {**node, self.member: self.empty, REFERENCE_MEMBER: replacement.body}

    def linked(self, node: Node, links: Links) -> str | None:
        return id_beside(node) if self.member in node and self._is_kind(node) else None

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        return without(node, REFERENCE_MEMBER) | {self.member: original.base64}

    def _is_kind(self, node: Node) -> bool:
        return (text_of(node, "type") or "").startswith(self.kind)


class OpenAIImage:
    """``{b64_json}`` of an Images answer ↔ ``{url}``."""

    members = frozenset({"b64_json"})

    def recognize(self, node: Node) -> Inline | None:
        data = text_of(node, "b64_json")
        return None if data is None else Inline(media=data, media_type="image/*")

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        # The reference too: a URL alone would not tell such an answer from others with a `url`.
        return exchange(node, "b64_json", "url", replacement.link) | {
            REFERENCE_MEMBER: replacement.body
        }

    def linked(self, node: Node, links: Links) -> str | None:
        reference_id = links.id_of(node.get("url"))
        return reference_id if reference_id == id_beside(node) else None

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        return exchange(without(node, REFERENCE_MEMBER), "url", "b64_json", original.base64)


class OpenAIAudio:
    """``{type: "input_audio", input_audio: {data, format}}``: empty, the reference beside it."""

    members = frozenset({"input_audio"})

    def recognize(self, node: Node) -> Inline | None:
        data = text_of(object_of(node, "input_audio"), "data")
        return None if data is None else Inline(media=data)

    def replace(self, node: Node, replacement: Replacement) -> dict[str, Any]:
        audio = {**object_of(node, "input_audio"), "data": ""}
        return {**node, "input_audio": audio, REFERENCE_MEMBER: replacement.body}

    def linked(self, node: Node, links: Links) -> str | None:
        return id_beside(node) if "input_audio" in node else None

    def restore(self, node: Node, original: Original) -> dict[str, Any]:
        audio = {**object_of(node, "input_audio"), "data": original.base64}
        return without(node, REFERENCE_MEMBER) | {"input_audio": audio}


SHAPES = (
    OpenAIFile(),
    OpenAIGenerated("result", None, "image_generation_call"),
    OpenAIGenerated("partial_image_b64", "", "response.image_generation_call."),
    OpenAIGenerated("b64_json", "", "image_generation."),
    OpenAIGenerated("b64_json", "", "image_edit."),
    OpenAIImage(),
    OpenAIAudio(),
)
