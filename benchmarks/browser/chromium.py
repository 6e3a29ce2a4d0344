"""A Chromium for each measurement, driven over the DevTools protocol."""

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Any

from playwright.async_api import CDPSession, Page
from playwright.async_api import Error as PlaywrightError

from benchmarks.browser.cases import Case, Outcome
from benchmarks.browser.devtools import (
    busy_seconds,
    consume_frames,
    heap_bytes,
    launched,
    report_violations,
)
from coatcheck_chat.comparison import Side

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
        async with launched(self._executable) as browser:
            return f"Chromium {browser.version}"

    async def measure(self, case: Case, side: Side, *, seconds: float) -> Outcome:
        """Play one side of a case, and for references a second time in a new page.

        Args:
            case: what is played.
            side: which side of it.
            seconds: how long it is waited for.
        """
        trial = case.trial(side)
        async with launched(self._executable) as browser:
            context = await browser.new_context(viewport={"width": 1280, "height": 860})
            page = await context.new_page()
            await page.goto(self._url)
            devtools = await context.new_cdp_session(page)
            violations = await report_violations(devtools)
            await consume_frames(devtools)
            await devtools.send("Performance.enable")
            empty = await heap_bytes(devtools)
            await devtools.send("Emulation.setCPUThrottlingRate", {"rate": case.slowdown})
            busy = await busy_seconds(devtools)
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
            busy = await busy_seconds(devtools) - busy
            await devtools.send("Emulation.setCPUThrottlingRate", {"rate": 1})
            heap = await heap_bytes(devtools) - empty
            again = None if side == "legacy" else await _media_bytes_again(page, trial)
            return Outcome(figures, taken, violations, busy, heap, again)


async def _type(devtools: CDPSession) -> None:
    """Press a key now and then: what is measured is how long the page takes to notice."""
    with contextlib.suppress(PlaywrightError):
        while True:
            for kind in ("keyDown", "keyUp"):
                await devtools.send("Input.dispatchKeyEvent", {"type": kind, "key": "Shift"})
            await asyncio.sleep(_KEY_SECONDS)


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
