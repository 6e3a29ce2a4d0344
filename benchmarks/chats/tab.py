"""A page that nobody listens to but us.

Playwright always switches on the protocol's network domain in the pages that it opens, and that
alone slows a page down that receives megabytes. A page that is opened in a context of which
Playwright knows nothing is left in peace; it is spoken to through the browser's own session.
"""

import asyncio
import itertools
import json
from collections.abc import Callable
from typing import Any

from playwright.async_api import Browser, CDPSession

_VIEWPORT = {"width": 1280, "height": 860}

Listener = Callable[[dict[str, Any]], None]


class PageError(Exception):
    """The page refused a command, or its script failed; the message says which and why."""


class Tab:
    """One page; a `benchmarks.browser.devtools.Session`. Opened by `open_tab`."""

    def __init__(self, browser: CDPSession, session_id: str) -> None:
        self._browser = browser
        self._session_id = session_id
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._listeners: dict[str, list[Listener]] = {}
        browser.on("Target.receivedMessageFromTarget", self._receive)

    def on(self, event: str, f: Listener) -> None:
        """Hear of an event."""
        self._listeners.setdefault(event, []).append(f)

    async def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call a method; its result.

        Raises:
            PageError: it was refused.
        """
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        message = json.dumps({"id": number, "method": method, "params": params or {}})
        try:
            await self._browser.send(
                "Target.sendMessageToTarget", {"sessionId": self._session_id, "message": message}
            )
            found = await answer
        finally:
            del self._answers[number]
        if "error" in found:
            raise PageError(f"{method}: {found['error']['message']}")
        result: dict[str, Any] = found["result"]
        return result

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is waited for.

        Raises:
            PageError: it threw.
        """
        found = await self.send(
            "Runtime.evaluate",
            {"expression": expression, "awaitPromise": True, "returnByValue": True},
        )
        if "exceptionDetails" in found:
            details = found["exceptionDetails"]
            reason = details.get("exception", {}).get("description", details["text"])
            raise PageError(f"{expression}: {reason}")
        return found["result"].get("value")

    async def type(self, text: str) -> None:
        """Type into what has the focus, and press Enter."""
        await self.send("Input.insertText", {"text": text})
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
        await self.send("Input.dispatchKeyEvent", {"type": "keyDown", "text": "\r", **key})
        await self.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})

    def _receive(self, event: dict[str, Any]) -> None:
        if event["sessionId"] != self._session_id:
            return
        message = json.loads(event["message"])
        if "id" not in message:
            for listener in self._listeners.get(message["method"], ()):
                listener(message["params"])
        elif (answer := self._answers.get(message["id"])) and not answer.done():
            answer.set_result(message)


async def open_tab(browser: Browser) -> Tab:
    """A page of 1280×860 that is in front and has the focus."""
    session = await browser.new_browser_cdp_session()
    context = (await session.send("Target.createBrowserContext"))["browserContextId"]
    target = await session.send(
        "Target.createTarget", {"url": "about:blank", "browserContextId": context}
    )
    # Not flattened: Playwright's own connection does not know sessions that it did not open.
    attached = await session.send(
        "Target.attachToTarget", {"targetId": target["targetId"], "flatten": False}
    )
    tab = Tab(session, attached["sessionId"])
    await tab.send("Page.enable")
    await tab.send(
        "Emulation.setDeviceMetricsOverride", {**_VIEWPORT, "deviceScaleFactor": 1, "mobile": False}
    )
    await tab.send("Emulation.setFocusEmulationEnabled", {"enabled": True})
    return tab
