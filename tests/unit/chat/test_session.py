"""A connection as a state machine: frames in, frames out, and nothing lost in between."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from coatcheck.delivery.limits import Allowance, ClientAllowance
from coatcheck.errors import NotFoundError
from coatcheck.media_part import media_part, pending, preview, ready
from coatcheck.reference import MediaUrls
from coatcheck_chat.errors import StreamExpiredError
from coatcheck_chat.streaming.events import (
    MAX_CLIENT_FRAME,
    MAX_SERVER_FRAME,
    MessageSend,
    StreamResume,
)
from coatcheck_chat.streaming.frames import FrameKind
from coatcheck_chat.streaming.session import (
    HEARTBEAT_SECONDS,
    POLICY_VIOLATION,
    SERVICE_RESTART,
    TOO_BIG,
    Close,
    Output,
    SendBytes,
    SendText,
    Session,
)
from coatcheck_chat.streaming.stream import Stream

CONVERSATION = "9188cc90-b172-47e9-b493-4e22175bd478"
OTHER = "0f8fad5b-d9cb-469f-a165-70867728950e"
START = {"type": "data-turn", "transient": True, "data": {}}


class Connection:
    """A session with what it has written."""

    def __init__(self, *, binary: bool = False, per_minute: int = 1000) -> None:
        self.woken = 0
        self.now = 0.0
        self.session = Session(
            ClientAllowance([Allowance(per_minute, 0)]),
            MediaUrls(),
            binary=binary,
            wake=self._wake,
            now=0,
        )

    def _wake(self) -> None:
        self.woken += 1

    def receive(self, data: str | bytes) -> Any:
        return self.session.receive(data, self.now)

    def resume(self, stream: Stream, seq: int = 0) -> None:
        self.session.resume(CONVERSATION, stream, seq)

    def outputs(self) -> Iterator[Output]:
        while (output := self.session.next(self.now)) is not None:
            yield output

    def frames(self) -> list[tuple[int, dict[str, Any]]]:
        """Everything that is to be written, all of it text."""
        frames = []
        for output in self.outputs():
            assert isinstance(output, SendText)
            members = json.loads(output.text)
            frames.append((members["seq"], members["chunk"]))
        return frames

    def kinds(self) -> list[tuple[int, str]]:
        return [(seq, chunk["type"]) for seq, chunk in self.frames()]


def frame(**members: Any) -> str:
    return json.dumps({"conversationId": CONVERSATION, **members})


def delta(text: str) -> dict[str, Any]:
    return {"type": "text-delta", "id": "t", "delta": text}


# --- frames that come ----------------------------------------------------------------------------


def test_what_a_frame_asks_for_is_handed_on() -> None:
    connection = Connection()
    message = {"role": "user", "parts": []}
    assert connection.receive(frame(type="message-send", message=message)) == MessageSend(
        CONVERSATION, message
    )
    assert connection.receive(frame(type="stream-resume", seq=7)) == StreamResume(CONVERSATION, 7)
    assert connection.frames() == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("rubbish", "protocol_error"),
        (b"", "protocol_error"),
        (bytes(1000), "protocol_error"),
        (frame(type="unknown"), "protocol_error"),
        (frame(type="stream-cancel", version=2), "unsupported_version"),
        (frame(type="stream-resume"), "protocol_error"),
        (frame(type="stream-resume", seq=-1), "protocol_error"),
        (frame(type="stream-resume", seq=True), "protocol_error"),
        (frame(type="stream-resume", seq=1.5), "protocol_error"),
        (frame(type="stream-resume", seq=2**53), "protocol_error"),
        (frame(type="message-regenerate", messageId=7), "protocol_error"),
        (frame(type="message-send", message={"x": [[]] * 3000}), "protocol_error"),
        ('{"a":' * 40 + "1" + "}" * 40, "protocol_error"),
    ],
)
def test_rubbish_is_refused_outside_of_the_sequence_and_the_socket_goes_on(
    data: str | bytes, code: str
) -> None:
    connection = Connection()
    assert connection.receive(data) is None
    assert connection.woken > 0
    (error, end) = connection.frames()
    assert (error[0], error[1]["code"]) == (0, code)
    assert end == (0, {"type": "finish"})
    assert connection.receive(frame(type="stream-cancel")) is not None


@pytest.mark.parametrize("data", ["x" * (MAX_CLIENT_FRAME + 1), bytes(MAX_CLIENT_FRAME + 1)])
def test_a_frame_that_is_too_long_closes_the_socket(data: str | bytes) -> None:
    connection = Connection()
    assert connection.receive(data) is None
    assert list(connection.outputs()) == [Close(TOO_BIG, "The frame is too long.")]
    assert connection.receive(frame(type="stream-cancel")) is None
    assert list(connection.outputs()) == []


def test_frames_over_the_limit_are_refused_and_come_to_nothing() -> None:
    connection = Connection(per_minute=60)
    asked = [connection.receive(frame(type="stream-cancel")) for _ in range(62)]
    assert sum(one is not None for one in asked) == 60
    assert [chunk.get("code") for _, chunk in connection.frames()][::2] == ["rate_limited"] * 2
    connection.now = 1
    assert connection.receive(frame(type="stream-cancel")) is not None


def test_a_client_that_floods_on_is_shown_out() -> None:
    connection = Connection(per_minute=1)
    closed = None
    for _ in range(200):
        connection.receive("rubbish")
        for output in connection.outputs():
            if isinstance(output, Close):
                closed = output
    assert closed is not None
    assert closed.code == POLICY_VIOLATION


def test_a_client_that_sends_rubbish_and_does_not_read_has_a_bounded_pile() -> None:
    connection = Connection(per_minute=100_000)
    for _ in range(10_000):
        connection.receive("rubbish")
    outputs = list(connection.outputs())
    assert len(outputs) < 100
    assert isinstance(outputs[-1], Close)


def test_a_socket_carries_one_conversation() -> None:
    connection = Connection()
    other = json.dumps({"conversationId": OTHER, "type": "stream-cancel"})
    assert connection.receive(other) is not None  # none is followed yet
    connection.resume(Stream(0))
    assert connection.receive(other) is None
    assert [chunk.get("code") for _, chunk in connection.frames()][1:] == ["protocol_error", None]
    assert connection.receive(frame(type="stream-cancel")) is not None


# --- what is written -----------------------------------------------------------------------------


def test_a_resumption_is_answered_first_then_comes_what_was_missed() -> None:
    stream = Stream(100)
    stream.begin_turn(START)
    stream.publish(delta("a"))
    connection = Connection()
    connection.resume(stream, 101)
    stream.publish(delta("b"))
    frames = connection.frames()
    assert frames[0][0] == 0
    assert frames[0][1]["data"] == {"seq": 101, "last": 102, "running": True}
    assert frames[1:] == [(102, delta("a")), (103, delta("b"))]


def test_a_resumption_that_comes_too_late_is_refused_and_another_one_may_follow() -> None:
    connection = Connection()
    with pytest.raises(StreamExpiredError):
        connection.resume(Stream(100), 7)
    connection.resume(Stream(100), 0)
    assert connection.kinds() == [(0, "data-resumed")]


def test_a_reader_that_falls_behind_what_is_held_is_told() -> None:
    stream = Stream(0, max_bytes=500)
    connection = Connection()
    connection.resume(stream)
    for _ in range(100):
        stream.publish(delta("word"))
    frames = connection.frames()
    assert frames[-2][1]["code"] == "stream_expired"
    stream.publish(delta("more"))
    assert connection.frames() == []


def test_a_turn_that_was_asked_for_is_followed_from_its_beginning_and_only_once() -> None:
    stream = Stream(0)
    stream.publish(delta("of before"))
    connection = Connection()
    stream.begin_turn(START)
    connection.session.follow(CONVERSATION, stream, 1)
    connection.session.follow(CONVERSATION, stream, 1)
    stream.publish({"type": "finish"})
    assert connection.kinds() == [(2, "data-turn"), (3, "finish")]


def test_a_refusal_stands_beside_the_sequence() -> None:
    stream = Stream(0)
    connection = Connection()
    connection.resume(stream)
    stream.publish(delta("a"))
    connection.session.refuse(NotFoundError())
    stream.publish(delta("b"))
    assert [seq for seq, _ in connection.frames()] == [0, 0, 0, 1, 2]


def test_silence_is_broken_now_and_then() -> None:
    connection = Connection()
    connection.session.tick(HEARTBEAT_SECONDS - 1)
    assert connection.kinds() == []
    connection.now = HEARTBEAT_SECONDS
    connection.session.tick(connection.now)
    connection.session.tick(connection.now)
    assert connection.kinds() == [(0, "data-ping")]
    connection.session.tick(connection.now + 1)
    assert connection.kinds() == []


def test_a_server_that_stops_closes_its_sockets_with_a_code_that_says_so() -> None:
    stream = Stream(0)
    connection = Connection()
    connection.resume(stream)
    list(connection.outputs())
    connection.session.close(SERVICE_RESTART, "The server restarts.")
    stream.publish(delta("too late"))
    assert list(connection.outputs()) == [Close(SERVICE_RESTART, "The server restarts.")]
    assert not stream.is_followed


def test_a_socket_that_is_gone_leaves_nothing_at_the_stream() -> None:
    stream = Stream(0)
    connection = Connection()
    connection.resume(stream)
    connection.resume(stream)
    connection.session.end()
    assert not stream.is_followed


# --- previews and thumbnails ---------------------------------------------------------------------

PREVIEW = preview(progress=0.5, preview_id=OTHER)
READY = ready({"id": OTHER, "type": "media_reference"})


def drawing(stream: Stream) -> None:
    stream.begin_turn(START)
    stream.publish(media_part("p", pending(width=8, height=6, alt="a")))
    stream.show(media_part("p", PREVIEW))


def test_a_preview_comes_under_a_url_and_its_id_stays_here() -> None:
    stream = Stream(0)
    connection = Connection()
    connection.resume(stream)
    drawing(stream)
    seq, chunk = connection.frames()[-1]
    assert seq == 0
    assert chunk["data"] == {
        "state": "preview",
        "progress": 0.5,
        "thumbnailUrl": f"/api/media/preview/{OTHER}",
    }


def test_a_client_that_takes_binary_frames_gets_the_bytes_first_and_no_url() -> None:
    stream = Stream(0)
    connection = Connection(binary=True)
    connection.resume(stream)
    drawing(stream)
    outputs = list(connection.outputs())
    assert outputs[-2] == SendBytes(FrameKind.PREVIEW, "p", OTHER, 2)
    assert isinstance(outputs[-1], SendText)
    assert json.loads(outputs[-1].text)["chunk"]["data"] == {"state": "preview", "progress": 0.5}

    stream.publish(media_part("p", READY))
    thumbnail, text = list(connection.outputs())
    assert thumbnail == SendBytes(FrameKind.THUMBNAIL, "p", OTHER, 3)
    assert isinstance(text, SendText)
    assert json.loads(text.text) == {"seq": 3, "chunk": media_part("p", READY)}


RESULT = {
    "type": "tool-output-available",
    "toolCallId": "c",
    "output": {
        "success": True,
        "data": {
            "imageReference": {"type": "media_reference", "id": "r", "url": "/r"},
            "fullImageUrl": "/r",
            "thumbnailUrl": "/r?thumbnail=true",
            "prompt": "a",
        },
    },
}


def finished(stream: Stream) -> None:
    """A picture, and its tool's result."""
    stream.publish(media_part("m", ready({"type": "media_reference", "id": "r", "url": "/r"})))
    stream.publish(RESULT)


