"""`python -m website build` builds the site; `python -m website serve` shows it while you write."""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

import watchfiles

from website.pages import PagesError
from website.paths import CONFIG, HTML, ROOT
from website.source import lay_out
from website.verify import verify

GENERATOR: Final = [sys.executable, "-m", "zensical"]
# What a build without a warning says; every other line is one.
SAID: Final = ("Build started", "No issues found", "Build finished")
WATCHED: Final = (
    "docs",
    "spec",
    "packages/coatcheck/src/coatcheck",
    "web/packages/coatcheck/src",
    "website",
)


def main() -> int:
    """The process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m website", description=__doc__)
    parser.add_argument("action", choices=["build", "serve"])
    parser.add_argument("--port", type=int, default=8000)
    given = parser.parse_args()
    try:
        layout = lay_out()
        if given.action == "serve":
            return serve(given.port)
        wrong = [*build(), *verify(HTML, layout.sources, layout.anchors)]
    except PagesError as error:
        wrong = [str(error)]
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    return 1 if wrong else 0


def build() -> Iterator[str]:
    """Build, and give what the generator says beyond that it is done.

    Raises:
        PagesError: It did not get so far.
    """
    command = [*GENERATOR, "build", "--strict", "--clean", "--config-file", str(CONFIG)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    said = (done.stdout + done.stderr).strip()
    if done.returncode != 0:
        raise PagesError(said.partition("\nTraceback")[0])
    yield from (line for line in said.splitlines() if line.strip() and not line.startswith(SAID))


def serve(port: int) -> int:
    """Show the site and lay it out anew after each change, until the generator's server ends.

    Args:
        port: where, on this machine.
    """
    command = [*GENERATOR, "serve", "--config-file", str(CONFIG), "--dev-addr", f"127.0.0.1:{port}"]
    with subprocess.Popen(command) as server:  # noqa: S603 - our own command
        changes = watchfiles.watch(
            *(ROOT / name for name in WATCHED), raise_interrupt=False, yield_on_timeout=True
        )
        for changed in changes:
            if server.poll() is not None:
                break
            if changed:
                try:
                    lay_out()
                except PagesError as error:  # the next change may mend it
                    sys.stderr.write(f"{error}\n")
        server.terminate()
    return 0


sys.exit(main())
