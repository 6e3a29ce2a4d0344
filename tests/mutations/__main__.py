"""``python -m tests.mutations [AREA …]``: make each change, run its tests, print what survived."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from tests.mutations import ROOT, Mutation, mutations

# Built or installed, so not tracked, and needed by tests of the page and of the npm package.
_BUILT: Final = ("packages/coatcheck-chat/src/coatcheck_chat/page",)
_INSTALLED: Final = ("web/node_modules",)
_SECONDS: Final = 300


def main() -> int:
    """Run the mutations of the areas that are named, else all; 1 if one survives."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("areas", nargs="*", default=["*"], help="names of the lists beside this")
    parser.add_argument("--match", default="", help="only mutations with this in their names")
    parser.add_argument("--jobs", type=int, default=2, help="how many run at once")
    options = parser.parse_args()
    chosen = [one for area in options.areas for one in mutations(area) if options.match in one.name]
    tried = [one for one in chosen if not one.equivalent]
    with tempfile.TemporaryDirectory(prefix="mutations-") as directory:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(options.jobs):
            copies.put(_copy_of_the_tree(Path(directory) / str(number)))
        with ThreadPoolExecutor(options.jobs) as pool:
            broken = list(pool.map(lambda test: _fails_unchanged(copies, test), _all_tests(tried)))
            if any(broken):
                print("Fails on the code as it is:", *filter(None, broken), sep="\n  ")
                return 1
            survivors = []
            for one, is_killed in zip(
                tried, pool.map(lambda one: _is_killed(copies, one), tried), strict=True
            ):
                verdict = "killed   " if is_killed else "SURVIVED "
                print(verdict, f"{one.area}: {one.name}", flush=True)
                survivors += [] if is_killed else [one]
    equivalent = len(chosen) - len(tried)
    print(
        f"{len(chosen)} mutations: {len(tried) - len(survivors)} killed, {equivalent} equivalent,"
        f" {len(survivors)} survived"
    )
    return 1 if survivors else 0


def _all_tests(tried: list[Mutation]) -> list[str]:
    return sorted({test for one in tried for test in one.tests})


def _fails_unchanged(copies: "SimpleQueue[Path]", test: str) -> str | None:
    with _borrowed(copies) as copy:
        return None if _pass(copy, (test,)) else test


def _is_killed(copies: "SimpleQueue[Path]", one: Mutation) -> bool:
    with _borrowed(copies) as copy:
        path = copy / one.file
        original = path.read_text("utf-8")
        if original.count(one.before) != 1:
            raise SystemExit(f"{one.area}: {one.name}: `before` is not once in {one.file}")
        path.write_text(original.replace(one.before, one.after), "utf-8")
        try:
            return not _pass(copy, one.tests)
        finally:
            path.write_text(original, "utf-8")


@contextmanager
def _borrowed(copies: "SimpleQueue[Path]") -> Iterator[Path]:
    copy = copies.get()
    try:
        yield copy
    finally:
        copies.put(copy)


def _pass(copy: Path, tests: tuple[str, ...]) -> bool:
    in_python = [test for test in tests if not test.startswith("web/")]
    on_the_web = [test.removeprefix("web/") for test in tests if test.startswith("web/")]
    pytest = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *in_python]
    vitest = ["npm", "exec", "--", "vitest", "run", *on_the_web]
    return (not in_python or _succeeds(pytest, copy)) and (
        not on_the_web or _succeeds(vitest, copy / "web")
    )


def _succeeds(command: list[str], directory: Path) -> bool:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(str(path) for path in directory.glob("packages/*/src")),
        "PYTHONDONTWRITEBYTECODE": "1",  # a change within a second would meet its old byte code
    }
    try:
        result = subprocess.run(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return result.returncode == 0


def _copy_of_the_tree(target: Path) -> Path:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        source, copy = ROOT / name, target / name
        if source.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)
    for name in _BUILT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, dirs_exist_ok=True)
    for name in _INSTALLED:
        if (ROOT / name).is_dir():
            (target / name).symlink_to(ROOT / name)
    return target


if __name__ == "__main__":
    raise SystemExit(main())
