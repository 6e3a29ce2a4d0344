"""The documentation site in a browser: light and dark, on a phone, without a network."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.e2e.conftest import RESULTS

ROOT = Path(__file__).parents[2]
SITE = ROOT / "build/site/html"
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21aa"]
PLACES = [
    "index.html",
    "project/readme.html",
    "reference/api/coatcheck.errors.html",
    "reference/npm-api/coatcheck-worker.html",
    "reference/settings.html",
]
PHONE, DESK = (390, 844), (1280, 900)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    if not (SITE / "index.html").is_file():
        pytest.fail("The site is not built: run `make docs`, as `make test` does.")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=SITE)) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


class Reader:
    """A browser that has this machine alone, and what it asked of others."""

    def __init__(
        self, browser: Browser, size: tuple[int, int], scheme: Literal["light", "dark"]
    ) -> None:
        self.elsewhere: list[str] = []
        self.context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            reduced_motion="reduce",
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.page.on("request", self._note)

    def _note(self, request: Request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "file:", "data:", "blob:")):
            self.elsewhere.append(request.url)


@pytest.fixture
def read(browser: Browser) -> Iterator[Any]:
    readers: list[Reader] = []

    def opened(*given: Any) -> Reader:
        readers.append(Reader(browser, *given))
        return readers[-1]

    yield opened
    for reader in readers:
        reader.context.close()
        assert reader.elsewhere == []


@pytest.mark.parametrize(("size", "scheme"), [(DESK, "light"), (DESK, "dark"), (PHONE, "dark")])
def test_pages_are_accessible_and_fit(
    read: Any, address: str, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    page = read(size, scheme).page
    found = {}
    for place in PLACES:
        page.goto(address + place)
        expect(page.locator("article h1")).to_be_visible()
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size[0], f"{place} is {width} pixels wide"
        page.add_script_tag(path=AXE)
        violations = page.evaluate(
            "tags => axe.run({runOnly: tags}).then(result => result.violations)", TAGS
        )
        for each in violations:
            found[f"{place}: {each['id']}"] = [node["html"] for node in each["nodes"]][:3]
    RESULTS.mkdir(exist_ok=True)
    page.goto(address)
    page.screenshot(path=RESULTS / f"site-{size[0]}-{scheme}.png")
    assert found == {}


@pytest.mark.parametrize("from_disk", [False, True], ids=["served", "from-disk"])
def test_the_search_finds_a_name(read: Any, address: str, *, from_disk: bool) -> None:
    page = read(DESK, "light").page
    page.goto(f"{SITE.as_uri()}/index.html" if from_disk else address)
    search = page.get_by_role("combobox", name="Search")
    for _ in range(30):  # the page listens for the key some time after it has loaded
        page.keyboard.press("Control+k")
        page.wait_for_timeout(500)
        if search.is_visible():
            break
    search.fill("offload_stream")
    page.get_by_role("option", name="offload_stream").first.click()
    expect(page.locator("article")).to_contain_text("offload_stream")
    assert "index.html" not in page.url


def test_code_can_be_copied(read: Any, address: str) -> None:
    reader = read(DESK, "light")
    reader.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
    reader.page.goto(f"{address}reference/python.html")
    reader.page.get_by_role("button", name="Copy to clipboard").first.click()
    reader.page.wait_for_function(
        "async () => (await navigator.clipboard.readText()).startsWith('import asyncio')"
    )
