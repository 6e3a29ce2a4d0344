"""The npm package as its users have it: packed, installed into a fresh app, run in a browser."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, FilePayload, Locator, expect

from tests.docs.blocks import ROOT, blocks_of
from tests.e2e.conftest import RESULTS, Server
from tests.e2e.legacy_chat import legacy_chat
from tests.media import png_bytes

FRESH_APP = Path(__file__).with_name("fresh_app")
PACKAGE = ROOT / "web" / "packages" / "coatcheck"
TUTORIAL = ROOT / "docs" / "tutorial" / "react-app.md"
# What Vite's template has there.
TEMPLATES_MAIN = """
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import App from "./App.tsx";

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
"""

# It installs from the registry, or from npm's cache.
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def fresh_app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Vite app with the packed package installed, type-checked and built."""
    directory = tmp_path_factory.mktemp("fresh") / "app"
    shutil.copytree(FRESH_APP, directory)
    packed = json.loads(npm(PACKAGE, "pack", "--json", "--pack-destination", str(directory)))
    # npm lists what it packed by name since version 11, in a list before that.
    entries = packed.values() if isinstance(packed, dict) else packed
    archive = next(iter(entries))["filename"]
    npm(directory, "install", "--prefer-offline", "--no-audit", "--no-fund", f"./{archive}")
    npm(directory, "run", "build")
    return directory


@pytest.fixture(scope="module")
def address(fresh_app: Path, server: Server) -> Iterator[str]:
    with previewing(fresh_app, server.url) as url:
        yield url


def test_use_chat_in_a_fresh_app_shows_a_picture(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 900, "height": 900})
    page.goto(address)
    page.get_by_role("button", name="Paint").click()
    widget = page.get_by_test_id("media-widget")
    expect(widget).to_have_attribute("data-state", "ready", timeout=60_000)
    picture = page.locator('[data-testid="media-image"][data-phase="full"]')
    expect(picture).to_be_visible(timeout=30_000)
    expect(page.locator("output")).to_have_text("ready", timeout=60_000)
    expect(widget.locator(".coat-facts")).to_contain_text("procedural")
    width = picture.locator("img").last.evaluate("image => image.naturalWidth")
    assert width >= 256

    # An old server's frame: parsed in the package's worker, which the app's bundler has to find.
    page.get_by_role("button", name="Open").click()
    old = page.get_by_test_id("old")
    expect(old.locator('[data-phase="full"]')).to_be_visible(timeout=30_000)
    assert old.get_attribute("data-light") == "true"
    RESULTS.mkdir(exist_ok=True)
    page.wait_for_timeout(700)  # transitions end
    page.screenshot(path=RESULTS / "fresh-app.png", full_page=True)
    page.close()


def test_the_tutorials_app_draws_and_shows_an_upload(
    browser: Browser, fresh_app: Path, server: Server, tmp_path: Path
) -> None:
    """`docs/tutorial/react-app.md`, with the packed package and Vite's own way of serving it."""
    app = tmp_path / "my-chat"
    app.mkdir()
    (app / "node_modules").symlink_to(fresh_app / "node_modules")
    for name in ("package.json", "index.html", "tsconfig.json"):
        shutil.copy(FRESH_APP / name, app)
    (app / "index.html").write_text(
        (FRESH_APP / "index.html").read_text().replace("/main.tsx", "/src/main.tsx")
    )
    for block in blocks_of(TUTORIAL):
        if file := block.marks.get("file"):
            (app / file).parent.mkdir(exist_ok=True)
            (app / file).write_text(block.text.replace("http://127.0.0.1:8787", server.url))
    (app / "src/main.tsx").write_text(TEMPLATES_MAIN)
    settings = json.loads((app / "tsconfig.json").read_text()) | {"include": ["src"]}
    (app / "tsconfig.json").write_text(json.dumps(settings))
    npm(app, "run", "build")
    with previewing(app, server.url) as url:
        page = browser.new_page(viewport={"width": 900, "height": 900})
        page.goto(url)
        page.get_by_role("button", name="Draw").click()
        picture = page.locator('[data-testid="media-image"][data-phase="full"]')
        expect(picture).to_have_count(1, timeout=60_000)
        upload = FilePayload(name="mine.png", mimeType="image/png", buffer=png_bytes(640, 480))
        page.get_by_label("Your picture").set_input_files(upload)
        expect(picture).to_have_count(2, timeout=30_000)
        page.close()


