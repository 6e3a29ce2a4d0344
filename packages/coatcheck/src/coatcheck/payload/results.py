"""Read a tool's result as ``spec/wire.md`` defines it, and the reference in it. Pure."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from coatcheck.errors import InvalidInputError
from coatcheck.reference import REFERENCE_TYPE, MediaReference, MediaUrls

REFERENCE_MEMBER: Final = "imageReference"
"""The member with the reference of a result's picture."""

URL_MEMBERS: Final = frozenset({"fullImageUrl", "thumbnailUrl"})
"""The members with URLs beside it, for browsers."""


def result_members(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a result's ``data``, or the node itself if it has no such envelope."""
    data = node.get("data")
    is_wrapped = isinstance(data, Mapping) and data.get("type") != REFERENCE_TYPE
    return data if is_wrapped and isinstance(data, Mapping) else node


def read_result(text: str) -> dict[str, Any] | None:
    """Parse a text that is a JSON object; None for any other text."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    return value if isinstance(value, dict) else None


def result_line(message: str, reference: MediaReference) -> str:
    """Return a tool's result for a model: what happened, and the reference's line."""
    return f"{message} {reference.to_model()}"


def line_of(node: Mapping[str, Any]) -> str | None:
    """Return the line of an object if it is a result, otherwise None."""
    data = result_members(node)
    reference = reference_in(data.get(REFERENCE_MEMBER))
    message = data.get("message")
    if data is node or reference is None or not isinstance(message, str):
        return None
    return result_line(message, reference)


def result_urls(reference: MediaReference, urls: MediaUrls) -> dict[str, str]:
    """Return the URLs that belong beside ``imageReference`` in a tool's result."""
    return {
        "fullImageUrl": urls.original(reference.id),
        "thumbnailUrl": urls.thumbnail(reference.id),
    }


def reference_in(value: object) -> MediaReference | None:
    """Read a value as a reference; None if it is not a valid one."""
    if not isinstance(value, Mapping) or value.get("type") != REFERENCE_TYPE:
        return None
    try:
        return MediaReference.from_stored(value)
    except InvalidInputError:
        return None
