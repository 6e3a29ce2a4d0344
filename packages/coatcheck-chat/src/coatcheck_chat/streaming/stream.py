"""A conversation's stream: its chunks in order, and the previews of the moment. Pure.

Chunks have sequence numbers, so that a reader who was away goes on where it was. Previews have
none: the newest one of a part is shown to readers that have time for it, and then it is forgotten.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from coatcheck.media_part import MEDIA_PART
from coatcheck_chat.errors import StreamExpiredError
from coatcheck_chat.streaming.events import ENDS, encode_chunk

MAX_STREAM_BYTES: Final = 16 * 1024 * 1024
"""JSON of the chunks that one stream holds; the oldest go first. A usual turn has 20 KB."""

MAX_PAST_BYTES: Final = 256 * 1024
"""What a stream holds of earlier turns when the next one begins."""

Chunk = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A chunk with its place in the sequence, and its JSON, written once for all readers."""

    seq: int
    chunk: Chunk
    text: str


@dataclass(frozen=True, slots=True)
class Preview:
    """The newest preview of a part.

    Attributes:
        part_id: the part.
        data: of the part, with ``previewId``.
        version: rises with each preview of the stream.
        opened: the sequence number of the chunk that announced the part.
    """

    part_id: str
    data: Mapping[str, Any]
    version: int
    opened: int


class Stream:
    """The chunks of a conversation's turns, as far back as they are held.

    Args:
        origin: the sequence number before the first chunk's.
        max_bytes: what the held chunks may weigh.
    """

    def __init__(self, origin: int, max_bytes: int = MAX_STREAM_BYTES) -> None:
        self._max_bytes = max_bytes
        self._entries: dict[int, Entry] = {}
        self.origin = origin
        self._held_from = origin + 1
        self._turn_start: int | None = None
        self._opened: dict[str, int] = {}
        self._previews: dict[str, Preview] = {}
        self._versions = 0
        self._listeners: set[Callable[[], None]] = set()
        self.last = origin
        """The sequence number of the newest chunk."""
        self.size = 0
        """Bytes of JSON that are held."""

    @property
    def is_running(self) -> bool:
        """Whether a turn is under way."""
        return self._turn_start is not None

    @property
    def is_followed(self) -> bool:
        """Whether anyone listens."""
        return bool(self._listeners)

    @property
    def position(self) -> int:
        """After which number everything comes that the history does not hold yet."""
        return self.last if self._turn_start is None else self._turn_start

    def begin_turn(self, chunk: Chunk, text: str | None = None) -> None:
        """Publish the first chunk of a new turn; see `publish`."""
        while self.size > MAX_PAST_BYTES:
            self._drop_oldest()
        self._turn_start = self.last
        self.publish(chunk, text)

    def publish(self, chunk: Chunk, text: str | None = None) -> int:
        """Add a chunk for every reader; return its sequence number.

        Args:
            chunk: the chunk.
            text: its JSON, where that has been made already.
        """
        self.last += 1
        entry = Entry(self.last, chunk, encode_chunk(chunk) if text is None else text)
        self._entries[entry.seq] = entry
        self.size += len(entry.text)
        while self.size > self._max_bytes:
            self._drop_oldest()
        if chunk["type"] == MEDIA_PART and "id" in chunk:
            self._open_or_close(chunk["id"], chunk["data"])
        elif chunk["type"] in ENDS:
            self._turn_start = None
            self._opened.clear()
            self._previews.clear()
        self._tell()
        return entry.seq

    def show(self, chunk: Chunk) -> None:
        """Let a part's preview be seen, in the place of the one before. It has no number."""
        part_id = chunk["id"]
        if part_id in self._opened:
            self._versions += 1
            self._previews.pop(part_id, None)  # so that they stay in the order of their versions
            self._previews[part_id] = Preview(
                part_id, chunk["data"], self._versions, self._opened[part_id]
            )
            self._tell()

    def entry(self, seq: int) -> Entry:
        """The chunk with this number.

        Raises:
            StreamExpiredError: it is no longer in memory.
        """
        if seq not in self._entries:
            raise StreamExpiredError
        return self._entries[seq]

    def previews_after(self, version: int) -> Iterator[Preview]:
        """The newest preview of each part that came after `version`."""
        return (preview for preview in self._previews.values() if preview.version > version)

    def resumption(self, seq: int) -> int:
        """After which number a reader goes on that has seen all up to `seq`, or nothing if 0.

        Raises:
            StreamExpiredError: not everything after it is held.
        """
        start = seq or self.position
        if not self._held_from - 1 <= start <= self.last:
            raise StreamExpiredError
        return start

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` whenever there is something new; return what stops that."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def forget(self) -> None:
        """Drop every chunk that is held. Who comes late reads the history instead."""
        while self._entries:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        self.size -= len(self._entries.pop(self._held_from).text)
        self._held_from += 1

    def _open_or_close(self, part_id: str, data: Mapping[str, Any]) -> None:
        if data.get("state") == "pending":
            self._opened[part_id] = self.last
        else:
            self._opened.pop(part_id, None)
            self._previews.pop(part_id, None)

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()
