"""A memory that is bounded: by number, by weight, in time. Pure but for its clock."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
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
        clock: a monotonic clock in seconds.
    """

    def __init__(
        self,
        *,
        entries: float = inf,
        capacity: float = inf,
        weigh: Callable[[V], int] | None = None,
        seconds: float = inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._entries = entries
        self._capacity = capacity
        self._weigh = weigh
        self._seconds = seconds
        self._clock = clock
        self._known: OrderedDict[K, V] = OrderedDict()
        self._until: dict[K, float] = {}  # stays empty where values do not age
        self._weight = 0

    def __len__(self) -> int:
        return len(self._known)

    @property
    def weight(self) -> int:
        """What the remembered values weigh together."""
        return self._weight

    def get(self, key: K) -> V | None:
        """The value with this key; None if there is none, or it was dropped."""
        value = self._known.get(key)
        if self._until and value is not None and self._until[key] <= self._clock():
            return None
        return value

    def use(self, key: K) -> V | None:
        """As `get`, and the value becomes the newest. It lives no longer for that."""
        value = self._known.get(key)
        if value is None or (self._until and self._until[key] <= self._clock()):
            return None
        self._known.move_to_end(key)
        return value

    def values(self) -> Iterator[V]:
        """All values, the oldest first, also those whose time is over and that still take room."""
        return iter(self._known.values())

    def put(self, key: K, value: V) -> None:
        """Remember a value as the newest, in the place of an earlier one with its key."""
        known = self._known
        self.forget(key)
        known[key] = value
        if self._seconds != inf:
            now = self._clock()
            self._until[key] = now + self._seconds
            while known and self._until[next(iter(known))] <= now:
                self.forget(next(iter(known)))
        if self._weigh is not None:
            self._weight += self._weigh(value)
        while len(known) > self._entries or self._weight > self._capacity:
            self.forget(next(iter(known)))

    def forget(self, key: K) -> None:
        """Remember nothing under this key."""
        value = self._known.pop(key, None)
        if value is not None:
            self._until.pop(key, None)
            if self._weigh is not None:
                self._weight -= self._weigh(value)

    def clear(self) -> None:
        """Remember nothing."""
        self._known.clear()
        self._until.clear()
        self._weight = 0
