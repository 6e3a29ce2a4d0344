"""The streams of all conversations, kept for as long as someone may come back to them."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from coatcheck_chat.streaming.stream import Stream

KEPT_SECONDS: Final = 300.0
"""How long a stream that rests can be resumed."""

KEPT_BYTES: Final = 32 * 1024 * 1024
"""What the streams that rest hold together; those that have rested longest are forgotten first."""

_OVERHEAD: Final = 1024  # bytes of a stream that holds nothing, so that their number is bounded too


_Key = tuple[str | None, str]


class Streams:
    """Finds a conversation's stream, or begins one.

    Each owner has separate streams: a reader of another owner's conversation, or of one that does
    not exist yet, follows a stream on which nothing of the other owner's is published.

    The numbers of a stream begin at its creation time, in microseconds since 1970. So they never
    overlap with those of a forgotten stream or of another process: a reader's number was either
    given out by this stream, or is out of its range.

    This is not a `BoundedMemory`, because a stream that is over the limits is only emptied, and
    kept, while a reader follows it or a turn writes to it.

    Args:
        epoch: seconds since 1970 when `clock` says 0.
        clock: a monotonic clock in seconds.
        kept_bytes: what the streams that rest may hold together.
    """

    def __init__(
        self,
        *,
        epoch: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        kept_bytes: int = KEPT_BYTES,
    ) -> None:
        self._epoch = time.time() - clock() if epoch is None else epoch
        self._clock = clock
        self._kept_bytes = kept_bytes
        self._streams: dict[_Key, Stream] = {}
        # Those that nothing is added to, and since when; the longest at rest first.
        self._resting: OrderedDict[_Key, float] = OrderedDict()
        self._resting_bytes = 0
        self._newest = 0

    def open(self, conversation_id: str, owner: str | None = None) -> Stream:
        """The conversation's stream; a new one where there is none."""
        self._sweep()
        key = owner, conversation_id
        stream = self._streams.get(key)
        if stream is None:
            now = round((self._epoch + self._clock()) * 1_000_000)
            stream = self._streams[key] = Stream(max(now, self._newest + 1))
            self._rest(key, stream)
        return stream

    def find(self, conversation_id: str, owner: str | None = None) -> Stream | None:
        """The conversation's stream, if there is one."""
        return self._streams.get((owner, conversation_id))

    def hold(self, conversation_id: str, owner: str | None = None) -> Stream:
        """The conversation's stream, which is not forgotten before it is released."""
        stream = self.open(conversation_id, owner)
        if self._resting.pop((owner, conversation_id), None) is not None:
            self._resting_bytes -= _weight(stream)
        return stream

    def release(self, conversation_id: str, owner: str | None = None) -> None:
        """The conversation's turn has ended; its stream rests from now on."""
        key = owner, conversation_id
        self._rest(key, self._streams[key])
        self._sweep()

    def _rest(self, key: _Key, stream: Stream) -> None:
        self._resting[key] = self._clock()
        self._resting_bytes += _weight(stream)

    def _sweep(self) -> None:
        now = self._clock()
        for _ in range(len(self._resting)):
            key, since = next(iter(self._resting.items()))
            if now - since <= KEPT_SECONDS and self._resting_bytes <= self._kept_bytes:
                return
            del self._resting[key]
            stream = self._streams[key]
            self._resting_bytes -= _weight(stream)
            stream.forget()
            self._newest = max(self._newest, stream.last)
            if stream.is_followed:  # its readers must hear of the next turn
                self._rest(key, stream)
            else:
                del self._streams[key]


def _weight(stream: Stream) -> int:
    return stream.size + _OVERHEAD
