"""The code blocks of the documentation, and what the comments before them say of them.

A comment before a block, or several, each on a line of its own::

    <!-- needs: lighthouse.png -->      a file that lies there, see `tests.docs.fixtures`
    <!-- file: chat.py -->              the block is a file, for the blocks after it
    <!-- excerpt of: with_coatcheck.py -->  the block stands in that file, beside the page
    <!-- keeps running: 8000 -->        its last command serves on this port until the next
    <!-- not run: reason -->            it is shown, and cannot be run

Anywhere on a page: ``<!-- page needs: server -->``, or ``frameworks``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]

_PATTERNS: Final = (
    "*.md",
    "docs/**/*.md",
    "spec/**/*.md",
    "examples/*/*.md",
    "web/*.md",
    "web/packages/*/*.md",
)
_BLOCK: Final = re.compile(
    r"(?P<marks>(?:^<!-- [^\n]* -->\n+)*)"
    r"^(?P<indent> *)```(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_MARK: Final = re.compile(r"^<!-- (?P<name>[a-z ]+): (?P<value>.*) -->$", re.MULTILINE)
_MARKS: Final = {"needs", "file", "excerpt of", "keeps running", "not run"}
PAGE_NEEDS: Final = {"server", "frameworks"}
# Pages whose blocks none of these tests runs, and why.
_NOT_RUN: Final = {
    "docs/explanation/benchmarks.md": "minutes of measuring; its numbers come from these commands",
}


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced code block: its page, the line of its fence, its language, text and marks."""

    page: Path
    line: int
    language: str
    text: str
    marks: Mapping[str, str]

    @property
    def name(self) -> str:
        return f"{name_of(self.page)}:{self.line}"

    @property
    def needs(self) -> list[str]:
        return [name for name in re.split(r",\s*", self.marks.get("needs", "")) if name]

    @property
    def is_run(self) -> bool:
        return "not run" not in self.marks


def pages() -> list[Path]:
    return sorted({path for pattern in _PATTERNS for path in ROOT.glob(pattern)})


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks_of(page: Path) -> list[Block]:
    """The page's blocks in order.

    Raises:
        ValueError: a block has a mark that there is not.
    """
    text = page.read_text("utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("indent")) + 1
        marks = {mark["name"]: mark["value"] for mark in _MARK.finditer(match["marks"])}
        if name_of(page) in _NOT_RUN:
            marks.setdefault("not run", _NOT_RUN[name_of(page)])
        if unknown := marks.keys() - _MARKS - {"page needs"}:
            raise ValueError(f"{name_of(page)}:{line}: there is no mark {unknown}")
        body = re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
        found.append(Block(page, line, match["language"].strip(), body, marks))
    return found


def page_needs(page: Path) -> set[str]:
    """What the page as a whole asks for."""
    marks = _MARK.finditer(page.read_text("utf-8"))
    return {mark["value"] for mark in marks if mark["name"] == "page needs"}


def all_blocks() -> list[Block]:
    return [block for page in pages() for block in blocks_of(page)]
