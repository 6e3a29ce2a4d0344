"""Markdown files of the repository as pages of the site: where each goes, its links from there."""

import os
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote

__all__ = ["PagesError", "Repository", "outside_code"]

# What is read beside docs/. A file that is not named here is no page; a link to it shows its text.
OUTSIDE: Final = {
    "README.md": "project/readme.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
    "spec/wire.md": "reference/wire.md",
    "examples/fastapi_chat/README.md": "how-to/example-fastapi.md",
    "web/README.md": "project/web.md",
    "web/packages/coatcheck/README.md": "reference/npm.md",
}
INDEX: Final = "README.md"
# A browser shows these under their own names; everything else it would offer to save.
SHOWN: Final = {".gif", ".jpg", ".json", ".png", ".svg", ".txt", ".webp"}

FENCE: Final = re.compile(r"^(?P<mark>```+|~~~+).*?^(?P=mark)\s*$", re.MULTILINE | re.DOTALL)
LINK: Final = re.compile(
    r"(?P<before>\]\(|\b(?:src|srcset|href)=\")(?P<target>[^)\"\s]+)(?P<after>[)\"\s])"
)
ABSOLUTE: Final = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


class PagesError(Exception):
    """The pages cannot become a site; the message names the file and what to change."""


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """The text with everything but its fenced code changed."""
    parts, end = [], 0
    for fence in FENCE.finditer(text):
        parts += [change(text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, change(text[end:])])


class Repository:
    """The pages of a repository and the files that they link to.

    Args:
        root: the repository's directory.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pages: dict[str, str] = {
            name: place for name, place in OUTSIDE.items() if (root / name).is_file()
        }
        for path in sorted((root / "docs").rglob("*.md")):
            place = path.relative_to(root / "docs")
            if place.name == INDEX:
                place = place.with_name("index.md")
            self.pages[path.relative_to(root).as_posix()] = place.as_posix()
        self.files: dict[str, str] = {}

    def read(self, name: str) -> str:
        """The page's Markdown with its links as they are in the site.

        Args:
            name: the path in the repository.

        Raises:
            PagesError: A link leads nowhere.
        """
        text = (self.root / name).read_text("utf-8")
        return outside_code(text, lambda prose: self._relink(name, prose))

    def _relink(self, name: str, prose: str) -> str:
        return LINK.sub(
            lambda link: link["before"] + self._target(name, link["target"]) + link["after"], prose
        )

    def _target(self, name: str, target: str) -> str:
        path, mark, anchor = target.partition("#")
        if not path or ABSOLUTE.match(target):
            return target
        file = (self.root / name).parent / unquote(path)
        linked = PurePosixPath(os.path.relpath(file, self.root)).as_posix()
        return os.path.relpath(
            self._place(name, linked), PurePosixPath(self.pages[name]).parent
        ) + (mark + anchor)

    def _place(self, name: str, linked: str) -> str:
        if place := self.pages.get(linked):
            return place
        if not (self.root / linked).is_file():
            raise PagesError(f"{name}: the link to {linked} leads to no file")
        place = linked.removeprefix("docs/") if linked.startswith("docs/") else f"files/{linked}"
        if PurePosixPath(place).suffix not in SHOWN:
            place += ".txt"
        self.files[linked] = place
        return place
