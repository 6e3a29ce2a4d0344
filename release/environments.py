"""Empty places to install into: a virtual environment, a folder with npm packages."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from release.commands import run
from release.failure import CheckFailedError


@dataclass(frozen=True, slots=True)
class PythonEnvironment:
    """A virtual environment with wheels in it, and a directory to run in."""

    root: Path
    home: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.command("python")

    def command(self, name: str) -> Path:
        """A command that a wheel brought."""
        return self.root / "bin" / name


def install_wheels(at: Path, *requirements: str, pins: Path) -> PythonEnvironment:
    """Install wheels with what they say they need.

    Args:
        at: where the environment is made.
        requirements: such as ``coatcheck[server] @ file:///…``.
        pins: versions with hashes; what is fetched has to have them.

    Raises:
        CheckFailedError: they cannot be installed, or need what `pins` do not have.
    """
    home = at / "home"
    home.mkdir(parents=True)
    uv = Path(sys.executable).with_name("uv")
    environment = PythonEnvironment(at / "env", home)
    run(uv, "venv", "--quiet", "--python", sys.executable, environment.root, cwd=home)
    target = ("--quiet", "--python", environment.python)
    run(uv, "pip", "install", *target, "--constraints", pins, *requirements, cwd=home)
    run(uv, "pip", "check", *target, cwd=home)
    frozen = run(uv, "pip", "freeze", "--python", environment.python, cwd=home).splitlines()
    pinned = {line.split(" ")[0] for line in pins.read_text("utf-8").splitlines()}
    if unknown := [line for line in frozen if "@" not in line and line not in pinned]:
        raise CheckFailedError(f"{pins.name} lacks {', '.join(unknown)}: run `make requirements`.")
    return environment


def install_tarball(tarball: Path, at: Path, *, lock: Path, beside: tuple[str, ...]) -> Path:
    """Install an npm package and, beside it, others in the versions of a lock file.

    Args:
        tarball: the archive.
        at: the folder, which is made.
        lock: a ``package-lock.json``.
        beside: names of packages.

    Raises:
        CheckFailedError: they cannot be installed.
    """
    at.mkdir()
    (at / "package.json").write_text('{"private": true, "type": "module"}', "utf-8")
    locked = json.loads(lock.read_text("utf-8"))["packages"]
    others = [f"{name}@{locked[f'node_modules/{name}']['version']}" for name in beside]
    quiet = ("--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
    run("npm", "install", "--prefer-offline", *quiet, str(tarball), *others, cwd=at)
    return at
