"""All pictures of a visitor: empty, paged, looked at, led from to their conversations, failing."""

import json
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import anyio
import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect
from sqlalchemy import insert

from coatcheck.media_part import media_part, ready
from coatcheck.opening import open_backends
from coatcheck.options import StoreOptions
from coatcheck.storage.catalog import Database
from coatcheck.storage.catalog.tables import media
from tests.e2e.accessibility import violations
from tests.e2e.conftest import Server, Visit, visiting
from tests.media import png_bytes
from tests.seeding import seed_data

LISTED = re.compile(r"/api/media\?")
PAGE = 200
MANY = 430


def apart(work: Callable[[], Awaitable[None]]) -> None:
    """Run asynchronous work beside Playwright's own event loop."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(anyio.run, work).result()


def fill(server: Server, count: int) -> None:
    """Older pictures, all of one content: rows of the catalog as if they had been put long ago."""
    stored = httpx.post(f"{server.url}/api/media/upload", content=png_bytes(300, 200)).json()

    async def write() -> None:
        database = await Database.open(server.data / "catalog.sqlite3")
        rows = [
            {"id": str(uuid4()), "digest": stored["digest"], "alt": f"old {n}", "created_at": n}
            for n in range(count - 1)
        ]
        async with database.write() as connection:
            await connection.execute(insert(media), rows)
        await database.aclose()

    apart(write)


def tell(server: Server, title: str) -> tuple[str, str]:
    """A conversation whose 40 messages end in a picture; its id and that of the last message."""
    conversation = str(uuid4())
    names: list[str] = []

    async def write() -> None:
        async with open_backends(StoreOptions(data=server.data)) as backends:
            picture = await backends.store.put(
                png_bytes(320, 240, seed=7), alt=title, conversation_id=conversation
            )
        said: list[dict[str, Any]] = [
            {
                "id": f"{conversation[:8]}-{number}",
                "role": "assistant" if number % 2 else "user",
                "parts": [{"type": "text", "text": f"Message {number}."}],
            }
            for number in range(40)
        ]
        said[11]["parts"].append(media_part("m1", ready(picture.to_stored())))
        names.append(said[11]["id"])
        await seed_data(server.data, conversation, said, title=title)

    apart(write)
    return conversation, names[0]


def gallery(page: Page) -> Locator:
    return page.get_by_test_id("media-gallery")


def count(page: Page) -> int:
    """How many pictures the gallery says it has."""
    return int(gallery(page).locator(".coat-tile").first.get_attribute("aria-setsize") or "0")


def problem(route: Route) -> None:
    body = json.dumps({"title": "Service Unavailable", "detail": "The storage failed."})
    route.fulfill(status=503, content_type="application/problem+json", body=body)


# In this order: the server's first visitor has no pictures yet.


def test_without_pictures_the_page_says_what_will_be_there(visit: Visit) -> None:
    page = visit.page
    link = page.get_by_test_id("pictures-link")
    page.get_by_test_id("new-chat").focus()
    page.keyboard.press("Tab")
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{visit.server.url}/pictures")
    expect(page).to_have_title("Pictures · Coatcheck")
    expect(link).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("status").filter(has_text="No pictures yet")).to_be_visible()
    visit.screenshot("pictures-empty")
    page.go_back()
    expect(page.get_by_test_id("composer-input")).to_be_visible()
    page.go_forward()
    page.get_by_role("button", name="Start a new chat").click()
    expect(page).to_have_url(f"{visit.server.url}/")
    expect(link).not_to_have_attribute("aria-current", "page")
    assert visit.complaints == []


def test_what_is_drawn_hangs_there_and_leads_back(visit: Visit) -> None:
    page = visit.page
    visit.say("Draw a lighthouse at dusk, 320x200, seed 3")
    visit.await_pictures(1)
    visit.await_answer()
    conversation = page.url
    page.get_by_test_id("pictures-link").click()
    tile = gallery(page).get_by_role("button", name="a lighthouse at dusk")
    tile.click()
    lightbox = page.get_by_test_id("lightbox")
    expect(lightbox.locator("[data-phase=full]")).to_be_visible()
    visit.screenshot("pictures-lightbox")
    link = lightbox.get_by_role("link", name="Show in its conversation")
    link.focus()
    page.keyboard.press("Enter")
    expect(lightbox).to_have_count(0)
    expect(page).to_have_url(re.compile(re.escape(conversation) + "#."))
    visit.await_pictures(1)
    expect(page.locator("[data-found]")).to_have_count(1)
    page.go_back()
    expect(tile).to_be_visible()
    assert visit.complaints == []


def test_a_picture_leads_to_its_message_far_up_in_a_conversation(visit: Visit) -> None:
    conversation, message = tell(visit.server, "a heron in the reeds")
    page = visit.page
    page.goto(f"{visit.server.url}/pictures")
    gallery(page).get_by_role("button", name="a heron in the reeds").click()
    page.get_by_role("link", name="Show in its conversation").click()
    expect(page).to_have_url(f"{visit.server.url}/c/{conversation}#{message}")
    expect(
        page.locator(f"[data-message-id='{message}'] [data-testid=media-image]")
    ).to_be_in_viewport()


def test_pictures_go_with_their_conversation_and_come_back_with_undo(visit: Visit) -> None:
    tell(visit.server, "a fox in the snow")
    page = visit.page
    page.goto(f"{visit.server.url}/pictures")
    tile = gallery(page).get_by_role("button", name="a fox in the snow")
    expect(tile).to_be_visible()
    entry = page.locator(".conversation-entry").filter(has_text="a fox in the snow")
    entry.hover()
    entry.get_by_role("button", name=re.compile("Options")).click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(tile).to_have_count(0)
    expect(page).to_have_url(f"{visit.server.url}/pictures")
    page.get_by_role("button", name="Undo").click()
    expect(tile).to_be_visible()


# --- many ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many(browser: Browser, server: Server) -> int:
    """How many pictures there are, more than two pages."""
    fill(server, MANY)
    with visiting(browser, server) as visit:
        total = 0
        before = ""
        while True:
            listed = visit.page.request.get(f"{server.url}/api/media?limit={PAGE}{before}").json()
            total += len(listed["media"])
            if "before" not in listed:
                return total
            before = f"&before={listed['before']}"


@pytest.fixture
def filled(visit: Visit, many: int) -> tuple[Visit, list[str]]:
    """The page, and what it asks for of the list."""
    assert many > 2 * PAGE
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    return visit, asked


def listings(asked: list[str]) -> list[str]:
    return [url for url in asked if LISTED.search(url)]


def test_pages_come_as_one_scrolls(filled: tuple[Visit, list[str]], many: int) -> None:
    visit, asked = filled
    page = visit.page
    page.goto(f"{visit.server.url}/pictures")
    expect(gallery(page).locator(".coat-tile-button").first).to_be_visible()
    page.wait_for_timeout(500)
    assert len(listings(asked)) == 1  # nothing is read ahead of the reader
    assert count(page) == PAGE
    visit.screenshot("pictures-many")
    for pages in (2, 3):
        gallery(page).evaluate("gallery => gallery.scrollTo(0, gallery.scrollHeight)")
        first = gallery(page).locator(".coat-tile").first
        expect(first).to_have_attribute("aria-setsize", str(min(pages * PAGE, many)))
    gallery(page).evaluate("gallery => gallery.scrollTo(0, gallery.scrollHeight)")
    last = gallery(page).locator(f"[data-coat-tile='{many - 1}']")
    expect(last).to_be_in_viewport()
    expect(last).to_have_accessible_name("old 0")
    page.wait_for_timeout(300)
    assert len(listings(asked)) == 3
    # Only what is in view is in the document.
    assert gallery(page).locator(".coat-tile").count() < PAGE
    assert visit.complaints == []


def test_one_leafs_through_all_of_them(filled: tuple[Visit, list[str]], many: int) -> None:
    visit, asked = filled
    page = visit.page
    page.goto(f"{visit.server.url}/pictures")
    gallery(page).locator("[data-coat-tile='0']").click()
    position = page.locator(".coat-lightbox-position")
    expect(position).to_have_text(f"1 of {PAGE}")
    for pages in (2, 3):
        page.keyboard.press("End")
        expect(position).to_have_text(re.compile(f"of {min(pages * PAGE, many)}$"))
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(position).to_have_text(f"{many - 1} of {many}")
    assert len(listings(asked)) == 3
    page.keyboard.press("Escape")
    expect(gallery(page).locator(f"[data-coat-tile='{many - 2}']")).to_be_focused()


def test_older_ones_that_cannot_be_read_wait_for_the_reader(
    filled: tuple[Visit, list[str]],
) -> None:
    visit, asked = filled
    page = visit.page
    page.route(re.compile(r"/api/media\?.*before="), problem)
    page.goto(f"{visit.server.url}/pictures")
    expect(gallery(page)).to_be_visible()
    gallery(page).evaluate("gallery => gallery.scrollTo(0, gallery.scrollHeight)")
    alert = page.get_by_role("alert").filter(has_text="Older pictures could not be read")
    expect(alert).to_be_visible()
    visit.screenshot("pictures-older-failed")
    tries = len(listings(asked))
    page.wait_for_timeout(500)
    assert len(listings(asked)) == tries == 2  # not again and again
    assert count(page) == PAGE
    page.unroute(re.compile(r"/api/media\?.*before="))
    alert.get_by_role("button", name="Try again").click()
    expect(alert).to_have_count(0)
    expect(gallery(page).locator(".coat-tile").first).to_have_attribute(
        "aria-setsize", str(2 * PAGE)
    )


# --- when it does not come -----------------------------------------------------------------------


def test_a_failure_is_told_and_tried_again(visit: Visit) -> None:
    page = visit.page
    page.route(LISTED, problem)
    page.goto(f"{visit.server.url}/pictures")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The pictures could not be read from the server.")
    expect(alert).to_contain_text("The storage failed.")
    visit.screenshot("pictures-failed")
    page.unroute(LISTED)
    alert.get_by_role("button", name="Try again").click()
    expect(gallery(page)).to_be_visible()


def test_an_outline_is_shown_while_it_comes(visit: Visit) -> None:
    held: list[Route] = []
    page = visit.page
    page.route(LISTED, lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    page.goto(f"{visit.server.url}/pictures")
    expect(page.get_by_role("status", name="Loading the pictures")).to_be_visible()
    visit.screenshot("pictures-loading")
    for route in held:
        route.continue_()
    page.unroute(LISTED)
    expect(gallery(page)).to_be_visible()


def test_files_that_are_no_pictures_are_offered_beside_them(visit: Visit) -> None:
    stored = httpx.post(
        f"{visit.server.url}/api/media/upload?filename=notes.txt", content=b"Nothing to see here.\n"
    ).json()
    page = visit.page
    page.goto(f"{visit.server.url}/pictures")
    chip = page.get_by_role("list", name="Files").get_by_test_id("media-file")
    expect(chip).to_contain_text("notes.txt")
    expect(chip).to_have_attribute("data-media-id", stored["id"])
    httpx.delete(f"{visit.server.url}/api/media/{stored['id']}")


# --- looked at -----------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_it_meets_wcag_2_2_aa(
    browser: Browser, server: Server, many: int, scheme: str, width: int
) -> None:
    assert many
    context = browser.new_context(
        viewport={"width": width, "height": 860},
        color_scheme="dark" if scheme == "dark" else "light",
        service_workers="block",
        bypass_csp=True,  # the checker is a script from elsewhere
    )
    page = context.new_page()
    page.goto(f"{server.url}/pictures")
    expect(gallery(page).locator(".coat-tile-button").first).to_be_visible()
    page.wait_for_timeout(500)  # transitions end
    page.screenshot(path=f"test-results/pictures-{scheme}-{width}.png")
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) == 0
    assert violations(page) == []
    gallery(page).locator("[data-coat-tile='0']").click()
    page.wait_for_timeout(500)
    page.screenshot(path=f"test-results/pictures-lightbox-{scheme}-{width}.png")
    for tool in page.locator(".coat-lightbox-tool").all():
        box = tool.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    assert violations(page) == []
    context.close()


def test_on_a_phone_the_drawer_leads_there(visit: Visit) -> None:
    page = visit.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_test_id("drawer-open").click()
    page.get_by_test_id("pictures-link").click()
    expect(gallery(page)).to_be_visible()
    expect(page.get_by_test_id("new-chat")).not_to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Pictures")
