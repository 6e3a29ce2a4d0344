"""References inside payloads, in the form that fits where the payload goes. Pure.

A payload is any JSON value. Each function returns a new one and leaves the rest of it as it was.
A reference is an object; in text, such as Markdown, it is a link: ``media://{id}`` where it is
kept, a URL where it is shown.
"""

from collections.abc import Callable, Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final

from coatcheck.errors import InvalidInputError
from coatcheck.payload.arguments import argument_members
from coatcheck.payload.links import Links
from coatcheck.payload.offloading.rewriting import MAX_DEPTH
from coatcheck.payload.results import (
    REFERENCE_MEMBER,
    URL_MEMBERS,
    line_of,
    read_result,
    reference_in,
    result_urls,
)
from coatcheck.payload.scrubbing import scrub
from coatcheck.reference import REFERENCE_TYPE, URI_SCHEME, MediaReference, MediaUrls

Summarize = Callable[[Mapping[str, Any] | str], str | None]
"""The line for a model of an object or a text that is a tool's result in a form of its own.

None for anything else.
"""

_STORED_LINKS: Final = Links()


def for_storage(payload: Any, urls: MediaUrls | None = None) -> Any:
    """What histories and databases keep: references in stored form, no URL of ours.

    Args:
        payload: in any form.
        urls: how links in its texts were minted; without it, texts stay as they are.
    """
    if urls is None:
        return _Projection(
            replace=MediaReference.to_stored, finish=_drop_urls, rewrite=_as_it_is
        ).of(payload)
    links = Links(urls)

    def unmint(text: str) -> str:
        return links.replace(text, lambda reference_id: URI_SCHEME + reference_id)

    return _Projection(replace=MediaReference.to_stored, finish=_drop_urls, rewrite=unmint).of(
        payload
    )


def for_ui(
    payload: Any, urls: MediaUrls, known: Collection[str], *, with_links: bool = True
) -> Any:
    """What a browser gets: references in UI form, with URLs minted now.

    A URL may be signed, and a model or a user may have written any id into a message. So a URL is
    minted for what is `known` alone; any other reference is shown in stored form, without one. What
    a model hands to a tool (`coatcheck.payload.arguments`) stays as it is, whatever it holds.

    To show a reference that was made just now, `MediaReference.to_ui` is enough.

    Args:
        payload: in any form.
        urls: mints them.
        known: the ids that have been looked up for the reader and that the reader may read.
            `shown_ids` lists those to look up.
        with_links: whether links in texts become URLs too, as in what a model wrote.
    """

    def show(reference: MediaReference) -> dict[str, Any]:
        return reference.to_ui(urls) if reference.id in known else reference.to_stored()

    def mint(members: dict[str, Any]) -> dict[str, Any]:
        reference = _image_of(members)
        if reference is None:
            return members
        if reference.id in known:
            return members | result_urls(reference, urls)
        return _without_urls(members)

    def link(reference_id: str) -> str | None:
        return urls.original(reference_id) if reference_id in known else None

    def mint_links(text: str) -> str:
        return _STORED_LINKS.replace(text, link)

    rewrite = mint_links if with_links else _as_it_is
    return _Projection(replace=show, finish=mint, rewrite=rewrite, skip=argument_members).of(
        payload
    )


def shown_ids(payload: Any, *, with_links: bool = True) -> set[str]:
    """The ids of what `for_ui` mints URLs for, once they have been looked up.

    Args:
        payload: in any form; its links are ``media://{id}``.
        with_links: as for `for_ui`.
    """
    found: set[str] = set()

    def note(reference: MediaReference) -> None:
        found.add(reference.id)

    def note_links(text: str) -> str:
        found.update(reference_id for _, _, reference_id in _STORED_LINKS.find(text))
        return text

    rewrite = note_links if with_links else _as_it_is
    _Projection(
        replace=note, finish=lambda members: members, rewrite=rewrite, skip=argument_members
    ).of(payload)
    return found


def for_model(payload: Any, *, summarize: Summarize | None = None) -> Any:
    """What a model gets: each reference as one line of text, the same bytes every time.

    A tool's whole result becomes the line that the model was given when the tool returned. Media
    that is inline still, because it could not be stored, is cut out; to show a model pictures on
    purpose, `hydrate` what this returns.

    Args:
        payload: any JSON-like value.
        summarize: gives the line of a tool's result in a form of your own;
            `coatcheck.legacy.summarize` for what old histories hold.
    """

    def finish(members: dict[str, Any]) -> Any:
        line = line_of(members)
        if line is None and summarize is not None:
            line = summarize(members)
        return _drop_urls(members) if line is None else line

    def rewrite(text: str) -> str:
        line = _text_line(text)
        if line is None and summarize is not None:
            line = summarize(text)
        return text if line is None else line

    return scrub(
        _Projection(replace=MediaReference.to_model, finish=finish, rewrite=rewrite).of(payload)
    )


def _image_of(members: Mapping[str, Any]) -> MediaReference | None:
    return reference_in(members.get(REFERENCE_MEMBER))


def _text_line(text: str) -> str | None:
    """The line of a text that is a result as JSON; None for any other text."""
    if not text.startswith("{") or REFERENCE_TYPE not in text:
        return None
    members = read_result(text)
    return None if members is None else line_of(members)


def _drop_urls(members: dict[str, Any]) -> dict[str, Any]:
    return members if _image_of(members) is None else _without_urls(members)


def _without_urls(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name not in URL_MEMBERS}


def _as_it_is(text: str) -> str:
    return text


def _nothing(_node: Mapping[str, Any]) -> AbstractSet[str]:
    return frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Projection:
    """What becomes of the parts of a payload.

    Attributes:
        replace: what stands in the place of a reference.
        finish: what becomes of any other object, before its members are projected.
        rewrite: what becomes of a text.
        skip: which members of an object stay as they are.
    """

    replace: Callable[[MediaReference], Any]
    finish: Callable[[dict[str, Any]], Any]
    rewrite: Callable[[str], str]
    skip: Callable[[Mapping[str, Any]], AbstractSet[str]] = _nothing

    def of(self, value: Any, depth: int = 0) -> Any:
        """The projection of a payload, or of a part of one at this depth."""
        if depth > MAX_DEPTH:
            raise InvalidInputError(f"The payload nests deeper than {MAX_DEPTH} levels.")
        if isinstance(value, str):
            return self.rewrite(value)
        if isinstance(value, Mapping):
            reference = reference_in(value)
            if reference is not None:
                return self.replace(reference)
            members = self.finish(dict(value))
            if not isinstance(members, Mapping):
                return members
            skipped = self.skip(members)
            return {
                name: member if name in skipped else self.of(member, depth + 1)
                for name, member in members.items()
            }
        if isinstance(value, list | tuple):
            return [self.of(item, depth + 1) for item in value]
        return value
