"""Coatcheck is compared with the fastest peer of each case, and with base64 where there are ten."""

import pytest
from benchmarks.browser.cases import Violation
from benchmarks.chats.bench import Case, Record, Result
from benchmarks.chats.conversation import Counted, Timed, Turn
from benchmarks.chats.ledger import Traffic
from benchmarks.chats.targets import INLINE, targets
from benchmarks.targets import Target

NOTHING = Traffic(0, 0, 0, 0)


def timed(full: float, *, busy: float = 0.2, tasks: int = 0, violations: int = 0) -> Timed:
    turn = Turn(first=full / 4, readable=full / 2, full=full, width=300)
    reported = [Violation("'message' handler took 212ms", "index.js")] * violations
    return Timed([turn], busy, tasks, 0, reported, 1_000_000)


def found(case: Case, records: dict[str, Record]) -> dict[str, Target]:
    prefix = f"{case}: "
    return {each.what.removeprefix(prefix): each for each in targets([Result(case, records)])}


def test_the_fastest_peer_counts_and_is_named() -> None:
    targets_of = found(
        Case(1),
        {
            "Coatcheck": Record([timed(100), timed(120)]),
            "Gradio": Record([timed(400, busy=0.1), timed(400, busy=0.1)]),
            "Streamlit": Record([timed(80), timed(60)]),
            "Chainlit": Record([None, None], failure="a picture did not come"),
        },
    )
    full = targets_of["full picture ÷ picture of the fastest peer"]
    assert full.value == pytest.approx(1.625)
    assert (full.bound, full.note) == (1.0, "Streamlit")
    readable = targets_of["readable thumbnail ÷ picture of the fastest peer"]
    assert readable.value == pytest.approx(0.8125)
    assert readable.bound == 0.6
    blur = targets_of["blur ÷ picture of the fastest peer"]
    assert blur.value == pytest.approx(0.40625)
    assert blur.bound is None
    thread = targets_of["main thread ÷ that of the lowest peer"]
    assert thread.value == pytest.approx(2)
    assert thread.note == "Gradio"


def test_without_a_peer_nothing_is_compared() -> None:
    targets_of = found(Case(1), {"Coatcheck": Record([timed(100)])})
    full = targets_of["full picture ÷ picture of the fastest peer"]
    assert (full.value, full.holds, full.note) == (None, None, "no peer")


def test_pushed_bytes_are_left_out_of_a_turn_and_the_cpu_does_not_count_twice() -> None:
    turns = [Traffic(12_000, 100, 100, 12_500, pushed=9_000), Traffic(2_000, 100, 100, 12_500)]
    ours = Record([timed(100)], Counted(NOTHING, turns, NOTHING, 2))
    stream = found(Case(2), {"Coatcheck": ours})["stream of a turn without pushed bytes"]
    assert (stream.value, stream.holds) == (2.5, True)
    slowed = found(Case(2, slowdown=4), {"Coatcheck": ours})
    assert not any(name.startswith("stream") for name in slowed)


def test_violations_and_long_tasks_are_targets() -> None:
    ours = Record([timed(100, violations=1, tasks=2), timed(100)])
    targets_of = found(Case(1), {"Coatcheck": ours})
    assert targets_of["violations that Chrome reports"].holds is False
    assert targets_of["tasks over 50 ms"].value == 1
    assert "tasks over 50 ms" not in found(Case(1, slowdown=4), {"Coatcheck": ours})


def test_ten_are_compared_with_base64_in_every_column() -> None:
    records = {"Coatcheck": Record([timed(100)]), INLINE: Record([timed(50, busy=0.8)])}
    targets_of = found(Case(10, slowdown=4), records)
    against = {name: each.holds for name, each in targets_of.items() if name.endswith("base64's")}
    assert against == {
        "first pixels ÷ base64's": False,
        "readable ÷ base64's": False,
        "full picture ÷ base64's": False,
        "main thread ÷ base64's": True,
    }
    assert not any(name.endswith("base64's") for name in found(Case(3), records))
