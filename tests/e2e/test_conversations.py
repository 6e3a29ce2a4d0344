"""The sidebar: conversations are searched, renamed, deleted and taken back, listed by pages."""

from pathlib import Path
from uuid import uuid4

import httpx
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.e2e.conftest import RESULTS, Visit
from tests.e2e.histories import apart, said, tell, text
from tests.seeding import seed_data

PAGE = 50


def entry(page: Page, title: str) -> Locator:
    return page.locator(".conversation-entry").filter(has_text=title)


def choose(page: Page, title: str, item: str) -> None:
    one = entry(page, title)
    one.hover()
    one.get_by_role("button", name=f"Options for {title}").click()
    page.get_by_role("menuitem", name=item).click()


def messages(page: Page) -> Locator:
    return page.locator("[data-message-id]")


# --- search --------------------------------------------------------------------------------------


def test_nothing_found_and_no_answer_are_told_apart(visit: Visit) -> None:
    page = visit.page
    page.get_by_test_id("search-input").fill("no such words anywhere")
    expect(page.get_by_text("Nothing found for “no such words anywhere”.")).to_be_visible()
    page.route("**/api/conversations?q=*", lambda route: route.abort())
    page.get_by_test_id("search-input").fill("other words")
    expect(page.get_by_text("The server does not answer.")).to_be_visible()
    page.unroute("**/api/conversations?q=*")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("Nothing found for “other words”.")).to_be_visible()


def test_what_stands_in_a_conversation_is_text_and_nothing_else(visit: Visit) -> None:
    hostile = "<b>needle</b><img src=x onerror=document.title='pwned'>"
    tell(visit.server, hostile)
    page = visit.page
    page.reload()
    page.get_by_test_id("search-input").fill("needle")
    expect(page.get_by_test_id("snippet")).to_have_text(hostile)
    assert page.title() == "Coatcheck"


