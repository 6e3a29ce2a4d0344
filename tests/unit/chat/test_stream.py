"""Streams: numbers, what is held of them, previews of the moment, and readers at their own pace."""

import json
from typing import Any

import pytest

from coatcheck.media_part import failed, media_part, pending, preview, ready
from coatcheck_chat.errors import StreamExpiredError
from coatcheck_chat.streaming.feed import Feed
from coatcheck_chat.streaming.stream import MAX_PAST_BYTES, Chunk, Entry, Preview, Stream
from coatcheck_chat.streaming.streams import KEPT_SECONDS, Streams

ONE = "9188cc90-b172-47e9-b493-4e22175bd478"
TWO = "0f8fad5b-d9cb-469f-a165-70867728950e"
THREE = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
START: Chunk = {"type": "data-turn", "transient": True, "data": {}}
FINISH: Chunk = {"type": "finish"}


def delta(text: str) -> Chunk:
    return {"type": "text-delta", "id": "t", "delta": text}


def announced(part_id: str = "p") -> Chunk:
    return media_part(part_id, pending(width=8, height=6, alt="a"))


def draft(progress: float, part_id: str = "p") -> Chunk:
    return media_part(part_id, preview(progress=progress, preview_id=f"preview {progress}"))


class Reader:
    """Takes everything that a feed has, as often as it is told to."""

    def __init__(self, stream: Stream, position: int | None = None) -> None:
        self.woken = 0
        self.feed = Feed(stream, stream.last if position is None else position, self._wake)

    def _wake(self) -> None:
        self.woken += 1

    def take(self) -> list[Any]:
        """Types of chunks, and progress of previews."""
        taken: list[Any] = []
        while (item := self.feed.next()) is not None:
            taken.append(item.data["progress"] if isinstance(item, Preview) else item.chunk["type"])
        return taken


# --- numbers -------------------------------------------------------------------------------------


def test_chunks_are_numbered_one_by_one_and_written_once() -> None:
    stream = Stream(41)
    assert [stream.publish(delta(word)) for word in "abc"] == [42, 43, 44]
    entry = stream.entry(43)
    assert (entry.seq, entry.chunk, json.loads(entry.text)) == (43, delta("b"), delta("b"))
    assert stream.size == sum(len(stream.entry(seq).text) for seq in (42, 43, 44))


def test_a_turn_runs_from_its_first_chunk_to_its_end() -> None:
    stream = Stream(0)
    for end in ("finish", "abort"):
        before = stream.last
        stream.begin_turn(START)
        stream.publish(delta("x"))
        assert (stream.is_running, stream.position) == (True, before)
        stream.publish({"type": end})
        assert (stream.is_running, stream.position) == (False, stream.last)


def test_a_reader_goes_on_where_it_was_or_at_the_running_turn() -> None:
    stream = Stream(100)
    assert stream.resumption(0) == 100
    stream.begin_turn(START)
    stream.publish(FINISH)
    stream.begin_turn(START)
    stream.publish(delta("x"))
    assert stream.resumption(0) == 102
    for seen in range(100, 105):
        assert stream.resumption(seen) == seen
    for never_given in (1, 99, 105, 2**53):
        with pytest.raises(StreamExpiredError):
            stream.resumption(never_given)


def test_what_is_held_is_bounded_and_whoever_is_behind_that_is_told() -> None:
    stream = Stream(0, max_bytes=1000)
    stream.begin_turn(START)
    late = Reader(stream, 0)
    for _ in range(100):
        stream.publish(delta("word"))
        assert stream.size <= 1000
    with pytest.raises(StreamExpiredError):
        stream.resumption(0)
    with pytest.raises(StreamExpiredError):
        late.take()
    assert stream.resumption(95) == 95


