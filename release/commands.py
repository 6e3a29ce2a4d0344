"""Other programs, run to their end."""

import os
import subprocess
from pathlib import Path

from release.failure import CheckFailedError

_SECONDS = 600
_TOLD_LINES = 30

# What would lead a program back to the checkout, to its data, or to a browser.
_NOT_PASSED_ON = frozenset({"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PORT", "DISPLAY"})


def clean_environment() -> dict[str, str]:
    """The environment without what belongs to this checkout or its developer's session."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in _NOT_PASSED_ON and not name.startswith(("COATCHECK_", "WAYLAND_"))
    }


def attempt(
    *command: str | Path, cwd: Path, extra: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program, whatever its exit code.

    Args:
        command: the program and its arguments.
        cwd: the directory that it runs in.
        extra: more variables for its environment.

    Raises:
        CheckFailedError: there is no such program, or it does not come to an end.
    """
    words = [str(word) for word in command]
    try:
        return subprocess.run(
            words,
            cwd=cwd,
            env=clean_environment() | (extra or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise CheckFailedError(f"{error.filename} is missing: run `make setup`.") from error
    except subprocess.TimeoutExpired as error:
        raise CheckFailedError(f"{' '.join(words)} took over {_SECONDS} seconds.") from error


def run(*command: str | Path, cwd: Path, extra: dict[str, str] | None = None) -> str:
    """Run a program that has to succeed; its standard output.

    Raises:
        CheckFailedError: it failed; the message ends with what it said.
    """
    done = attempt(*command, cwd=cwd, extra=extra)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-_TOLD_LINES:])
        raise CheckFailedError(
            f"{' '.join(str(word) for word in command)}\nended with {done.returncode}:\n{said}"
        )
    return done.stdout
