"""``python -m benchmarks.browser.visit``: what the chat's own page costs a browser.

A load, a turn of text and a turn with a picture, each in a fresh Chromium on a fresh server, read
from a trace: tasks by the wall clock and by processor time, layouts that a script forced, what came
over the network, and how often React committed.
"""

import asyncio
import json
import statistics
import textwrap
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.async_api import CDPSession, Page

from benchmarks.browser.bench import find_chromium
from benchmarks.browser.chat import command_line, running_chat
from benchmarks.browser.devtools import launched, report_violations
from benchmarks.targets import Target, keep

_CATEGORIES: Final = ("toplevel", "devtools.timeline", "v8")
_LONG_MS: Final = 50.0
_SETTLE_MS: Final = 1500
_WAIT_MS: Final = 60_000
_REPORTED_LAYOUT_MS: Final = 30.0  # from which on Chrome reports a violation
_SCRIPT_KILOBYTES: Final = 120.0
_SCRIPTS: Final = {"EvaluateScript", "FunctionCall", "v8.evaluateModule", "RunMicrotasks"}
_LAYOUTS: Final = {"Layout"}
_STATES: Final = {"UpdateLayoutTree"}

# React tells a developer's tool of each commit, also where it is built for production.
_COUNT_COMMITS: Final = """
window.commits = 0;
window.__REACT_DEVTOOLS_GLOBAL_HOOK__ = {
  supportsFiber: true,
  inject: () => 1,
  onCommitFiberRoot: () => { window.commits += 1; },
  onCommitFiberUnmount: () => undefined,
};
"""

_Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """What one part of a visit did on the main thread. Milliseconds, and counts.

    Attributes:
        cpu: processor time of all tasks.
        longest: the longest task by the wall clock.
        longest_cpu: the longest task in processor time.
        long_tasks: tasks over 50 ms by the wall clock.
        forced: layouts that a script waited for.
        forced_ms: the longest of them.
        layouts: layouts of any kind.
        commits: of React.
    """

    cpu: float
    longest: float
    longest_cpu: float
    long_tasks: int
    forced: int
    forced_ms: float
    layouts: int
    commits: int


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit: the parts by name, and bytes over the network by what they were.

    Attributes:
        parts: ``load``, ``text`` and ``picture``.
        sent: bytes of bodies as they were sent, of what came until the page's ``load``
            (``script``, ``style``, ``page``), of scripts that came later (``later``), and of
            pictures in the turn with one (``pictures``).
        paint: milliseconds from the navigation to the first contentful paint.
        violations: what Chrome reported of the whole visit, such as ``Forced reflow … took 31ms``.
    """

    parts: dict[str, Part]
    sent: dict[str, int]
    paint: float
    violations: Sequence[str] = ()


def read_part(events: Sequence[_Event], commits: int) -> Part:
    """Find tasks and layouts of the page's main thread in a trace.

    Args:
        events: ``traceEvents`` of Chrome's trace format; ``dur`` and ``tdur`` are microseconds.
        commits: of React, counted in the page.
    """
    complete = [each for each in events if each["ph"] == "X" and "dur" in each]
    thread = _main_thread(events)
    ours = [each for each in complete if (each["pid"], each["tid"]) == thread]
    tasks = [each for each in ours if each["name"].endswith("RunTask")]
    scripts = [(each["ts"], each["ts"] + each["dur"]) for each in ours if each["name"] in _SCRIPTS]
    layouts = [each for each in ours if each["name"] in _LAYOUTS]
    forced = [
        each["dur"] / 1000
        for each in ours
        if each["name"] in _LAYOUTS | _STATES
        and any(start <= each["ts"] < end for start, end in scripts)
    ]
    walls = [each["dur"] / 1000 for each in tasks] or [0.0]
    cpus = [each.get("tdur", 0) / 1000 for each in tasks] or [0.0]
    return Part(
        cpu=sum(cpus),
        longest=max(walls),
        longest_cpu=max(cpus),
        long_tasks=sum(wall > _LONG_MS for wall in walls),
        forced=len(forced),
        forced_ms=max(forced, default=0.0),
        layouts=len(layouts),
        commits=commits,
    )


def _main_thread(events: Sequence[_Event]) -> tuple[int, int]:
    """The renderer's main thread that had the most to do."""
    busy: dict[tuple[int, int], float] = defaultdict(float)
    named = {
        (each["pid"], each["tid"])
        for each in events
        if each["ph"] == "M" and each["args"].get("name") == "CrRendererMain"
    }
    for each in events:
        thread = (each["pid"], each["tid"])
        if each["ph"] == "X" and thread in named and each["name"] in _SCRIPTS:
            busy[thread] += each["dur"]
    if not busy:
        raise ValueError("The trace holds no script of a page.")
    return max(busy, key=lambda thread: busy[thread])


