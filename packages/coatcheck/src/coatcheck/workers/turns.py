"""Places for a few at a time, handed out in turn to those who wait. Pure asyncio."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from coatcheck.errors import OverloadedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one of several who use the same places may have of them.

    Attributes:
        name: whose it is.
        places: how many it may hold at once.
        waiting: how many more of its own may wait.
    """

    name: str = ""
    places: int
    waiting: int


class Turns:
    """A semaphore that is fair between shares and not only between calls.

    A place that becomes free goes to the next share that waits, however many calls of another share
    came before. Within a share, the order of the calls decides.

    Args:
        places: how many may be held at once.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._held: Counter[str] = Counter()
        self._queues: OrderedDict[str, deque[tuple[Share, asyncio.Future[None]]]] = OrderedDict()

    @property
    def held(self) -> int:
        """How many places are held now."""
        return self._held.total()

    @property
    def waiting(self) -> int:
        """How many wait for a place now."""
        return sum(map(len, self._queues.values()))

    @asynccontextmanager
    async def place(self, share: Share, *, max_waiting: int) -> AsyncIterator[None]:
        """Hold a place of `share` as soon as it is its turn.

        Args:
            share: whose call this is.
            max_waiting: refuse when this many calls of all shares wait already.

        Raises:
            OverloadedError: too many wait already, or too many of this share do.
        """
        if self._free and self._held[share.name] < share.places:
            self._take(share.name)
        else:
            await self._wait(share, max_waiting)
        try:
            yield
        finally:
            self._give_back(share.name)

    async def _wait(self, share: Share, max_waiting: int) -> None:
        queue = self._queues.get(share.name, ())
        if self.waiting >= max_waiting or len(queue) >= share.waiting:
            raise OverloadedError
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (share, turn)
        self._queues.setdefault(share.name, deque()).append(entry)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._leave(entry)
            else:  # it was given a place in the moment in which it was cancelled
                self._give_back(share.name)
            raise

    def _leave(self, entry: tuple[Share, asyncio.Future[None]]) -> None:
        name = entry[0].name
        self._queues[name].remove(entry)
        if not self._queues[name]:
            del self._queues[name]

    def _take(self, name: str) -> None:
        self._free -= 1
        self._held[name] += 1

    def _give_back(self, name: str) -> None:
        self._free += 1
        self._held[name] -= 1
        if not self._held[name]:
            del self._held[name]
        for waiting, queue in list(self._queues.items()):
            entry = next((entry for entry in queue if not entry[1].done()), None)
            if entry is not None and self._held[waiting] < entry[0].places:
                self._take(waiting)
                entry[1].set_result(None)
                self._queues.move_to_end(waiting)
                self._leave(entry)
                return
