"""Going back in a conversation: answers are asked for again, messages are edited and sent again."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.accessibility import violations
from tests.e2e.conftest import Server, Visit, serving_page, visiting
from tests.e2e.histories import said, tell, tell_all, text
from tests.media import png_bytes

SLOW = Path(__file__).with_name("slow_painter.py")


def users(page: Page) -> Locator:
    return page.get_by_test_id("message-user")


def answers(page: Page) -> Locator:
    return page.get_by_test_id("message-assistant")


def turns(visit: Visit) -> list[dict[str, Any]]:
    """What the socket said of each turn that began."""
    chunks = [json.loads(frame)["chunk"] for frame in visit.frames]
    return [chunk["data"] for chunk in chunks if chunk["type"] == "data-turn"]


def converse(visit: Visit, *lines: str) -> None:
    for line in lines:
        visit.say(line)
        visit.await_answer()


def edit(message: Locator) -> Locator:
    """Begin to edit; the field."""
    message.hover()
    message.get_by_test_id("edit").click()
    return message.page.get_by_test_id("editor-input")


def test_an_edited_message_replaces_itself_and_what_followed(visit: Visit) -> None:
    page = visit.page
    converse(visit, "hello", "thank you", "Draw a lighthouse at dusk, seed 7")
    field = edit(users(page).nth(1))
    expect(field).to_be_focused()
    expect(field).to_have_value("thank you")
    expect(page.get_by_text("The 3 messages after it will be replaced.")).to_be_visible()
    visit.screenshot("edit")
    page.keyboard.type(", and")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("hello")
    expect(field).to_have_value("thank you, and\nhello")
    field.fill("Draw a boat on the sea, seed 2")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("composer-input")).to_be_focused()
    visit.await_pictures(1)
    visit.await_answer()
    for _ in ("at once", "after a reload"):
        expect(users(page)).to_have_count(2)
        expect(answers(page)).to_have_count(2)
        expect(users(page).last).to_contain_text("Draw a boat on the sea, seed 2")
        expect(page.locator("[data-phase=full] img").last).to_have_attribute(
            "alt", "a boat on the sea"
        )
        page.reload()
    assert visit.complaints == []


def test_an_edit_that_is_cancelled_leaves_everything_as_it_was(visit: Visit) -> None:
    page = visit.page
    converse(visit, "hello")
    for way in ("key", "button"):
        edit(users(page).first).fill("something else")
        if way == "key":
            page.keyboard.press("Escape")
        else:
            page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_test_id("message-editor")).to_have_count(0)
        expect(users(page).first.get_by_test_id("edit")).to_be_focused()
        expect(users(page).first).to_contain_text("hello")
    field = edit(users(page).first)
    field.fill("  ")
    expect(
        page.get_by_test_id("message-editor").get_by_role("button", name="Send")
    ).to_be_disabled()
    page.keyboard.press("Enter")
    expect(field).to_be_focused()
    assert len(turns(visit)) == 1


def test_the_pictures_of_an_edited_message_stay(visit: Visit) -> None:
    page = visit.page
    page.get_by_test_id("file-input").set_input_files(
        {"name": "a lake.png", "mimeType": "image/png", "buffer": png_bytes(320, 200)}
    )
    expect(page.locator('[data-testid="attachment"][data-status="ready"]')).to_have_count(1)
    converse(visit, "what do you see?")
    picture = users(page).first.get_by_test_id("media-image")
    identifier = picture.get_attribute("data-media-id")
    field = edit(users(page).first)
    expect(picture).to_be_visible()
    field.fill("make it darker")
    page.keyboard.press("Enter")
    visit.await_pictures(2)
    visit.await_answer()
    page.reload()
    visit.await_pictures(2)
    expect(users(page)).to_have_count(1)
    expect(users(page).first).to_contain_text("make it darker")
    assert picture.get_attribute("data-media-id") == identifier


def test_the_last_answer_is_given_again_at_once_and_an_earlier_one_when_confirmed(
    visit: Visit,
) -> None:
    page = visit.page
    converse(visit, "Draw a castle in the hills", "thank you")
    first = answers(page).first.get_by_test_id("media-image").get_attribute("data-media-id")
    answers(page).last.get_by_test_id("regenerate").click()
    expect(page.get_by_test_id("composer-input")).to_be_focused()
    expect(answers(page).last).to_contain_text("glad")
    visit.await_answer()
    assert [turn["trigger"] for turn in turns(visit)][2:] == ["regenerate-message"]

    answers(page).first.get_by_test_id("regenerate").click()
    expect(page.get_by_text("The 2 messages after it will be replaced.")).to_be_visible()
    expect(page.get_by_role("button", name="Replace")).to_be_focused()
    visit.screenshot("regenerate-question")
    page.keyboard.press("Escape")
    expect(answers(page).first.get_by_test_id("regenerate")).to_be_focused()
    expect(answers(page)).to_have_count(2)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Replace").click()
    expect(users(page)).to_have_count(1)
    visit.await_pictures(1)
    visit.await_answer()
    expect(answers(page)).to_have_count(1)
    picture = page.get_by_test_id("media-image")
    assert picture.get_attribute("data-media-id") != first
    page.reload()
    visit.await_pictures(1)
    expect(answers(page)).to_have_count(1)
    assert visit.complaints == []


# The next failure may come before anybody who asks now and then has seen that the first one left.
WATCH_FAILURE = """() => {
    window.failureWentAway = false;
    new MutationObserver(() => {
        window.failureWentAway ||= document.querySelector('[data-testid=media-failed]') === null;
    }).observe(document.body, {subtree: true, childList: true});
}"""


def test_a_picture_that_failed_is_asked_for_again(visit: Visit) -> None:
    page = visit.page
    converse(visit, "draw")
    failed = page.get_by_test_id("media-failed")
    expect(failed).to_be_visible()
    page.evaluate(WATCH_FAILURE)
    failed.get_by_role("button", name="Try again").click()
    page.wait_for_function("window.failureWentAway", timeout=15_000)
    expect(failed).to_be_visible()
    visit.await_answer()
    assert [turn["trigger"] for turn in turns(visit)] == ["submit-message", "regenerate-message"]
    expect(answers(page)).to_have_count(1)
    # Once more words have been exchanged, they are not given up without a question.
    converse(visit, "hello")
    failed.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("The 2 messages after it will be replaced.")).to_be_visible()


def test_text_is_copied(visit: Visit) -> None:
    page = visit.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    converse(visit, "hello")
    for message, start in ((users(page).first, "hello"), (answers(page).first, "Hello!")):
        message.hover()
        message.get_by_test_id("copy-text").click()
        expect(message.get_by_text("Copied")).to_be_attached()
        assert page.evaluate("navigator.clipboard.readText()").startswith(start)


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose painter rests before each stage."""
    with serving_page(tmp_path_factory.mktemp("slow"), str(SLOW)) as served:
        yield served


