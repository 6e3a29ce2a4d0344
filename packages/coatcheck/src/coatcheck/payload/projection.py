"""Project the references inside payloads into the form that fits the destination. Pure.

A payload is any JSON value. Each function returns a new payload and leaves the rest of it as it
was. A reference is an object; in text, such as Markdown, it is a link: ``media://{id}`` in stored
payloads, a URL in shown ones. Both are found at any depth, also in JSON inside strings, where
everything around them stays as it was, byte for byte.

Each projection is idempotent, and ``for_storage(for_ui(x))`` equals ``for_storage(x)``.
"""

import re
from collections.abc import Callable, Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from coatcheck.errors import InvalidInputError
from coatcheck.media_part import MEDIA_PART
from coatcheck.payload.arguments import argument_members
from coatcheck.payload.hydration.places import TEXT_ONLY, UNKNOWN, Visitor
from coatcheck.payload.links import Links
from coatcheck.payload.offloading.rewriting import MAX_DEPTH
from coatcheck.payload.results import (
    REFERENCE_MEMBER,
    URL_MEMBERS,
    line_of,
    reference_in,
    result_urls,
)
from coatcheck.payload.scrubbing import scrub
from coatcheck.payload.shapes import DEFAULT_SHAPES, Shapes
from coatcheck.payload.spelling import SPELLING_MEMBER, said_of
from coatcheck.reference import REFERENCE_TYPE, URI_SCHEME, MediaReference, MediaUrls

Summarize = Callable[[Mapping[str, Any] | str], str | None]
"""Returns the line for a model of an object or a text that is a tool's result in a form of your
own; None for anything else.
"""

_STORED_LINKS: Final = Links()
_URLS_OF_REFERENCES: Final = frozenset({"url", "thumbnailUrl", "variants"})
_MARKDOWN_IMAGE: Final = re.compile(r"!\[[^\[\]]{0,500}\]\(\s*<?([^\s()<>\"']{1,500})>?\s*\)")


def for_storage(payload: Any, urls: MediaUrls | None = None, *, with_links: bool = True) -> Any:
    """Put references into stored form, without URLs, for histories and databases.

    Args:
        payload: in any form.
        urls: the `MediaUrls` that minted links in its texts; by default `MediaUrls()`.
        with_links: whether texts are searched; pass False to keep a user's text as it is.
    """
    links = Links(urls or MediaUrls())

    def unmint(text: str) -> str:
        return links.replace(text, lambda reference_id: URI_SCHEME + reference_id)

    return _Projection(
        show=MediaReference.to_stored,
        finish=_drop_urls,
        rewrite=unmint,
        reads_texts=with_links,
        links=links,
    ).of(payload)


def for_ui(
    payload: Any,
    urls: MediaUrls,
    known: Collection[str] | Mapping[str, MediaReference],
    *,
    with_links: bool = True,
) -> Any:
    """Put references into UI form, with URLs minted now, for a browser.

    A URL may be signed, and a model or a user may have written any id into a message. So URLs are
    minted only for `known` references; any other reference stays in stored form, without a URL, and
    a page shows it as a picture that is not available. Arguments of tool calls
    (`coatcheck.payload.arguments`) stay as they are.

    For a single new reference, use `MediaReference.to_ui`.

    Args:
        payload: in any form.
        urls: mints them.
        known: the ids that were looked up and that the reader may read; `shown_ids` lists the ids
            to look up. If it maps ids to references, these describe the media: of the payload's
            references, only the id and the captions (`alt`, `displayName`) are trusted.
        with_links: whether links in texts become URLs too, as in what a model wrote.
    """
    catalog = known if isinstance(known, Mapping) else {}

    def show(reference: MediaReference) -> dict[str, Any]:
        if reference.id not in known:
            return reference.to_stored()
        return _as_cataloged(reference, catalog).to_ui(urls)

    def mint(members: dict[str, Any]) -> dict[str, Any]:
        reference = _image_of(members)
        if reference is None:
            return members
        if reference.id in known:
            return _without_urls(members) | result_urls(reference, urls)
        return _without_urls(members)

    def link(reference_id: str) -> str | None:
        return urls.original(reference_id) if reference_id in known else None

    def mint_links(text: str) -> str:
        return _STORED_LINKS.replace(text, link)

    return _Projection(
        show=show,
        finish=mint,
        rewrite=mint_links,
        skip=argument_members,
        reads_texts=with_links,
        links=_STORED_LINKS,
    ).of(payload)


