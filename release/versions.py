"""The version: one place holds it, and the others are written from it.

The library's ``version.py`` is the place. The chat has a copy and needs the library of that very
version; npm reads ``package.json``, so that file and its line in the lock file are copies too.
`read_version` refuses when they differ.
"""

import re
from pathlib import Path
from typing import Final

from release.changelog import cut, parse_version, releases
from release.failure import CheckFailedError

_SOURCE: Final = "packages/coatcheck/src/coatcheck/version.py"
_CHANGELOG: Final = "CHANGELOG.md"
_SOURCE_LINE: Final = re.compile(r'(?m)^(__version__ = ")([^"]+)(")$')

_COPIES: Final = {
    "packages/coatcheck-chat/src/coatcheck_chat/version.py": _SOURCE_LINE,
    "packages/coatcheck-chat/pyproject.toml": re.compile(r'("coatcheck\[server\]==)([^"]+)(")'),
    "web/packages/coatcheck/package.json": re.compile(
        r'(\A\{\s+"name": "coatcheck",\s+"version": ")([^"]+)(")'
    ),
    "web/package-lock.json": re.compile(
        r'("packages/coatcheck": \{\s+(?:"name": "coatcheck",\s+)?"version": ")([^"]+)(")'
    ),
}


def read_version(root: Path) -> str:
    """The version of a checkout.

    Raises:
        CheckFailedError: the copies differ, or the changelog knows a later one.
    """
    version = _found(root / _SOURCE, _SOURCE_LINE)
    number = parse_version(version)
    for path, pattern in _COPIES.items():
        copy = _found(root / path, pattern)
        if copy != version:
            raise CheckFailedError(
                f"{path} says {copy}, {_SOURCE} {version}: run `make version VERSION=…`."
            )
    known = releases(_read(root / _CHANGELOG))
    if known and parse_version(known[0].version) > number:
        raise CheckFailedError(f"CHANGELOG.md knows {known[0].version}, {_SOURCE} only {version}.")
    return version


def is_cut(root: Path, version: str) -> bool:
    """Whether the changelog's newest release is `version`."""
    known = releases(_read(root / _CHANGELOG))
    return bool(known) and known[0].version == version


def set_version(root: Path, version: str, date: str) -> None:
    """Write a version to every place, and cut the changelog. Nothing is written if that fails.

    Args:
        root: the checkout.
        version: ``X.Y.Z``.
        date: of the release, ``YYYY-MM-DD``.

    Raises:
        CheckFailedError: the version or the changelog does not allow it.
    """
    parse_version(version)
    texts = {root / _CHANGELOG: cut(_read(root / _CHANGELOG), version, date)}
    for path, pattern in {_SOURCE: _SOURCE_LINE, **_COPIES}.items():
        _found(root / path, pattern)
        texts[root / path] = pattern.sub(rf"\g<1>{version}\g<3>", _read(root / path), count=1)
    for file, text in texts.items():
        file.write_text(text, "utf-8")


def _found(file: Path, pattern: re.Pattern[str]) -> str:
    match = pattern.search(_read(file))
    if match is None:
        raise CheckFailedError(f"{file} has no version where one is expected.")
    return match[2]


def _read(file: Path) -> str:
    return file.read_text("utf-8")
