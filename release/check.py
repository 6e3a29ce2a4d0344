"""The checks in their order; one line for each, and the end at the first that fails."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from release import archives, demo, library, npm
from release.contents import inspect_npm, inspect_sdist, inspect_wheel
from release.environments import install_tarball, install_wheel
from release.failure import CheckFailedError
from release.floors import refuse_holes
from release.sources import Sources, build_page, copy_sources
from release.versions import is_cut, read_version

_PACKAGE = "web/packages/coatcheck"
_PICTURE = "web/app/src/components/samples/castle.webp"


def check(checkout: Path, keep: Path | None = None) -> None:
    """Build everything that is published, of tracked files alone, and use it.

    Args:
        checkout: the repository.
        keep: where the archives go once all is well. Then the commit is what counts: nothing may
            be uncommitted, and the changelog has to be cut.

    Raises:
        CheckFailedError: of the first check that fails.
    """
    version = read_version(checkout)
    if keep is not None and not is_cut(checkout, version):
        raise CheckFailedError(
            f"CHANGELOG.md has no heading for {version}: run `make version VERSION={version}`."
        )
    with TemporaryDirectory(prefix="coatcheck-release-") as made:
        scratch = Path(made)
        with _told(f"version {version} everywhere, sources as git tracks them"):
            committed = keep is not None
            sources = copy_sources(checkout, scratch / "sources", committed=committed)
        with _told("no dependency may have a known hole"):
            refuse_holes(sources.root)
        with _told("no archive without the page"):
            archives.refuse_without_page(sources.root, scratch / "refused")
        with _told("page built with the packages of the lock file"):
            build_page(sources)
        sdist, wheel = _archives(sources, scratch)
        _bare(wheel, sources, scratch, version)
        _demo(wheel, sources, scratch)
        tarball = _npm(sources, scratch)
        if keep is not None:
            keep.mkdir(exist_ok=True)
            for archive in (sdist, wheel, tarball):
                shutil.copy2(archive, keep)
                print(f"      {keep.name}/{archive.name}")


def _archives(sources: Sources, scratch: Path) -> tuple[Path, Path]:
    with _told("sdist: every tracked file, and the page"):
        sdist = archives.build("sdist", sources.root, scratch / "sdist", sources.timestamp)
        inspect_sdist(archives.files_of(sdist), sources.files)
    with _told("wheel: the package, page, types, migrations and licence, nothing else"):
        wheel = archives.build("wheel", sources.root, scratch / "wheel", sources.timestamp)
        inspect_wheel(archives.files_of(wheel), sources.files)
    with _told("the wheel made of the sdist is the same, byte for byte"):
        unpacked = archives.unpack(sdist, scratch / "unpacked")
        again = archives.build("wheel", unpacked, scratch / "again", sources.timestamp)
        if again.read_bytes() != wheel.read_bytes():
            raise CheckFailedError("The sdist makes another wheel than the sources do.")
    return sdist, wheel


def _bare(wheel: Path, sources: Sources, scratch: Path, version: str) -> None:
    with _told("wheel installs into an empty environment"):
        pins = sources.root / "requirements/demo.txt"
        environment = install_wheel(wheel, scratch / "bare", extra="", pins=pins)
    picture = sources.root / _PICTURE
    with _told("import coatcheck; open_store, put, get, thumbnail"):
        library.use_store(environment, picture, version)
    with _told("coatcheck put, get, verify"):
        library.use_commands(environment, picture)
    with _told("coatcheck demo without its extra says what to install"):
        library.ask_for_extra(environment)


def _demo(wheel: Path, sources: Sources, scratch: Path) -> None:
    with _told("coatcheck[demo] installs into an empty environment"):
        pins = sources.root / "requirements/demo.txt"
        environment = install_wheel(wheel, scratch / "demo", extra="[demo]", pins=pins)
    with demo.running(environment) as url:
        with _told("coatcheck demo answers: page, assets, worker, /readyz"):
            demo.read_page(url)
        with _told("a picture is drawn over the WebSocket and fetched over HTTP"):
            demo.draw(url)


def _npm(sources: Sources, scratch: Path) -> Path:
    with _told("npm pack: the build, its types, README and licence, nothing else"):
        tarball = npm.pack(sources.root / _PACKAGE, scratch / "npm")
        licence = (sources.root / "LICENSE").read_bytes()
        inspect_npm(archives.files_of(tarball), licence)
    with _told("npm package installs into an empty folder, with its peers"):
        lock = sources.root / "web/package-lock.json"
        folder = install_tarball(tarball, scratch / "folder", lock=lock, beside=npm.PEERS)
    with _told("every entry is imported under Node, and its types are found"):
        npm.import_entries(folder)
        npm.resolve_types(folder, sources.root / "web/node_modules/.bin/tsc")
    return tarball


@contextmanager
def _told(what: str) -> Iterator[None]:
    """One line for a check: whether it held, and the seconds that it took."""
    began = time.monotonic()
    try:
        yield
    except CheckFailedError:
        print(f"FAIL  {what}", flush=True)
        raise
    print(f"ok    {what} ({time.monotonic() - began:.1f} s)", flush=True)