def shown_ids(payload: Any, *, with_links: bool = True) -> set[str]:
    """Return the ids that `for_ui` can mint URLs for, to look them up first.

    Args:
        payload: in any form; its links are ``media://{id}``.
        with_links: as for `for_ui`.
    """
    found: set[str] = set()

    def note(reference: MediaReference) -> dict[str, Any]:
        found.add(reference.id)
        return reference.to_stored()

    def note_links(text: str) -> str:
        found.update(reference_id for _, _, reference_id in _STORED_LINKS.find(text))
        return text

    _Projection(
        show=note,
        finish=lambda members: members,
        rewrite=note_links,
        skip=argument_members,
        reads_texts=with_links,
        links=_STORED_LINKS,
    ).of(payload)
    return found


def for_model(
    payload: Any,
    *,
    known: Mapping[str, MediaReference] | None = None,
    urls: MediaUrls | None = None,
    shapes: Shapes = DEFAULT_SHAPES,
    summarize: Summarize | None = None,
) -> Any:
    """Turn each reference into one line of text for a model, the same bytes every time.

    A content part that names media by a link becomes the line as a whole, as does an image in
    Markdown; any other link becomes the line. A tool's whole result becomes the line that the model
    got when the tool returned. Media that is still inline, because it could not be stored, is cut
    out. To show a model pictures, use `hydrate`.

    Args:
        payload: any JSON-like value.
        known: references that were looked up. Other links become ``[media {id}]``.
        urls: the `MediaUrls` that minted links of the form ``ui``; without it, only ``media://`` is
            a link.
        shapes: how frameworks name media.
        summarize: returns the line of a tool's result in a form of your own, such as
            `coatcheck.legacy.summarize` for old histories.
    """
    links = Links(urls)
    visitor = Visitor(links, shapes, lambda found, _: found)
    catalog = known or {}

    def show(reference: MediaReference) -> str:
        return _as_cataloged(reference, catalog).to_model()

    def line(reference_id: str) -> str:
        reference = catalog.get(reference_id)
        return f"[media {reference_id}]" if reference is None else reference.to_model()

    def finish(members: dict[str, Any]) -> Any:
        told = line_of(members)
        if told is None and summarize is not None:
            told = summarize(members)
        if told is None:
            told = _line_of_part(members, visitor, line, show)
        return _drop_urls(members) if told is None else told

    def rewrite(text: str) -> str:
        told = None if summarize is None else summarize(text)
        if told is not None:
            return told

        def whole(image: re.Match[str]) -> str:
            linked = links.id_of(image[1])
            return image[0] if linked is None else line(linked)

        return links.replace(
            _MARKDOWN_IMAGE.sub(whole, text) if links.may_be_in(text) else text, line, spelled=False
        )

    return scrub(_Projection(show=show, finish=finish, rewrite=rewrite, links=links).of(payload))


def _line_of_part(
    part: Mapping[str, Any],
    visitor: Visitor,
    line: Callable[[str], str],
    show: Callable[[MediaReference], str],
) -> str | None:
    """Return the line of a part that names media by a link; None for any other part."""
    if part.get("type") == MEDIA_PART or not any(map(_may_name, part.values())):
        return None
    found = visitor.part(part, TEXT_ONLY)
    if not isinstance(found, str) or found == UNKNOWN:
        return None
    inside = _reference_within(part, found)
    return line(found) if inside is None else show(inside)


def _may_name(member: object) -> bool:
    """Whether a member of a part may name its media, or contain a member that does."""
    if isinstance(member, Mapping):
        return any(isinstance(value, str) and "/" in value for value in member.values()) or any(
            isinstance(value, Mapping) for value in member.values()
        )
    return isinstance(member, str) and "/" in member


def _reference_within(part: Mapping[str, Any], reference_id: str) -> MediaReference | None:
    """Return the reference that a part has beside its link."""
    for member in part.values():
        reference = reference_in(member)
        if reference is None and isinstance(member, Mapping):
            reference = _reference_within(member, reference_id)
        if reference is not None and reference.id == reference_id:
            return reference
    return None


