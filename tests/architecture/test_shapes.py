"""The table of shapes and the tests that show them say the same."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "reference" / "shapes.md"
MODULES: Final = (
    *sorted((ROOT / "tests" / "golden").glob("test_*.py")),
    ROOT / "tests" / "unit" / "payload" / "test_shapes_by_hand.py",
)
SHAPES: Final = 31

ROW: Final = re.compile(r"^\| (?P<row>\d+) \|.*\| (?P<shown>[^|]+) \|$", re.MULTILINE)


def documented() -> list[tuple[int, set[str]]]:
    """Each row of the table, and the modules that it names."""
    found = ROW.finditer(PAGE.read_text("utf-8"))
    return [(int(row["row"]), set(re.findall(r"`([^`]+)`", row["shown"]))) for row in found]


def shown(module: Path) -> Iterator[int]:
    """The rows that a module has fixtures for: ``Golden(row=…)``, ``pytest.param(…, id="…-")``."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        match node:
            case ast.keyword(arg="row", value=ast.Constant(value=int(row))):
                yield row
            case ast.keyword(arg="id", value=ast.Constant(value=str(text))):
                if numbered := re.match(r"(\d+)-", text):
                    yield int(numbered[1])


def test_each_row_names_the_modules_that_show_it() -> None:
    by_module = {module.name: set(shown(module)) for module in MODULES}
    assert documented() == [
        (row, {name for name, rows in by_module.items() if row in rows})
        for row in range(1, SHAPES + 1)
    ]
    assert all(modules for _, modules in documented())


def test_the_readme_says_how_many_there_are() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert f"[{SHAPES} shapes](docs/reference/shapes.md)" in readme
