"""The real server in a process of its own, and the page in a real Chromium."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from benchmarks.browser.devtools import FLAGS
from playwright.sync_api import Browser, ConsoleMessage, Page, WebSocket, expect, sync_playwright

from coatcheck_chat.frontend import PAGE

RESULTS = Path(__file__).parents[2] / "test-results"
"""Where the screenshots go."""


@dataclass
class Server:
    """A running ``coatcheck-chat``."""

    url: str
    data: Path
    log: Path

    def requests(self, kind: str, identifier: str | None) -> int:
        """How many requests for the `kind` of rendition of a medium have been answered so far."""
        time.sleep(0.3)  # the access log is written up to 0.1 s late
        lines = self.log.read_text().splitlines()
        return sum(f"kind={kind} " in line and f"id={identifier}" in line for line in lines)


@dataclass
class Visit:
    """A page with everything that its WebSocket and its console said."""

    page: Page
    server: Server
    frames: list[str] = field(default_factory=list)
    pushed: list[bytes] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.page.get_by_test_id("composer-input").fill(text)
        self.page.keyboard.press("Enter")

    def pretend_round_trips(self, milliseconds: int) -> None:
        """Load the page anew as one that measures this, however busy the machine is."""
        self.page.add_init_script(
            f"""const {{send}} = WebSocket.prototype;
            WebSocket.prototype.send = function (text) {{
                const frame = JSON.parse(text);
                send.call(this, JSON.stringify({{...frame, roundTrip: {milliseconds}}}));
            }};"""
        )
        self.page.reload()

    def refuse_pushes(self) -> None:
        """Load the page anew as one whose socket takes no binary frames."""
        self.page.add_init_script(
            """const {WebSocket} = window;
            window.WebSocket = class extends WebSocket {
                constructor(url, protocols) {
                    super(url, protocols.filter(name => !name.endsWith('binary')));
                }
            };"""
        )
        self.page.reload()

    def await_pictures(self, count: int) -> None:
        painted = self.page.locator('[data-testid="media-image"][data-phase="full"]')
        expect(painted).to_have_count(count, timeout=30_000)

    def await_answer(self) -> None:
        """Until the composer takes the next message."""
        expect(self.page.get_by_test_id("composer-send")).to_be_visible(timeout=30_000)

    def widths(self) -> list[int]:
        """How many pixels wide the file of each picture is that is painted in full.

        With a ``srcset`` an image says its width by `sizes`; the address tells that of the file.
        """
        widths: list[int] = self.page.evaluate(
            "[...document.querySelectorAll('[data-phase=full] img:last-of-type')].map(image =>"
            " Number(new URL(image.currentSrc).searchParams.get('w') ?? image.naturalWidth))"
        )
        return widths

    def screenshot(self, name: str) -> None:
        RESULTS.mkdir(exist_ok=True)
        self.page.wait_for_timeout(700)  # transitions end
        self.page.screenshot(path=RESULTS / f"{name}.png")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Not for the whole session: Playwright's own event loop would be in the way of other tests.
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if executable is None:
        pytest.fail("No browser: install Chromium or name one by CHROMIUM=, as `make test` does.")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving_page(tmp_path_factory.mktemp("server"), "-m", "coatcheck_chat") as served:
        yield served


@contextmanager
def serving_page(
    directory: Path, *program: str, settings: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """What ``python PROGRAM serve`` serves, with its data and its log in `directory`."""
    if not (PAGE / "index.html").is_file():
        pytest.fail("The page is not built: run `make page`, as `make test` does.")
    log, data = directory / "log", directory / "data"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *program, "--port", "0"],
            env=os.environ | {"COATCHECK_DATA": str(data), "COLUMNS": "200"} | dict(settings or {}),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Server(_await_url(log, process), data, log)
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    with visiting(browser, server) as opened:
        yield opened


@contextmanager
def visiting(
    browser: Browser,
    server: Server,
    service_workers: Literal["allow", "block"] = "block",
    *,
    bypass_csp: bool = False,
    scale: float = 1,
) -> Iterator[Visit]:
    """A browser of its own on the server's page.

    Without its service worker where it is not asked for: tests hold requests back and let them
    fail, and the worker's own would pass them by. With `bypass_csp` the page may connect to a
    server of the test's. `scale` is how many of the screen's pixels a CSS pixel has.
    """
    context = browser.new_context(
        viewport={"width": 1280, "height": 860},
        color_scheme="light",
        service_workers=service_workers,
        bypass_csp=bypass_csp,
        device_scale_factor=scale,
    )
    page = context.new_page()
    visit = Visit(page, server)

    def hear(frame: str | bytes) -> None:
        if isinstance(frame, str):
            visit.frames.append(frame)
        else:
            visit.pushed.append(frame)

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", hear)

    page.on("websocket", listen)

    def complain(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and "blocked by Playwright" not in message.text:
            visit.complaints.append(message.text)

    page.on("console", complain)
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.goto(server.url)
    yield visit
    context.close()


def _await_url(log: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        text = log.read_text()
        match = re.search(r"http://[\d.]+:\d+", text)
        if match and "startup complete" in text:
            return match[0]
        time.sleep(0.05)
    pytest.fail(f"The server did not start:\n{log.read_text()}")
