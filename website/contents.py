"""The navigation, read from the lists in docs/README.md and docs/decisions/README.md."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from website.pages import PagesError, outside_code

__all__ = ["Entry", "navigation", "places"]

# A page, one under another title than its own, or the entries below a title.
Entry = str | dict[str, "str | list[Entry]"]

HEADING: Final = re.compile(r"^## (?P<title>.+)$", re.MULTILINE)
# The first link of a list item or of a table's row names a page of the section.
ITEM: Final = re.compile(
    r"^(?:\* |\| )\[(?P<title>[^\]]*)\]\((?P<place>[^)#]+\.md)\)", re.MULTILINE
)
DECISIONS: Final = "decisions/index.md"


def navigation(index: str, decisions: str, generated: Mapping[str, list[Entry]]) -> list[Entry]:
    """The entries of the navigation, in the order of the lists and under their titles.

    Args:
        index: the site's first page, links relative to the site.
        decisions: the list of decisions, likewise.
        generated: what follows a page and is in no list.

    Raises:
        PagesError: Something follows a page that is in no list.
    """
    waiting = dict(generated)
    entries: list[Entry] = [{"Home": "index.md"}]
    parts = HEADING.split(_prose(index))[1:]
    for title, text in zip(parts[::2], parts[1::2], strict=True):
        section: list[Entry] = []
        for item in ITEM.finditer(text):
            if item["place"] == DECISIONS:
                section.append({item["title"]: [DECISIONS, *_numbered(decisions)]})
            else:
                section.append({item["title"]: item["place"]})
                section += waiting.pop(item["place"], [])
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
    return [f"decisions/{item['place']}" for item in ITEM.finditer(_prose(decisions))]


def _prose(text: str) -> str:
    return outside_code(text, lambda prose: prose)
