"""References inside payloads, in the form that fits where the payload goes. Pure.

A payload is any JSON value. Each function returns a new one and leaves the rest of it as it was.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from coatcheck.errors import InvalidInputError
from coatcheck.reference import REFERENCE_TYPE, MediaReference, MediaUrls

MAX_DEPTH: Final = 64
"""How deep a payload may nest; messages nest about ten levels."""

_URL_MEMBERS: Final = frozenset({"fullImageUrl", "thumbnailUrl"})

Replace = Callable[[MediaReference], Any]
Finish = Callable[[dict[str, Any]], Any]


def for_storage(payload: Any) -> Any:
    """What histories and databases keep: references in stored form, no URL of ours."""
    return _project(payload, MediaReference.to_stored, _drop_urls)


def for_ui(payload: Any, urls: MediaUrls) -> Any:
    """What a browser gets: references in UI form, with URLs minted now."""

    def mint(members: dict[str, Any]) -> dict[str, Any]:
        reference = _image_of(members)
        if reference is None:
            return members
        return members | result_urls(reference, urls)

    return _project(payload, lambda reference: reference.to_ui(urls), mint)


def for_model(payload: Any) -> Any:
    """What a model gets: each reference as one line of text, the same bytes every time.

    A tool's whole result becomes the line that the model was given when the tool returned.
    """
    return _project(payload, MediaReference.to_model, _result_line)


def reference_ids(payload: Any) -> frozenset[str]:
    """The id of every reference in the payload, in whichever form."""
    found: set[str] = set()

    def note(reference: MediaReference) -> None:
        found.add(reference.id)

    _project(payload, note, lambda members: members)
    return frozenset(found)


def result_line(message: str, reference: MediaReference) -> str:
    """A tool's result for a model: what happened, and the reference's line."""
    return f"{message} {reference.to_model()}"


def result_urls(reference: MediaReference, urls: MediaUrls) -> dict[str, str]:
    """The URLs that stand beside ``imageReference`` in a tool's result."""
    return {
        "fullImageUrl": urls.original(reference.id),
        "thumbnailUrl": urls.thumbnail(reference.id),
    }


def _image_of(members: Mapping[str, Any]) -> MediaReference | None:
    return _reference(members.get("imageReference"))


def _reference(value: object) -> MediaReference | None:
    if not isinstance(value, Mapping) or value.get("type") != REFERENCE_TYPE:
        return None
    try:
        return MediaReference.from_stored(value)
    except InvalidInputError:
        return None  # something that only looks like one passes unchanged


def _result_line(members: dict[str, Any]) -> Any:
    data = members.get("data")
    if not isinstance(data, Mapping) or not isinstance(data.get("message"), str):
        return _drop_urls(members)
    reference = _image_of(data)
    return members if reference is None else result_line(data["message"], reference)


def _drop_urls(members: dict[str, Any]) -> dict[str, Any]:
    if _image_of(members) is None:
        return members
    return {name: value for name, value in members.items() if name not in _URL_MEMBERS}


def _project(
    value: Any,
    replace: Replace,
    finish: Finish,
    depth: int = 0,
) -> Any:
    if depth > MAX_DEPTH:
        raise InvalidInputError(f"The payload nests deeper than {MAX_DEPTH} levels.")
    if isinstance(value, Mapping):
        reference = _reference(value)
        if reference is not None:
            return replace(reference)
        # An object that holds a reference is finished as it was, then its members are projected.
        members = finish(dict(value))
        if not isinstance(members, Mapping):
            return members
        return {
            name: _project(member, replace, finish, depth + 1) for name, member in members.items()
        }
    if isinstance(value, list | tuple):
        return [_project(item, replace, finish, depth + 1) for item in value]
    return value
