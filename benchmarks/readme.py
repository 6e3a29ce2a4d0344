"""``python -m benchmarks.readme [BLOCK ...]``: puts the figures of a run where they are quoted.

In ``README.md`` and ``docs/explanation/benchmarks.md``, what stands between ``<!-- figures: BLOCK
-->`` and ``<!-- end of figures -->`` is written from the files that the benchmarks have left in
``benchmarks-results``; charts are copied into ``docs/images``. Blocks without such a file stay as
they are, so that a part can be measured anew by itself.
"""

import argparse
import json
import re
import shutil
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Final

from benchmarks import targets
from benchmarks.run import RESULTS
from benchmarks.tables import Table

ROOT: Final = Path(__file__).parents[1]
PAGES: Final = (Path("README.md"), Path("docs/explanation/benchmarks.md"))
CHARTS: Final = {
    "browser.svg": Path("docs/images/bench-browser.svg"),
    "chats.svg": Path("docs/images/bench-chats.svg"),
}
"""Where each chart of a run is shown."""

COSTS: Final = (
    "the picture in the tool's result, bytes",
    "frame with the tool's result, bytes",
    "in the model's context, tokens",
    "in the history's database, bytes",
    "one frame: longest message handler, ms, 4×",
    "one frame: Chrome's violations, 4×",
    "one frame: first pixels, ms, 1×",
    "one frame: full picture, ms, 1×",
    "text that is rendered while it streams: first pixels, ms, 1×",
    "text that is rendered while it streams: page blocked, ms, 1×",
    "text that is rendered while it streams: page blocked, ms, 4×",
    "text that is rendered while it streams: Chrome's violations, 4×",
    "ten pictures, a frame each: full picture, ms, 1×",
    "ten pictures, a frame each: full picture, ms, 4×",
)
"""Rows of the headline's table that the README has."""

COMPARED: Final = (
    r"3 × 1024², 1×(, [^:]*)?: (readable|full|main thread).*",
    r"3 × 1024², 1×: stream.*",
    r"ten at once, .*: full picture ÷.*",
    r"coatcheck serve.*: (thumbnail ÷ uvicorn|original|cold variant).*",
)
"""Targets of the larger benchmarks that the README has; of every other benchmark it has all."""

_CHOSEN_FROM: Final = frozenset({"chats", "ten", "delivery", "visit", "gallery", "payload"})
_BLOCK: Final = re.compile(
    r"(?P<start><!-- figures: (?P<name>[a-z]+) -->\n\n).*?(?P<end>\n\n<!-- end of figures -->)",
    re.DOTALL,
)


def _file(name: str) -> Callable[[Path], str]:
    return lambda results: (results / name).read_text("utf-8")


def costs(results: Path) -> str:
    """The README's part of the headline's table."""
    rows = {row["name"]: row for row in json.loads(_file("headline.json")(results))}
    lines = [
        f"| {name} | {rows[name]['legacy']} | {rows[name]['reference']} | {rows[name]['verdict']} |"
        for name in COSTS
        if name in rows
    ]
    head = ("| | inline base64 | reference | ratio |", "| --- | ---: | ---: | ---: |")
    return "\n".join([*head, *lines])


def comparison(results: Path) -> str:
    """The README's part of the targets, the missed ones included.

    Raises:
        FileNotFoundError: no benchmark has left any.
    """
    kept = targets.kept(results)
    if not kept:
        raise FileNotFoundError("targets-*.json")
    chosen = [
        target
        for benchmark, each in kept.items()
        for target in each
        if target.value is not None
        and (benchmark not in _CHOSEN_FROM or re.fullmatch("|".join(COMPARED), target.what))
    ]
    return targets.table("", chosen).markdown()


def sizes(results: Path) -> str:
    """Pictures of other sizes, without a browser.

    Raises:
        FileNotFoundError: they have not been measured.
    """
    pictures = json.loads(_file("stream.json")(results))["pictures"]
    columns = [f"{each['edge']}×{each['edge']}, {each['size'] / 1e6:.1f} MB" for each in pictures]
    rows = []
    for number, measure in enumerate(pictures[0]["measures"]):
        for side in ("legacy", "reference"):
            values = [each["measures"][number][side] for each in pictures]
            form = ",.3f" if measure["name"].endswith("ms") else ",.0f"
            rows.append([f"{measure['name']}: {side}", *(f"{value:{form}}" for value in values)])
    return Table("", ["", *columns], rows).markdown()


BLOCKS: Final[Mapping[str, Callable[[Path], str]]] = {
    "costs": costs,
    "comparison": comparison,
    "headline": _file("headline.md"),
    "sizes": sizes,
    "browser": _file("browser.md"),
    "ten": _file("ten.md"),
    "visit": _file("visit.md"),
    "chats": _file("chats.md"),
    "intake": _file("intake.md"),
    "delivery": _file("delivery.md"),
    "payload": _file("payload.md"),
    "targets": _file("targets.md"),
}
"""How each block is written from the folder of results."""


def fill(page: str, results: Path, names: Collection[str]) -> tuple[str, list[str]]:
    """Write the blocks of a page anew.

    Args:
        page: its text.
        results: the folder that the benchmarks have written to.
        names: the blocks to write.

    Returns:
        The page, and the names of the blocks that have changed.

    Raises:
        KeyError: the page has a block of an unknown name.
    """
    changed: list[str] = []

    def write(match: re.Match[str]) -> str:
        name = match["name"]
        block = BLOCKS[name]
        if name not in names:
            return match[0]
        try:
            text = block(results).strip()
        except FileNotFoundError:
            return match[0]
        written = f"{match['start']}{text}{match['end']}"
        if written != match[0]:
            changed.append(name)
        return written

    return _BLOCK.sub(write, page), changed


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.readme")
    parser.add_argument("blocks", nargs="*", help=f"{', '.join(BLOCKS)}; all by default")
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    if unknown := set(arguments.blocks) - BLOCKS.keys():
        parser.error(f"There is no block {', '.join(sorted(unknown))}.")
    if not arguments.results.is_dir():
        sys.exit(f"There is no folder {arguments.results}. make bench makes it.")
    for page in PAGES:
        text = Path(ROOT, page).read_text("utf-8")
        filled, changed = fill(text, arguments.results, arguments.blocks or BLOCKS)
        Path(ROOT, page).write_text(filled, "utf-8")
        print(f"{page}: {', '.join(changed) or 'nothing changed'}")
    for name, target in CHARTS.items():
        chart = arguments.results / name
        if chart.exists() and (not arguments.blocks or chart.stem in arguments.blocks):
            shutil.copyfile(chart, ROOT / target)


if __name__ == "__main__":
    main()
