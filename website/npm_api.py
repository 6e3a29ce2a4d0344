"""The npm package's pages, made by TypeDoc from its TypeScript declarations and comments."""

import os
import re
import subprocess
from functools import partial
from pathlib import PurePosixPath
from typing import Final

from website.pages import PagesError, outside_code
from website.paths import NPM, ROOT

__all__ = ["npm_pages"]

FOLDER: Final = "reference/npm-api"
ENTRIES: Final = (
    "coatcheck",
    "coatcheck/ai",
    "coatcheck/element",
    "coatcheck/legacy",
    "coatcheck/react",
    "coatcheck/worker",
)
LINK: Final = re.compile(r"\]\((?P<path>[^)#\s]+\.md)(?P<anchor>#[^)]*)?\)")


def npm_pages() -> dict[str, str]:
    """The Markdown of each entry point's page, by its place in the site.

    Raises:
        PagesError: TypeDoc warns, of a comment that is missing too, or makes another set of pages.
    """
    done = subprocess.run(
        ["npm", "--prefix", "web", "--no-update-notifier", "run", "--silent", "reference"],  # noqa: S607 - the npm of whoever calls
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise PagesError(f"TypeDoc cannot describe the npm package:\n{done.stdout}{done.stderr}")
    made = {path.relative_to(NPM).as_posix(): path for path in NPM.rglob("*.md")}
    made.pop("README.md", None)
    wanted = {f"{entry}.md": _place(entry) for entry in ENTRIES}
    if made.keys() != wanted.keys():
        raise PagesError(f"TypeDoc made {sorted(made)}, the entry points are {sorted(wanted)}")
    return {
        place: outside_code(made[name].read_text("utf-8"), partial(_relink, name))
        for name, place in wanted.items()
    }


def _place(entry: str) -> str:
    return f"{FOLDER}/{entry.replace('/', '-')}.md"


def _relink(name: str, prose: str) -> str:
    def replaced(link: re.Match[str]) -> str:
        target = os.path.normpath(PurePosixPath(name).parent / link["path"])
        place = PurePosixPath(_place(target.removesuffix(".md"))).name
        return f"]({place}{link['anchor'] or ''})"

    # Python's Markdown knows no backslash before an angle bracket.
    return LINK.sub(replaced, prose).replace("\\<", "&lt;").replace("\\>", "&gt;")
