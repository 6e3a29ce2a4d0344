"""What a page fetches, in a real browser: compressed scripts, pictures as wide as their boxes."""

import json
import re

import httpx
import pytest
from benchmarks.browser.visit import read_part
from playwright.sync_api import Browser, Response, expect

from tests.e2e.conftest import Server, Visit, visiting
from tests.media import png_bytes

PICTURE = re.compile(r"/api/media/image/[^?]+$")
WIDTH = re.compile(r"/api/media/image/.*[?&]w=")


def test_scripts_come_compressed_and_later_parts_come_while_the_page_is_idle(visit: Visit) -> None:
    scripts: list[Response] = []

    def note(response: Response) -> None:
        if response.request.resource_type == "script":
            scripts.append(response)

    visit.page.on("response", note)
    visit.page.reload()
    visit.page.get_by_test_id("composer-input").wait_for()
    later = ("transcript", "rich-text", "viewer", "compare")
    while not all(any(part in script.url for script in scripts) for part in later):
        visit.page.wait_for_timeout(20)
    assert all(script.headers.get("content-encoding") in {"br", "gzip"} for script in scripts)
    assert visit.complaints == []


def test_the_original_is_fetched_for_a_closer_look_alone(visit: Visit) -> None:
    visit.say("Draw a lighthouse at dusk, seed 7")
    visit.await_pictures(1)
    visit.await_answer()
    box = visit.page.get_by_test_id("media-image")
    identifier = box.get_attribute("data-media-id")
    assert visit.widths() == [512]
    box.click()
    lightbox = visit.page.get_by_test_id("lightbox")
    image = lightbox.locator("[data-phase=full] img").last
    expect(image).to_be_visible()
    assert image.evaluate("image => image.currentSrc.split('=').at(-1)") == "1024"
    assert visit.server.requests("original", identifier) == 0
    visit.page.keyboard.press("+")
    visit.page.keyboard.press("+")
    expect(image).not_to_have_attribute("srcset", re.compile("."))
    assert PICTURE.search(image.evaluate("image => image.currentSrc"))
    assert visit.server.requests("original", identifier) == 1
    visit.page.keyboard.press("Escape")
    assert visit.complaints == []


def test_where_the_server_has_no_width_to_show_the_original_is_shown(visit: Visit) -> None:
    visit.page.route(WIDTH, lambda route: route.fulfill(status=503))
    visit.say("Draw a boat on the sea, seed 2")
    visit.await_pictures(1)
    visit.await_answer()
    assert visit.widths() == [1280]


@pytest.mark.parametrize(
    ("scale", "message", "thumbnail"), [(1, 512, "thumbnail=true"), (2, 1024, "w=512")]
)
def test_a_wide_upload_is_fetched_by_width_until_one_looks_closer(
    browser: Browser, server: Server, scale: int, message: int, thumbnail: str
) -> None:
    def width(address: str) -> int | None:
        found = re.search(r"[?&]w=(\d+)", address)
        return None if found is None else int(found[1])

    shown = "image => image.currentSrc"
    picture = png_bytes(2000, 1400, seed=scale)
    with visiting(browser, server, scale=scale) as visit:
        page = visit.page
        page.get_by_test_id("file-input").set_input_files(
            {"name": "wide.png", "mimeType": "image/png", "buffer": picture}
        )
        expect(page.locator("[data-testid=attachment][data-status=ready]")).to_have_count(1)
        visit.say("Look")
        visit.await_pictures(1)
        visit.await_answer()
        box = page.get_by_test_id("media-image")
        identifier = box.get_attribute("data-media-id")
        assert visit.widths() == [message]

        page.get_by_test_id("pictures-link").click()
        tile = page.locator(".coat-tile-button").first
        expect(tile).to_have_css("background-image", re.compile(rf'^url\(".*[?&]{thumbnail}"'))
        tile.click()
        full = page.locator("[data-testid=lightbox] [data-phase=full] img").last
        expect(full).to_be_visible()
        assert width(full.evaluate(shown)) == 1536
        assert server.requests("original", identifier) == 0
        page.keyboard.press("+")
        expect(full).not_to_have_attribute("srcset", re.compile("."))
        assert width(full.evaluate(shown)) is None
        assert server.requests("original", identifier) == 1
        assert visit.complaints == []


OLD_PART = re.compile(r"/assets/(transcript|pictures-view)-.*\.js")


def test_a_page_that_outlived_an_update_of_the_server_offers_to_reload(visit: Visit) -> None:
    page = visit.page
    shown = httpx.get(visit.server.url).text
    updated = re.sub(r"/assets/index-[^.]+\.js", "/assets/index-new.js", shown)
    page.route(OLD_PART, lambda route: route.fulfill(status=404))
    page.reload()
    page.route(visit.server.url + "/", lambda route: route.fulfill(body=updated))
    page.get_by_test_id("pictures-link").click()
    expect(page.get_by_role("alert")).to_contain_text("There is a new page")
    visit.screenshot("updated")
    page.unroute(OLD_PART)
    page.get_by_role("button", name="Reload").click()
    expect(
        page.get_by_text("No pictures yet").or_(page.locator(".coat-tile").first)
    ).to_be_visible()


def test_a_part_that_a_failure_held_back_is_tried_again(visit: Visit) -> None:
    page = visit.page
    page.route(OLD_PART, lambda route: route.abort())
    page.reload()
    page.get_by_test_id("pictures-link").click()
    expect(page.get_by_role("alert")).to_contain_text("The page did not load whole")
    page.unroute(OLD_PART)
    page.get_by_role("button", name="Try again").click()
    expect(
        page.get_by_text("No pictures yet").or_(page.locator(".coat-tile").first)
    ).to_be_visible()


def test_a_turn_forces_no_layout(browser: Browser, visit: Visit) -> None:
    page = visit.page
    page.get_by_test_id("composer-input").fill("hello")
    page.wait_for_timeout(1500)  # what comes later has come, and does not take part
    browser.start_tracing(page=page, categories=["toplevel", "devtools.timeline", "v8"])
    page.keyboard.press("Enter")
    # Not by a locator, which looks at the layout itself.
    while not any('"type":"finish"' in frame for frame in visit.frames):
        page.wait_for_timeout(50)
    page.wait_for_timeout(300)
    events = json.loads(browser.stop_tracing())["traceEvents"]
    expect(page.get_by_test_id("message-assistant")).to_contain_text("Hello!")
    part = read_part([each for each in events if each["name"] != "UpdateLayoutTree"], commits=0)
    assert part.layouts > 0
    assert part.forced == 0
