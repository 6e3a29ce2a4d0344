"""The tests that explanations name are there, in the modules that they link to."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.docs.blocks import ROOT

PAGES: Final = sorted((ROOT / "docs" / "explanation").glob("*.md"))
# A link to a module of tests, then the names of some of it.
NAMED: Final = re.compile(r"\]\((?P<path>[./]*tests/[\w/]+\.py)\)|`(?P<name>test_\w+)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_named_test_is_in_the_module_that_is_linked_before_it(page: Path) -> None:
    module, missing = None, []
    for match in NAMED.finditer(page.read_text("utf-8")):
        if match["path"]:
            module = (page.parent / match["path"]).resolve()
        elif module is None or f"def {match['name']}(" not in module.read_text("utf-8"):
            missing.append((match["name"], module))
    assert missing == []