def test_a_client_that_completes_references_gets_each_of_them_once() -> None:
    stream = Stream(0)
    connection = Connection()
    connection.receive(frame(type="stream-resume", seq=0, referencesOnce=True))
    connection.resume(stream)
    finished(stream)
    _, (_, part), (seq, result) = connection.frames()
    assert part["data"]["reference"]["url"] == "/r"
    assert seq == 2
    assert result == RESULT | {
        "output": {
            "success": True,
            "data": {"imageReference": {"type": "media_reference", "id": "r"}, "prompt": "a"},
        }
    }
    # It has not come on the next socket, nor in the next turn.
    after = Connection()
    after.receive(frame(type="stream-resume", seq=1, referencesOnce=True))
    after.resume(stream, 1)
    assert after.frames()[1:] == [(2, RESULT)]
    stream.publish({"type": "finish"})
    stream.publish(RESULT)
    assert connection.frames()[-1] == (4, RESULT)


def test_a_client_that_says_nothing_of_references_gets_them_whole() -> None:
    stream = Stream(0)
    connection = Connection()
    connection.receive(frame(type="stream-resume", seq=0))
    connection.resume(stream)
    finished(stream)
    assert connection.frames()[-1] == (2, RESULT)


@pytest.mark.parametrize(
    ("told", "is_pushed"), [(None, True), (0, False), (19.9, False), (20, True), (400, True)]
)
def test_a_thumbnail_is_pushed_where_fetching_it_takes_a_long_round_trip(
    told: float | None, is_pushed: bool
) -> None:
    stream = Stream(0)
    connection = Connection(binary=True)
    measured = {} if told is None else {"roundTrip": told}
    connection.receive(frame(type="stream-resume", seq=0))
    connection.resume(stream)
    connection.receive(frame(type="message-send", message={"id": "u"}, **measured))
    finished(stream)
    pushed = [output for output in connection.outputs() if isinstance(output, SendBytes)]
    assert [output.kind for output in pushed] == [FrameKind.THUMBNAIL] * is_pushed


