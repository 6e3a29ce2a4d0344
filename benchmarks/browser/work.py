"""The longest pieces of work that messages cause on a page's main thread, in processor time.

By the clock, a message's handler is as slow as everything else that the machine does meanwhile, and
the longest of many is the unluckiest. Processor time, which a trace notes for each task, is the
page's own. It says how long a task is on a CPU that is slowed down: as many times as much.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.browser.cases import Case
from benchmarks.browser.devtools import launched
from coatcheck_chat.comparison import Side

CATEGORIES: Final = ("toplevel", "devtools.timeline", "v8")

_Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Work:
    """What the main thread did from the first message on. Milliseconds of processor time.

    Attributes:
        case: what was played, without a slow-down.
        handler: the longest handler of a message of the socket.
        task: the longest task of any kind.
    """

    case: Case
    handler: float
    task: float


async def measure_work(
    executable: Path, url: str, case: Case, side: Side = "references", *, rounds: int = 3
) -> Work:
    """Play a case under a trace; the least of some rounds, each in a fresh browser.

    Args:
        executable: the browser.
        url: of the benchmark's server.
        case: what is played.
        side: which side of it.
        rounds: how often. Collections of garbage and compilation fall where they will.
    """
    found = [await _trace(executable, url, case, side) for _ in range(rounds)]
    return Work(case, min(each.handler for each in found), min(each.task for each in found))


async def _trace(executable: Path, url: str, case: Case, side: Side) -> Work:
    async with launched(executable) as browser:
        page = await browser.new_page(viewport={"width": 1280, "height": 860})
        await page.goto(url)
        await browser.start_tracing(page=page, categories=list(CATEGORIES))
        await page.evaluate("trial => play(trial)", case.trial(side))
        trace = json.loads(await browser.stop_tracing())
    return read_work(case, trace["traceEvents"])


def read_work(case: Case, events: Sequence[_Event]) -> Work:
    """Find the longest handler and task in a trace.

    Args:
        case: what was played.
        events: ``traceEvents`` of Chrome's trace format; ``dur`` and ``tdur`` are microseconds.

    Raises:
        ValueError: the trace holds no handler of the socket.
    """
    handlers = [each for each in _complete(events) if _is_handler(each)]
    if not handlers:
        raise ValueError("The trace holds no handler of a WebSocket's message.")
    thread = (handlers[0]["pid"], handlers[0]["tid"])
    began = min(each["ts"] for each in handlers)
    tasks = [
        each
        for each in _complete(events)
        if each["name"].endswith("RunTask")
        and (each["pid"], each["tid"]) == thread
        and each["ts"] + each["dur"] >= began
    ]
    return Work(case, _longest(handlers), _longest(tasks))


def _complete(events: Sequence[_Event]) -> Iterator[_Event]:
    return (each for each in events if each["ph"] == "X" and "tdur" in each)


def _is_handler(event: _Event) -> bool:
    name = str(event.get("args", {}).get("data", {}).get("functionName", ""))
    # The page assigns it to a socket's property, and V8 names it after that; React's has its own.
    return event["name"] == "FunctionCall" and name.endswith(".onmessage")


def _longest(events: Sequence[_Event]) -> float:
    return max(float(each["tdur"]) for each in events) / 1000
