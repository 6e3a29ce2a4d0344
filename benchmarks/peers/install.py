"""Peers come into a cache directory of their own; neither the system nor the project changes."""

import os
import platform
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.processes import UnavailableError

THUMBOR = "7.8.0"
IPX = "3.1.1"
_SECONDS = 900


def cache() -> Path:
    """Where the peers live between runs."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    directory = base / "coatcheck-bench"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def debian_program(name: str, *packages: str) -> Path:
    """A program of the system, or else unpacked from Debian's packages without installing them.

    Unpacking needs no rights and starts no service.

    Raises:
        UnavailableError: it is not there, and Debian's packages are not to be had.
    """
    search = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))
    root = cache() / "debian"
    search = os.pathsep.join((search, str(root / "usr/bin"), str(root / "usr/sbin")))
    if (found := shutil.which(name, path=search)) is None:
        if shutil.which("apt-get") is None:
            raise UnavailableError("not installed, and there is no apt-get to fetch it with")
        downloads = cache() / "downloads"
        downloads.mkdir(exist_ok=True)
        _run(["apt-get", "download", "-q", *packages], cwd=downloads)
        for package in downloads.glob("*.deb"):
            _run(["dpkg", "-x", str(package), str(root)], cwd=downloads)
        found = shutil.which(name, path=search)
    if found is None:
        raise UnavailableError(f"Debian's packages {', '.join(packages)} do not contain it")
    return Path(found)


def library_path() -> dict[str, str]:
    """The environment in which an unpacked program finds its libraries."""
    folders = [str(folder) for folder in (cache() / "debian/usr/lib").glob("*-linux-gnu*")]
    given = [os.environ["LD_LIBRARY_PATH"]] if os.environ.get("LD_LIBRARY_PATH") else []
    return {"LD_LIBRARY_PATH": os.pathsep.join([*folders, *given])} if folders else {}


def thumbor() -> Path:
    """Thumbor's command.

    Raises:
        UnavailableError: it cannot be installed.
    """
    return python_program("thumbor", THUMBOR)


def python_program(package: str, version: str) -> Path:
    """The command that a package of PyPI is named after, in a virtual environment of its own.

    Raises:
        UnavailableError: it cannot be installed.
    """
    home = cache() / f"{package}-{version}-py{platform.python_version()}"
    command = home / "bin" / package
    if not command.exists():
        venv.create(home, with_pip=True, clear=True)
        pip = [str(home / "bin/python"), "-m", "pip", "install", "--quiet"]
        _run([*pip, f"{package}=={version}"], cwd=home)
    return command


def ipx() -> list[str]:
    """Ipx's command: Node and a script.

    Raises:
        UnavailableError: it cannot be installed.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise UnavailableError("needs Node.js and npm")
    home = cache() / f"ipx-{IPX}"
    script = home / "node_modules/ipx/bin/ipx.mjs"
    if not script.exists():
        home.mkdir(exist_ok=True)
        (home / "package.json").write_text('{"private": true}', "utf-8")
        quiet = ("--no-audit", "--no-fund", "--no-update-notifier", "--silent")
        _run([npm, "install", *quiet, f"ipx@{IPX}"], cwd=home)
    return [node, str(script)]


def _run(command: Sequence[str], *, cwd: Path) -> None:
    print(f"Fetching {command[-1]}", file=sys.stderr)
    try:
        subprocess.run(
            command, cwd=cwd, check=True, capture_output=True, text=True, timeout=_SECONDS
        )
    except subprocess.CalledProcessError as error:
        last_words = error.stderr.strip().splitlines()[-1:] or ["no reason was given"]
        raise UnavailableError(f"cannot be installed: {last_words[0]}") from error
    except (subprocess.SubprocessError, OSError) as error:
        raise UnavailableError(f"cannot be installed: {type(error).__name__}") from error
