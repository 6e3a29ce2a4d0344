"""One conversation with one chat in a fresh browser: either timed or counted.

The two are not one, as the protocol's network domain, which tells of bytes, slows the page down.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.browser.cases import Violation
from benchmarks.browser.devtools import (
    busy_seconds,
    consume_frames,
    heap_bytes,
    launched,
    report_violations,
)
from benchmarks.chats.contenders import Chat, Sight
from benchmarks.chats.ledger import Ledger, Traffic
from benchmarks.chats.prompts import prompt
from benchmarks.chats.tab import PageError, Tab, open_tab

SECONDS: Final = 60.0
"""How long a page, a picture, or the readiness for another message is waited for."""

# Fonts and styles of other hosts fail at once, with and without a network.
_OFFLINE: Final = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
_WATCH: Final = Path(__file__).with_name("watch.js")
_SETTLE_SECONDS: Final = 0.6
_OPEN_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and its picture. Milliseconds from Enter until something had been painted.

    Attributes:
        first: anything in the picture's place, such as a blur.
        readable: an image of at least 128 pixels.
        full: the picture, in the width that the page shows.
        width: how wide it is shown, CSS pixels.
    """

    first: float
    readable: float
    full: float
    width: float


@dataclass(frozen=True, slots=True)
class Timed:
    """A conversation that was timed.

    Attributes:
        turns: its turns.
        busy: seconds that the main thread was busy, from the first Enter to the end.
        long_tasks: how many took over 50 ms.
        blocking: milliseconds that these had over 50 ms.
        violations: what Chrome reported.
        heap: bytes of JavaScript's objects at the end, less what the empty page had.
    """

    turns: Sequence[Turn]
    busy: float
    long_tasks: int
    blocking: float
    violations: Sequence[Violation]
    heap: int


@dataclass(frozen=True, slots=True)
class Counted:
    """A conversation whose bytes were counted.

    Attributes:
        opening: of the page, before anything was said.
        turns: its turns.
        reload: of the page, with the conversation.
        restored: how many pictures the page had again after that.
    """

    opening: Traffic
    turns: Sequence[Traffic]
    reload: Traffic
    restored: int


async def time_conversation(
    executable: Path, chat: Chat, pictures: Sequence[str], *, slowdown: int = 1
) -> Timed:
    """Ask for each of the pictures, with the network domain off.

    Args:
        executable: the browser.
        chat: which one.
        pictures: their names (`benchmarks.chats.prompts`).
        slowdown: by how much the page's CPU is throttled once the page is there.

    Raises:
        PageError: the page's script failed.
        TimeoutError: a picture did not come.
    """
    async with _page(executable, chat.sight) as tab:
        await tab.send("Performance.enable")
        violations = await report_violations(tab)
        await consume_frames(tab)
        await _open(tab, chat)
        empty = await heap_bytes(tab)
        await tab.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
        start = await tab.evaluate("performance.now()")
        violations.clear()
        busy = await busy_seconds(tab)
        turns = [await _ask(tab, chat, name, n) for n, name in enumerate(pictures, 1)]
        busy = await busy_seconds(tab) - busy
        tasks = await tab.evaluate(f"chatWatch.longTasks({start})")
        reported = tuple(violations)
        await tab.send("Emulation.setCPUThrottlingRate", {"rate": 1})
        return Timed(
            turns=turns,
            busy=busy,
            long_tasks=tasks["count"],
            blocking=tasks["blocking"],
            violations=reported,
            heap=await heap_bytes(tab) - empty,
        )


async def count_conversation(executable: Path, chat: Chat, pictures: Sequence[str]) -> Counted:
    """Ask for each of the pictures, then load the page anew; count the bytes.

    Args:
        executable: the browser.
        chat: which one.
        pictures: their names.

    Raises:
        PageError: the page's script failed.
        TimeoutError: a picture did not come.
    """
    async with _page(executable, chat.sight) as tab:
        ledger = await _listen(tab, chat.sight)
        await _open(tab, chat)
        opening = ledger.take()
        turns = []
        for number, name in enumerate(pictures, 1):
            await _ask(tab, chat, name, number)
            turns.append(ledger.take())
        await tab.send("Page.reload")
        await asyncio.sleep(_OPEN_SECONDS)
        await _await_element(tab, chat.sight.ready)
        await asyncio.sleep(_SETTLE_SECONDS)
        return Counted(opening, turns, ledger.take(), await tab.evaluate("chatWatch.count()"))


@asynccontextmanager
async def _page(executable: Path, sight: Sight) -> AsyncIterator[Tab]:
    async with launched(executable, _OFFLINE) as browser:
        tab = await open_tab(browser)
        spec = {name: getattr(sight, name) for name in ("layers", "full", "box", "key")}
        source = f"({_WATCH.read_text('utf-8')})({json.dumps(spec)})"
        await tab.send("Page.addScriptToEvaluateOnNewDocument", {"source": source})
        yield tab


async def _open(tab: Tab, chat: Chat) -> None:
    await tab.send("Page.navigate", {"url": chat.url})
    await _await_element(tab, chat.sight.composer)
    await asyncio.sleep(_OPEN_SECONDS)


async def _ask(tab: Tab, chat: Chat, picture: str, number: int) -> Turn:
    composer = json.dumps(chat.sight.composer)
    await tab.evaluate(f"document.querySelector({composer}).focus()")
    async with asyncio.timeout(SECONDS):
        await tab.type(prompt(picture))
        seen: dict[str, float] = await tab.evaluate(f"chatWatch.picture({number})")
    await asyncio.sleep(_SETTLE_SECONDS)
    await _await_element(tab, chat.sight.ready)
    return Turn(**seen)


async def _await_element(tab: Tab, selector: str) -> None:
    async with asyncio.timeout(SECONDS):
        await tab.evaluate(f"chatWatch.element({json.dumps(selector)})")


async def _listen(tab: Tab, sight: Sight) -> Ledger:
    ledger = Ledger(re.compile(sight.media), sight.pushes)
    reading: set[asyncio.Task[None]] = set()

    async def read(identifier: str) -> None:
        try:
            found = await tab.send("Network.streamResourceContent", {"requestId": identifier})
        except PageError:
            ledger.ended_early(identifier)
        else:
            ledger.streamed(identifier, found["bufferedData"])

    def answered(event: dict[str, Any]) -> None:
        if ledger.answered(event):
            task = asyncio.create_task(read(event["requestId"]))
            reading.add(task)
            task.add_done_callback(reading.discard)

    tab.on("Network.requestWillBeSent", ledger.requested)
    tab.on("Network.requestWillBeSentExtraInfo", ledger.headed)
    tab.on("Network.responseReceived", answered)
    tab.on("Network.dataReceived", ledger.received)
    tab.on("Network.loadingFinished", ledger.finished)
    tab.on("Network.webSocketFrameReceived", ledger.frame_received)
    tab.on("Network.webSocketFrameSent", ledger.frame_sent)
    await tab.send("Network.enable")
    # What a service worker fetches is not the page's traffic to the protocol: let the page fetch.
    await tab.send("Network.setBypassServiceWorker", {"bypass": True})
    return ledger