class _Network:
    """Bytes of bodies as they were sent, by type of resource."""

    def __init__(self) -> None:
        self._types: dict[str, str] = {}
        self.bytes: dict[str, int] = defaultdict(int)

    async def watch(self, session: CDPSession) -> None:
        """Listen from now on."""
        session.on("Network.responseReceived", self._begin)
        session.on("Network.loadingFinished", self._end)
        await session.send("Network.enable")

    def _begin(self, event: dict[str, Any]) -> None:
        self._types[event["requestId"]] = event["type"]

    def _end(self, event: dict[str, Any]) -> None:
        kind = self._types.get(event["requestId"], "Other")
        self.bytes[kind] += int(event["encodedDataLength"])


async def visit(url: str, *, slowdown: int, scale: float) -> Visit:
    """Open the page, say something, and have a picture drawn.

    Args:
        url: of the chat.
        slowdown: by how much the page's CPU is throttled.
        scale: device pixels of a CSS pixel.
    """
    async with launched(find_chromium()) as browser:
        context = await browser.new_context(
            viewport={"width": 1280, "height": 800},
            device_scale_factor=scale,
            service_workers="block",  # what a worker fetches, the page's session does not see
        )
        page = await context.new_page()
        await page.add_init_script(_COUNT_COMMITS)
        session = await context.new_cdp_session(page)
        network = _Network()
        await network.watch(session)
        violations = await report_violations(session)
        await session.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
        parts: dict[str, Part] = {}
        trace = _Trace(browser, page)

        await trace.start()
        await page.goto(url)
        first = dict(network.bytes)
        await page.get_by_test_id("composer-input").wait_for(timeout=_WAIT_MS)
        await page.wait_for_timeout(_SETTLE_MS)
        parts["load"] = await trace.stop()
        paint = await page.evaluate(
            "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
        )

        await _begin_turn(page, trace, "hello")
        await _await_answer(page, 1)
        parts["text"] = await trace.stop()

        before = dict(network.bytes)
        await _begin_turn(page, trace, "Draw a lighthouse at dusk, seed 7")
        await page.locator('[data-testid="media-image"][data-phase="full"]').wait_for(
            timeout=_WAIT_MS
        )
        await _await_answer(page, 2)
        await page.wait_for_timeout(_SETTLE_MS)
        parts["picture"] = await trace.stop()
    sent = {
        "script": first.get("Script", 0),
        "style": first.get("Stylesheet", 0),
        "page": first.get("Document", 0),
        "later": network.bytes["Script"] - first.get("Script", 0),
        "pictures": network.bytes["Image"] - before.get("Image", 0),
    }
    return Visit(parts, sent, paint, [each.text for each in violations])


async def _begin_turn(page: Page, trace: "_Trace", text: str) -> None:
    await page.get_by_test_id("composer-input").fill(text)
    await page.wait_for_timeout(100)
    await trace.start()
    await page.keyboard.press("Enter")


async def _await_answer(page: Page, count: int) -> None:
    # What can be done with an answer shows once it is complete.
    actions = page.locator('[data-testid="message-assistant"] .message-actions')
    await actions.nth(count - 1).wait_for(timeout=_WAIT_MS)


class _Trace:
    def __init__(self, browser: Any, page: Page) -> None:
        self._browser = browser
        self._page = page

    async def start(self) -> None:
        await self._page.evaluate("window.commits = 0")
        await self._browser.start_tracing(page=self._page, categories=list(_CATEGORIES))

    async def stop(self) -> Part:
        trace = json.loads(await self._browser.stop_tracing())
        return read_part(trace["traceEvents"], await self._page.evaluate("window.commits"))