def test_nothing_is_revised_while_an_answer_is_written(browser: Browser, slow: Server) -> None:
    with visiting(browser, slow) as visit:
        page = visit.page
        converse(visit, "hello")
        field = edit(users(page).first)
        visit.say("Draw a boat on the sea, seed 2")
        expect(page.get_by_test_id("media-unfinished")).to_be_visible(timeout=30_000)
        field.fill("goodbye")
        field.press("Enter")
        expect(field).to_be_visible()
        for button in (
            answers(page).first.get_by_test_id("regenerate"),
            users(page).last.get_by_test_id("edit"),
        ):
            expect(button).to_have_attribute("aria-disabled", "true")
            button.dispatch_event("click")  # a click would wait until it is enabled
        expect(page.get_by_test_id("message-editor")).to_have_count(1)
        expect(page.get_by_test_id("regenerate-question")).to_have_count(0)
        visit.await_pictures(1)
        visit.await_answer()
        assert len(turns(visit)) == 2
        field.press("Enter")
        expect(users(page)).to_have_count(1)
        expect(users(page).first).to_contain_text("goodbye")


def test_another_tab_sees_what_was_revised(visit: Visit) -> None:
    page = visit.page
    converse(visit, "hello", "thank you")
    other = page.context.new_page()
    other.goto(page.url)
    expect(answers(other)).to_have_count(2)
    edit(users(page).first).fill("Draw a boat on the sea, seed 2")
    page.keyboard.press("Enter")
    for one in (page, other):
        expect(users(one)).to_have_count(1)
        expect(users(one).first).to_contain_text("a boat on the sea")
        expect(one.locator("[data-phase=full]")).to_have_count(1, timeout=30_000)
    visit.await_answer()
    before = page.get_by_test_id("media-image").get_attribute("data-media-id")
    answers(other).first.get_by_test_id("regenerate").click()
    for one in (other, page):
        picture = one.get_by_test_id("media-image")
        expect(picture).not_to_have_attribute("data-media-id", before or "", timeout=30_000)
        expect(one.locator("[data-phase=full]")).to_have_count(1, timeout=30_000)
        expect(answers(one)).to_have_count(1)
    assert visit.complaints == []


