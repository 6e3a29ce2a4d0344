"""What happens while a picture is being made, in a real browser: previews, other tabs, reloads."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Server, Visit, serving_page, visiting

SLOW = Path(__file__).with_name("slow_painter.py")

# Notes when what is new on the page has been painted: two frames after its pixels are decoded.
WATCH = """() => {
    window.painted = {};
    window.boxes = [];
    const note = (name, image) => {
        if (image === null || image.dataset.noted === image.src) return;
        image.dataset.noted = image.src;
        image.decode().then(() => requestAnimationFrame(() => requestAnimationFrame(() => {
            (window.painted[name] ??= []).push(performance.now());
        })), () => undefined);
    };
    const look = () => {
        const box = document.querySelector('.coat-box');
        if (box !== null) {
            window.painted.pending ??= [performance.now()];
            const {width, height} = box.getBoundingClientRect();
            window.boxes.push(`${Math.round(width)}x${Math.round(height)}`);
        }
        note('preview', document.querySelector('[data-testid=media-preview]'));
        note('full', document.querySelector('[data-phase=full] img:last-of-type'));
    };
    new MutationObserver(look).observe(document.body, {
        childList: true, subtree: true, attributes: true,
    });
}"""


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose painter rests before each stage."""
    with serving_page(tmp_path_factory.mktemp("slow"), str(SLOW)) as served:
        yield served


@pytest.fixture
def slow_visit(browser: Browser, slow: Server) -> Iterator[Visit]:
    with visiting(browser, slow) as opened:
        yield opened


def draw(visit: Visit) -> dict[str, list[float]]:
    """Draw a picture; when things were painted, in milliseconds."""
    visit.page.evaluate(WATCH)
    visit.say("Draw a lighthouse at dusk, 16:9, seed 7")
    visit.await_pictures(1)
    visit.await_answer()
    visit.page.wait_for_function("window.painted.full !== undefined")
    painted: dict[str, list[float]] = visit.page.evaluate("window.painted")
    return painted


@pytest.mark.parametrize("pushed", [True, False], ids=["pushed", "fetched"])
def test_a_preview_is_painted_before_half_of_the_time_and_nothing_shifts(
    slow_visit: Visit, pushed: bool
) -> None:
    if pushed:
        slow_visit.pretend_round_trips(100)  # a thumbnail is pushed where a fetch takes its time
    else:
        slow_visit.refuse_pushes()
    fetched: list[str] = []
    slow_visit.page.on("request", lambda request: fetched.append(request.url))
    painted = draw(slow_visit)
    begun, done = painted["pending"][0], painted["full"][0]
    assert painted["preview"][0] - begun < (done - begun) / 2
    assert len(painted["preview"]) >= 3
    assert len(set(slow_visit.page.evaluate("window.boxes"))) == 1
    assert max(len(frame.encode()) for frame in slow_visit.frames) <= 2048
    assert bool(slow_visit.pushed) is pushed
    assert any("/api/media/preview/" in url for url in fetched) is not pushed
    assert any("thumbnail=true" in url for url in fetched) is not pushed
    assert slow_visit.complaints == []


def test_a_preview_looks_like_what_it_becomes(slow_visit: Visit) -> None:
    slow_visit.say("Draw a lighthouse at dusk, 16:9, seed 7")
    preview = slow_visit.page.get_by_test_id("media-preview")
    expect(preview).to_be_visible(timeout=30_000)
    slow_visit.screenshot("preview")
    expect(slow_visit.page.get_by_role("progressbar")).to_be_visible()
    slow_visit.await_pictures(1)
    expect(preview).to_have_count(0)


def test_addresses_of_pushed_bytes_are_given_back(slow_visit: Visit) -> None:
    slow_visit.pretend_round_trips(100)
    slow_visit.page.evaluate(
        """() => {
            window.live = new Set();
            const {createObjectURL, revokeObjectURL} = URL;
            URL.createObjectURL = blob => {
                const url = createObjectURL.call(URL, blob);
                window.live.add(url);
                return url;
            };
            URL.revokeObjectURL = url => {
                window.live.delete(url);
                revokeObjectURL.call(URL, url);
            };
        }"""
    )
    draw(slow_visit)
    assert slow_visit.page.evaluate("window.live.size") == 1  # the thumbnail's
    slow_visit.page.get_by_role("button", name="New chat").click()
    expect(slow_visit.page.get_by_test_id("media-image")).to_have_count(0)
    assert slow_visit.page.evaluate("window.live.size") == 0


def test_another_tab_sees_the_turn_live_and_may_go_on(slow_visit: Visit) -> None:
    slow_visit.say("hello")
    slow_visit.await_answer()
    other = slow_visit.page.context.new_page()
    other.goto(slow_visit.page.url)
    expect(other.get_by_test_id("message-assistant")).to_contain_text("Hello!")
    slow_visit.say("Draw a boat on the sea, seed 2")
    expect(other.get_by_test_id("message-user").last).to_have_text(
        "You saidDraw a boat on the sea, seed 2"
    )
    expect(other.get_by_test_id("media-preview")).to_be_visible(timeout=30_000)
    expect(other.locator("[data-phase=full]")).to_have_count(1, timeout=30_000)
    expect(other.get_by_test_id("composer-send")).to_be_visible()
    other.get_by_test_id("composer-input").fill("thank you")
    other.keyboard.press("Enter")
    expect(slow_visit.page.get_by_test_id("message-assistant").last).to_contain_text("glad")
    for page in (slow_visit.page, other):
        expect(page.get_by_test_id("message-user")).to_have_count(3)
        expect(page.get_by_test_id("message-assistant")).to_have_count(3)
    assert slow_visit.complaints == []


def test_a_page_that_is_loaded_anew_in_the_middle_joins_the_answer(slow_visit: Visit) -> None:
    slow_visit.say("Draw a castle in the hills, seed 3")
    expect(slow_visit.page.get_by_test_id("media-preview")).to_be_visible(timeout=30_000)
    slow_visit.page.reload()
    expect(slow_visit.page.get_by_test_id("media-preview")).to_be_visible(timeout=30_000)
    slow_visit.await_pictures(1)
    slow_visit.await_answer()
    expect(slow_visit.page.get_by_test_id("message-user")).to_have_count(1)
    expect(slow_visit.page.get_by_test_id("message-assistant")).to_have_count(1)


def lose_sockets(visit: Visit) -> Any:
    """Close the page's sockets under it, as a network would."""
    return visit.page.evaluate("window.sockets.splice(0).forEach(socket => socket.close())")


def test_a_socket_that_is_lost_in_the_middle_is_not_noticed(slow_visit: Visit) -> None:
    page = slow_visit.page
    page.add_init_script(
        """window.sockets = [];
        const {WebSocket} = window;
        window.WebSocket = class extends WebSocket {
            constructor(...args) {
                super(...args);
                window.sockets.push(this);
            }
        };"""
    )
    page.reload()
    slow_visit.say("Draw a castle in the hills, seed 3")
    expect(page.get_by_test_id("media-unfinished")).to_be_visible(timeout=30_000)
    lose_sockets(slow_visit)
    expect(page.get_by_test_id("media-preview")).to_be_visible(timeout=30_000)
    lose_sockets(slow_visit)
    slow_visit.await_pictures(1)
    slow_visit.await_answer()
    expect(page.get_by_test_id("turn-error")).to_have_count(0)
    expect(page.get_by_test_id("message-assistant")).to_have_count(1)
    slow_visit.say("thanks")
    expect(page.get_by_test_id("message-assistant").last).to_contain_text("glad")
