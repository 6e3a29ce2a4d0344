"""Known holes: no dependency may be allowed, nor pinned, in a version that has one."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from release.failure import CheckFailedError

_HOLES: Final = "release/floors.toml"
_PIN: Final = re.compile(r"(?m)^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)")
_LOWER: Final = {">=", "==", "~="}


@dataclass(frozen=True, slots=True)
class Hole:
    """A hole of a package, and the first version without it."""

    package: str
    mended: str
    what: str


def refuse_holes(root: Path) -> int:
    """Compare what the packages ask for and the pins of ``requirements/`` with the list.

    Args:
        root: the checkout.

    Returns:
        How many holes are known.

    Raises:
        CheckFailedError: a version with a hole may be installed; the message says which.
    """
    holes = [Hole(**entry) for entry in tomllib.loads(_read(root / _HOLES))["hole"]]
    found = [
        f"{place} admits {package} {version}, which has a hole that {hole.mended} mends"
        f" ({hole.what})"
        for place, package, version in (*_floors(root), *_pins(root))
        for hole in holes
        if hole.package == package and Version(version) < Version(hole.mended)
    ]
    if found:
        raise CheckFailedError("\n".join(found))
    return len(holes)


def _floors(root: Path) -> Iterator[tuple[str, str, str]]:
    """The least version that each requirement of a wheel takes; 0 where it names none."""
    for file in sorted(root.glob("packages/*/pyproject.toml")):
        project = tomllib.loads(_read(file))["project"]
        extras = project.get("optional-dependencies", {})
        for text in chain(project["dependencies"], *extras.values()):
            requirement = Requirement(text)
            floors = [one.version for one in requirement.specifier if one.operator in _LOWER]
            place = str(file.relative_to(root))
            yield place, canonicalize_name(requirement.name), max(floors, default="0")


def _pins(root: Path) -> Iterator[tuple[str, str, str]]:
    for file in sorted((root / "requirements").glob("*.txt")):
        for pin in _PIN.finditer(_read(file)):
            yield f"requirements/{file.name}", canonicalize_name(pin["name"]), pin["version"]


def _read(file: Path) -> str:
    return file.read_text("utf-8")