def test_another_tab_that_has_not_loaded_what_was_edited_reads_the_conversation(
    visit: Visit,
) -> None:
    conversation = tell(visit.server, *(f"Line {number}" for number in range(80)))
    page = visit.page
    page.goto(f"{visit.server.url}/c/{conversation}")
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_text("Line 79")).to_be_visible()
    page.locator(".transcript-viewport").evaluate("(element) => { element.scrollTop = 0 }")
    first = page.locator('[data-message-id="m10"]')
    expect(first).to_be_attached()
    expect(other.locator('[data-message-id="m10"]')).to_have_count(0)
    edit(first).fill("hello")
    page.keyboard.press("Enter")
    for one in (page, other):
        expect(answers(one).last).to_contain_text("Hello!")
        expect(users(one)).to_have_count(6)
        expect(answers(one)).to_have_count(6)


OLD = {
    "id": "m1",
    "role": "assistant",
    "parts": [
        {
            "type": "tool-generate_image",
            "toolCallId": "old",
            "state": "output-available",
            "input": {"prompt": "a heron"},
            "output": "",
        },
        text("Here it is."),
    ],
}


def test_a_picture_of_an_old_conversation_is_shown_by_the_widget(visit: Visit) -> None:
    page = visit.page
    conversation = tell_all(visit.server, "An old one", [said(0, text("Draw a heron")), OLD])
    data = page.evaluate("async bytes => btoa(String.fromCharCode(...bytes))", list(png_bytes()))

    def with_legacy_output(route: Any) -> None:
        # As a server answers that does not rewrite what old tools left.
        answer = route.fetch().json()
        old = {"imageData": data, "prompt": "a heron", "model": "old"}
        answer["messages"][1]["parts"][0]["output"] = f"✅ **Success**: {json.dumps(old)}"
        route.fulfill(json=answer)

    page.route("**/messages", with_legacy_output)
    page.goto(f"{visit.server.url}/c/{conversation}")
    widget = page.get_by_test_id("media-widget")
    expect(widget).to_have_attribute("data-state", "legacy")
    expect(widget.locator("[data-phase=full]")).to_be_visible()
    expect(widget).to_contain_text("a heron")
    expect(widget.get_by_role("link", name="Download")).to_be_visible()
    visit.screenshot("legacy")


LOOKS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "has_touch": True,
        "is_mobile": True,
    },
}


@pytest.mark.parametrize("look", LOOKS)
def test_the_buttons_meet_wcag_2_2_aa(browser: Browser, server: Server, look: str) -> None:
    conversation = tell(server, "Good evening", "Good evening!", "How are you?", "Well, thank you.")
    # The page's own policy forbids scripts from elsewhere, which the checker is.
    options = {"viewport": {"width": 1280, "height": 860}} | LOOKS[look]
    context = browser.new_context(bypass_csp=True, service_workers="block", **options)
    page = context.new_page()
    page.goto(f"{server.url}/c/{conversation}")
    expect(answers(page).last).to_be_visible()
    opacity = "row => getComputedStyle(row).opacity"
    earlier = answers(page).first.locator(".message-actions")
    if look == "phone":  # nothing hovers there
        assert earlier.evaluate(opacity) == "1"
    else:
        assert earlier.evaluate(opacity) == "0"
        answers(page).first.get_by_test_id("regenerate").focus()
        page.wait_for_timeout(300)
        assert earlier.evaluate(opacity) == "1"
    assert violations(page) == []
    users(page).first.get_by_test_id("edit").click()
    answers(page).first.get_by_test_id("regenerate").click()
    expect(page.get_by_test_id("regenerate-question")).to_be_visible()
    page.wait_for_timeout(300)
    assert violations(page) == []
    page.screenshot(path=f"test-results/revisions-{look}.png")
    assert page.evaluate(
        "document.documentElement.scrollWidth === document.documentElement.clientWidth"
    )
    context.close()


def test_everything_is_reached_by_the_tab_key(visit: Visit) -> None:
    page = visit.page
    converse(visit, "hello")
    page.locator(".transcript-viewport").focus()
    reached = []
    for _ in range(5):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.getAttribute('aria-label') ?? ''"))
    assert reached[:4] == ["Copy text", "Edit", "Copy text", "Try this answer again"]
    assert re.match("Message|Attach", reached[4])
