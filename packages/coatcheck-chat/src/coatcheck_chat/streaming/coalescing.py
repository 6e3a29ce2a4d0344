"""Deltas that come faster than a display shows them, merged: one text frame in 16 ms at most."""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import anyio

from coatcheck_chat.streaming.feed import Bell

Chunk = dict[str, Any]

FRAME_SECONDS: Final = 0.016
"""How long a delta waits for the next one at most: a frame of a display with 60 Hz."""

MAX_WAITING: Final = 4096
"""Chunks that are taken from a responder ahead of who reads them; then it waits."""

_DELTAS: Final = frozenset({"text-delta", "reasoning-delta"})
_ANNOUNCEMENT: Final = "tool-input-start"


class Coalescer:
    """Merges consecutive deltas of a text, keeps the order of all chunks. Pure.

    A delta goes at once if none has gone for `FRAME_SECONDS`. One that comes sooner waits until
    then, and what continues it is added to it. Any other chunk goes at once, and what waits goes
    before it: also a delta of another text.

    The announcement of a tool call waits like a delta. It is dropped where the whole call follows
    meanwhile, which says the same.
    """

    def __init__(self) -> None:
        self._ready: deque[Chunk] = deque()
        self._waiting: Chunk | None = None
        self._pieces: list[str] = []
        self._announced_at = float("-inf")
        self._delta_at = float("-inf")

    def __len__(self) -> int:
        """How many chunks it has, those of a merged delta counted each."""
        return len(self._ready) + (self._waiting is not None) * max(len(self._pieces), 1)

    @property
    def due(self) -> float:
        """When `next` has a chunk, in seconds; infinity if it has none."""
        if self._ready:
            return float("-inf")
        if self._waiting is None:
            return float("inf")
        is_delta = self._waiting["type"] in _DELTAS
        return (self._delta_at if is_delta else self._announced_at) + FRAME_SECONDS

    def put(self, chunk: Chunk, now: float) -> None:
        """Take the next chunk.

        Args:
            chunk: of the AI SDK's UI message stream.
            now: the time, in seconds of a monotonic clock.
        """
        waiting = self._waiting
        if waiting is not None and _continues(waiting, chunk):
            # What else a later one says, such as a provider's metadata, takes the earlier's place.
            self._waiting = waiting | chunk
            self._pieces.append(chunk["delta"])
            return
        if waiting is not None and not _replaces(waiting, chunk):
            self.flush()
        self._waiting = None
        if chunk["type"] in _DELTAS:
            self._waiting, self._pieces = chunk, [chunk["delta"]]
        elif chunk["type"] == _ANNOUNCEMENT:
            self._waiting, self._pieces, self._announced_at = chunk, [], now
        else:
            self._ready.append(chunk)

    def flush(self) -> None:
        """Let what waits go at once."""
        if self._waiting is not None:
            self._ready.append(self._merged(self._waiting))
            self._waiting = None

    def next(self, now: float) -> Chunk | None:
        """The next chunk that may go; None while there is none.

        Args:
            now: the time, in seconds of a monotonic clock.
        """
        if not self._ready and now >= self.due:
            self.flush()
        if not self._ready:
            return None
        chunk = self._ready.popleft()
        if chunk["type"] in _DELTAS:
            self._delta_at = now
        return chunk

    def _merged(self, waiting: Chunk) -> Chunk:
        return waiting | {"delta": "".join(self._pieces)} if len(self._pieces) > 1 else waiting


class Relay:
    """Reads a responder's turn in a task of its own; `chunks` is what it said, deltas merged.

    Args:
        turn: see `Responder.respond`.
        unread: the types of chunks that are dropped.
    """

    def __init__(
        self,
        turn: AbstractAsyncContextManager[AsyncIterator[Chunk]],
        *,
        unread: frozenset[str] = frozenset(),
    ) -> None:
        self._turn = turn
        self._unread = unread
        self._coalescer = Coalescer()
        self._came = Bell()
        self._went = Bell()
        self._scope = anyio.CancelScope()
        self._failure: Exception | None = None
        self._ended = anyio.Event()

    async def run(self) -> None:
        """Read the turn to its end; `chunks` raises what it raises."""
        try:
            with self._scope:
                async with self._turn as chunks:
                    async for chunk in chunks:
                        if chunk["type"] not in self._unread:
                            await self._put(chunk)
        except Exception as error:  # noqa: BLE001 - raised again by who reads the chunks
            self._failure = error
        finally:
            self._coalescer.flush()
            self._ended.set()
            self._came.ring()

    async def aclose(self) -> None:
        """End the turn, whether or not it has come to its end."""
        self._scope.cancel()
        with anyio.CancelScope(shield=True):
            await self._ended.wait()

    async def chunks(self) -> AsyncGenerator[Chunk]:
        """The turn's chunks.

        Raises:
            Exception: what the turn raised, after every chunk that came before.
        """
        coalescer = self._coalescer
        while True:
            chunk = coalescer.next(anyio.current_time())
            if chunk is not None:
                self._went.ring()
                yield chunk
            elif self._ended.is_set():
                break
            else:
                with anyio.CancelScope(deadline=coalescer.due):
                    await self._came.wait()
        if self._failure is not None:
            raise self._failure

    async def _put(self, chunk: Chunk) -> None:
        while len(self._coalescer) >= MAX_WAITING:
            await self._went.wait()
        was_due = self._coalescer.due
        self._coalescer.put(chunk, anyio.current_time())
        if self._coalescer.due != was_due:  # else the reader wakes up in time by itself
            self._came.ring()


def _continues(waiting: Chunk, chunk: Chunk) -> bool:
    if chunk["type"] not in _DELTAS or waiting["type"] != chunk["type"]:
        return False
    is_same: bool = waiting["id"] == chunk["id"]
    return is_same


def _replaces(waiting: Chunk, chunk: Chunk) -> bool:
    if (waiting["type"], chunk["type"]) != (_ANNOUNCEMENT, "tool-input-available"):
        return False
    is_same: bool = waiting["toolCallId"] == chunk["toolCallId"]
    return is_same
