"""HTML as far as the checks look at it: addresses, anchors and the blocks of the article."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

__all__ = ["Address", "Page", "read_page"]

ADDRESSES: Final = {"href", "src", "srcset", "poster", "data"}
BLOCKS: Final = {"p", "li", "pre", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6"}
EMPTY: Final = {
    "area",
    "base",
    "br",
    "col",
    "embed",
    "hr",
    "img",
    "input",
    "link",
    "meta",
    "source",
    "track",
    "wbr",
}


@dataclass(frozen=True, slots=True)
class Address:
    """An address in a page.

    Attributes:
        attribute: what it stands in, such as ``href``.
        relation: the element's ``rel``.
        address: as it is written.
    """

    attribute: str
    relation: str
    address: str


@dataclass(slots=True)
class Page:
    """What is looked at.

    Attributes:
        addresses: of links and of what is fetched.
        ids: what a fragment may name.
        blocks: the kind and text of each block of the article that has text of its own.
    """

    addresses: list[Address] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    blocks: list[tuple[str, str]] = field(default_factory=list)


def read_page(html: str) -> Page:
    """Read a whole page.

    Args:
        html: its source.
    """
    parser = _Parser()
    parser.feed(html)
    parser.close()
    return parser.page


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self._in_article = False
        self._ignored = 0  # how deep in something that the site adds to a text
        self._open: list[str] = []
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if name := given.get("id") or (given.get("name") if tag == "a" else None):
            self.page.ids.add(name)
        for attribute in ADDRESSES & given.keys():
            if tag == "meta" or not given[attribute]:
                continue
            self.page.addresses.append(Address(attribute, given.get("rel", ""), given[attribute]))
        if tag == "article":
            self._in_article = True
        if tag in EMPTY:
            return
        if (
            self._ignored
            or "headerlink" in given.get("class", "").split()
            or tag in {"style", "script", "nav"}
        ):
            self._ignored += 1
        if tag in BLOCKS:
            self._end_block()
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "article":
            self._end_block()
            self._in_article = False
        if tag in EMPTY:
            return
        if self._ignored:
            self._ignored -= 1
        if tag in BLOCKS and self._open:
            self._end_block()
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._in_article and not self._ignored:
            self._text.append(data)

    def _end_block(self) -> None:
        text = " ".join("".join(self._text).split())
        self._text.clear()
        if text and self._in_article:
            # A paragraph in an item or a cell is the item's text, whether it is marked or not.
            kinds = [kind for kind in self._open if kind != "p"]
            self.page.blocks.append((kinds[-1] if kinds else "p", text))
