"""What every browser benchmark asks of a Chromium over the DevTools protocol."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from playwright.async_api import Browser, async_playwright

from benchmarks.browser.cases import Violation

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


class Session(Protocol):
    """A page's end of the protocol: Playwright's, or our own."""

    async def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call a method; its result."""

    def on(self, event: str, f: Callable[[dict[str, Any]], None]) -> Any:
        """Hear of an event."""


@asynccontextmanager
async def launched(executable: Path, *flags: str) -> AsyncIterator[Browser]:
    """A fresh browser for as long as the context lasts.

    Args:
        executable: the browser.
        flags: more than `FLAGS`.
    """
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable, args=[*FLAGS, *flags]
        )
        try:
            yield browser
        finally:
            # A page that is blocked does not close; the process ends with Playwright.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await browser.close()


async def report_violations(session: Session) -> list[Violation]:
    """A list that grows with every violation from now on."""
    violations: list[Violation] = []

    def note(event: dict[str, Any]) -> None:
        entry = event["entry"]
        if entry["source"] == "violation":
            violations.append(Violation(entry["text"], entry.get("url", "")))

    session.on("Log.entryAdded", note)
    await session.send("Log.enable")
    config = [{"name": name, "threshold": value} for name, value in THRESHOLDS.items()]
    await session.send("Log.startViolationsReport", {"config": config})
    return violations


async def consume_frames(session: Session) -> None:
    """Take the frames that the page paints: headless, nobody does, and events' times are wrong."""
    acknowledged: set[asyncio.Task[Any]] = set()

    def acknowledge(event: dict[str, Any]) -> None:
        task = asyncio.ensure_future(
            session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})
        )
        acknowledged.add(task)
        task.add_done_callback(_forget_failure)
        task.add_done_callback(acknowledged.discard)

    session.on("Page.screencastFrame", acknowledge)
    await session.send(
        "Page.startScreencast",
        {"format": "jpeg", "quality": 1, "maxWidth": 16, "maxHeight": 16},
    )


def _forget_failure(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled():
        task.exception()  # the page is gone, and its frames with it


async def busy_seconds(session: Session) -> float:
    """How long the page's main thread has been busy; ``Performance`` must be enabled."""
    metrics = (await session.send("Performance.getMetrics"))["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


async def heap_bytes(session: Session) -> int:
    """JavaScript's objects after a collection."""
    await session.send("HeapProfiler.collectGarbage")
    return int((await session.send("Runtime.getHeapUsage"))["usedSize"])
