"""Every ``python`` block that is no file of a tutorial runs as a script, in an empty directory."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.docs.blocks import Block, all_blocks
from tests.docs.fixtures import provide

SECONDS: Final = 60
SCRIPTS: Final = [
    pytest.param(block, id=block.name)
    for block in all_blocks()
    if block.language == "python" and not block.marks.keys() & {"file", "excerpt of", "not run"}
]


@pytest.mark.parametrize("block", SCRIPTS)
def test_a_script_runs(block: Block, tmp_path: Path) -> None:
    for name in block.needs:
        provide(name, tmp_path)
    environment = {n: v for n, v in os.environ.items() if not n.startswith("COATCHECK_")}
    done = subprocess.run(
        [sys.executable, "-c", block.text],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
