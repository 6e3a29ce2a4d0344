"""One client's connection to the chat, without input and output: what a frame means, what is next.

The socket's loop feeds in frames and the time, does what they ask for, and writes what
`Session.next` returns when there is room for it. Nothing is queued but refusals: chunks and
previews are taken from the conversation's stream at the moment of writing.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from coatcheck.delivery import ClientAllowance
from coatcheck.errors import CoatcheckError, RateLimitError
from coatcheck.media_part import MEDIA_PART
from coatcheck.reference import MediaUrls
from coatcheck_chat.errors import ProtocolError, StreamExpiredError
from coatcheck_chat.streaming.events import (
    ENDS,
    MAX_CLIENT_FRAME,
    PING,
    ClientFrame,
    MessageSend,
    StreamCancel,
    StreamResume,
    abbreviated,
    encode_frame,
    error_chunk,
    frame,
    parse_frame,
    resumed_chunk,
    without_message,
)
from coatcheck_chat.streaming.feed import Feed
from coatcheck_chat.streaming.frames import FrameKind
from coatcheck_chat.streaming.stream import Entry, Preview, Stream

HEARTBEAT_SECONDS: Final = 25.0
"""Seconds of silence after which the server sends a sign of life."""

PUSH_FROM_MS: Final = 20.0
"""Milliseconds of a round trip from which on a thumbnail is pushed: fetching it takes one more."""

POLICY_VIOLATION: Final = 1008
TOO_BIG: Final = 1009
SERVICE_RESTART: Final = 1012
TRY_AGAIN_LATER: Final = 1013

_MOST_REFUSALS: Final = 64  # unread ones; a client that sends on and does not read gets no more
_MOST_OVER: Final = 30  # frames in a row that are over the limit


@dataclass(frozen=True, slots=True)
class SendText:
    """Write this text frame."""

    text: str


@dataclass(frozen=True, slots=True)
class SendBytes:
    """Write a binary frame with this preview or thumbnail, if it can still be had.

    Attributes:
        kind: where the bytes are.
        part_id: the ``data-media`` part.
        media_id: the preview's id, or the reference's.
        seq: of the chunk that brought the part into this state.
    """

    kind: FrameKind
    part_id: str
    media_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class Close:
    """Close the socket."""

    code: int
    reason: str


Output = SendText | SendBytes | Close


class Session:
    """A connection. It follows one conversation: the first one that it begins or resumes.

    Args:
        allowance: what its client may send.
        urls: mints the URLs of previews.
        binary: whether the client takes previews and thumbnails as binary frames.
        wake: called when `next` may have something.
        now: the time, in seconds of a monotonic clock.
    """

    def __init__(
        self,
        allowance: ClientAllowance,
        urls: MediaUrls,
        *,
        binary: bool,
        wake: Callable[[], None],
        now: float,
    ) -> None:
        self._allowance = allowance
        self._urls = urls
        self._binary = binary
        self._wake = wake
        self._conversation_id: str | None = None
        self._feed: Feed | None = None
        self._answers: deque[str] = deque()
        self._held: deque[Output] = deque()
        self._closing: Close | None = None
        self._is_closed = False
        self._over = 0
        self._wrote_at = now
        self._sent: object = None
        self._round_trip: float | None = None
        self._references_once = False
        self._told: set[str] = set()

    # --- what happens -----------------------------------------------------------------------------

    def receive(self, data: str | bytes, now: float) -> ClientFrame | None:
        """Return the request of a frame; None if it is refused and answered with an error."""
        if self._closing is not None:
            return None
        if len(data) > MAX_CLIENT_FRAME:
            self.close(TOO_BIG, "The frame is too long.")
            return None
        try:
            self._allowance.take(now)
            self._over = 0
            return self._parse(data)
        except CoatcheckError as error:
            self._over += isinstance(error, RateLimitError)
            self.refuse(error)
            return None

    def follow(self, conversation_id: str, stream: Stream, start: int) -> None:
        """A turn has begun that this client asked for; `start` is where it begins."""
        if self._feed is None:
            self._read(conversation_id, stream, start)

    def resume(self, conversation_id: str, stream: Stream, seq: int) -> None:
        """The client has seen everything up to `seq` and wants to go on.

        Raises:
            StreamExpiredError: what it missed is no longer in memory.
        """
        start = stream.resumption(seq)
        self._read(conversation_id, stream, start)
        self._answer(resumed_chunk(start, stream.last, running=stream.is_running))

    def refuse(self, error: CoatcheckError) -> None:
        """Tell the client why its frame was for nothing."""
        if len(self._answers) > _MOST_REFUSALS or self._over > _MOST_OVER:
            self.close(POLICY_VIOLATION, "Too many frames that cannot be taken.")
            return
        self._answer(error_chunk(error))
        self._answer({"type": "finish"})

    def tick(self, now: float) -> None:
        """Time goes by."""
        if now - self._wrote_at >= HEARTBEAT_SECONDS and not self._answers:
            self._answer(PING)

    def close(self, code: int, reason: str) -> None:
        """Close the socket, after what was refused before has been told."""
        self._closing = self._closing or Close(code, reason)
        self.end()
        self._wake()

    def end(self) -> None:
        """The socket is gone, or will be."""
        if self._feed is not None:
            self._feed.close()
            self._feed = None

    # --- what to write ----------------------------------------------------------------------------

    def next(self, now: float) -> Output | None:
        """What to write next; None while there is nothing. After a `Close` there is nothing."""
        output = self._next()
        if output is not None:
            self._wrote_at = now
        return output

    def _next(self) -> Output | None:
        if self._is_closed:
            return None
        if self._held:
            return self._held.popleft()
        if self._answers:
            return SendText(self._answers.popleft())
        if self._closing is not None:
            self._is_closed = True
            return self._closing
        return self._from_stream()

    def _from_stream(self) -> Output | None:
        if self._feed is None:
            return None
        try:
            item = self._feed.next()
        except StreamExpiredError as error:
            self.end()
            self.refuse(error)
            return self._next()
        if isinstance(item, Entry):
            return self._chunk(item)
        return None if item is None else self._preview(item)

    def _chunk(self, entry: Entry) -> Output:
        whole = SendText(frame(entry.seq, entry.text))
        match entry.chunk:
            case {"type": "data-turn", "data": {"messageId": message_id, "message": _}} if (
                message_id == self._sent
            ):
                return SendText(encode_frame(entry.seq, without_message(entry.chunk)))
            case {"type": kind, "id": part_id, "data": {"reference": {"id": media_id}}} if (
                kind == MEDIA_PART
            ):
                self._told.add(media_id)
                if self._pushes_thumbnails:
                    # The bytes come first, so that the picture is there when the part says so.
                    self._held.append(whole)
                    return SendBytes(FrameKind.THUMBNAIL, part_id, media_id, entry.seq)
            case {
                "type": "tool-output-available",
                "output": {"data": {"imageReference": {"id": media_id}}},
            } if media_id in self._told and self._references_once:
                return SendText(encode_frame(entry.seq, abbreviated(entry.chunk)))
            case {"type": kind} if kind in ENDS:
                self._told.clear()
        return whole

    @property
    def _pushes_thumbnails(self) -> bool:
        is_slow = self._round_trip is None or self._round_trip >= PUSH_FROM_MS
        return self._binary and is_slow

    def _preview(self, preview: Preview) -> Output:
        media_id = preview.data["previewId"]
        if self._binary:
            self._held.append(SendText(encode_frame(0, preview_chunk(preview, url=None))))
            return SendBytes(FrameKind.PREVIEW, preview.part_id, media_id, preview.opened)
        return SendText(encode_frame(0, preview_chunk(preview, url=self._urls.preview(media_id))))

    def _parse(self, data: str | bytes) -> ClientFrame:
        if isinstance(data, bytes):
            raise ProtocolError("Frames of a client are text.")
        frame = parse_frame(data)
        if self._conversation_id not in {None, frame.conversation_id}:
            raise ProtocolError("A socket carries one conversation; open another socket.")
        self._hear(frame)
        return frame

    def _hear(self, frame: ClientFrame) -> None:
        """Note what a frame says of the client."""
        match frame:
            case MessageSend(message=message):
                self._sent = message.get("id")
            case StreamResume(references_once=once):
                self._references_once = once
        if not isinstance(frame, StreamCancel) and frame.round_trip is not None:
            self._round_trip = frame.round_trip

    def _read(self, conversation_id: str, stream: Stream, position: int) -> None:
        if self._closing is None:
            self.end()
            self._held.clear()
            self._told.clear()
            self._conversation_id = conversation_id
            self._feed = Feed(stream, position, self._wake)
            self._wake()

    def _answer(self, chunk: dict[str, Any]) -> None:
        # 0: for this socket alone, and no part of the conversation's sequence.
        self._answers.append(encode_frame(0, chunk))
        self._wake()


def preview_chunk(preview: Preview, *, url: str | None) -> dict[str, Any]:
    """A preview as the client gets it: with the URL of its bytes, unless they are pushed."""
    data = {name: value for name, value in preview.data.items() if name != "previewId"}
    if url is not None:
        data["thumbnailUrl"] = url
    return {"type": MEDIA_PART, "id": preview.part_id, "data": data}
