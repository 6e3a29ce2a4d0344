"""What goes over the network while a page is open, from the DevTools protocol's events.

Three kinds are told apart: the *stream*, by which messages come and go (frames of WebSockets,
bodies of ``fetch`` and ``XMLHttpRequest``, server-sent events); the pictures' own requests; and the
page itself with its scripts, styles and fonts, which is not counted.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_STREAM_TYPES: Final = frozenset({"Fetch", "XHR", "EventSource"})
_EVENT_STREAM: Final = "text/event-stream"
_BINARY: Final = 2  # RFC 6455, 11.8: the opcode of a binary frame; the protocol has it in base64
_LENGTH: Final = "content-length"


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes between two moments.

    Attributes:
        stream: messages that came, as the page gets them: without headers, decompressed.
        largest: the largest message among them: a frame, an event, or a body.
        sent: messages that the page sent.
        media: pictures, as they came over the network; nothing for what was in the browser's cache.
        pushed: pictures in binary frames, which `stream` contains.
    """

    stream: int
    largest: int
    sent: int
    media: int
    pushed: int = 0


@dataclass(slots=True)
class _Request:
    kind: str = ""
    sent: int = 0
    received: int = 0
    transferred: int = 0
    pushed: int = 0
    is_event_stream: bool = False
    largest: int = 0
    tail: bytes = b""


@dataclass(slots=True)
class Ledger:
    """Counts; each public method takes the event of the protocol's network domain of its name.

    Attributes:
        media: what the addresses of pictures match.
        pushes: whether binary frames of a WebSocket are pictures, and not messages.
    """

    media: re.Pattern[str]
    pushes: bool = False
    _requests: dict[str, _Request] = field(default_factory=dict)

    def requested(self, event: Mapping[str, Any]) -> None:
        """``requestWillBeSent``."""
        request = self._request(event)
        url = event["request"]["url"]
        if url.startswith(("data:", "blob:")):
            request.kind = "local"
        elif self.media.search(url):
            request.kind = "media"
        else:
            request.kind = "stream" if event.get("type") in _STREAM_TYPES else "page"

    def headed(self, event: Mapping[str, Any]) -> None:
        """``requestWillBeSentExtraInfo``: it knows how long a body is, however long."""
        headers = {name.lower(): value for name, value in event["headers"].items()}
        self._request(event).sent += int(headers.get(_LENGTH, 0))

    def answered(self, event: Mapping[str, Any]) -> bool:
        """``responseReceived``; whether it is a stream of events, whose content is wanted."""
        request = self._request(event)
        request.is_event_stream = event["response"]["mimeType"] == _EVENT_STREAM
        return request.is_event_stream and request.kind == "stream"

    def streamed(self, identifier: str, data: str) -> None:
        """What of a stream of events had come before its content was asked for, in base64."""
        self._split(self._requests[identifier], base64.b64decode(data))

    def ended_early(self, identifier: str) -> None:
        """A stream of events ended before its content could be asked for: it counts as one."""
        self._requests[identifier].is_event_stream = False

    def received(self, event: Mapping[str, Any]) -> None:
        """``dataReceived``."""
        request = self._request(event)
        request.received += event["dataLength"]
        if request.is_event_stream:
            self._split(request, base64.b64decode(event.get("data", "")))

    def finished(self, event: Mapping[str, Any]) -> None:
        """``loadingFinished``."""
        self._request(event).transferred += int(event["encodedDataLength"])

    def frame_received(self, event: Mapping[str, Any]) -> None:
        """``webSocketFrameReceived``."""
        request = self._request(event)
        size = _frame_bytes(event["response"])
        request.kind = "stream"
        request.is_event_stream = True  # it has messages, not one body
        request.received += size
        request.largest = max(request.largest, size)
        if self.pushes and event["response"]["opcode"] == _BINARY:
            request.pushed += size

    def frame_sent(self, event: Mapping[str, Any]) -> None:
        """``webSocketFrameSent``."""
        request = self._request(event)
        request.kind = "stream"
        request.sent += _frame_bytes(event["response"])

    def take(self) -> Traffic:
        """What has been counted since it was taken last."""
        stream = [each for each in self._requests.values() if each.kind == "stream"]
        media = [each for each in self._requests.values() if each.kind == "media"]
        taken = Traffic(
            stream=sum(each.received for each in stream),
            largest=max(
                (each.largest if each.is_event_stream else each.received for each in stream),
                default=0,
            ),
            sent=sum(each.sent for each in stream),
            media=sum(each.transferred for each in media),
            pushed=sum(each.pushed for each in stream),
        )
        for each in self._requests.values():
            each.received = each.sent = each.transferred = each.largest = each.pushed = 0
        return taken

    def _request(self, event: Mapping[str, Any]) -> _Request:
        return self._requests.setdefault(event["requestId"], _Request())

    @staticmethod
    def _split(request: _Request, data: bytes) -> None:
        *events, request.tail = (request.tail + data).split(b"\n\n")
        request.largest = max((request.largest, *(len(each) + 2 for each in events)))


def _frame_bytes(frame: Mapping[str, Any]) -> int:
    data: str = frame["payloadData"]
    if frame["opcode"] == _BINARY:
        return len(data) * 3 // 4 - data[-2:].count("=")
    return len(data.encode())