@pytest.mark.parametrize("told", [-1, "20", True])
def test_a_round_trip_that_is_none_is_refused(told: Any) -> None:
    connection = Connection()
    assert connection.receive(frame(type="stream-resume", seq=0, roundTrip=told)) is None
    assert connection.frames()[0][1]["code"] == "protocol_error"


def test_who_sent_a_message_does_not_get_it_back_and_everyone_else_does() -> None:
    stream = Stream(0)
    sender, other = Connection(), Connection()
    for connection in (sender, other):
        connection.resume(stream)
        connection.frames()
    sender.receive(frame(type="message-send", message={"id": "u", "parts": []}))
    data = {"trigger": "submit-message", "messageId": "u"}
    turn = {"type": "data-turn", "transient": True, "data": data | {"message": {"id": "u"}}}
    stream.begin_turn(turn)
    assert sender.frames() == [(1, turn | {"data": data})]
    assert other.frames() == [(1, turn)]


def test_a_client_that_resumes_gets_the_preview_of_the_moment() -> None:
    stream = Stream(0)
    drawing(stream)
    connection = Connection()
    connection.resume(stream, stream.last)
    assert connection.kinds() == [(0, "data-resumed"), (0, "data-media")]


# --- nothing lost, nothing doubled ---------------------------------------------------------------

