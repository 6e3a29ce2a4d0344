"""README's way to install without a release, and its first example, as a newcomer types them."""

import os
import subprocess
import sys
from pathlib import Path

from tests.docs.blocks import ROOT, blocks_of
from tests.docs.fixtures import provide

PAGE = ROOT / "README.md"


def run(*command: str | Path, at: Path) -> str:
    environment = {n: v for n, v in os.environ.items() if not n.startswith("COATCHECK_")}
    done = subprocess.run(
        command, cwd=at, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_first_example_runs_on_the_library_alone(tmp_path: Path) -> None:
    """Without extras: what only the demo needs is not there."""
    blocks = blocks_of(PAGE)
    (install,) = [block for block in blocks if block.text == "pip install -e packages/coatcheck\n"]
    first = next(block for block in blocks if block.language == "python")
    assert install.line < first.line
    uv, python = Path(sys.executable).with_name("uv"), tmp_path / "env/bin/python"
    run(uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "env", at=tmp_path)
    pins = ("--constraints", ROOT / "requirements/demo.txt")
    library = ROOT / "packages/coatcheck"
    run(uv, "pip", "install", "--quiet", "--python", python, *pins, "-e", library, at=tmp_path)
    listed = run(uv, "pip", "list", "--python", python, at=tmp_path)
    assert "coatcheck" in listed
    assert not {"coatcheck-chat", "typer", "pydantic", "fastapi", "uvicorn"} & set(listed.split())
    home = tmp_path / "home"
    home.mkdir()
    for name in first.needs:
        provide(name, home)
    stored, shown, line, weighed = run(python, "-c", first.text, at=home).splitlines()
    assert "'url'" not in stored
    assert "'url': '/api/media/image/" in shown
    assert line.startswith("[image ")
    assert line.endswith('"a lighthouse at dusk" 640×480 png]')
    assert "bytes are kept" in weighed
