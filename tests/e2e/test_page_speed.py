"""What a page fetches, in a real browser: compressed scripts, pictures as wide as their boxes."""

import re

from playwright.sync_api import Response, expect

from tests.e2e.conftest import Visit

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
