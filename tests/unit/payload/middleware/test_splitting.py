"""Bodies cut into units: nothing is lost or changed, wherever the chunks begin and end."""

import re
import timeit
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck.delivery.middleware.splitting import EVENTS, LINES, WHOLE, Framing, Splitter, Unit

UNBOUNDED = 1 << 40
LINE_END = re.compile(rb"\r\n|\n|\r")

line_ends = st.sampled_from([b"\n", b"\r\n", b"\r"])
contents = st.sampled_from(
    [
        b"",
        b"data: one",
        b"data:two",
        b"data:  a space of its own",
        b"data",
        b"data:",
        b"database: is another field",
        b"data : is another field too",
        b": a comment",
        b":",
        b"event: message",
        b"id: 7",
        b"retry: 3000",
        "data: ✅ ünïcode".encode(),
    ]
)
streams = st.builds(
    lambda bom, lines: bom + b"".join(content + end for content, end in lines),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.lists(st.tuples(contents, line_ends), max_size=24),
)
noise = st.text(alphabet="\r\n:da t\x1e\ufeffx{}", max_size=60).map(str.encode)


def chunkings(body: bytes) -> st.SearchStrategy[list[bytes]]:
    positions = st.lists(st.integers(0, len(body)), max_size=12)
    return positions.map(
        lambda cuts: [body[a:b] for a, b in pairwise([0, *sorted(cuts), len(body)])]
    )


def split(framing: Framing, chunks: Sequence[bytes], max_held: int = UNBOUNDED) -> list[Unit]:
    splitter = Splitter(framing, max_held)
    units = [unit for chunk in chunks for unit in splitter.feed(chunk)]
    return units + splitter.end()


def interpreted(stream: bytes) -> list[bytes]:
    """The data of each event, as the HTML standard says: line by line, over the whole stream."""
    events = []
    data: list[bytes] = []
    # What follows the last line end is no line, and what follows the last empty line no event.
    for line in LINE_END.split(stream.removeprefix(b"\xef\xbb\xbf"))[:-1]:
        if line:
            name, _, value = line.partition(b":")
            if name == b"data":
                data.append(value.removeprefix(b" "))
        elif data:
            events.append(b"\n".join(data))
            data = []
    return [event for event in events if event]


def other_fields(stream: bytes) -> list[bytes]:
    lines = LINE_END.split(stream.removeprefix(b"\xef\xbb\xbf"))
    return [line for line in lines if line and line.partition(b":")[0] != b"data"]


def documents(framing: Framing, units: Sequence[Unit]) -> list[bytes]:
    found = [framing.open(unit.data).document for unit in units if unit.whole]
    return [document for document in found if document]


@given(st.data(), streams)
def test_any_chunking_of_events_gives_the_same_events_and_the_same_bytes(
    data: st.DataObject, stream: bytes
) -> None:
    chunks = data.draw(chunkings(stream))
    splitter = Splitter(EVENTS, UNBOUNDED)
    units = [unit for chunk in chunks for unit in splitter.feed(chunk)]
    assert documents(EVENTS, units) == interpreted(stream)
    assert b"".join(unit.data for unit in [*units, *splitter.end()]) == stream
    assert splitter.too_large == 0


@given(st.data(), st.one_of(streams, noise, st.binary(max_size=60)))
@pytest.mark.parametrize("framing", [EVENTS, LINES, WHOLE])
def test_any_bytes_come_out_as_they_went_in(
    framing: Framing, data: st.DataObject, body: bytes
) -> None:
    units = split(framing, data.draw(chunkings(body)), data.draw(st.sampled_from([4, UNBOUNDED])))
    assert b"".join(unit.data for unit in units) == body
    for unit in units:
        if unit.whole:
            framing.open(unit.data)


@given(streams, st.sampled_from([b"{}", b"two\nlines", b"\n", b"three\n\nlines"]))
def test_a_document_in_the_place_of_another_is_read_back(stream: bytes, document: bytes) -> None:
    units = split(EVENTS, [stream])
    rewritten = b""
    for unit in units:
        envelope = EVENTS.open(unit.data)
        rewritten += envelope.close(document) if envelope.document else unit.data
    ended = len(documents(EVENTS, units)) - len(interpreted(stream))  # the last may not have ended
    assert interpreted(rewritten) + [document] * ended == [document] * len(documents(EVENTS, units))
    assert other_fields(rewritten) == other_fields(stream)


@given(st.data(), streams, st.integers(1, 40))
def test_what_is_too_large_passes_to_its_end_and_what_follows_is_whole_again(
    data: st.DataObject, stream: bytes, max_held: int
) -> None:
    stream = re.sub(rb"(?m)^:", b"id:", stream.replace(b"\r", b"\n"))  # comments need not wait
    expected = split(EVENTS, [stream], max_held)
    chunks = data.draw(chunkings(stream))
    splitter = Splitter(EVENTS, max_held)
    units = [unit for chunk in chunks for unit in splitter.feed(chunk)] + splitter.end()
    assert b"".join(unit.data for unit in units) == stream
    assert [unit for unit in units if unit.whole] == [unit for unit in expected if unit.whole]
    assert splitter.too_large == sum(not unit.whole for unit in expected)
    assert all(len(unit.data) <= max_held for unit in units if unit.whole)


