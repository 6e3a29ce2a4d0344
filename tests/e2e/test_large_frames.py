"""A frame of megabytes, as servers sent them before there were references, on the demo's page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Server, Visit, visiting
from tests.e2e.legacy_chat import LARGE, LegacyChat, legacy_chat


@pytest.fixture
def chat() -> Iterator[LegacyChat]:
    with legacy_chat() as served:
        yield served


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    """The page's policy lets it connect to its own server alone, and the old chat is another."""
    with visiting(browser, server, bypass_csp=True) as opened:
        yield opened


def test_a_frame_of_megabytes_is_parsed_in_a_worker(visit: Visit, chat: LegacyChat) -> None:
    page = visit.page
    chat.take_the_place_of_the_server(page)
    page.goto(visit.server.url)
    visit.say("Draw noise")
    # What comes after the large frame is there only once that has been read.
    expect(page.get_by_text("That was a heavy one.")).to_be_visible(timeout=30_000)
    visit.await_answer()
    picture = page.get_by_test_id("media-widget").locator('[data-phase="full"]')
    expect(picture).to_be_visible(timeout=30_000)
    assert max(chat.sent) > 4_000_000
    assert sum(size > LARGE for size in chat.sent) == 1
    assert page.evaluate("window.parsed") == []
    assert [worker.url.rsplit("/", 1)[-1].partition("-")[0] for worker in page.workers] == ["frame"]
    assert visit.complaints == []
    # The counter would have told.
    page.evaluate("JSON.parse(JSON.stringify('x'.repeat(70000)))")
    assert page.evaluate("window.parsed.length") == 1
