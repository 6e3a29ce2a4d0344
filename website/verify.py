"""What must be true of the built site: its links, what a reader's browser fetches, its text."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt

from website.reading import Page, read_page

__all__ = ["verify"]

# Attributes whose address a browser fetches by itself; a link is followed by the reader.
FETCHED: Final = {"src", "srcset", "poster", "data"}
FETCHED_LINKS: Final = {
    "stylesheet",
    "icon",
    "preload",
    "modulepreload",
    "preconnect",
    "dns-prefetch",
    "manifest",
}
CSS_ADDRESS: Final = re.compile(r"(?:url\(|@import\s+)[\"']?(?P<address>[^\"')\s;]+)")


def verify(
    html: Path, sources: Mapping[str, str], anchors: Mapping[str, set[str]]
) -> Iterator[str]:
    """Whatever is wrong, a sentence each.

    Args:
        html: the folder of the site.
        sources: the Markdown of pages whose text must read the same as on GitHub, by place.
        anchors: what must be told of on which page, by place.
    """
    pages = {
        path.relative_to(html).as_posix(): read_page(path.read_text("utf-8"))
        for path in sorted(html.rglob("*.html"))
    }
    for name, page in pages.items():
        yield from _links(html, name, page, pages)
        yield from _fetches(name, page)
    for path in sorted(html.rglob("*.css")):
        for found in CSS_ADDRESS.finditer(path.read_text("utf-8")):
            if _is_elsewhere(found["address"]):
                yield f"{path.relative_to(html)} fetches {found['address']}"
    for place, text in sources.items():
        yield from _text(place, text, pages[_html(place)])
    for place, wanted in anchors.items():
        for missing in sorted(wanted - pages[_html(place)].ids):
            yield f"{_html(place)} does not tell of {missing}"


def _html(place: str) -> str:
    return PurePosixPath(place).with_suffix(".html").as_posix()


def _links(html: Path, name: str, page: Page, pages: Mapping[str, Page]) -> Iterator[str]:
    for link in page.addresses:
        parts = urlsplit(link.address)
        if parts.scheme or parts.netloc:
            continue
        path = unquote(parts.path)
        # The page of what is not found has absolute links, as nobody knows where it is shown.
        target = (
            html / path.removeprefix("/")
            if path.startswith("/")
            else html / PurePosixPath(name).parent / path
        )
        target = html / name if not path else target.resolve()
        if target.is_dir():
            target /= "index.html"
        if not target.is_file():
            yield f"{name} leads to {link.address}, which is nowhere"
        elif parts.fragment and target.suffix == ".html":
            there = pages[target.relative_to(html).as_posix()]
            if unquote(parts.fragment) not in there.ids | {"__skip", "__top"}:
                yield f"{name} leads to {link.address}, a place that is not on that page"


def _fetches(name: str, page: Page) -> Iterator[str]:
    for link in page.addresses:
        fetched = link.attribute in FETCHED or bool(FETCHED_LINKS & set(link.relation.split()))
        if fetched and _is_elsewhere(link.address):
            yield f"{name} fetches {link.address}"


def _is_elsewhere(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme not in {"", "data"}


def _text(place: str, source: str, page: Page) -> Iterator[str]:
    """Where the site's Markdown and CommonMark, which GitHub reads, come to different texts."""
    expected = read_page(_article(source)).blocks
    for mine, theirs in zip(page.blocks, expected, strict=False):
        if mine != theirs:
            yield f"{place}: the site reads {mine}, CommonMark reads {theirs}"
            return
    if len(page.blocks) != len(expected):
        yield f"{place}: the site has {len(page.blocks)} blocks, CommonMark {len(expected)}"


def _article(source: str) -> str:
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    return f"<article>{reader.render(source)}</article>"