@given(st.data(), st.lists(st.sampled_from([b'{"a":1}', b"[]", b"", b"7"]), max_size=12))
def test_lines_are_documents_and_the_last_one_needs_no_end(
    data: st.DataObject, lines: list[bytes]
) -> None:
    body = b"\r\n".join(lines)
    units = split(LINES, data.draw(chunkings(body)))
    assert documents(LINES, units) == [line for line in lines if line]
    assert b"".join(LINES.open(unit.data).close(b"{}") for unit in units) == b"\r\n".join(
        [b"{}"] * len(units)
    ) + (b"\r\n" if units and units[-1].data.endswith(b"\n") else b"")


def test_a_json_text_sequence_keeps_its_separators() -> None:
    units = split(LINES, [b'\x1e{"a":1}\n\x1e[]', b"\n"])
    assert documents(LINES, units) == [b'{"a":1}', b"[]"]
    assert LINES.open(units[0].data).close(b"{}") == b"\x1e{}\n"


def cuts(body: bytes, position: int) -> Iterator[list[bytes]]:
    yield [body[:position], body[position:]]
    yield [body[: position - 1], body[position - 1 : position], body[position:]]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_an_event_may_be_cut_at_every_byte_of_what_ends_it(end: bytes) -> None:
    first = b"id: 1" + end + b"data: one" + end + b"data: more" + end + end
    second = b"data: two" + end + end
    stream = first + second
    for position in range(1, len(stream)):
        for chunks in cuts(stream, position):
            units = split(EVENTS, chunks)
            assert documents(EVENTS, units) == [b"one\nmore", b"two"]
            assert b"".join(unit.data for unit in units) == stream


def test_an_event_goes_out_with_its_last_byte_and_a_comment_before_it() -> None:
    splitter = Splitter(EVENTS, UNBOUNDED)
    assert splitter.feed(b": still there\n") == [Unit(b": still there\n", whole=False)]
    assert splitter.feed(b":\r") == [Unit(b":\r", whole=False)]
    assert splitter.feed(b"\n:\r\n") == [Unit(b"\n:\r\n", whole=False)]
    assert splitter.feed(b": cut in the mid") == []
    assert splitter.feed(b"dle\n\n") == [Unit(b": cut in the middle\n\n", whole=True)]
    assert splitter.feed(b"data: one\r\n\r") == [Unit(b"data: one\r\n\r", whole=True)]
    assert splitter.feed(b"\ndata: two\n") == []
    assert splitter.feed(b"\n") == [Unit(b"\ndata: two\n\n", whole=True)]
    assert splitter.end() == []


def test_the_other_fields_of_an_event_stay() -> None:
    unit = b"\xef\xbb\xbfdata: {\r\nid: 7\r\n: note\r\ndata: }\r\nevent: x\r\n\r\n"
    envelope = EVENTS.open(unit)
    assert envelope.document == b"{\n}"
    assert envelope.close(b"[]") == (b"\xef\xbb\xbfdata: []\r\nid: 7\r\n: note\r\nevent: x\r\n\r\n")
    assert envelope.close(b"[\n]").startswith(b"\xef\xbb\xbfdata: [\r\ndata: ]\r\nid: 7\r\n")


def test_a_body_in_one_chunk_is_not_copied() -> None:
    for framing, body in [(WHOLE, b"[1]" * 9), (LINES, b"[1]\n"), (EVENTS, b"data: 1\n\n")]:
        assert split(framing, [body])[0].data is body


def best_of_three(action: Callable[[], object]) -> float:
    return min(timeit.repeat(action, number=1, repeat=3))


def test_an_event_of_very_many_chunks_costs_little_more_than_putting_them_together() -> None:
    event = b"data: " + b"A" * 16 * 1024**2 + b"\n\n"
    chunks = [event[at : at + 16_384] for at in range(0, len(event), 16_384)]
    assert split(EVENTS, chunks) == [Unit(event, whole=True)]
    together = best_of_three(lambda: b"".join(chunks))
    # Put together anew with every chunk, it costs 500 times as much.
    assert best_of_three(lambda: split(EVENTS, chunks)) < 40 * together


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_an_event_of_very_many_lines_takes_time_by_its_length(end: bytes) -> None:
    def seconds(count: int) -> float:
        event = (b"data: x" + end) * count + end
        assert EVENTS.open(event).document.count(b"x") == count
        return best_of_three(lambda: EVENTS.open(event))

    assert seconds(64_000) < 400 * seconds(1_000)  # the square: 4,096 times as much


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_chunk_of_very_many_events_takes_time_by_its_length(end: bytes) -> None:
    def seconds(count: int) -> float:
        stream = (b"data: x" + end + end) * count
        assert len(split(EVENTS, [stream])) == count
        return best_of_three(lambda: split(EVENTS, [stream]))

    assert seconds(64_000) < 400 * seconds(1_000)  # the square: 4,096 times as much
