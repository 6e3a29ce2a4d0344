"""Pictures that no chat has seen before: painted ones with a number in each."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.browser.pictures import painted
from benchmarks.chats.prompts import name
from benchmarks.peers.corpus import numbered


class Album:
    """Lays out pictures in a folder.

    Args:
        folder: where the chats look for them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._last = 0
        self._files: list[Path] = []

    def fresh(self, count: int, edge: int) -> Sequence[str]:
        """The names of `count` new PNG files; those of the last call are gone.

        A chat that has kept, rendered or cached a picture gains nothing from that: each of these
        has other bytes, though the same pixels.
        """
        for file in self._files:
            file.unlink()
        self._files = []
        names = []
        for original in painted(count, edge):
            self._last += 1
            names.append(name(self._last))
            file = self.folder / f"{names[-1]}.png"
            file.write_bytes(numbered(original.read_bytes(), self._last))
            self._files.append(file)
        return names