def test_a_conversation_that_loads_slowly_does_not_take_the_focus_from_a_reader(
    visit: Visit,
) -> None:
    conversation = tell(visit.server, "A slow one")
    page, held = visit.page, list[Route]()
    page.route("**/messages", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks its handlers
    page.goto(f"{visit.server.url}/c/{conversation}")
    page.get_by_test_id("search-input").focus()
    held[0].continue_()
    expect(messages(page)).to_have_count(1)
    page.keyboard.type("slow")
    expect(page.get_by_test_id("search-input")).to_have_value("slow")
    expect(entry(page, "A slow one")).to_be_visible()


# --- rename, delete, undo ------------------------------------------------------------------------


def test_a_conversation_is_renamed_in_its_place_by_keyboard(visit: Visit) -> None:
    conversation = tell(visit.server, "An old name", "Yes?")
    page = visit.page
    page.goto(f"{visit.server.url}/c/{conversation}")
    expect(page.locator("textarea")).to_be_focused()  # as the page has it once it is painted
    link = entry(page, "An old name").locator("a.conversation")
    link.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Rename")).to_be_focused()
    visit.screenshot("menu")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("menuitem", name="Delete")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    field = page.get_by_test_id("title-input")
    expect(field).to_be_focused()
    page.keyboard.type("thrown away")
    page.keyboard.press("Escape")
    expect(entry(page, "An old name")).to_be_visible()
    choose(page, "An old name", "Rename")
    page.keyboard.type("  A new name ")
    visit.screenshot("rename")
    page.keyboard.press("Enter")
    expect(entry(page, "A new name")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("A new name")
    expect(entry(page, "A new name").locator("a.conversation")).to_be_focused()
    page.reload()
    expect(entry(page, "A new name")).to_be_visible()
    expect(page).to_have_title("A new name · Coatcheck")


def test_a_name_that_the_server_refuses_is_taken_back(visit: Visit) -> None:
    tell(visit.server, "A stubborn name")
    page = visit.page
    page.reload()
    choose(page, "A stubborn name", "Rename")
    page.keyboard.type("\u200b")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("notice")).to_contain_text(
        "keeps its name. A title has at least one"
    )
    expect(entry(page, "A stubborn name")).to_be_visible()


def test_a_deleted_conversation_comes_back_with_undo(visit: Visit) -> None:
    conversation = tell(visit.server, "Soon deleted", "Really?")
    page = visit.page
    page.goto(f"{visit.server.url}/c/{conversation}")
    expect(messages(page)).to_have_count(2)
    choose(page, "Soon deleted", "Delete")
    notice = page.get_by_test_id("notice")
    expect(notice).to_contain_text("Deleted “Soon deleted”")
    expect(entry(page, "Soon deleted")).to_have_count(0)
    expect(page).to_have_url(f"{visit.server.url}/")
    visit.screenshot("deleted")
    notice.get_by_role("button", name="Undo").click()
    expect(entry(page, "Soon deleted")).to_be_visible()
    expect(page).to_have_url(f"{visit.server.url}/c/{conversation}")
    expect(messages(page)).to_have_count(2)
    choose(page, "Soon deleted", "Delete")
    expect(entry(page, "Soon deleted")).to_have_count(0)
    page.goto(f"{visit.server.url}/c/{conversation}")
    expect(page.get_by_text("Nothing on this hook")).to_be_visible()
    expect(entry(page, "Soon deleted")).to_have_count(0)


def test_a_deletion_that_fails_is_told_and_taken_back(visit: Visit) -> None:
    tell(visit.server, "Hard to delete")
    page = visit.page
    page.reload()
    page.route(
        "**/api/conversations/*",
        lambda route: route.abort() if route.request.method == "DELETE" else route.continue_(),
    )
    choose(page, "Hard to delete", "Delete")
    expect(page.get_by_test_id("notice")).to_contain_text("was not deleted")
    expect(entry(page, "Hard to delete")).to_be_visible()


def test_a_conversation_found_is_renamed_and_deleted_where_it_is_found(visit: Visit) -> None:
    tell(visit.server, "A walrus on ice")
    page = visit.page
    page.get_by_test_id("search-input").fill("walrus")
    choose(page, "A walrus on ice", "Rename")
    page.keyboard.type("A walrus at sea")
    page.keyboard.press("Enter")
    expect(entry(page, "A walrus at sea")).to_be_visible()
    choose(page, "A walrus at sea", "Delete")
    expect(entry(page, "walrus")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(entry(page, "A walrus at sea")).to_be_visible()
    page.get_by_role("button", name="Clear the search").click()
    expect(entry(page, "A walrus at sea")).to_be_visible()


# --- the list ------------------------------------------------------------------------------------


def test_the_list_grows_by_pages_and_keeps_what_was_loaded(visit: Visit) -> None:
    async def write() -> None:
        for number in range(120):
            words = [said(0, text(f"Batch {number:03}"))]
            await seed_data(
                visit.server.data,
                str(uuid4()),
                words,
                title=f"Batch {number:03}",
                at=1_000 + number,
            )

    apart(write)
    page = visit.page
    page.goto(visit.server.url)
    entries = page.locator(".conversation-entry")
    expect(entries).to_have_count(PAGE)
    page.get_by_test_id("load-more").click()
    expect(entries).to_have_count(2 * PAGE)
    # A turn reads the list anew; what was loaded stays.
    visit.say("hello")
    visit.await_answer()
    expect(entries).to_have_count(2 * PAGE + 1)
    page.route("**/api/conversations?before=*", lambda route: route.abort())
    page.get_by_test_id("load-more").click()
    expect(page.get_by_text("Older ones could not be read.")).to_be_visible()
    page.unroute("**/api/conversations?before=*")
    more = page.get_by_test_id("load-more")
    for _ in range(20):
        if more.count() == 0:
            break
        expect(more).to_be_enabled()
        more.click()
        page.wait_for_timeout(100)
    expect(entry(page, "Batch 000")).to_be_visible()


def test_on_a_phone_the_drawer_has_all_of_it(visit: Visit) -> None:
    conversation = tell(visit.server, "Phone call", "The pelican is on the line.")
    page = visit.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{visit.server.url}/c/{conversation}")
    page.get_by_test_id("drawer-open").click()
    page.get_by_test_id("search-input").fill("pelican")
    expect(entry(page, "Phone call").locator("mark")).to_have_text("pelican")
    visit.screenshot("phone-search")
    # Esc empties the search; only then would it close the drawer.
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("search-input")).to_have_value("")
    expect(page.get_by_test_id("search-input")).to_be_visible()
    choose(page, "Phone call", "Delete")
    expect(page.get_by_test_id("notice")).to_be_visible()
    visit.screenshot("phone-deleted")
    page.get_by_role("button", name="Undo").click()
    expect(messages(page)).to_have_count(2)


# --- export --------------------------------------------------------------------------------------


def test_a_saved_page_shows_its_pictures_with_no_server_and_runs_nothing(
    visit: Visit, browser: Browser, tmp_path: Path
) -> None:
    visit.say("Draw a lighthouse at dusk, seed 7")
    visit.await_pictures(1)
    visit.await_answer()
    visit.say("<script>document.title = 'pwned'</script>")
    visit.await_answer()
    with visit.page.expect_download() as saving:
        choose(visit.page, "Draw a lighthouse at dusk, seed 7", "Save as a page")
    assert saving.value.suggested_filename == "Draw a lighthouse at dusk, seed 7.html"
    saved = tmp_path / "saved.html"
    saving.value.save_as(saved)
    context = browser.new_context(offline=True)
    page, asked = context.new_page(), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(saved.as_uri())
    expect(page.get_by_role("heading", level=1)).to_have_text("Draw a lighthouse at dusk, seed 7")
    image = page.get_by_role("img")
    expect(image).to_have_count(1)
    assert image.evaluate("element => element.decode().then(() => element.naturalWidth)") == 1024
    # It is said, and the answer repeats it.
    expect(page.get_by_text("<script>document.title = 'pwned'</script>")).to_have_count(2)
    assert page.title() == "Draw a lighthouse at dusk, seed 7"
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    RESULTS.mkdir(exist_ok=True)
    page.screenshot(path=RESULTS / "saved-page.png")
    context.close()
    lines = httpx.get(
        f"{visit.server.url}/api/conversations/{visit.page.url.rpartition('/')[2]}/export?format=jsonl"
    )
    assert len(lines.text.splitlines()) == 4
