"""The wheel without extras: the library, and the commands that need nothing else."""

import json
from pathlib import Path

from release.commands import attempt, run
from release.environments import PythonEnvironment
from release.failure import CheckFailedError

_HINT = "pip install 'coatcheck[demo]'"

_SCRIPT = """
import asyncio, pathlib, sys
import coatcheck

async def main():
    content = pathlib.Path(sys.argv[1]).read_bytes()
    async with coatcheck.open_store("library") as store:
        reference = await store.put(content, alt="a castle")
        stream = await store.open(reference.id)
        whole = b"".join([chunk async for chunk in stream.chunks]) == content
        thumbnail = await store.thumbnail(reference.id)
    print(coatcheck.__version__, whole and 0 < len(thumbnail.data) < len(content))
    print(pathlib.Path(coatcheck.__file__).parent)

asyncio.run(main())
"""


def use_store(environment: PythonEnvironment, picture: Path, version: str) -> None:
    """Open a store, put a picture, get it and its thumbnail.

    Raises:
        CheckFailedError: that fails, or something else than the wheel was imported.
    """
    said = run(environment.python, "-c", _SCRIPT, picture, cwd=environment.home).splitlines()
    expected = f"{version} True"
    if said[0] != expected or not Path(said[1]).is_relative_to(environment.root):
        raise CheckFailedError(f"Expected {expected!r} from the wheel, got {said}.")


def use_commands(environment: PythonEnvironment, picture: Path) -> None:
    """``put``, ``get`` and ``verify``.

    Raises:
        CheckFailedError: one fails, or other bytes come back.
    """
    home, command = environment.home, environment.coatcheck
    reference = json.loads(run(command, "put", "--json", picture, cwd=home))
    run(command, "get", reference["id"], "--output", home / "copy", cwd=home)
    if (home / "copy").read_bytes() != picture.read_bytes():
        raise CheckFailedError("`coatcheck get` gave other bytes than `put` was given.")
    run(command, "verify", cwd=home)


def ask_for_extra(environment: PythonEnvironment) -> None:
    """``demo`` without its extra says how to get it.

    Raises:
        CheckFailedError: it says something else, or runs.
    """
    done = attempt(environment.coatcheck, "demo", "--port", "0", cwd=environment.home)
    said = " ".join(done.stderr.split())
    if done.returncode != 1 or _HINT not in said or "Traceback" in said:
        raise CheckFailedError(f"`coatcheck demo` without the extra should say {_HINT}:\n{said}")
