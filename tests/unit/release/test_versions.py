"""One place holds the version, and the others are written from it."""

import json
import shutil
from pathlib import Path

import pytest

import coatcheck
from release.failure import CheckFailedError
from release.versions import is_cut, read_version, set_version

ROOT = Path(__file__).parents[3]
PLACES = (
    "packages/coatcheck/src/coatcheck/version.py",
    "packages/coatcheck-chat/src/coatcheck_chat/version.py",
    "packages/coatcheck-chat/pyproject.toml",
    "web/packages/coatcheck/package.json",
    "web/package-lock.json",
    "CHANGELOG.md",
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for place in PLACES:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / place, tmp_path / place)
    return tmp_path


def test_this_checkout_has_one_version() -> None:
    assert read_version(ROOT) == coatcheck.__version__


def test_a_version_is_set_in_every_place_and_nothing_else_is(checkout: Path) -> None:
    before = {place: (checkout / place).read_text() for place in PLACES}
    set_version(checkout, "98.7.6", "2026-02-28")
    assert read_version(checkout) == "98.7.6"
    assert is_cut(checkout, "98.7.6")
    for place in PLACES[3:5]:
        json.loads((checkout / place).read_text())
    for place in PLACES[:5]:
        changed = (checkout / place).read_text()
        assert changed.replace("98.7.6", coatcheck.__version__) == before[place]


@pytest.mark.parametrize("place", PLACES[:5])
def test_a_copy_that_differs_is_told(checkout: Path, place: str) -> None:
    file = checkout / place
    file.write_text(file.read_text().replace(f'{coatcheck.__version__}"', '0.0.7"'))
    with pytest.raises(CheckFailedError, match="make version"):
        read_version(checkout)


def test_a_changelog_that_is_ahead_is_told(checkout: Path) -> None:
    heading = "## [Unreleased]\n\n## [99.0.0] - 2026-02-28"
    changelog = checkout / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace("## [Unreleased]", heading))
    with pytest.raises(CheckFailedError, match=r"knows 99\.0\.0"):
        read_version(checkout)


def test_a_version_that_cannot_be_set_changes_nothing(checkout: Path) -> None:
    before = [(checkout / place).read_bytes() for place in PLACES]
    for version in ("1.0", "0.2.0-beta"):
        with pytest.raises(CheckFailedError):
            set_version(checkout, version, "2026-02-28")
    (checkout / PLACES[4]).write_text("{}")
    with pytest.raises(CheckFailedError, match="no version where one is expected"):
        set_version(checkout, "98.7.6", "2026-02-28")
    (checkout / PLACES[4]).write_bytes(before[4])
    assert [(checkout / place).read_bytes() for place in PLACES] == before