CLIENTS = st.integers(0, 1)


class Client:
    """A client as the wire format wants it: passes over what it has seen, resumes where it is."""

    def __init__(self, stream: Stream, *, binary: bool) -> None:
        self.stream = stream
        self.binary = binary
        self.seen: list[int] = []
        self.position = stream.last
        self.connection: Connection | None = None
        self.resume()

    def resume(self) -> None:
        if self.connection is None:
            self.connection = Connection(binary=self.binary)
            self.connection.resume(self.stream, self.position)

    def drop(self, received: int) -> None:
        """The socket is lost while frames are on their way: the first few still arrive."""
        self.take(received)
        if self.connection is not None:
            list(self.connection.outputs())  # written, and lost
            self.connection.session.end()
            self.connection = None

    def take(self, count: int) -> None:
        for _ in range(count):
            output = None if self.connection is None else self.connection.session.next(0)
            if output is None:
                return
            if not isinstance(output, SendText):
                continue
            members = json.loads(output.text)
            assert len(output.text.encode()) <= MAX_SERVER_FRAME
            if members["seq"]:
                assert members["seq"] == self.position + 1
                self.position = members["seq"]
                self.seen.append(members["seq"])
                assert members["chunk"] == self.stream.entry(self.position).chunk


class Disturbed(RuleBasedStateMachine):
    """Two clients of one stream, whose sockets are lost at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.stream = Stream(1000)
        self.clients = [Client(self.stream, binary=binary) for binary in (False, True)]
        self.published: list[int] = []

    @rule(chunks=st.integers(1, 3))
    def publish(self, chunks: int) -> None:
        if not self.stream.is_running:
            self.stream.begin_turn(START)
            self.published.append(self.stream.last)
        for _ in range(chunks):
            for data in (pending(width=1, height=1, alt="a"), READY):
                self.published.append(self.stream.publish(media_part("p", data)))
        self.published.append(
            self.stream.publish(media_part("p", pending(width=1, height=1, alt="a")))
        )

    @rule()
    def end(self) -> None:
        self.published.append(self.stream.publish({"type": "finish"}))

    @rule()
    def preview(self) -> None:
        self.stream.show(media_part("p", PREVIEW))

    @rule(which=CLIENTS)
    def refuse(self, which: int) -> None:
        connection = self.clients[which].connection
        if connection is not None:
            connection.session.refuse(NotFoundError())

    @rule(which=CLIENTS, outputs=st.integers(1, 5))
    def write(self, which: int, outputs: int) -> None:
        self.clients[which].take(outputs)

    @rule(which=CLIENTS, arrived=st.integers(0, 4))
    def drop(self, which: int, arrived: int) -> None:
        self.clients[which].drop(arrived)

    @rule(which=CLIENTS)
    def resume(self, which: int) -> None:
        self.clients[which].resume()

    @rule(which=CLIENTS)
    def resume_on_the_same_socket(self, which: int) -> None:
        client = self.clients[which]
        if client.connection is not None:
            client.connection.resume(self.stream, client.position)

    def teardown(self) -> None:
        for client in self.clients:
            client.resume()
            client.take(10_000)
            assert client.seen == self.published


Disturbed.TestCase.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
test_whatever_happens_a_client_sees_exactly_what_was_published = Disturbed.TestCase
