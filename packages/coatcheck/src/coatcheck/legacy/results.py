"""Recognize and read tool results of earlier forms, and sum them up in one line. Pure.

They carried the picture itself, as base64, as a ``data:`` URI or as the path of a file, in an
object or in a text ``✅ **Success**: {json}``. They are read forever and written never.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from coatcheck.legacy.formatted import end_of_prefix, json_of
from coatcheck.payload.results import (
    REFERENCE_MEMBER,
    line_of,
    read_result,
    reference_in,
    result_members,
)
from coatcheck.payload.scanning.documents import HeldText
from coatcheck.reference import ALT_WEIGHT, REFERENCE_TYPE, URI_SCHEME, clean_text

PICTURE_MEMBERS: Final = ("imageData", "image_data", "imageUrl", "image_url", "data", "url")
"""Where results carried their picture, the surest first."""

THUMBNAIL_MEMBER: Final = "thumbnail_base64"

MARKERS: Final = (
    "imageData",
    "image_data",
    "imageUrl",
    "image_url",
    THUMBNAIL_MEMBER,
    "absolute_path",
    "relative_path",
    "**Success**",
)
"""A legacy result has at least one of these in it, spelled like this in any JSON."""

DEFAULT_MESSAGE: Final = "Image generated."

_LEGACY_REFERENCE: Final = frozenset(
    {THUMBNAIL_MEMBER, "image_id", "absolute_path", "relative_path"}
)
_PICTURE_URIS: Final = ("data:", "file://", URI_SCHEME)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{64}")
_SURE: Final = frozenset({"imageData", "image_data"})
# What an object is a result by, if a member that others have too holds its picture.
_COMPANIONS: Final = frozenset({"prompt", "success", "mode", "model", "message", "timestamp"})
_LINE_WEIGHT: Final = 300
_OPENING: Final = 256


def is_legacy_result(node: Mapping[str, Any]) -> bool:
    """Whether an object is a result of an earlier form."""
    if "type" in node:  # a part of a message: those are known by their type
        return False
    if legacy_reference(node) is not None:
        return True
    names = [name for name in PICTURE_MEMBERS if _carries_picture(name, node.get(name))]
    return any(name in _SURE for name in names) or (
        bool(names) and not _COMPANIONS.isdisjoint(node)
    )


def legacy_reference(node: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The ``imageReference`` of a result where it is of the earlier form, in snake case."""
    value = node.get(REFERENCE_MEMBER)
    if not isinstance(value, Mapping) or value.get("type") == REFERENCE_TYPE:
        return None
    return None if _LEGACY_REFERENCE.isdisjoint(value) else value


def _carries_picture(name: str, value: object) -> bool:
    if isinstance(value, Mapping):
        return value.get("type") == REFERENCE_TYPE
    if not isinstance(value, str):
        return False
    if value.startswith(_PICTURE_URIS):
        return True
    if name.lower().endswith("url"):
        return False
    return isinstance(value, HeldText) or _BASE64.match(value) is not None


def read_text(text: str) -> Mapping[str, Any] | None:
    """The object that a text holds, formatted or as bare JSON; None for any other text."""
    is_formatted = end_of_prefix(text) > 0
    if not is_formatted and text[:_LINE_WEIGHT].lstrip()[:1] != "{":
        return None
    value = read_result(json_of(text))
    # The words around it say that it succeeded.
    return {"success": True, **value} if is_formatted and value is not None else value


def message_of(members: Mapping[str, Any]) -> str:
    """What a result says happened, in one line."""
    message = members.get("message")
    words = clean_text(message, _LINE_WEIGHT) if isinstance(message, str) else ""
    return words or DEFAULT_MESSAGE


def summarize(result: Mapping[str, Any] | str) -> str | None:
    """Return the line of a result of an earlier form for a model; None for anything else.

    Pass it to `coatcheck.for_model`. The line says what happened, without picture and path.

    Args:
        result: an object or a text.
    """
    if isinstance(result, Mapping):
        members = result_members(result)
        is_ours = reference_in(members.get(REFERENCE_MEMBER)) is not None
        return _line(members) if not is_ours and is_legacy_result(members) else None
    if not is_result_text(result):
        return None
    read = read_text(result)
    if read is None:
        return None
    return line_of(read) or summarize(read)  # the words may stand around today's form


def is_result_text(text: str) -> bool:
    """Whether a text may be a result of an earlier form, or JSON that holds one."""
    return end_of_prefix(text) > 0 or (
        text[:_OPENING].lstrip()[:1] in {"{", "["} and any(marker in text for marker in MARKERS)
    )


def _line(members: Mapping[str, Any]) -> str:
    prompt = members.get("prompt")
    caption = clean_text(prompt, ALT_WEIGHT) if isinstance(prompt, str) else ""
    quoted = caption.translate(str.maketrans('"[]', "'()"))
    shown = f'[image "{quoted}"]' if quoted else "[image]"
    return f"{message_of(members)} {shown}"
