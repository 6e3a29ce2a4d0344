"""The public API as type checkers see it: mypy and pyright, strict, against the installed package.

`programs/` has small applications. `wrong.py` is one that is full of mistakes: each line with one
has a comment with the errors that are expected there, and there must be no others.
"""

import json
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PROGRAMS: Final = Path(__file__).parent / "programs"
PYRIGHT: Final = ROOT / "web" / "node_modules" / "pyright" / "index.js"
EXPECTED: Final = re.compile(r"#\s*(?P<mypy>[a-z-]+), (?P<pyright>report\w+(?: report\w+)*)$")

Found = dict[tuple[str, int], set[str]]


def expected(checker: str) -> Found:
    """The rules that each line of `wrong.py` breaks, by its comment."""
    lines = enumerate((PROGRAMS / "wrong.py").read_text().splitlines(), 1)
    found = {number: EXPECTED.search(line) for number, line in lines}
    return {
        ("wrong.py", number): set(match[checker].split())
        for number, match in found.items()
        if match
    }


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """The programs in a directory of their own: nothing here but what is installed is found."""
    return Path(shutil.copytree(PROGRAMS, tmp_path / "programs"))


def run(directory: Path, *command: str | Path) -> str:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr  # there are errors, and no crash
    return done.stdout


def test_mypy_accepts_the_right_programs_and_finds_each_mistake(programs: Path) -> None:
    cache = ROOT / ".mypy_cache" / "typing"
    options = ("--strict", "--warn-unreachable", "--output=json", f"--cache-dir={cache}")
    printed = run(programs, sys.executable, "-m", "mypy", "--config-file=", *options, ".")
    found: Found = defaultdict(set)
    for message in map(json.loads, printed.splitlines()):
        if message["severity"] == "error":
            found[message["file"], message["line"]].add(message["code"])
    assert found == expected("mypy")


def test_pyright_accepts_the_right_programs_and_finds_each_mistake(programs: Path) -> None:
    node = shutil.which("node")
    assert node is not None
    assert PYRIGHT.is_file(), "Run `make setup`: pyright is one of web's packages."
    (programs / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    printed = run(programs, node, PYRIGHT, "--pythonpath", sys.executable, "--outputjson")
    answer: dict[str, Any] = json.loads(printed)
    assert answer["summary"]["filesAnalyzed"] == len(list(PROGRAMS.glob("*.py")))
    found: Found = defaultdict(set)
    for message in answer["generalDiagnostics"]:
        place = Path(message["file"]).name, message["range"]["start"]["line"] + 1
        found[place].add(message["rule"])
    assert found == expected("pyright")


def test_every_kind_of_mistake_is_among_the_wrong_ones() -> None:
    assert len(expected("mypy")) > 25
    assert expected("mypy").keys() == expected("pyright").keys()
