"""Long conversations: read by pages, and only what is near the view is in the document."""

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.conftest import Server, Visit
from tests.e2e.histories import IMAGES, MESSAGES, tell_at_length

PAGE = 50
MOST = 2 * PAGE + 3
"""Messages in the document: a page on either side of one, the last one, one with the focus."""

SCROLL = """async ({step}) => {
    const viewport = document.querySelector('.transcript-viewport');
    const messages = () => [...document.querySelectorAll('[data-message-id]')];
    const top = message => message.getBoundingClientRect().top;
    // Until a frame is about to be painted: the page corrects its place where sizes are observed,
    // which is after the callbacks of `requestAnimationFrame`. Observers are called in their order.
    const frames = async count => {
        for (let at = 0; at < count; at += 1) await new Promise(requestAnimationFrame);
        await new Promise(done => {
            const observer = new ResizeObserver(() => { observer.disconnect(); done(); });
            observer.observe(viewport);
        });
    };
    const deadline = performance.now() + 90_000;
    const done = () => step < 0
        ? document.querySelector('[data-testid=earlier]') === null && viewport.scrollTop === 0
        : viewport.scrollTop + viewport.clientHeight >= viewport.scrollHeight - 1;
    const jumps = [];
    const heights = [];
    let [most, blank] = [0, 0];
    while (!done() && performance.now() < deadline) {
        const {top: edge, bottom} = viewport.getBoundingClientRect();
        const anchor = messages().find(one => one.getBoundingClientRect().bottom > edge);
        const room = step < 0
            ? viewport.scrollTop
            : viewport.scrollHeight - viewport.clientHeight - viewport.scrollTop;
        const by = Math.sign(step) * Math.min(Math.abs(step), room);
        const before = top(anchor);
        viewport.scrollTop += by;
        await frames(2);
        most = Math.max(most, messages().length);
        heights.push(viewport.scrollHeight);
        const moved = anchor.isConnected ? top(anchor) - (before - by) : 0;
        if (Math.abs(moved) > 2) jumps.push([anchor.dataset.messageId, by, moved]);
        const inView = messages().filter(one =>
            one.getBoundingClientRect().bottom > edge && top(one) < bottom);
        if (inView.length === 0) blank += 1;
    }
    const drift = Math.max(...heights) - Math.min(...heights);
    return {done: done(), most, jumps, blank, drift};
}"""


@pytest.fixture(scope="module")
def long_conversation(server: Server) -> str:
    return tell_at_length(server)


def messages(page: Page) -> Locator:
    return page.locator("[data-message-id]")


def numbers(page: Page) -> list[int]:
    """Which messages are in the document, in its order."""
    ids: list[str] = page.evaluate(
        "[...document.querySelectorAll('[data-message-id]')].map(e => e.dataset.messageId)"
    )
    return [int(one.removeprefix("m")) for one in ids]


def open_long(visit: Visit, conversation: str) -> Locator:
    """Open the conversation; what scrolls."""
    visit.page.goto(f"{visit.server.url}/c/{conversation}")
    expect(visit.page.get_by_text(f"Message {MESSAGES - 1}.")).to_be_in_viewport()
    return visit.page.locator(".transcript-viewport")


def test_a_long_conversation_opens_with_its_last_page_alone(
    visit: Visit, long_conversation: str
) -> None:
    page, asked = visit.page, list[str]()
    page.on("request", lambda request: asked.append(request.url))
    open_long(visit, long_conversation)
    page.wait_for_timeout(500)
    expect(messages(page)).to_have_count(PAGE)
    assert len([url for url in asked if "/messages" in url]) == 1
    # Of 300 pictures those that are near the view are fetched, each with its thumbnail.
    assert len({url for url in asked if "/api/media/image/" in url}) <= 2 * PAGE * IMAGES / MESSAGES
    expect(page.get_by_role("heading", level=1)).to_have_text("A long conversation")
    assert visit.complaints == []


