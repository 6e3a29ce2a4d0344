"""Every code block of the documentation is checked by what fits its language, or says why not."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from tests.docs.blocks import (
    PAGE_NEEDS,
    ROOT,
    Block,
    all_blocks,
    blocks_of,
    name_of,
    page_needs,
    pages,
)

CHECKED_BY: Final = {
    "python": "tests/docs/test_scripts.py",
    "console": "tests/docs/test_console.py",
    "sh": "tests/docs/test_console.py",
    "ts": "web/packages/coatcheck/test/documents.test.ts",
    "tsx": "web/packages/coatcheck/test/documents.test.ts",
    "json": "tests/docs/test_blocks.py",
    "nginx": "tests/docs/test_proxies.py",
    "caddy": "tests/docs/test_proxies.py",
}
MOST_NOT_RUN: Final = 22
"""Blocks that cannot be run. A new one takes the place of another, or an argument."""

BLOCKS: Final = all_blocks()


def test_every_block_has_a_check_or_says_why_not() -> None:
    for path in CHECKED_BY.values():
        assert (ROOT / path).exists()
    unchecked = [
        f"{block.name} ({block.language or 'no language'})"
        for block in BLOCKS
        if block.is_run and "file" not in block.marks and block.language not in CHECKED_BY
    ]
    assert unchecked == []


def test_few_blocks_are_not_run_and_each_says_why() -> None:
    reasons = {block.name: block.marks["not run"] for block in BLOCKS if not block.is_run}
    print(f"{len(reasons)} of {len(BLOCKS)} blocks are not run:")  # noqa: T201 - shown by -s
    for name, reason in reasons.items():
        print(f"  {name}: {reason}")  # noqa: T201
        assert len(reason) > 15, name
    assert len(reasons) <= MOST_NOT_RUN, reasons


def test_a_file_that_a_page_shows_is_used_by_it() -> None:
    """By its name or its module's, in a later block; TypeScript is checked by itself."""
    unused = []
    for page in pages():
        blocks = blocks_of(page)
        for index, block in enumerate(blocks):
            name = block.marks.get("file")
            if name is None or block.language in {"ts", "tsx"}:
                continue
            word = re.compile(rf"\b{re.escape(Path(name).stem)}\b")
            if not any(later.is_run and word.search(later.text) for later in blocks[index + 1 :]):
                unused.append(block.name)
    assert unused == []


def test_pages_ask_for_what_there_is() -> None:
    asked = {name_of(page): page_needs(page) - PAGE_NEEDS for page in pages()}
    assert {name: needs for name, needs in asked.items() if needs} == {}


def named(*languages: str) -> list[Any]:
    return [
        pytest.param(block, id=block.name)
        for block in BLOCKS
        if block.is_run and block.language in languages
    ]


@pytest.mark.parametrize("block", named("json"))
def test_json_is_json(block: Block) -> None:
    """One document or several; ``[…]`` and ``{…}`` stand for what is left out."""
    text = re.sub(r"(?<=[\[{])…(?=[\]}])", "", block.text).strip()
    decoder = json.JSONDecoder()
    while text:
        _, end = decoder.raw_decode(text)
        text = text[end:].strip()


EXCERPTS: Final = [
    pytest.param(block, id=block.name) for block in BLOCKS if "excerpt of" in block.marks
]


@pytest.mark.parametrize("block", EXCERPTS)
def test_an_excerpt_stands_in_its_file(block: Block) -> None:
    source = block.page.parent / block.marks["excerpt of"]
    assert block.text in source.read_text("utf-8")
