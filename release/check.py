"""The checks in their order; one line for each, and the end at the first that fails."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from release import archives, bare, npm, server
from release.contents import inspect_npm, inspect_sdist, inspect_wheel
from release.environments import install_tarball, install_wheels
from release.failure import CheckFailedError
from release.floors import refuse_holes
from release.sources import Sources, build_page, copy_sources
from release.versions import is_cut, read_version

_LIBRARY: Final = Path("packages/coatcheck")
_CHAT: Final = Path("packages/coatcheck-chat")
_PACKAGE: Final = "web/packages/coatcheck"
_PINS: Final = "requirements/demo.txt"
_PICTURE: Final = "web/app/src/components/samples/castle.webp"


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
        with _told("no archive of the chat without the page"):
            archives.refuse_without_page(sources.root / _CHAT, scratch / "refused")
        with _told("page built with the packages of the lock file"):
            build_page(sources)
        library = _archives(sources, scratch, _LIBRARY)
        chat = _archives(sources, scratch, _CHAT)
        _use_library(library.wheel, sources, scratch, version)
        _use_server(library.wheel, sources, scratch)
        _use_chat(library.wheel, chat.wheel, sources, scratch)
        tarball = _npm(sources, scratch)
        if keep is not None:
            keep.mkdir(exist_ok=True)
            for archive in (*library, *chat, tarball):
                shutil.copy2(archive, keep)
                print(f"      {keep.name}/{archive.name}")


class _Archives(NamedTuple):
    sdist: Path
    wheel: Path


def _archives(sources: Sources, scratch: Path, package: Path) -> _Archives:
    name, home, made = package.name, sources.root / package, scratch / package.name
    with _told(f"{name}: the sdist holds every tracked file of the package"):
        sdist = archives.build("sdist", home, made / "sdist", sources.timestamp)
        inspect_sdist(archives.files_of(sdist), sources.files, name)
    with _told(f"{name}: the wheel holds the package and its licence, nothing else"):
        wheel = archives.build("wheel", home, made / "wheel", sources.timestamp)
        inspect_wheel(archives.files_of(wheel), sources.files, name)
    with _told(f"{name}: the wheel made of the sdist is the same, byte for byte"):
        unpacked = archives.unpack(sdist, made / "unpacked")
        again = archives.build("wheel", unpacked, made / "again", sources.timestamp)
        if again.read_bytes() != wheel.read_bytes():
            raise CheckFailedError("The sdist makes another wheel than the sources do.")
    return _Archives(sdist, wheel)


def _use_library(wheel: Path, sources: Sources, scratch: Path, version: str) -> None:
    pins = sources.root / _PINS
    with _told("coatcheck installs into an empty environment, few packages with it"):
        environment = install_wheels(scratch / "bare", f"coatcheck @ {wheel.as_uri()}", pins=pins)
        bare.count_requirements(environment)
    picture = sources.root / _PICTURE
    with _told("import coatcheck; open_store, put, get, thumbnail"):
        bare.use_store(environment, picture, version)
    with _told("the first snippet of README runs"):
        bare.run_readme(environment, sources.root / "README.md", picture)
    with _told("wrap(app) around a FastAPI application"):
        bare.wrap_application(environment, picture, pins)
    with _told("commands whose extra is missing say what to install"):
        bare.ask_for_extras(environment)


def _use_server(wheel: Path, sources: Sources, scratch: Path) -> None:
    pins, picture = sources.root / _PINS, sources.root / _PICTURE
    with _told("coatcheck[server] installs into an empty environment"):
        requirement = f"coatcheck[server] @ {wheel.as_uri()}"
        environment = install_wheels(scratch / "server", requirement, pins=pins)
    with _told("coatcheck put, get, verify"):
        bare.use_commands(environment, picture)
    with (
        _told("coatcheck serve takes a picture and answers it, without the chat"),
        server.running(environment, "coatcheck", "serve") as url,
    ):
        server.use_media(url, picture)
    with _told("coatcheck demo says how to get the chat"):
        bare.ask_for_chat(environment)


def _use_chat(library: Path, chat: Path, sources: Sources, scratch: Path) -> None:
    with _told("coatcheck-chat installs into an empty environment"):
        wheels = (f"coatcheck @ {library.as_uri()}", f"coatcheck-chat @ {chat.as_uri()}")
        environment = install_wheels(scratch / "chat", *wheels, pins=sources.root / _PINS)
    with server.running(environment, "coatcheck-chat") as url:
        with _told("coatcheck-chat answers: page, assets, worker, /readyz"):
            server.read_page(url)
        with _told("a picture is drawn over the WebSocket and fetched over HTTP"):
            server.draw(url)


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
