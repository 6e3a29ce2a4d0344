"""``python -m release check`` and ``python -m release version X.Y.Z``."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from release.check import check
from release.failure import CheckFailedError
from release.versions import read_version, set_version

_ROOT = Path(__file__).parents[1]


def main() -> None:
    """Do what is asked; the exit code is 1 if a check fails."""
    parser = argparse.ArgumentParser(prog="python -m release", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="build all archives and use them")
    checking.add_argument("--keep", type=Path, help="of a commit only: keep the archives here")
    setting = commands.add_parser("version", help="print the version, or set it everywhere")
    setting.add_argument("version", nargs="?", help="X.Y.Z; the changelog is cut with today's date")
    asked = parser.parse_args()
    try:
        if asked.command == "check":
            check(_ROOT, asked.keep)
        else:
            if asked.version:
                set_version(_ROOT, asked.version, datetime.now(UTC).date().isoformat())
            print(read_version(_ROOT))
    except CheckFailedError as error:
        sys.exit(f"\n{error}")


main()
