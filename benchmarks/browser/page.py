"""The page that the browser opens, built from ``web/app/bench``."""

import shutil
import subprocess
from pathlib import Path

from benchmarks.peers.processes import UnavailableError

WEB = Path(__file__).parents[2] / "web"


def build(target: Path) -> None:
    """Build the page into `target`.

    Raises:
        UnavailableError: Node.js or the page's packages are missing.
    """
    vite = WEB / "node_modules" / ".bin" / "vite"
    if shutil.which("node") is None or not vite.exists():
        raise UnavailableError("needs Node.js 20 and the page's packages: make setup")
    done = subprocess.run(
        [
            vite,
            "build",
            "--config",
            "app/bench/vite.config.ts",
            "--outDir",
            target,
            "--emptyOutDir",
        ],
        cwd=WEB,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise UnavailableError(f"the page cannot be built: {done.stderr.strip()}")