async def measure(slowdowns: Sequence[int], rounds: int, scale: float) -> dict[int, list[Visit]]:
    """Visits by slow-down, all on one server.

    Raises:
        UnavailableError: a browser is missing, or the chat does not start.
    """
    with running_chat() as address:
        url = f"{address}/"
        await visit(url, slowdown=1, scale=scale)  # the first picture starts the workers
        return {
            slowdown: [await visit(url, slowdown=slowdown, scale=scale) for _ in range(rounds)]
            for slowdown in slowdowns
        }


def table(slowdown: int, visits: Sequence[Visit]) -> str:
    """Medians over the visits, as Markdown."""
    columns = (
        *("", "CPU ms", "longest task", "of it CPU", "tasks > 50 ms", "forced layouts"),
        *("longest", "layouts", "commits"),
    )
    lines = [
        f"CPU slowed down {slowdown}×, {len(visits)} visits",
        "",
        f"| {' | '.join(columns)} |",
        "| --- |" + " ---: |" * (len(columns) - 1),
    ]
    for name in visits[0].parts:
        parts = [each.parts[name] for each in visits]
        cells = [
            f"{statistics.median(each.cpu for each in parts):.0f}",
            f"{statistics.median(each.longest for each in parts):.0f}",
            f"{statistics.median(each.longest_cpu for each in parts):.0f}",
            f"{statistics.median(each.long_tasks for each in parts):.0f}",
            f"{statistics.median(each.forced for each in parts):.0f}",
            f"{statistics.median(each.forced_ms for each in parts):.1f}",
            f"{statistics.median(each.layouts for each in parts):.0f}",
            f"{statistics.median(each.commits for each in parts):.0f}",
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    sent = {kind: statistics.median(each.sent[kind] for each in visits) for kind in visits[0].sent}
    paint = statistics.median(each.paint for each in visits)
    words = ", ".join(f"{kind} {value:,.0f}" for kind, value in sent.items())
    reported = [text for each in visits for text in each.violations]
    told = f"Violations: {len(reported)}" + (f" ({'; '.join(reported)})." if reported else ".")
    return "\n".join(
        [*lines, "", f"Bytes: {words}. First contentful paint: {paint:.0f} ms. {told}"]
    )


def targets(visits: Sequence[Visit]) -> Iterator[Target]:
    """What is wanted of the page where its CPU is not slowed down."""
    for name in visits[0].parts:
        parts = [each.parts[name] for each in visits]
        long_tasks = statistics.median(each.long_tasks for each in parts)
        yield Target(f"the chat's page, {name}: tasks over 50 ms", long_tasks, 0, "at most")
        forced = statistics.median(each.forced_ms for each in parts)
        what = f"the chat's page, {name}: longest forced layout"
        yield Target(what, forced, _REPORTED_LAYOUT_MS, "at most", "ms")
    violations = max(len(each.violations) for each in visits)
    yield Target("the chat's page: violations that Chrome reports", violations, 0, "at most")
    script = statistics.median(each.sent["script"] for each in visits) / 1000
    what = "the chat's page: JavaScript of the first view, compressed"
    yield Target(what, script, _SCRIPT_KILOBYTES, "at most", "KB")


def run(output: Path, *, rounds: int, scale: float = 1.0) -> None:
    """Measure, print and write ``visit.md`` and ``targets-visit.json``.

    Args:
        output: folder for them; made when missing.
        rounds: visits for each slow-down.
        scale: device pixels of a CSS pixel.

    Raises:
        UnavailableError: a browser is missing, or the chat does not start.
    """
    visits = asyncio.run(measure((1, 4), rounds, scale))
    text = "\n\n".join(table(slowdown, each) for slowdown, each in visits.items())
    print(text, end="\n\n")
    keep(output, "visit", list(targets(visits[1])))
    wrapped = [
        line if line.startswith("|") else textwrap.fill(line, 110) for line in text.splitlines()
    ]
    (output / "visit.md").write_text("\n".join([*wrapped, ""]), "utf-8")


def main() -> None:
    """The command line."""
    command_line("visit", run, rounds=5, each="visits", title="The page's benchmark")


if __name__ == "__main__":
    main()
