"""Named, independent random draws from one key.

Every number of a composition is drawn by name, so adding a draw for one detail never moves another
one, and the order of the painting steps does not matter.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Dice:
    """A source of draws; equal keys give equal draws in every process.

    Attributes:
        key: any integer, usually a hash of the prompt and the seed.
    """

    key: int

    def seed(self, name: str) -> int:
        """Return a 32-bit integer in [0, 2**32) for a noise field called `name`."""
        digest = hashlib.blake2b(f"{self.key}/{name}".encode(), digest_size=4).digest()
        return int.from_bytes(digest, "big")

    def unit(self, name: str) -> float:
        """Return a number in [0, 1)."""
        return self.seed(name) / 2**32

    def between(self, name: str, low: float, high: float) -> float:
        """Return a number in [low, high)."""
        return low + (high - low) * self.unit(name)

    def chance(self, name: str, probability: float) -> bool:
        """Return True with `probability` in [0, 1]."""
        return self.unit(name) < probability

    def pick(self, name: str, options: Sequence[_T]) -> _T:
        """Return one of `options`; IndexError when there is none."""
        return options[int(self.unit(name) * len(options))]

    def child(self, name: str) -> "Dice":
        """Return a source whose draws are independent of this one's."""
        return Dice(self.seed(name))