def _as_cataloged(
    reference: MediaReference, catalog: Mapping[str, MediaReference]
) -> MediaReference:
    """Return the reference from the catalog, with the captions of this place."""
    found = catalog.get(reference.id)
    if found is None:
        return reference
    return replace(found, alt=reference.alt, display_name=reference.display_name)


def _image_of(members: Mapping[str, Any]) -> MediaReference | None:
    return reference_in(members.get(REFERENCE_MEMBER))


def _drop_urls(members: dict[str, Any]) -> dict[str, Any]:
    if members.get("type") == REFERENCE_TYPE:  # one that cannot be read
        return {name: value for name, value in members.items() if name not in _URLS_OF_REFERENCES}
    return members if _image_of(members) is None else _without_urls(members)


def _without_urls(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name not in URL_MEMBERS}


def _as_it_is(text: str) -> str:
    return text


def _nothing(_node: Mapping[str, Any]) -> AbstractSet[str]:
    return frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Projection:
    """The form that each part of a payload gets.

    Attributes:
        show: returns the replacement of a reference.
        finish: what becomes of any other object, before its members are projected.
        rewrite: what becomes of a text that is no JSON.
        links: recognizes links to media of this store.
        skip: which members of an object stay as they are.
        reads_texts: whether texts are looked into.
    """

    show: Callable[[MediaReference], Any]
    finish: Callable[[dict[str, Any]], Any]
    rewrite: Callable[[str], str]
    links: Links
    skip: Callable[[Mapping[str, Any]], AbstractSet[str]] = _nothing
    reads_texts: bool = True

    def of(self, value: Any, depth: int = 0, *, is_json: bool = False) -> Any:
        """The projection of a payload, or of a part of one at this depth.

        In JSON inside a string (`is_json`) what does not change is the very same object.
        """
        if depth > MAX_DEPTH:
            raise InvalidInputError(f"The payload nests deeper than {MAX_DEPTH} levels.")
        if isinstance(value, str):
            return self._string(value, depth) if self.reads_texts else value
        if isinstance(value, Mapping):
            new = self._object(value, depth, is_json=is_json)
        elif isinstance(value, list | tuple):
            new = [self.of(item, depth + 1, is_json=is_json) for item in value]
        else:
            return value
        return value if is_json and _is_same(value, new) else new

    def _object(self, node: Mapping[str, Any], depth: int, *, is_json: bool) -> Any:
        reference = reference_in(_with_floats(node))
        if reference is not None:
            shown = self.show(reference)
            spelling = said_of(node)
            if isinstance(shown, dict) and spelling is not None:
                shown[SPELLING_MEMBER] = spelling
            return shown
        members = self.finish(dict(node))
        if not isinstance(members, Mapping):
            return members
        skipped = self.skip(members)
        return {
            name: member if name in skipped else self.of(member, depth + 1, is_json=is_json)
            for name, member in members.items()
        }

    def _string(self, text: str, depth: int) -> str:
        opened = self.links.open(text)
        if opened is not None:
            try:
                new = self.of(opened.value, depth + 1, is_json=True)
            except InvalidInputError:  # it nests too deep to be read, and is a text then
                return self.rewrite(text)
            if new is opened.value:
                return text
            is_line = isinstance(new, str) and not isinstance(opened.value, str)
            return new if is_line else opened.close(new).decode()
        return self.rewrite(text)


def _is_same(old: Any, new: Any) -> bool:
    """Whether a container has the very same members in the same order."""
    if isinstance(old, Mapping):
        if not isinstance(new, Mapping) or list(old) != list(new):
            return False
        pairs = [(old[name], new[name]) for name in old]
    elif isinstance(new, list) and len(old) == len(new):
        pairs = list(zip(old, new, strict=True))
    else:
        return False
    return all(before is after or _is_equal(before, after) for before, after in pairs)


def _is_equal(before: Any, after: Any) -> bool:
    # Of a reference that is written anew the members are new objects.
    is_number = isinstance(before, Decimal) and isinstance(after, float)
    is_scalar = isinstance(before, str | int | float) and type(before) is type(after)
    return (is_number or is_scalar) and bool(before == after)


def _with_floats(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """A reference that was read from JSON inside a string, where numbers stay as written."""
    if node.get("type") != REFERENCE_TYPE:
        return node
    return {
        name: float(member) if isinstance(member, Decimal) else member
        for name, member in node.items()
    }