def test_of_earlier_turns_only_so_much_is_held_when_the_next_one_begins() -> None:
    stream = Stream(0)
    stream.begin_turn(START)
    for _ in range(3 * MAX_PAST_BYTES // 1000):
        stream.publish(delta("x" * 1000))
    assert stream.size > 3 * MAX_PAST_BYTES  # all of the running one
    stream.publish(FINISH)
    stream.begin_turn(START)
    assert stream.size < MAX_PAST_BYTES + 1000


# --- previews ------------------------------------------------------------------------------------


def test_a_preview_is_shown_to_who_has_all_chunks_and_has_no_number() -> None:
    stream = Stream(0)
    reader = Reader(stream)
    stream.begin_turn(START)
    stream.publish(announced())
    stream.show(draft(0.25))
    assert stream.last == 2
    assert reader.take() == ["data-turn", "data-media", 0.25]
    stream.show(draft(0.5))
    stream.publish(delta("x"))
    assert reader.take() == ["text-delta", 0.5]
    assert reader.take() == []


def test_the_newest_preview_wins_and_a_slow_reader_has_nothing_piled_up() -> None:
    stream = Stream(0)
    reader = Reader(stream)
    stream.publish(announced("p"))
    stream.publish(announced("q"))
    for step in range(1000):
        stream.show(draft(step / 1000, "p" if step % 3 else "q"))
    assert len(list(stream.previews_after(0))) == 2
    assert reader.take() == ["data-media", "data-media", 0.998, 0.999]
    stream.show(draft(1.5, "p"))
    assert reader.take() == [1.5]


@pytest.mark.parametrize(
    "end",
    [
        media_part("p", ready({"id": "r"})),
        media_part("p", failed(StreamExpiredError())),
        {"type": "finish"},
        {"type": "abort"},
    ],
)
def test_no_preview_is_shown_after_its_part_is_done(end: Chunk) -> None:
    stream = Stream(0)
    reader = Reader(stream)
    stream.publish(announced())
    stream.show(draft(0.5))
    stream.publish(end)
    stream.show(draft(0.75))
    assert reader.take() == ["data-media", end["type"]]


def test_a_preview_of_a_part_that_was_never_announced_is_passed_over() -> None:
    stream = Stream(0)
    stream.show(draft(0.5))
    assert Reader(stream).take() == []


def test_a_preview_names_the_chunk_that_announced_its_part() -> None:
    stream = Stream(10)
    stream.publish(delta("x"))
    stream.publish(announced())
    stream.show(draft(0.5))
    reader = Reader(stream)
    item = reader.feed.next()
    assert isinstance(item, Preview)
    assert (item.part_id, item.opened) == ("p", 12)


# --- readers -------------------------------------------------------------------------------------


def test_every_reader_is_woken_until_it_leaves() -> None:
    stream = Stream(0)
    first, second = Reader(stream), Reader(stream)
    stream.publish(delta("a"))
    first.feed.close()
    first.feed.close()
    stream.publish(delta("b"))
    assert (first.woken, second.woken) == (1, 2)
    assert stream.is_followed
    second.feed.close()
    assert not stream.is_followed


def test_readers_are_wherever_they_are() -> None:
    stream = Stream(0)
    early = Reader(stream)
    stream.publish(delta("a"))
    late = Reader(stream)
    stream.publish(delta("b"))
    item = early.feed.next()
    assert isinstance(item, Entry)
    assert item.seq == 1
    assert late.take() == early.take() == ["text-delta"]


# --- many streams --------------------------------------------------------------------------------


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def turn(streams: Streams, conversation: str, *texts: str) -> Stream:
    stream = streams.hold(conversation)
    stream.begin_turn(START)
    for text in texts:
        stream.publish(delta(text))
    stream.publish(FINISH)
    streams.release(conversation)
    return stream


def test_numbers_begin_at_the_time_in_microseconds() -> None:
    clock = Clock()
    streams = Streams(epoch=1_795_000_000, clock=clock)
    assert streams.open(ONE).last == 1_795_001_000_000_000
    assert streams.open(ONE) is streams.open(ONE)
    clock.now += 1
    assert streams.open(TWO).last == 1_795_001_001_000_000
    assert streams.find(THREE) is None
    assert Streams().open(ONE).last < 2**53  # every JSON reader keeps it exact


def test_a_stream_can_be_resumed_for_a_while_after_its_turn() -> None:
    clock = Clock()
    streams = Streams(epoch=0, clock=clock)
    stream = turn(streams, ONE, "a")
    clock.now += KEPT_SECONDS
    assert streams.open(ONE) is stream
    clock.now += 1
    assert streams.open(TWO) is not None  # whoever comes sweeps
    assert streams.find(ONE) is None
    assert stream.size == 0


def test_a_stream_that_is_made_again_is_told_from_the_one_that_was_forgotten() -> None:
    clock = Clock()
    streams = Streams(epoch=0, clock=clock)
    # More chunks than microseconds: as if a clock had stood still.
    old = turn(streams, ONE, *["x"] * 50)
    clock.now += KEPT_SECONDS + 1
    streams.open(TWO)
    clock.now -= KEPT_SECONDS + 1
    new = streams.open(ONE)
    assert new is not old
    for number in range(old.origin, old.last + 1):
        with pytest.raises(StreamExpiredError):
            new.resumption(number)


def test_a_running_turn_is_never_forgotten() -> None:
    clock = Clock()
    streams = Streams(epoch=0, clock=clock, kept_bytes=0)
    stream = streams.hold(ONE)
    stream.begin_turn(START)
    clock.now += 100 * KEPT_SECONDS
    streams.open(TWO)
    assert streams.find(ONE) is stream
    assert stream.resumption(0) == stream.origin


def test_what_rests_is_bounded_and_the_longest_at_rest_goes_first() -> None:
    streams = Streams(epoch=0, clock=Clock(), kept_bytes=10_000)
    turn(streams, ONE, "x" * 3000)
    turn(streams, TWO, "x" * 3000)
    assert streams.find(ONE)
    turn(streams, THREE, "x" * 3000)
    assert streams.find(ONE) is None
    assert streams.find(TWO)
    for number in range(1000):
        streams.open(f"{number:036}")
    assert sum(streams.find(f"{number:036}") is not None for number in range(1000)) <= 10


def test_who_listens_still_hears_of_the_next_turn_after_the_last_one_was_forgotten() -> None:
    clock = Clock()
    streams = Streams(epoch=0, clock=clock)
    reader = Reader(turn(streams, ONE, "a"))
    for _ in range(3):
        clock.now += KEPT_SECONDS + 1
        streams.open(TWO)
    turn(streams, ONE, "b")
    assert reader.take() == ["data-turn", "text-delta", "finish"]
    reader.feed.close()
    clock.now += KEPT_SECONDS + 1
    streams.open(TWO)
    assert streams.find(ONE) is None


def test_whoever_follows_what_is_not_theirs_hears_nothing_of_it() -> None:
    streams = Streams(epoch=0, clock=Clock())
    strangers = Reader(streams.open(ONE, "ben"))  # before there is such a conversation
    stream = streams.hold(ONE, "anna")
    stream.begin_turn(START)
    stream.publish(FINISH)
    streams.release(ONE, "anna")
    assert strangers.take() == []
    assert streams.find(ONE, "anna") is stream is not streams.find(ONE, "ben")
    assert streams.find(ONE) is None
