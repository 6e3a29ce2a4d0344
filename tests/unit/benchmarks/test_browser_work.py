"""The longest pieces of work are read out of a trace."""

from typing import Any

import pytest
from benchmarks.browser.cases import Case
from benchmarks.browser.work import read_work

CASE = Case("frame", 1, 1024, 1)


def event(name: str, ts: int, tdur: int, function: str = "", tid: int = 1) -> dict[str, Any]:
    args = {"data": {"functionName": function}}
    times = {"ts": ts, "dur": 2 * tdur, "tdur": tdur}
    return {"ph": "X", "name": name, "pid": 1, "tid": tid, "args": args} | times


def test_handlers_are_the_sockets_and_tasks_those_since_the_first_message() -> None:
    work = read_work(
        CASE,
        [
            {"ph": "M", "name": "thread_name", "pid": 1, "tid": 1},
            event("RunTask", 0, 90_000),  # the page is loaded
            event("RunTask", 200_000, 1_500),
            event("FunctionCall", 200_100, 900, "o.onmessage"),
            event("FunctionCall", 210_000, 300, "o.onmessage"),
            event("ThreadControllerImpl::RunTask", 220_000, 7_400),
            event("FunctionCall", 220_000, 7_000, "S"),
            event("RunTask", 230_000, 50_000, tid=2),  # another thread
        ],
    )
    assert (work.handler, work.task) == (0.9, 7.4)


def test_a_trace_without_messages_is_refused() -> None:
    with pytest.raises(ValueError, match="no handler"):
        read_work(CASE, [event("RunTask", 0, 10)])
