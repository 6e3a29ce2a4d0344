"""The form of the changelog, and the cut that a release makes."""

import pytest

from release.changelog import Release, cut, parse_version, releases
from release.failure import CheckFailedError

FIRST = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n* A store.\n"
SECOND = """# Changelog

## [Unreleased]

### Fixed

* A leak.

## [0.1.0] - 2026-01-31

### Added

* A store.
"""


def test_releases_are_read_newest_first() -> None:
    assert releases(FIRST) == []
    assert releases(SECOND) == [Release("0.1.0", "2026-01-31")]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("# Changelog\n", "has to begin"),
        ("## [0.1.0] - 2026-01-31\n\n## [Unreleased]\n", "has to begin"),
        ("## [Unreleased]\n## [0.1] - 2026-01-31\n", "should look like"),
        ("## [Unreleased]\n## [0.1.0]\n", "should look like"),
        ("## [Unreleased]\n## [0.1.0] - 31.1.2026\n", "should look like"),
        ("## [Unreleased]\n## [0.9.0] - 2026-01-01\n## [0.10.0] - 2026-01-02\n", "newest first"),
        ("## [Unreleased]\n## [0.1.0] - 2026-01-01\n## [0.1.0] - 2026-01-02\n", "newest first"),
        ("## [Unreleased]\n### News\n", "none of"),
    ],
)
def test_another_form_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(CheckFailedError, match=complaint):
        releases(text)


def test_what_is_unreleased_goes_under_the_new_heading() -> None:
    done = cut(SECOND, "0.2.0", "2026-02-28")
    assert releases(done) == [Release("0.2.0", "2026-02-28"), Release("0.1.0", "2026-01-31")]
    assert "## [Unreleased]\n\n## [0.2.0] - 2026-02-28\n\n### Fixed\n\n* A leak.\n" in done
    assert done.replace("## [0.2.0] - 2026-02-28\n\n", "") == SECOND


@pytest.mark.parametrize("version", ["0.1.0", "0.0.9"])
def test_a_version_comes_after_the_last(version: str) -> None:
    with pytest.raises(CheckFailedError, match="does not come after"):
        cut(SECOND, version, "2026-02-28")


def test_a_release_of_nothing_is_refused() -> None:
    with pytest.raises(CheckFailedError, match="nothing to release"):
        cut(cut(FIRST, "0.1.0", "2026-01-31"), "0.2.0", "2026-02-28")


@pytest.mark.parametrize(
    "text", ["", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.3rc1", "v1.2.3", "1.2.x"]
)
def test_a_version_is_three_numbers(text: str) -> None:
    assert parse_version("10.2.33") == (10, 2, 33)
    with pytest.raises(CheckFailedError, match="three numbers"):
        parse_version(text)
