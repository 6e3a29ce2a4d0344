"""Source distribution and wheel: built, unpacked, listed."""

import sys
import tarfile
import zipfile
from pathlib import Path

from release.commands import attempt, run
from release.failure import CheckFailedError


def build(kind: str, sources: Path, to: Path, timestamp: str) -> Path:
    """Build an archive with the hatchling that the lock file names.

    Args:
        kind: ``"sdist"`` or ``"wheel"``.
        sources: the folder of the package.
        to: the directory that it is written to.
        timestamp: the time of the files inside, in seconds.

    Raises:
        CheckFailedError: it cannot be built.
    """
    run(*_hatchling(kind, to), cwd=sources, extra={"SOURCE_DATE_EPOCH": timestamp})
    (archive,) = to.glob("*.tar.gz" if kind == "sdist" else "*.whl")
    return archive


def refuse_without_page(sources: Path, to: Path) -> None:
    """See that nothing is built where the page is not.

    Raises:
        CheckFailedError: something is, or the refusal does not say what to do.
    """
    for kind in ("sdist", "wheel"):
        done = attempt(*_hatchling(kind, to), cwd=sources)
        if not done.returncode:
            raise CheckFailedError(f"A {kind} was built without the page: see hatch_build.py.")
        if "make page" not in done.stderr + done.stdout:
            raise CheckFailedError(f"The refusal names no way out:\n{done.stderr}")


def unpack(sdist: Path, to: Path) -> Path:
    """The directory that a source distribution holds."""
    with tarfile.open(sdist) as archive:
        archive.extractall(to, filter="data")
    (root,) = to.iterdir()
    return root


def files_of(archive: Path) -> dict[str, bytes]:
    """The content of every file of an archive by its name.

    What sdists and npm's tarballs have in front of every name, one directory, is left out.
    """
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist()}
    found = {}
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            content = tar.extractfile(member)
            if content is not None:
                found[member.name.partition("/")[2]] = content.read()
    return found


def _hatchling(kind: str, to: Path) -> list[str | Path]:
    return [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", to]
