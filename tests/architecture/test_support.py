"""What the page of supported versions says is what the packages say."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs/reference/support.md").read_text("utf-8")


def versions(what: str) -> str:
    """The second cell of the row whose first cell begins with `what`."""
    (row,) = re.findall(rf"^\| {re.escape(what)}[^|]* \| ([^|]*) \|", PAGE, re.MULTILINE)
    return str(row)


PROJECTS: Final = ("packages/coatcheck", "packages/coatcheck-chat")


def project(path: str = "") -> dict[str, Any]:
    return tomllib.loads((ROOT / path / "pyproject.toml").read_text("utf-8"))


def package(path: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / path / "package.json").read_text("utf-8"))
    return loaded


def classified(path: str, prefix: str) -> list[str]:
    found = [c for c in project(path)["project"]["classifiers"] if c.startswith(prefix)]
    return [classifier.removeprefix(prefix) for classifier in found]


@pytest.mark.parametrize("path", PROJECTS)
def test_python(path: str) -> None:
    named = versions("Python").split(", ")
    assert named == [v for v in classified(path, "Programming Language :: Python :: ") if "." in v]
    assert project(path)["project"]["requires-python"] == f">={named[0]}"
    assert project()["tool"]["ruff"]["target-version"] == f"py{named[0].replace('.', '')}"


@pytest.mark.parametrize("path", PROJECTS)
def test_systems(path: str) -> None:
    systems = {name.rsplit(" ", 1)[-1] for name in classified(path, "Operating System :: ")}
    assert {name.lower() for name in versions("system").split(", ")} == {s.lower() for s in systems}


def test_node() -> None:
    assert f">={versions('Node.js').split(' ')[0]}" == package("web")["engines"]["node"]


def test_peers() -> None:
    peers = package("web/packages/coatcheck")["peerDependencies"]
    assert peers == {
        "react": f"^{versions('React')}.0.0",
        "ai": f"^{versions('AI SDK (`ai`)')}.0.0",
        "workbox-routing": f"^{versions('Workbox')}.0.0",
        "workbox-strategies": f"^{versions('Workbox')}.0.0",
    }


def test_javascript() -> None:
    built = [
        (ROOT / "web/app" / name).read_text("utf-8")
        for name in ("vite.config.ts", "vite.worker.config.ts")
    ]
    targets = {target for text in built for target in re.findall(r'target: "(\w+)"', text)}
    assert {versions("JavaScript of the page").lower()} == targets
    base = (ROOT / "web/tsconfig.base.json").read_text("utf-8")
    assert f'"target": "{versions("JavaScript of the npm package")}"' in base
