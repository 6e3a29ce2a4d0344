"""The ``data-media`` part: a picture's life in a message, from pending to ready. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from coatcheck.errors import CoatcheckError

__all__ = ["MEDIA_PART", "failed", "is_preview", "media_part", "pending", "preview", "ready"]

MEDIA_PART: Final = "data-media"
"""The ``type`` of the part."""


def media_part(part_id: str, data: dict[str, Any]) -> dict[str, Any]:
    """The part itself. A later one with the same id takes the earlier one's place."""
    return {"type": MEDIA_PART, "id": part_id, "data": data}


def pending(*, width: int, height: int, alt: str) -> dict[str, Any]:
    """Being made; `width` × `height` pixels are announced so that nothing shifts later."""
    return {"state": "pending", "width": width, "height": height, "alt": alt}


def preview(*, progress: float, preview_id: str) -> dict[str, Any]:
    """Being made, and this is how far: `progress` from 0 to 1, and where the draft waits.

    ``previewId`` stays inside the server. The sender of the part says where its bytes are.
    """
    return {"state": "preview", "progress": progress, "previewId": preview_id}


def is_preview(part: Mapping[str, Any]) -> bool:
    """Whether this is a part in the state that is never kept."""
    return part["type"] == MEDIA_PART and bool(part["data"].get("state") == "preview")


def ready(reference: dict[str, Any]) -> dict[str, Any]:
    """Made: `reference` in UI form."""
    return {"state": "ready", "reference": reference}


def failed(error: CoatcheckError) -> dict[str, Any]:
    """Not made, and why."""
    return {"state": "failed", "error": {"code": error.code, "message": error.message}}
