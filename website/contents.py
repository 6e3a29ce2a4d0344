"""The navigation, read from the links in docs/README.md and docs/decisions/README.md."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from website.pages import PagesError, outside_code

__all__ = ["Entry", "navigation", "places"]

# A page, one under another title than its own, or the entries below a title.
Entry = str | dict[str, "str | list[Entry]"]

HEADING: Final = re.compile(r"^## (?P<title>.+)$", re.MULTILINE)
# A whole page; a link to a part of one is none of the list.
LINK: Final = re.compile(r"\[(?P<title>[^\]]*)\]\((?P<place>[^)#]+\.md)\)")
ROW: Final = re.compile(rf"^\| {LINK.pattern}", re.MULTILINE)
DECISIONS: Final = "decisions/index.md"


def navigation(index: str, decisions: str, generated: Mapping[str, list[Entry]]) -> list[Entry]:
    """The entries of the navigation: each page where it is first linked, under the link's title.

    Args:
        index: the site's first page, links relative to the site.
        decisions: the list of decisions, likewise.
        generated: what follows a page and is in no list.

    Raises:
        PagesError: Something follows a page that is in no list.
    """
    waiting, seen = dict(generated), set[str]()
    entries: list[Entry] = [{"Home": "index.md"}]
    parts = HEADING.split(_prose(index))[1:]
    for title, text in zip(parts[::2], parts[1::2], strict=True):
        section: list[Entry] = []
        for link in LINK.finditer(text):
            place = link["place"]
            if place in seen:
                continue
            seen.add(place)
            numbered = _numbered(decisions) if place == DECISIONS else []
            section.append({link["title"]: [place, *numbered] if numbered else place})
            section += waiting.pop(place, [])
        if section:
            entries.append({title: section})
    if waiting:
        raise PagesError(f"docs/README.md lists none of {', '.join(waiting)}")
    return entries


def places(entries: list[Entry]) -> Iterator[str]:
    """The pages of the entries, in order.

    Args:
        entries: of a navigation.
    """
    for entry in entries:
        if isinstance(entry, str):
            yield entry
            continue
        for below in entry.values():
            yield from places([below] if isinstance(below, str) else below)


def _numbered(decisions: str) -> list[Entry]:
    """The decisions under the titles of their own pages."""
    return [f"decisions/{row['place']}" for row in ROW.finditer(_prose(decisions))]


def _prose(text: str) -> str:
    return outside_code(text, lambda prose: prose)
