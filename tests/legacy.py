"""Histories as they were before there were references: a fixture for each shape."""

import base64
import json
from typing import Any

FILE_NAME = "lighthouse.png"


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def formatted(members: dict[str, Any]) -> str:
    return "✅ **Success**: " + json.dumps(members)


def reference(thumbnail: bytes, **members: Any) -> dict[str, Any]:
    """An ``imageReference`` in snake case."""
    return {
        "image_id": "img-7",
        "thumbnail_base64": encoded(thumbnail),
        "mime_type": "image/png",
        "absolute_path": f"/srv/generated/{FILE_NAME}",
        "relative_path": FILE_NAME,
    } | members


def results(data: bytes, thumbnail: bytes) -> dict[str, Any]:
    """Each shape in which a tool's result carried its picture inline."""
    text = encoded(data)
    uri = f"data:image/png;base64,{text}"
    about = {
        "prompt": "a lighthouse at dusk",
        "model": "dall-e-3",
        "mode": "generate",
        "size": "64x48",
        "timestamp": "2024-05-01T12:00:00Z",
    }
    members: dict[str, dict[str, Any]] = {
        "imageData": {"imageData": text},
        "imageUrl": {"imageUrl": uri},
        "image_data": {"image_data": text},
        "data": {"data": text},
        "url": {"url": uri},
        "image_url": {"image_url": uri},
        "both": {"imageData": text, "imageUrl": uri},
        "beside a reference": {"imageData": text, "imageReference": reference(thumbnail)},
    }
    shapes: dict[str, Any] = {}
    for name, media in members.items():
        shapes[f"text, {name}"] = formatted(media | about)
        shapes[f"fenced, {name}"] = f"**Success**:\n```json\n{json.dumps(media | about)}\n```\n"
        shapes[f"object, {name}"] = media | about
        shapes[f"wrapped, {name}"] = {"success": True, "data": media | about}
        shapes[f"JSON, {name}"] = json.dumps(media | about)
    return shapes


def tool_message(identifier: str, output: Any) -> dict[str, Any]:
    """An assistant's message with a tool's result in it."""
    part = {
        "type": "tool-generate_image",
        "toolCallId": f"call-{identifier}",
        "state": "output-available",
        "input": {"prompt": "a lighthouse at dusk"},
        "output": output,
    }
    return {"id": identifier, "role": "assistant", "parts": [part]}


def text_message(identifier: str, text: str, role: str = "assistant") -> dict[str, Any]:
    return {"id": identifier, "role": role, "parts": [{"type": "text", "text": text}]}
