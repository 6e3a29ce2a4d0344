"""The threat model names tests that exist, and every attack that they are numbered by."""

import ast
import re
from pathlib import Path
from typing import Final, NamedTuple

import pytest

ROOT: Final = Path(__file__).parents[2]
ATTACKS: Final = set(range(1, 33))
"""The numbers that docstrings and names of tests use."""

# A link to a file of tests, or the name of a test in it.
SHOWN: Final = re.compile(r"\]\((?P<file>tests/[\w/]+\.py)\)|`(?P<test>test_\w+)`")


class Attack(NamedTuple):
    title: str
    numbers: list[int]
    tests: list[tuple[str, str]]


def attacks() -> list[Attack]:
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    section = text.split("\n### Attacks\n")[1].split("\n## ")[0]
    found = []
    for item in re.split(r"^\* \*\*", section, flags=re.MULTILINE)[1:]:
        title = item.partition("**")[0]
        leading = re.match(r"[\d, ]*", title)
        numbers = [int(number) for number in re.findall(r"\d+", leading[0] if leading else "")]
        tests, file = [], ""
        for match in SHOWN.finditer(item):
            file = match["file"] or file
            if match["test"]:
                tests.append((file, match["test"]))
        found.append(Attack(title, numbers, tests))
    return found


def functions(file: Path) -> set[str]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    tree = ast.parse(file.read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


@pytest.mark.parametrize("attack", attacks(), ids=lambda attack: attack.title.replace(" ", "-"))
def test_every_test_that_the_threat_model_names_is_there(attack: Attack) -> None:
    assert attack.tests
    missing = [
        f"{file}::{name}"
        for file, name in attack.tests
        if not (ROOT / file).is_file() or name not in functions(ROOT / file)
    ]
    assert missing == []


def test_every_numbered_attack_is_answered_once() -> None:
    numbers = [number for attack in attacks() for number in attack.numbers]
    assert sorted(numbers) == sorted(ATTACKS)


def test_no_test_names_an_attack_that_the_threat_model_does_not() -> None:
    named = {
        int(number)
        for path in (ROOT / "tests").rglob("*.py")
        for numbers in re.findall(
            r"(?i)\battacks? (\d+(?:(?:, | and )\d+)*)", path.read_text("utf-8")
        )
        for number in re.findall(r"\d+", numbers)
    }
    assert named
    assert named <= ATTACKS
