"""The changelog: its form, what it says is released, and the cut that a release makes. Pure."""

import re
from dataclasses import dataclass
from typing import Final

from release.failure import CheckFailedError

UNRELEASED: Final = "## [Unreleased]"

KINDS: Final = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
"""The sections of Keep a Changelog 1.1.0, in its order."""

_NUMBER: Final = r"(?:0|[1-9]\d*)"
_VERSION: Final = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}")
_RELEASED: Final = re.compile(
    rf"## \[(?P<version>{_VERSION.pattern})\] - (?P<date>\d{{4}}-\d{{2}}-\d{{2}})"
)


@dataclass(frozen=True, slots=True)
class Release:
    """One dated heading."""

    version: str
    date: str


def parse_version(text: str) -> tuple[int, int, int]:
    """The numbers of ``X.Y.Z``. Python and npm write pre-releases differently; there are none.

    Raises:
        CheckFailedError: it is written in another way.
    """
    if not _VERSION.fullmatch(text):
        raise CheckFailedError(f"{text!r} is no version: write three numbers, such as 0.2.0.")
    major, minor, patch = (int(number) for number in text.split("."))
    return major, minor, patch


def releases(changelog: str) -> list[Release]:
    """The releases that a changelog names, newest first.

    Raises:
        CheckFailedError: a heading has another form, or the order is wrong.
    """
    headings = re.findall(r"^## .*$", changelog, re.MULTILINE)
    if not headings or headings[0] != UNRELEASED:
        raise CheckFailedError(f"CHANGELOG.md has to begin with the section {UNRELEASED!r}.")
    found = []
    for heading in headings[1:]:
        match = _RELEASED.fullmatch(heading)
        if match is None:
            raise CheckFailedError(
                f"CHANGELOG.md: {heading!r} should look like '## [1.2.3] - 2026-01-31'."
            )
        found.append(Release(match["version"], match["date"]))
    numbers = [parse_version(release.version) for release in found]
    if numbers != sorted(set(numbers), reverse=True):
        raise CheckFailedError("CHANGELOG.md: versions have to come newest first, each once.")
    for kind in re.findall(r"^### (.*)$", changelog, re.MULTILINE):
        if kind not in KINDS:
            raise CheckFailedError(f"CHANGELOG.md: {kind!r} is none of {', '.join(KINDS)}.")
    return found


def cut(changelog: str, version: str, date: str) -> str:
    """Put what is unreleased under a heading of its own.

    Args:
        changelog: the whole text.
        version: ``X.Y.Z``, later than every one that is there.
        date: ``YYYY-MM-DD``.

    Raises:
        CheckFailedError: nothing is unreleased, or the version is not a later one.
    """
    known = releases(changelog)
    if known and parse_version(version) <= parse_version(known[0].version):
        raise CheckFailedError(f"{version} does not come after {known[0].version}.")
    before, _, after = changelog.partition(UNRELEASED)
    unreleased = re.split(r"^## ", after, maxsplit=1, flags=re.MULTILINE)[0]
    if not re.search(r"^\* ", unreleased, re.MULTILINE):
        raise CheckFailedError("CHANGELOG.md says nothing under [Unreleased]; nothing to release.")
    return f"{before}{UNRELEASED}\n\n## [{version}] - {date}{after}"
