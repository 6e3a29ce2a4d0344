"""The conversations' pictures: painted once, kept in the cache directory."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.peers.install import cache
from coatcheck_chat.painter import paint

_PROMPTS = (
    "a lighthouse at dusk",
    "a fox in the snow",
    "mountains above a lake",
    "a city at night",
)


def painted(count: int, edge: int) -> Sequence[Path]:
    """PNG files of `count` different landscapes; 50 of 2048² take some minutes the first time."""
    folder = cache() / "pictures"
    folder.mkdir(exist_ok=True)
    files = [folder / f"{edge}-{number}.png" for number in range(count)]
    missing = [(file, edge, number) for number, file in enumerate(files) if not file.exists()]
    if missing:
        with ProcessPoolExecutor() as pool:
            list(pool.map(_paint, *zip(*missing, strict=True)))
    return files


def _paint(file: Path, edge: int, number: int) -> None:
    prompt = _PROMPTS[number % len(_PROMPTS)]
    partial = file.with_suffix(".part")
    partial.write_bytes(paint(prompt, seed=number, width=edge, height=edge))
    partial.rename(file)
