"""No archive is built without the page; an editable install is no archive."""

from pathlib import Path
from typing import Any

import pytest

from hatch_build import PARTS, PageHook


def hook(root: Path) -> PageHook:
    unused: Any = None
    return PageHook(str(root), {}, unused, unused, "", "wheel")


def test_without_the_page_the_way_out_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="make page"):
        hook(tmp_path).initialize("standard", {})
    hook(tmp_path).initialize("editable", {})


@pytest.mark.parametrize("missing", PARTS)
def test_every_part_counts(tmp_path: Path, missing: str) -> None:
    page = tmp_path / "src/coatcheck_chat/page"
    page.mkdir(parents=True)
    for part in PARTS:
        (page / part).touch()
    hook(tmp_path).initialize("standard", {})
    (page / missing).unlink()
    with pytest.raises(SystemExit, match=missing):
        hook(tmp_path).initialize("standard", {})
