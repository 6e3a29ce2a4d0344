"""A reader's way through a stream: what to give it next, and nothing that waits in a queue."""

import math
from collections.abc import AsyncGenerator, Callable

import anyio

from coatcheck_chat.streaming.events import ENDS
from coatcheck_chat.streaming.stream import Entry, Preview, Stream


class Feed:
    """Where one reader is. It asks for the next thing when it has room for it. Pure.

    Every reader goes through the one stream at its own pace: a slow one delays no other and has
    nothing piled up for it. It gets every chunk; of the previews it gets the newest, and only once
    it has all the chunks.

    Args:
        stream: what is read.
        position: the sequence number that it has got to.
        wake: called when there may be something next.
    """

    def __init__(self, stream: Stream, position: int, wake: Callable[[], None]) -> None:
        self._stream = stream
        self._position = position
        self._version = 0
        self.close = stream.listen(wake)

    def next(self) -> Entry | Preview | None:
        """What comes next; None while there is nothing.

        Raises:
            StreamExpiredError: the reader was so slow that its place is no longer in memory.
        """
        if self._position < self._stream.last:
            entry = self._stream.entry(self._position + 1)
            self._position = entry.seq
            return entry
        preview = next(self._stream.previews_after(self._version), None)
        if preview is not None:
            self._version = preview.version
        return preview


class Bell:
    """Wakes one who waits. It may ring before anyone waits, and any number of times."""

    def __init__(self) -> None:
        self._rung = anyio.Event()

    def ring(self) -> None:
        """There is something to see to."""
        self._rung.set()

    async def wait(self) -> None:
        """Return once it has rung since the last time."""
        await self._rung.wait()
        self._rung = anyio.Event()


async def follow(
    stream: Stream, position: int, *, idle_seconds: float = math.inf
) -> AsyncGenerator[Entry | Preview | None]:
    """What comes after `position`, up to the chunk that ends a turn.

    Args:
        stream: what is followed.
        position: the sequence number to go on after.
        idle_seconds: None is given each time that nothing has come for so long.

    Raises:
        StreamExpiredError: see `Feed.next`.
    """
    bell = Bell()
    feed = Feed(stream, position, bell.ring)
    try:
        while True:
            item = feed.next()
            if item is None:
                with anyio.move_on_after(idle_seconds) as waiting:
                    await bell.wait()
                if waiting.cancelled_caught:
                    yield None
                continue
            yield item
            if isinstance(item, Entry) and item.chunk["type"] in ENDS:
                return
    finally:
        feed.close()
