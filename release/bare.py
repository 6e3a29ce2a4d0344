"""The library's wheel without extras: the store, the middleware, and what the commands say."""

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Final

from release.commands import attempt, run
from release.environments import PythonEnvironment
from release.failure import CheckFailedError

_MOST_REQUIREMENTS: Final = 12

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


_WRAPPED = """
import base64, pathlib, sys
import anyio, httpx
from fastapi import FastAPI
import coatcheck

app = FastAPI()
picture = pathlib.Path(sys.argv[1]).read_bytes()

@app.get("/history")
def history():
    return {"picture": "data:image/webp;base64," + base64.b64encode(picture).decode()}

wrapped = coatcheck.wrap(app, "wrapped")

async def main():
    transport = httpx.ASGITransport(app=wrapped)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        url = (await client.get("/history")).json()["picture"]
        print(url.startswith("/api/media/"), (await client.get(url)).content == picture)

anyio.run(main)
"""


def count_requirements(environment: PythonEnvironment) -> None:
    """See that the library asks for few packages, and for none of the chat's.

    Raises:
        CheckFailedError: it asks for more, or something of the chat is there.
    """
    asked = json.loads(
        run(
            environment.python,
            "-c",
            "import importlib.metadata as m, json; print(json.dumps(m.requires('coatcheck')))",
            cwd=environment.home,
        )
    )
    direct = [line for line in asked if "extra ==" not in line]
    if len(direct) > _MOST_REQUIREMENTS:
        raise CheckFailedError(f"The library needs {len(direct)} packages: {', '.join(direct)}.")
    strange = ("coatcheck_chat", "fastapi", "uvicorn", "pydantic_ai", "numpy", "typer")
    script = "import importlib.util as u, sys; print([n for n in sys.argv[1:] if u.find_spec(n)])"
    found = run(environment.python, "-c", script, *strange, cwd=environment.home).strip()
    if found != "[]":
        raise CheckFailedError(f"With the library alone came {found}.")


def run_readme(environment: PythonEnvironment, readme: Path, picture: Path) -> None:
    """Run the first Python snippet of README in an empty directory.

    Raises:
        CheckFailedError: it fails, or prints nothing.
    """
    shutil.copy(picture, environment.home / "lighthouse.png")
    found = re.search(r"```python\n(.*?)```", readme.read_text("utf-8"), re.DOTALL)
    if found is None or not run(environment.python, "-c", found[1], cwd=environment.home).strip():
        raise CheckFailedError("README has no first snippet in Python, or it prints nothing.")


def wrap_application(environment: PythonEnvironment, picture: Path, pins: Path) -> None:
    """Install FastAPI beside the library, and wrap an application that sends base64.

    Raises:
        CheckFailedError: base64 stays, or the link leads to other bytes.
    """
    uv = Path(sys.executable).with_name("uv")
    target = ("--quiet", "--python", environment.python, "--constraints", pins)
    run(uv, "pip", "install", *target, "fastapi", "httpx", cwd=environment.home)
    said = run(environment.python, "-c", _WRAPPED, picture, cwd=environment.home).split()
    if said != ["True", "True"]:
        raise CheckFailedError(f"wrap(app) left base64, or serves other bytes: {said}.")


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
    home, command = environment.home, environment.command("coatcheck")
    reference = json.loads(run(command, "put", "--json", picture, cwd=home))
    run(command, "get", reference["id"], "--output", home / "copy", cwd=home)
    if (home / "copy").read_bytes() != picture.read_bytes():
        raise CheckFailedError("`coatcheck get` gave other bytes than `put` was given.")
    run(command, "verify", cwd=home)


def ask_for_extras(environment: PythonEnvironment) -> None:
    """A command without its extra says how to get it.

    Raises:
        CheckFailedError: it says something else, or runs.
    """
    _expect_hint(environment, ("verify",), "pip install 'coatcheck[cli]'")


def ask_for_chat(environment: PythonEnvironment) -> None:
    """``demo`` without the chat says how to get it.

    Raises:
        CheckFailedError: it says something else, or runs.
    """
    _expect_hint(environment, ("demo", "--port", "0"), "pip install coatcheck-chat")


def _expect_hint(environment: PythonEnvironment, words: tuple[str, ...], hint: str) -> None:
    done = attempt(environment.command("coatcheck"), *words, cwd=environment.home)
    said = " ".join(done.stderr.split())
    if not done.returncode or hint not in said or "Traceback" in said:
        raise CheckFailedError(f"`coatcheck {' '.join(words)}` should say {hint}:\n{said}")
