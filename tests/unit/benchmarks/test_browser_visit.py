"""What a visit cost the page is read from a trace."""

from dataclasses import replace
from typing import Any

import pytest
from benchmarks.browser.visit import Part, Visit, read_part, table, targets

PAGE, OTHER = (1, 1), (2, 2)


def event(name: str, ts: int, dur: int, thread: tuple[int, int] = PAGE) -> dict[str, Any]:
    """A complete event; times are microseconds, processor time is half of them."""
    pid, tid = thread
    named = {"name": name, "ph": "X", "ts": ts, "dur": dur, "tdur": dur // 2}
    return named | {"pid": pid, "tid": tid, "args": {}}


def main_thread(thread: tuple[int, int]) -> dict[str, Any]:
    pid, tid = thread
    args = {"name": "CrRendererMain"}
    return {"name": "thread_name", "ph": "M", "ts": 0, "pid": pid, "tid": tid, "args": args}


TRACE = [
    main_thread(PAGE),
    main_thread(OTHER),
    event("ThreadControllerImpl::RunTask", 0, 60_000),
    event("FunctionCall", 1_000, 50_000),
    event("UpdateLayoutTree", 2_000, 1_000),  # within the call: a script waited for it
    event("Layout", 3_000, 4_000),
    event("ThreadControllerImpl::RunTask", 100_000, 10_000),
    event("Layout", 101_000, 2_000),  # of a frame
    event("ThreadControllerImpl::RunTask", 0, 900_000, OTHER),
    event("FunctionCall", 0, 10_000, OTHER),
]


def test_layouts_that_a_script_waited_for_are_told_from_those_of_a_frame() -> None:
    part = read_part(TRACE, commits=7)
    assert part == Part(
        cpu=35.0,
        longest=60.0,
        longest_cpu=30.0,
        long_tasks=1,
        forced=2,
        forced_ms=4.0,
        layouts=2,
        commits=7,
    )


def test_a_trace_without_a_page_is_refused() -> None:
    with pytest.raises(ValueError, match="no script"):
        read_part([main_thread(PAGE), event("Layout", 0, 1)], commits=0)


def test_a_table_has_a_row_for_each_part_of_a_visit() -> None:
    part = read_part(TRACE, commits=7)
    sent = {"script": 113_000, "pictures": 12_534}
    told = ["Forced reflow while executing JavaScript took 31ms"]
    drawn = table(4, [Visit({"load": part, "text": part}, sent, 250.0, told)])
    assert drawn.endswith("Violations: 1 (Forced reflow while executing JavaScript took 31ms).")
    assert "CPU slowed down 4×, 1 visits" in drawn
    assert "| load | 35 | 60 | 30 | 1 | 2 | 4.0 | 2 | 7 |" in drawn
    assert "script 113,000, pictures 12,534" in drawn


def test_long_tasks_forced_layouts_and_scripts_have_targets() -> None:
    slow = read_part(TRACE, commits=7)
    quick = replace(slow, long_tasks=0)
    sent = {"script": 121_000, "pictures": 12_534}
    found = {each.what: each for each in targets([Visit({"load": quick}, sent, 250.0)] * 2)}
    assert [each.holds for each in found.values()] == [True, True, True, False]
    assert found["the chat's page: JavaScript of the first view, compressed"].value == 121
    late = list(targets([Visit({"load": slow}, {"script": 1}, 250.0, ["Forced reflow"])]))
    assert [each.holds for each in late] == [False, True, False, True]
