"""Deltas are merged per display frame: nothing is lost, reordered or delayed for longer."""

import math
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatcheck_chat.errors import GenerationError
from coatcheck_chat.streaming.coalescing import FRAME_SECONDS, MAX_WAITING, Coalescer, Relay
from coatcheck_chat.streaming.stream import Chunk, Stream

TEXTS = frozenset({"text-delta", "reasoning-delta"})
TICK = FRAME_SECONDS / 8


def delta(text: str, identifier: str = "1", kind: str = "text-delta", **more: Any) -> Chunk:
    return {"type": kind, "id": identifier, "delta": text, **more}


def announcement(call: str) -> Chunk:
    return {"type": "tool-input-start", "toolCallId": call, "toolName": "plot"}


def called(call: str) -> Chunk:
    return {"type": "tool-input-available", "toolCallId": call, "toolName": "plot", "input": {}}


Timed = tuple[float, Chunk]


def passed(script: Sequence[Timed]) -> list[Timed]:
    """When each chunk goes, to a reader who takes what is due when it is due."""
    coalescer = Coalescer()
    gone: list[Timed] = []

    def take(until: float) -> None:
        while (due := coalescer.due) < until:
            now = max(due, gone[-1][0] if gone else 0.0, came)
            chunk = coalescer.next(now)
            assert chunk is not None
            gone.append((now, chunk))

    came = 0.0
    for at, chunk in script:
        take(at)
        came = at
        coalescer.put(chunk, at)
        while (ready := coalescer.next(at)) is not None:
            gone.append((at, ready))
    take(math.inf)
    assert len(coalescer) == 0
    return gone


chunks = st.one_of(
    st.builds(delta, st.text(max_size=3), st.sampled_from("12")),
    st.builds(delta, st.text(max_size=3), st.sampled_from("12"), st.just("reasoning-delta")),
    st.builds(announcement, st.sampled_from("cd")),
    st.builds(called, st.sampled_from("cd")),
    st.builds(lambda n: {"type": "data-x", "data": n}, st.integers(0, 9)),
)
scripts = st.lists(st.tuples(st.integers(0, 20), chunks), max_size=40).map(
    lambda steps: [
        (sum(pause for pause, _ in steps[: index + 1]) * TICK, chunk)
        for index, (_, chunk) in enumerate(steps)
    ]
)


def texts(script: Sequence[Timed]) -> dict[tuple[str, str], str]:
    said: dict[tuple[str, str], str] = {}
    for _, chunk in script:
        if chunk["type"] in TEXTS:
            key = chunk["type"], chunk["id"]
            said[key] = said.get(key, "") + chunk["delta"]
    return said


@given(scripts)
def test_every_text_is_whole_and_every_other_chunk_in_its_place(script: list[Timed]) -> None:
    gone = passed(script)
    assert texts(gone) == texts(script)

    def outline(timed: Sequence[Timed]) -> list[Any]:
        """The order of all, consecutive deltas of a text as one; without announcements."""
        order: list[Any] = []
        for _, chunk in timed:
            is_text = chunk["type"] in TEXTS
            entry = (chunk["type"], chunk["id"]) if is_text else chunk
            if chunk["type"] != "tool-input-start" and not (is_text and order[-1:] == [entry]):
                order.append(entry)
        return order

    assert outline(gone) == outline(script)


@given(scripts)
def test_nothing_is_delayed_longer_than_a_frame_and_only_texts_and_announcements_are(
    script: list[Timed],
) -> None:
    marked = [
        (at, chunk | {"delta": f"<{number}>"} if chunk["type"] in TEXTS else chunk)
        for number, (at, chunk) in enumerate(script)
    ]
    gone = passed(marked)
    for at, chunk in marked:
        if chunk["type"] in TEXTS:
            (went,) = [when for when, one in gone if chunk["delta"] in one.get("delta", "")]
            assert at <= went <= at + FRAME_SECONDS + 1e-9
        elif chunk["type"] != "tool-input-start":
            assert (at, chunk) in gone


@given(st.lists(st.integers(0, 20), min_size=1, max_size=60))
def test_a_text_has_one_frame_in_16_ms_at_most_and_the_first_at_once(pauses: list[int]) -> None:
    times = [sum(pauses[: index + 1]) * TICK for index in range(len(pauses))]
    gone = passed([(at, delta(f"{index} ")) for index, at in enumerate(times)])
    assert gone[0] == (times[0], delta("0 "))
    for (before, _), (after, _) in pairwise(gone):
        assert after - before >= FRAME_SECONDS - 1e-9