def test_use_chat_shows_a_picture_out_of_a_frame_of_megabytes(
    browser: Browser, address: str
) -> None:
    # The app's own policy allows no socket but its server's.
    page = browser.new_page(viewport={"width": 900, "height": 900}, bypass_csp=True)
    with legacy_chat() as chat:
        chat.take_the_place_of_the_server(page)
        page.goto(address)
        page.get_by_role("button", name="Paint").click()
        expect(page.get_by_text("That was a heavy one.")).to_be_visible(timeout=30_000)
        picture = page.get_by_test_id("media-widget").locator('[data-phase="full"]')
        expect(picture).to_be_visible(timeout=30_000)
        assert picture.locator("img").last.evaluate("image => image.naturalWidth") == 1024
        assert max(chat.sent) > 4_000_000
        assert page.evaluate("window.parsed") == []
        assert len(page.workers) == 1
    page.close()


LOOKS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 360, "height": 780}, "has_touch": True},
    "rtl": {"locale": "ar"},
}


@pytest.mark.parametrize("look", LOOKS)
def test_every_state_of_the_widget(
    browser: Browser, address: str, server: Server, look: str
) -> None:
    page = browser.new_page(**({"viewport": {"width": 900, "height": 900}} | LOOKS[look]))
    picture = png_bytes(960, 540)
    uploaded = page.request.post(
        f"{server.url}/api/media/upload", data=picture, headers={"content-type": "image/png"}
    )
    page.add_init_script(f"window.reference = {uploaded.text()}")
    if look == "rtl":
        page.add_init_script(
            "addEventListener('DOMContentLoaded', () => { document.documentElement.dir = 'rtl'; })"
        )
    page.goto(address)

    def case(name: str) -> Locator:
        return page.locator(f'[data-case="{name}"]')

    def await_phase(name: str, phase: str) -> None:
        box = case(name).locator(".coat-box")
        box.scroll_into_view_if_needed()
        expect(box).to_have_attribute("data-phase", phase, timeout=30_000)

    expect(case("pending").get_by_role("status")).to_have_text("Drawing…")
    expect(case("preview").get_by_role("progressbar")).to_have_attribute("aria-valuenow", "40")
    expect(case("failed").get_by_role("button")).to_have_text("Try again")
    await_phase("ready", "full")
    await_phase("unloadable", "failed")
    await_phase("legacy", "full")
    await_phase("broken", "failed")
    boxes = {name: case(name).locator(".coat-box").bounding_box() for name in SAME_BOX}
    sizes = {(box["width"], box["height"]) for box in boxes.values() if box is not None}
    assert len(sizes) == 1, boxes
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    RESULTS.mkdir(exist_ok=True)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(700)  # transitions end
    page.screenshot(path=RESULTS / f"widget-{look}.png", full_page=True)
    page.close()


SAME_BOX = "pending", "preview", "stopped"
"""States that one picture goes through before there is one."""


def npm(directory: Path, *arguments: str) -> str:
    ran = subprocess.run(
        ["npm", *arguments], cwd=directory, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        pytest.fail(f"npm {' '.join(arguments)} failed:\n{ran.stdout}\n{ran.stderr}")
    return ran.stdout


@contextmanager
def previewing(directory: Path, server: str) -> Iterator[str]:
    """What ``vite preview`` serves, with the API of a running `server`."""
    log = directory / "log"
    command = [str(directory / "node_modules/.bin/vite"), "preview", "--host", "127.0.0.1"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            # Port 0 means the default one to Vite; a taken port makes it try the next.
            [*command, "--port", "41730"],
            cwd=directory,
            env=os.environ | {"COATCHECK_URL": server, "NO_COLOR": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield await_address(log, process)
    finally:
        process.terminate()
        process.wait(20)


def await_address(log: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if match := re.search(r"http://127\.0\.0\.1:\d+", log.read_text()):
            return match[0]
        time.sleep(0.05)
    pytest.fail(f"vite preview did not start:\n{log.read_text()}")
