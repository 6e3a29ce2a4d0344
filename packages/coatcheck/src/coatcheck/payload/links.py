"""Links to media in texts: ``media://{id}``, and the URLs that are minted here. Pure."""

import re
from collections.abc import Callable, Collection, Iterator

from coatcheck.reference import REFERENCE_TYPE, URI_SCHEME, MediaUrls, is_reference_id


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
        beginning = "|".join(map(re.escape, self._beginnings))
        # An id, then perhaps a query; no character that ends a link in Markdown, HTML or JSON. What
        # begins within a longer URL is not ours.
        self._pattern = re.compile(
            rf"(?<![\w.:%-])(?:{beginning})(?P<id>[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})"
            r"(?:\?[^\s\"'<>()\[\]\\]*)?(?![\w/-])"
        )

    def may_be_in(self, text: str) -> bool:
        """Whether there is anything like a link or a reference in a text."""
        return REFERENCE_TYPE in text or any(beginning in text for beginning in self._beginnings)

    def id_of(self, value: object) -> str | None:
        """The id in a string that is one of our links and nothing else."""
        match = self._pattern.fullmatch(value) if isinstance(value, str) else None
        return match["id"] if match is not None and is_reference_id(match["id"]) else None

    def replace(self, text: str, link: Callable[[str], str | None]) -> str:
        """The text with other links in the place of these; None leaves one as it is."""
        if not self.may_be_in(text):
            return text

        def other(match: re.Match[str]) -> str:
            known = link(match["id"]) if is_reference_id(match["id"]) else None
            return match[0] if known is None else known

        return self._pattern.sub(other, text)

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Where links stand in a text: start, end, id."""
        for match in self._pattern.finditer(text):
            if is_reference_id(match["id"]):
                yield match.start(), match.end(), match["id"]
