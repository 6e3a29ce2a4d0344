"""A memory that is bounded: by number, by weight, in time. Pure but for its clock."""

import time
from collections import OrderedDict
from collections.abc import Callable
from math import inf
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class BoundedMemory(Generic[K, V]):
    """Values by their keys, in the order in which they were put; the oldest are dropped first.

    Args:
        entries: values that are remembered at most.
        capacity: what they weigh together at most.
        weigh: what a value weighs; only asked where there is a `capacity`.
        seconds: how long a value is remembered after it was put.
        clock: a monotonic clock in seconds; `time.monotonic` where there is none.
    """

    def __init__(
        self,
        *,
        entries: float = inf,
        capacity: float = inf,
        weigh: Callable[[V], int] | None = None,
        seconds: float = inf,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._entries = entries
        self._capacity = capacity
        self._weigh = weigh
        self._seconds = seconds
        self._clock = clock
        self._known: OrderedDict[K, tuple[V, float]] = OrderedDict()
        self._weight = 0

    def __len__(self) -> int:
        return len(self._known)

    @property
    def weight(self) -> int:
        """What the remembered values weigh together."""
        return self._weight

    def get(self, key: K) -> V | None:
        """The value with this key; None if there is none, or none any more."""
        known = self._known.get(key)
        if known is None or self._is_over(known[1]):
            return None
        return known[0]

    def refresh(self, key: K) -> None:
        """Make a remembered value the newest, but let it live no longer."""
        self._known.move_to_end(key)

    def put(self, key: K, value: V) -> None:
        """Remember a value as the newest, in the place of an earlier one with its key."""
        self.forget(key)
        self._known[key] = value, self._now() + self._seconds
        self._weight += self._weight_of(value)
        while len(self._known) > self._entries or self._weight > self._capacity:
            self.forget(next(iter(self._known)))
        while self._known and self._is_over(next(iter(self._known.values()))[1]):
            self.forget(next(iter(self._known)))

    def forget(self, key: K) -> None:
        """Remember nothing under this key."""
        known = self._known.pop(key, None)
        if known is not None:
            self._weight -= self._weight_of(known[0])

    def _is_over(self, until: float) -> bool:
        return until != inf and until <= self._now()

    def _now(self) -> float:
        return time.monotonic() if self._clock is None else self._clock()

    def _weight_of(self, value: V) -> int:
        return 0 if self._weigh is None else self._weigh(value)
