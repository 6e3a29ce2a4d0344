"""References inside payloads, in the form that fits where the payload goes. Pure.

A payload is any JSON value. Each function returns a new one and leaves the rest of it as it was.
A reference is an object; in text, such as Markdown, it is a link: ``media://{id}`` where it is
kept, a URL where it is shown.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from coatcheck.errors import InvalidInputError
from coatcheck.payload.formatted import end_of_prefix
from coatcheck.payload.links import Links
from coatcheck.payload.offloading.rewriting import MAX_DEPTH
from coatcheck.payload.results import (
    MARKERS,
    is_legacy_result,
    legacy_line,
    read_text,
    result_members,
)
from coatcheck.payload.scrubbing import scrub
from coatcheck.reference import REFERENCE_TYPE, URI_SCHEME, MediaReference, MediaUrls

_URL_MEMBERS: Final = frozenset({"fullImageUrl", "thumbnailUrl"})
_STORED_LINKS: Final = Links()
_RESULT_WORDS: Final = (REFERENCE_TYPE, *MARKERS)

Replace = Callable[[MediaReference], Any]
Finish = Callable[[dict[str, Any]], Any]
Rewrite = Callable[[str], str]


def for_storage(payload: Any, urls: MediaUrls | None = None) -> Any:
    """What histories and databases keep: references in stored form, no URL of ours.

    Args:
        payload: in any form.
        urls: how links in its texts were minted; without it, texts stay as they are.
    """
    if urls is None:
        return _project(payload, MediaReference.to_stored, _drop_urls, _as_it_is)
    links = Links(urls)

    def unmint(text: str) -> str:
        return links.replace(text, lambda reference_id: URI_SCHEME + reference_id)

    return _project(payload, MediaReference.to_stored, _drop_urls, unmint)


def for_ui(payload: Any, urls: MediaUrls, known: Collection[str] = ()) -> Any:
    """What a browser gets: references in UI form, with URLs minted now.

    Args:
        payload: in stored form.
        urls: mints them.
        known: ids whose links in texts become URLs. A URL may be signed, and anybody can write a
            link into a text: pass what has been looked up for whoever sees it.
    """

    def mint(members: dict[str, Any]) -> dict[str, Any]:
        reference = _image_of(members)
        if reference is None:
            return members
        return members | result_urls(reference, urls)

    def link(reference_id: str) -> str | None:
        return urls.original(reference_id) if reference_id in known else None

    def mint_links(text: str) -> str:
        return _STORED_LINKS.replace(text, link)

    rewrite = mint_links if known else _as_it_is
    return _project(payload, lambda reference: reference.to_ui(urls), mint, rewrite)


def links_in(payload: Any) -> set[str]:
    """The ids that texts of a payload in stored form link to: for `for_ui`, once looked up."""
    found: set[str] = set()

    def note(text: str) -> str:
        found.update(reference_id for _, _, reference_id in _STORED_LINKS.find(text))
        return text

    _project(payload, lambda _: None, lambda members: members, note)
    return found


def for_model(payload: Any) -> Any:
    """What a model gets: each reference as one line of text, the same bytes every time.

    A tool's whole result becomes the line that the model was given when the tool returned; one of
    an earlier form (`coatcheck.payload.results`) becomes a line without its picture. Media
    that is inline still, because it could not be stored, is cut out; to show a model pictures on
    purpose, `hydrate` what this returns.

    Args:
        payload: any JSON-like value.
    """
    return scrub(_project(payload, MediaReference.to_model, _result_line, _text_line))


def reference_ids(payload: Any) -> frozenset[str]:
    """The id of every reference in the payload, in whichever form."""
    found: set[str] = set()

    def note(reference: MediaReference) -> None:
        found.add(reference.id)

    _project(payload, note, lambda members: members, _as_it_is)
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
    data = result_members(members)
    reference = _image_of(data)
    if reference is None and is_legacy_result(data):
        return legacy_line(data)
    if data is members or not isinstance(data.get("message"), str):
        return _drop_urls(members)
    return members if reference is None else result_line(data["message"], reference)


def _text_line(text: str) -> str:
    """The line of a result that is a text; any other text as it is."""
    if not end_of_prefix(text) and not (
        text.startswith("{") and any(word in text for word in _RESULT_WORDS)
    ):
        return text
    members = read_text(text)
    line = None if members is None else _result_line(dict(members))
    return line if isinstance(line, str) else text


def _drop_urls(members: dict[str, Any]) -> dict[str, Any]:
    if _image_of(members) is None:
        return members
    return {name: value for name, value in members.items() if name not in _URL_MEMBERS}


def _as_it_is(text: str) -> str:
    return text


def _project(
    value: Any,
    replace: Replace,
    finish: Finish,
    rewrite: Rewrite,
    depth: int = 0,
) -> Any:
    if depth > MAX_DEPTH:
        raise InvalidInputError(f"The payload nests deeper than {MAX_DEPTH} levels.")
    if isinstance(value, str):
        return rewrite(value)
    if isinstance(value, Mapping):
        reference = _reference(value)
        if reference is not None:
            return replace(reference)
        # An object that holds a reference is finished as it was, then its members are projected.
        members = finish(dict(value))
        if not isinstance(members, Mapping):
            return members
        return {
            name: _project(member, replace, finish, rewrite, depth + 1)
            for name, member in members.items()
        }
    if isinstance(value, list | tuple):
        return [_project(item, replace, finish, rewrite, depth + 1) for item in value]
    return value
