"""A copy of what git tracks, so that nothing else gets into a release."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from release.commands import run
from release.failure import CheckFailedError


@dataclass(frozen=True, slots=True)
class Sources:
    """A directory with the tracked files alone."""

    root: Path
    files: frozenset[str]
    timestamp: str
    """Of the commit, in seconds; archives made of it are the same bytes each time."""


def copy_sources(checkout: Path, to: Path, *, committed: bool) -> Sources:
    """Copy the tracked files of a checkout as they are.

    Args:
        checkout: where the git repository is.
        to: a directory that is made.
        committed: refuse when they differ from the commit.

    Raises:
        CheckFailedError: there is no git repository, or they differ.
    """
    if committed and (changes := run("git", "status", "--porcelain", cwd=checkout).strip()):
        raise CheckFailedError(f"A release is made of a commit. Commit or remove:\n{changes}")
    listed = run("git", "ls-files", "-z", cwd=checkout).split("\0")
    files = frozenset(name for name in listed if name and (checkout / name).is_file())
    for name in files:
        copy = to / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(checkout / name, copy)
    timestamp = run("git", "log", "-1", "--format=%ct", cwd=checkout).strip()
    return Sources(to, files, timestamp)


def build_page(sources: Sources) -> None:
    """Build the page with the packages of the lock file.

    Raises:
        CheckFailedError: npm cannot install them, or the build fails.
    """
    web = sources.root / "web"
    run("npm", "ci", "--prefer-offline", "--no-update-notifier", cwd=web)
    run("npm", "run", "build", "--no-update-notifier", cwd=web)