def test_earlier_messages_come_without_a_jump(visit: Visit, long_conversation: str) -> None:
    page, held = visit.page, list[Route]()
    viewport = open_long(visit, long_conversation)
    page.route("**/messages?before=*", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks its handlers
    for number, top in enumerate((400, 0), 1):
        first = MESSAGES - number * PAGE
        viewport.evaluate("(element, top) => { element.scrollTop = top }", top)
        expect(page.get_by_text("Reading what was said before…")).to_be_attached()
        anchor = page.locator(f'[data-message-id="m{first}"]')
        before = anchor.bounding_box()
        held.pop().continue_()
        expect(page.locator(f'[data-message-id="m{first - 1}"]')).to_be_attached()
        page.wait_for_timeout(300)
        after = anchor.bounding_box()
        assert before is not None
        assert after is not None
        assert abs(after["y"] - before["y"]) <= 1, f"jumped at {top}"


def test_all_of_it_is_scrolled_through_and_few_messages_are_in_the_document(
    visit: Visit, long_conversation: str
) -> None:
    page = visit.page
    open_long(visit, long_conversation)
    up = page.evaluate(SCROLL, {"step": -3000})
    assert up["done"], up
    assert up["most"] <= MOST
    assert up["jumps"] == []
    assert up["blank"] == 0
    expect(page.get_by_text("Message 0.", exact=True)).to_be_in_viewport()
    assert numbers(page) == [*range(numbers(page)[-2] + 1), MESSAGES - 1]
    down = page.evaluate(SCROLL, {"step": 3000})
    assert down["done"], down
    assert down["most"] <= MOST
    assert down["jumps"] == []
    assert down["drift"] <= 2  # a gap is as high as what it stands for
    assert down["blank"] == 0
    expect(page.get_by_text(f"Message {MESSAGES - 1}.")).to_be_in_viewport()
    assert numbers(page) == [*range(numbers(page)[0], MESSAGES)]
    assert visit.complaints == []


def test_leaps_end_among_messages_and_the_latest_is_one_press_away(
    visit: Visit, long_conversation: str
) -> None:
    page = visit.page
    page.goto(f"{visit.server.url}/c/{long_conversation}#m700")
    target = page.locator('[data-message-id="m700"]')
    expect(target).to_be_in_viewport(timeout=30_000)
    assert len(numbers(page)) <= MOST
    viewport = page.locator(".transcript-viewport")
    for share in (0.5, 0.25, 0.9):
        viewport.evaluate("(e, share) => { e.scrollTop = share * e.scrollHeight }", share)
        page.wait_for_function(IN_VIEW)
        assert len(numbers(page)) <= MOST
    page.get_by_role("button", name="Latest").click()
    expect(page.get_by_text(f"Message {MESSAGES - 1}.")).to_be_in_viewport()


IN_VIEW = """() => {
    const {top, bottom} = document.querySelector('.transcript-viewport').getBoundingClientRect();
    const boxes = [...document.querySelectorAll('[data-message-id]')]
        .map(message => message.getBoundingClientRect());
    return boxes.some(box => box.top <= top && box.bottom > top)
        && boxes.some(box => box.top < bottom && box.bottom >= bottom);
}"""


def test_a_search_leads_to_the_message_that_holds_the_words(
    visit: Visit, long_conversation: str
) -> None:
    page = visit.page
    page.goto(visit.server.url)
    page.get_by_test_id("search-input").fill("HERON reeds")
    found = page.locator(".conversation-entry").filter(has_text="A long conversation")
    expect(found.locator("mark")).to_have_text(["heron", "reeds"])
    expect(page.get_by_text("1 found.")).to_be_attached()
    visit.screenshot("search")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/c/{long_conversation}#m700$"))
    target = page.locator('[data-message-id="m700"]')
    expect(target).to_be_in_viewport(timeout=30_000)
    expect(target).to_have_attribute("data-found", "")
    visit.screenshot("search-target")
    # The words are still there, and Esc takes them back.
    expect(page.get_by_test_id("search-input")).to_have_value("HERON reeds")
    page.get_by_test_id("search-input").press("Escape")
    expect(page.get_by_test_id("search-input")).to_have_value("")


def test_the_focus_and_what_is_being_written_stay_when_their_message_is_far_away(
    visit: Visit, long_conversation: str
) -> None:
    page = visit.page
    viewport = open_long(visit, long_conversation)
    asked = page.locator(f'[data-message-id="m{MESSAGES - 2}"]')
    asked.get_by_test_id("edit").click()
    page.keyboard.type(" And more")
    answer = page.locator(f'[data-message-id="m{MESSAGES - 3}"]')
    answer.get_by_test_id("copy-text").focus()
    for _ in range(6):
        viewport.evaluate("(element) => { element.scrollTop = 0 }")
        page.wait_for_timeout(200)
    assert MESSAGES - 20 not in numbers(page)
    expect(answer.get_by_test_id("copy-text")).to_be_focused()
    page.get_by_role("button", name="Latest").click()
    expect(asked.get_by_test_id("editor-input")).to_have_value(
        f"Message {MESSAGES - 2}. The lamp is lit. The lamp is lit. The lamp is lit.  And more"
    )


def test_what_is_in_view_stays_when_the_width_changes(visit: Visit, long_conversation: str) -> None:
    page = visit.page
    viewport = open_long(visit, long_conversation)
    viewport.evaluate("(element) => { element.scrollTop = element.scrollHeight / 2 }")
    page.wait_for_timeout(300)
    first = """() => {
        const edge = document.querySelector('.transcript-viewport').getBoundingClientRect().top;
        return [...document.querySelectorAll('[data-message-id]')]
            .find(one => one.getBoundingClientRect().bottom > edge).dataset.messageId;
    }"""
    before = page.evaluate(first)
    page.set_viewport_size({"width": 420, "height": 860})
    page.wait_for_timeout(300)
    assert page.evaluate(first) == before


def test_earlier_messages_that_cannot_be_read_are_asked_for_again(
    visit: Visit, long_conversation: str
) -> None:
    page = visit.page
    viewport = open_long(visit, long_conversation)
    page.route("**/messages?before=*", lambda route: route.abort())
    viewport.evaluate("(element) => { element.scrollTop = 0 }")
    expect(page.get_by_text("could not be read")).to_be_visible()
    visit.screenshot("earlier-failed")
    page.unroute("**/messages?before=*")
    page.get_by_test_id("earlier").get_by_role("button", name="Try again").click()
    expect(page.locator(f'[data-message-id="m{MESSAGES - PAGE - 1}"]')).to_be_attached()


def test_the_conversation_goes_on_below_what_was_loaded_above(
    visit: Visit, long_conversation: str
) -> None:
    page = visit.page
    viewport = open_long(visit, long_conversation)
    viewport.evaluate("(element) => { element.scrollTop = 0 }")
    expect(page.locator(f'[data-message-id="m{MESSAGES - PAGE - 1}"]')).to_be_attached()
    visit.say("hello again")
    expect(page.get_by_test_id("message-assistant").last).to_contain_text("Hello!")
    visit.await_answer()
    expect(page.get_by_text("hello again").last).to_be_in_viewport()
    assert messages(page).count() <= MOST
