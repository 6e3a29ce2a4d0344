"""The ``data-media`` part: a picture's life in a message, from pending to ready. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from coatcheck.errors import CoatcheckError

__all__ = ["MEDIA_PART", "failed", "is_preview", "media_part", "pending", "preview", "ready"]

MEDIA_PART: Final = "data-media"
"""The ``type`` of the part."""


def media_part(part_id: str, data: dict[str, Any]) -> dict[str, Any]:
    """Build the part. A later part with the same id replaces an earlier one."""
    return {"type": MEDIA_PART, "id": part_id, "data": data}


def pending(*, width: int, height: int, alt: str) -> dict[str, Any]:
    """The picture is being made; `width` × `height` pixels reserve its place in the layout."""
    return {"state": "pending", "width": width, "height": height, "alt": alt}


def preview(*, progress: float, preview_id: str) -> dict[str, Any]:
    """The picture is being made: `progress` from 0 to 1, and the id of the draft.

    ``previewId`` stays inside the server. The sender of the part adds the URL of the draft's bytes.
    """
    return {"state": "preview", "progress": progress, "previewId": preview_id}


def is_preview(part: Mapping[str, Any]) -> bool:
    """Whether the part is a preview, which is never stored."""
    return part["type"] == MEDIA_PART and bool(part["data"].get("state") == "preview")


def ready(reference: dict[str, Any]) -> dict[str, Any]:
    """The picture is ready: `reference` in UI form."""
    return {"state": "ready", "reference": reference}


def failed(error: CoatcheckError) -> dict[str, Any]:
    """The picture was not made, with the reason."""
    return {"state": "failed", "error": {"code": error.code, "message": error.message}}
