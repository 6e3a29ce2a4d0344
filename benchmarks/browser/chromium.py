"""A Chromium for each measurement, driven over the DevTools protocol."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, CDPSession, Page, async_playwright
from playwright.async_api import Error as PlaywrightError

from benchmarks.browser.cases import Case, Outcome, Violation
from coatcheck.comparison import Side

# Quiet without a network: no look-ups and no updates of the browser's own.
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

THRESHOLDS = {"handler": 150, "recurringHandler": 50, "longLayout": 30, "blockedEvent": 100}
"""Milliseconds, Chrome's own. It never emits ``longTask``: those are observed in the page."""

_CLOSE_SECONDS = 10.0
_KEY_SECONDS = 0.2


class Chromium:
    """Measures cases, each in a fresh browser.

    Args:
        executable: the browser.
        url: of the server.
    """

    def __init__(self, executable: Path, url: str) -> None:
        self._executable = executable
        self._url = url

    async def version(self) -> str:
        """The browser's name and version."""
        async with self._browser() as browser:
            return f"Chromium {browser.version}"

    async def measure(self, case: Case, side: Side, *, seconds: float) -> Outcome:
        """Play one side of a case, and for references a second time in a new page.

        Args:
            case: what is played.
            side: which side of it.
            seconds: how long it is waited for.
        """
        trial = {
            "path": f"/ws/compare/{case.edge}",
            "side": side,
            "way": case.way,
            "count": case.count,
        }
        async with self._browser() as browser:
            context = await browser.new_context(viewport={"width": 1280, "height": 860})
            page = await context.new_page()
            await page.goto(self._url)
            devtools = await context.new_cdp_session(page)
            violations = await _report_violations(devtools)
            await _consume_frames(devtools)
            await devtools.send("Performance.enable")
            empty = await _heap(devtools)
            await devtools.send("Emulation.setCPUThrottlingRate", {"rate": case.slowdown})
            busy = await _busy_seconds(devtools)
            start = time.monotonic()
            typing = asyncio.create_task(_type(devtools))
            try:
                async with asyncio.timeout(seconds):
                    figures = await page.evaluate("trial => play(trial)", trial)
            except TimeoutError:
                return Outcome(None, seconds, violations)
            finally:
                typing.cancel()
            taken = time.monotonic() - start
            busy = await _busy_seconds(devtools) - busy
            await devtools.send("Emulation.setCPUThrottlingRate", {"rate": 1})
            heap = await _heap(devtools) - empty
            again = None if side == "legacy" else await _media_bytes_again(page, trial)
            return Outcome(figures, taken, violations, busy, heap, again)

    @asynccontextmanager
    async def _browser(self) -> AsyncIterator[Browser]:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=self._executable, args=FLAGS)
            try:
                yield browser
            finally:
                # A page that is blocked does not close; the process ends with Playwright.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_CLOSE_SECONDS):
                        await browser.close()


async def _report_violations(devtools: CDPSession) -> list[Violation]:
    violations: list[Violation] = []

    def note(event: dict[str, Any]) -> None:
        entry = event["entry"]
        if entry["source"] == "violation":
            violations.append(Violation(entry["text"], entry.get("url", "")))

    devtools.on("Log.entryAdded", note)
    await devtools.send("Log.enable")
    config = [{"name": name, "threshold": value} for name, value in THRESHOLDS.items()]
    await devtools.send("Log.startViolationsReport", {"config": config})
    return violations


async def _consume_frames(devtools: CDPSession) -> None:
    # Headless, nobody takes the frames, and the times of events are wrong.
    acknowledged: set[asyncio.Task[Any]] = set()

    def acknowledge(event: dict[str, Any]) -> None:
        task = asyncio.ensure_future(
            devtools.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})
        )
        acknowledged.add(task)
        task.add_done_callback(_forget_failure)
        task.add_done_callback(acknowledged.discard)

    devtools.on("Page.screencastFrame", acknowledge)
    await devtools.send(
        "Page.startScreencast",
        {"format": "jpeg", "quality": 1, "maxWidth": 16, "maxHeight": 16},
    )


def _forget_failure(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled():
        task.exception()  # the page is gone, and its frames with it


async def _type(devtools: CDPSession) -> None:
    """Press a key now and then: what is measured is how long the page takes to notice."""
    with contextlib.suppress(PlaywrightError):
        while True:
            for kind in ("keyDown", "keyUp"):
                await devtools.send("Input.dispatchKeyEvent", {"type": kind, "key": "Shift"})
            await asyncio.sleep(_KEY_SECONDS)


async def _busy_seconds(devtools: CDPSession) -> float:
    metrics = (await devtools.send("Performance.getMetrics"))["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


async def _heap(devtools: CDPSession) -> int:
    await devtools.send("HeapProfiler.collectGarbage")
    return int((await devtools.send("Runtime.getHeapUsage"))["usedSize"])


async def _media_bytes_again(page: Page, trial: dict[str, Any]) -> int:
    await page.reload()
    await page.evaluate("trial => play(trial)", trial)
    return int(
        await page.evaluate(
            """() => performance.getEntriesByType("resource")
                .filter(({name}) => name.includes("/api/media/"))
                .reduce((sum, {transferSize}) => sum + transferSize, 0)"""
        )
    )
