"""Links to media in texts: ``media://{id}``, and the URLs that are minted here. Pure."""

import re
from collections.abc import Callable, Collection, Iterator
from typing import Final

import msgspec

from coatcheck.payload.scanning.jsontext import JsonText
from coatcheck.reference import REFERENCE_TYPE, URI_SCHEME, MediaUrls, is_reference_id

_JSON_BEGINNINGS: Final = ("{", "[", '"')
# The member of a reference that is no link, in JSON that stands in a text.
_URI_MEMBER: Final = re.compile(r"""\buri[\\"']*\s*:\s*[\\"']*$""")
_URI_MEMBER_LENGTH: Final = 40


class Links:
    """Tells links to our media from any others.

    Args:
        urls: how URLs are minted here; None where there are none to be known.
        origins: what may stand before these URLs, such as ``https://example.com``: a page knows
            them with its own origin.
    """

    def __init__(self, urls: MediaUrls | None = None, origins: Collection[str] = ()) -> None:
        minted = [] if urls is None else [f"{origin}{urls.prefix}/" for origin in (*origins, "")]
        self._beginnings = [URI_SCHEME, *minted]
        # A path is one of ours only if no host and no other path stands before it.
        beginning = "|".join(
            (r"(?<![\w.:/%-])" if one.startswith("/") else "") + re.escape(one)
            for one in self._beginnings
        )
        # An id, then perhaps a query; no character that ends a link in Markdown, HTML or JSON.
        self._pattern = re.compile(
            rf"(?:{beginning})(?P<id>[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})"
            r"(?:\?[^\s\"'<>()\[\]\\#]*(?<![.,;:!?]))?(?:#(?P<spelling>[a-z0-9]+))?(?![\w/-])"
        )

    def may_be_in(self, text: str) -> bool:
        """Whether there is anything like a link or a reference in a text."""
        return REFERENCE_TYPE in text or any(beginning in text for beginning in self._beginnings)

    def open(self, text: str) -> JsonText | None:
        """A text that is JSON, opened on the way to links and references; None for any other."""
        if text.lstrip()[:1] not in _JSON_BEGINNINGS or not self.may_be_in(text):
            return None
        try:
            return JsonText(text.encode(), lambda raw: self.may_be_in(raw.decode()))
        except (msgspec.DecodeError, RecursionError, UnicodeError, ValueError):
            return None

    def id_of(self, value: object) -> str | None:
        """The id in a string that is one of our links and nothing else."""
        match = self._pattern.fullmatch(value) if isinstance(value, str) else None
        return match["id"] if match is not None and is_reference_id(match["id"]) else None

    def spelling_of(self, link: str) -> str | None:
        """The spelling that one of our links records, see `payload.spelling`."""
        match = self._pattern.fullmatch(link)
        return None if match is None else match["spelling"]

    def replace(self, text: str, link: Callable[[str], str | None], *, spelled: bool = True) -> str:
        """The text with other links in the place of these; None leaves one as it is.

        What a link says of how its media was written goes on (`spelled`).
        """
        if not self.may_be_in(text):
            return text
        has_references = REFERENCE_TYPE in text

        def other(match: re.Match[str]) -> str:
            before = text[max(0, match.start() - _URI_MEMBER_LENGTH) : match.start()]
            if has_references and _URI_MEMBER.search(before):
                return match[0]
            known = link(match["id"]) if is_reference_id(match["id"]) else None
            if known is None:
                return match[0]
            said = match["spelling"] if spelled else None
            return known if said is None else f"{known}#{said}"

        return self._pattern.sub(other, text)

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Where links stand in a text: start, end, id."""
        for match in self._pattern.finditer(text):
            if is_reference_id(match["id"]):
                yield match.start(), match.end(), match["id"]
