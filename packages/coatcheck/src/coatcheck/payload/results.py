"""A tool's result as ``spec/wire.md`` has it: what it says, and the reference in it. Pure."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from coatcheck.errors import InvalidInputError
from coatcheck.reference import REFERENCE_TYPE, MediaReference, MediaUrls

REFERENCE_MEMBER: Final = "imageReference"
"""Where a result has its picture's reference."""

URL_MEMBERS: Final = frozenset({"fullImageUrl", "thumbnailUrl"})
"""What stands beside it where a browser reads the result."""


def result_members(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a result says: its ``data``, or the node itself where nothing is around it."""
    data = node.get("data")
    is_wrapped = isinstance(data, Mapping) and data.get("type") != REFERENCE_TYPE
    return data if is_wrapped and isinstance(data, Mapping) else node


def read_result(text: str) -> dict[str, Any] | None:
    """The JSON object that a text is; None for any other text."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    return value if isinstance(value, dict) else None


def result_line(message: str, reference: MediaReference) -> str:
    """A tool's result for a model: what happened, and the reference's line."""
    return f"{message} {reference.to_model()}"


def line_of(node: Mapping[str, Any]) -> str | None:
    """The line of an object that is a result; None for any other."""
    data = result_members(node)
    reference = reference_in(data.get(REFERENCE_MEMBER))
    message = data.get("message")
    if data is node or reference is None or not isinstance(message, str):
        return None
    return result_line(message, reference)


def result_urls(reference: MediaReference, urls: MediaUrls) -> dict[str, str]:
    """The URLs that stand beside ``imageReference`` in a tool's result."""
    return {
        "fullImageUrl": urls.original(reference.id),
        "thumbnailUrl": urls.thumbnail(reference.id),
    }


def reference_in(value: object) -> MediaReference | None:
    """The reference that a value is; None for anything else, also what only looks like one."""
    if not isinstance(value, Mapping) or value.get("type") != REFERENCE_TYPE:
        return None
    try:
        return MediaReference.from_stored(value)
    except InvalidInputError:
        return None