def test_another_chunk_takes_what_waits_with_it() -> None:
    end = {"type": "text-end", "id": "1"}
    assert passed(
        [(0.0, delta("a")), (TICK, delta("b")), (2 * TICK, delta("c")), (3 * TICK, end)]
    ) == [(0.0, delta("a")), (3 * TICK, delta("bc")), (3 * TICK, end)]


def test_a_call_that_follows_its_announcement_stands_for_both() -> None:
    other = called("d")
    assert passed([(0.0, announcement("c")), (TICK, called("c"))]) == [(TICK, called("c"))]
    assert passed([(0.0, announcement("c")), (TICK, other)]) == [
        (TICK, announcement("c")),
        (TICK, other),
    ]
    assert passed([(0.0, announcement("c")), (1.0, called("c"))]) == [
        (FRAME_SECONDS, announcement("c")),
        (1.0, called("c")),
    ]


def test_what_a_provider_says_of_a_delta_is_kept() -> None:
    ((_, first), (_, merged)) = passed(
        [(0.0, delta("a")), (TICK, delta("b", providerMetadata={"x": 1})), (TICK, delta("c"))]
    )
    assert first == delta("a")
    assert merged == delta("bc", providerMetadata={"x": 1})


def test_nothing_is_due_while_nothing_waits() -> None:
    coalescer = Coalescer()
    assert coalescer.due == math.inf
    coalescer.put(delta("a"), 5.0)
    assert coalescer.next(5.0) == delta("a")
    assert coalescer.due == math.inf
    assert coalescer.next(6.0) is None


def test_what_was_merged_has_one_number_and_a_reader_goes_on_by_it() -> None:
    stream = Stream(100)
    stream.begin_turn({"type": "data-turn"})
    end = {"type": "finish"}
    script = [(0.0, delta("a")), (TICK, delta("b")), (TICK, delta("c")), (TICK, end)]
    assert [stream.publish(chunk) for _, chunk in passed(script)] == [102, 103, 104]
    assert [stream.entry(seq).chunk for seq in (102, 103, 104)] == [delta("a"), delta("bc"), end]
    assert stream.resumption(102) == 102


# --- with a responder ----------------------------------------------------------------------------


@asynccontextmanager
async def responding(
    *script: Chunk | Exception, left: list[str] | None = None
) -> AsyncIterator[AsyncIterator[Chunk]]:
    async def each() -> AsyncGenerator[Chunk]:
        for one in script:
            if isinstance(one, Exception):
                raise one
            yield one

    yield each()
    if left is not None:
        left.append("left")


async def read(relay: Relay) -> list[Chunk]:
    return [chunk async for chunk in relay.chunks()]


@pytest.mark.anyio
async def test_a_relay_gives_out_all_of_a_turn_in_order() -> None:
    words = [delta(f"{number} ") for number in range(500)]
    left: list[str] = []
    end = {"type": "finish"}
    relay = Relay(responding(*words, {"type": "x"}, end, left=left), unread=frozenset({"x"}))
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(relay.run)
            gone = await read(relay)
            await relay.aclose()
    assert "".join(chunk["delta"] for chunk in gone[:-1]) == "".join(
        word["delta"] for word in words
    )
    assert gone[-1] == end
    assert len(gone) < len(words)
    assert left == ["left"]


@pytest.mark.anyio
async def test_what_a_turn_raises_comes_after_what_it_said() -> None:
    relay = Relay(responding(delta("a"), delta("b"), GenerationError("It broke.")))
    chunks, seen = relay.chunks(), []
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(relay.run)
            with pytest.raises(GenerationError, match="It broke"):
                while True:
                    seen.append((await anext(chunks))["delta"])
            await relay.aclose()
    assert "".join(seen) == "ab"


@pytest.mark.anyio
async def test_a_responder_waits_for_a_reader_that_is_far_behind() -> None:
    relay = Relay(responding(*({"type": "data-x", "data": n} for n in range(2 * MAX_WAITING))))
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(relay.run)
            await anyio.wait_all_tasks_blocked()
            assert len(relay._coalescer) == MAX_WAITING
            gone = await read(relay)
            await relay.aclose()
    assert [chunk["data"] for chunk in gone] == list(range(2 * MAX_WAITING))


@pytest.mark.anyio
async def test_a_relay_that_is_closed_ends_its_turn() -> None:
    ended = anyio.Event()

    @asynccontextmanager
    async def endless() -> AsyncIterator[AsyncIterator[Chunk]]:
        async def each() -> AsyncGenerator[Chunk]:
            yield delta("a")
            await anyio.sleep_forever()

        try:
            yield each()
        finally:
            ended.set()

    relay = Relay(endless())
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(relay.run)
            assert await anext(relay.chunks()) == delta("a")
            await relay.aclose()
            assert ended.is_set()
