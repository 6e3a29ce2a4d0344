"""The main job in a real browser: a prompt ends with a painted picture."""

import json
import re
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Route, expect

from coatcheck_chat.streaming.frames import FrameKind
from tests.databases import dump_of
from tests.e2e.conftest import Visit

INLINE = re.compile(r"[A-Za-z0-9+/_-]{4096}")


def test_a_prompt_ends_with_a_painted_picture_and_the_socket_carries_a_kilobyte(
    visit: Visit,
) -> None:
    visit.say("Draw a lighthouse at dusk, seed 7")
    visit.await_pictures(1)
    visit.await_answer()
    assert visit.widths() == [512]  # the box has 413 pixels; the original has 1024
    image = visit.page.locator("[data-phase=full] img").last
    assert image.get_attribute("alt") == "a lighthouse at dusk"
    sizes = [len(frame.encode()) for frame in visit.frames]
    assert max(sizes) <= 2048
    with_reference = [frame for frame in visit.frames if '"media_reference"' in frame]
    assert with_reference
    assert max(len(frame.encode()) for frame in with_reference) <= 1200
    assert not any(INLINE.search(frame) for frame in visit.frames)
    assert visit.complaints == []
    visit.screenshot("light")


def test_over_a_quick_network_the_thumbnail_is_fetched_and_not_pushed(visit: Visit) -> None:
    visit.pretend_round_trips(1)
    visit.say("Draw a mountain lake at sunrise, 16:9, seed 11")
    visit.await_pictures(1)
    visit.await_answer()
    identifier = visit.page.get_by_test_id("media-image").get_attribute("data-media-id")
    assert visit.server.requests("thumbnail", identifier) == 1
    assert not any(frame[1] == FrameKind.THUMBNAIL for frame in visit.pushed)


def test_after_a_reload_the_conversation_is_back_and_its_picture_comes_from_the_cache(
    visit: Visit,
) -> None:
    visit.pretend_round_trips(100)
    visit.say("Draw a mountain lake at sunrise, 16:9, seed 9")
    visit.await_pictures(1)
    visit.await_answer()
    identifier = visit.page.get_by_test_id("media-image").get_attribute("data-media-id")

    def asked() -> list[int]:
        kinds = ("original", "variant", "thumbnail")
        return [visit.server.requests(kind, identifier) for kind in kinds]

    assert asked() == [0, 1, 0]  # the thumbnail came over the socket
    visit.page.reload()
    visit.await_pictures(1)
    assert visit.widths() == [1024]
    expect(visit.page.get_by_test_id("message-user")).to_have_text(re.compile("mountain lake"))
    assert visit.page.get_by_test_id("media-image").get_attribute("data-media-id") == identifier
    assert asked() == [0, 1, 1]
    visit.page.emulate_media(color_scheme="dark")
    visit.screenshot("dark")
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.page.emulate_media(color_scheme="light")
    # Once the sidebar has made way: that takes the page a moment. Playwright's own way to wait
    # evaluates text in the page, which the page's policy forbids.
    while not visit.page.evaluate(
        "document.documentElement.scrollWidth === document.documentElement.clientWidth"
    ):
        visit.page.wait_for_timeout(20)
    visit.screenshot("phone")


def test_the_picture_comes_softly_placeholder_then_thumbnail_then_all_of_it(visit: Visit) -> None:
    held: list[Route] = []
    visit.refuse_pushes()  # which would be there before anything can be looked at
    visit.page.route("**/api/media/image/**", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks its handlers
    visit.page.evaluate(
        """() => {
            window.shifts = 0;
            new PerformanceObserver(list => {
                for (const entry of list.getEntries())
                    for (const source of entry.sources)
                        if (source.node?.closest?.('[data-testid=media-image]'))
                            window.shifts += entry.value;
            }).observe({type: 'layout-shift', buffered: true});
        }"""
    )
    visit.say("Draw a castle in the hills, seed 3")
    box = visit.page.get_by_test_id("media-image")
    expect(box).to_have_attribute("data-phase", "placeholder", timeout=30_000)
    # Blurred pixels are there before anything was fetched.
    placeholder = box.locator("img").first
    assert (placeholder.get_attribute("src") or "").startswith("data:image/png")
    assert placeholder.evaluate("image => image.complete && image.naturalWidth > 0")
    before = box.bounding_box()
    visit.screenshot("placeholder")
    thumbnails = [route for route in held if "thumbnail=true" in route.request.url]
    assert len(thumbnails) == 1
    thumbnails[0].continue_()
    expect(box).to_have_attribute("data-phase", "thumbnail")
    visit.screenshot("thumbnail")
    for route in held:
        if route not in thumbnails:
            route.continue_()
    visit.await_pictures(1)
    assert box.bounding_box() == before
    assert visit.page.evaluate("window.shifts") == 0


def test_a_plot_and_small_talk_work_offline(visit: Visit) -> None:
    visit.say("Plot sin(x)/x from -20 to 20")
    visit.await_pictures(1)
    visit.await_answer()
    visit.say("Thank you!")
    expect(visit.page.get_by_test_id("message-assistant").last).to_contain_text("glad")
    visit.screenshot("plot")


@pytest.mark.parametrize(
    ("prompt", "complaint"),
    [("draw", "prompt is empty"), ("plot import os", "cannot be read|may hold")],
)
def test_what_a_tool_cannot_do_is_told_and_the_conversation_goes_on(
    visit: Visit, prompt: str, complaint: str
) -> None:
    visit.say(prompt)
    expect(visit.page.get_by_test_id("message-assistant").last).to_contain_text(
        re.compile(complaint)
    )
    visit.await_answer()
    visit.screenshot(f"refused-{prompt.split(maxsplit=1)[0]}")
    visit.say("hello")
    expect(visit.page.get_by_test_id("message-assistant").last).to_contain_text("Hello!")


def test_a_stopped_answer_is_kept_as_stopped_and_the_next_message_is_answered(
    visit: Visit,
) -> None:
    visit.say("Draw the sea at night, 2048x2048")
    expect(visit.page.get_by_text("Drawing")).to_be_visible()
    visit.page.get_by_role("button", name=re.compile("stop", re.IGNORECASE)).click()
    visit.await_answer()
    visit.say("hello")
    expect(visit.page.get_by_test_id("message-assistant").last).to_contain_text("Hello!")
    visit.page.reload()
    expect(visit.page.get_by_test_id("message-user")).to_have_count(2)
    expect(visit.page.get_by_text("stopped")).to_be_visible()


def test_the_page_is_used_by_keyboard_alone(visit: Visit) -> None:
    page = visit.page
    page.get_by_test_id("composer-input").focus()
    page.keyboard.type("hello")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("there")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("message-user")).to_have_text(re.compile(r"hello\s+there"))
    visit.await_answer()
    # The list is read anew once an answer has begun, and the composer takes the focus as it moves.
    expect(page.get_by_test_id("conversation-list")).to_contain_text("hello there")
    expect(page.get_by_test_id("composer-input")).to_be_focused()
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement?.textContent?.trim() ?? ''"))
    assert any(text == "New chat" for text in reached), reached
    assert any(text.startswith("hello there") for text in reached), reached


def test_the_database_behind_the_page_holds_references_and_nothing_inline(visit: Visit) -> None:
    visit.say("Draw a boat on the sea, seed 2")
    visit.await_pictures(1)
    visit.await_answer()
    with sqlite3.connect(visit.server.data / "catalog.sqlite3") as connection:
        messages = [row[0] for row in connection.execute("SELECT content FROM messages")]
    everything = dump_of(visit.server.data)
    assert any('"media_reference"' in message for message in messages)
    assert all(len(json.dumps(json.loads(message))) < 4096 for message in messages)
    assert "/api/media" not in everything
    assert not INLINE.search(everything)
    assert not INLINE.search(visit.server.log.read_text())


CONNECTING = """url => new Promise(resolve => {
    const violated = new Promise(told => addEventListener(
        'securitypolicyviolation', event => told(event.effectiveDirective), {once: true}));
    let socket;
    try { socket = new WebSocket(url); } catch (error) { resolve(error.name); return; }
    socket.onopen = () => { socket.close(); resolve('open'); };
    socket.onerror = () => Promise.race([
        violated, new Promise(told => setTimeout(told, 500, 'no answer')),
    ]).then(resolve);
})"""


def test_the_page_connects_to_its_own_origin_and_to_nothing_else(visit: Visit) -> None:
    visit.say("hello")
    visit.await_answer()  # over its socket
    own = visit.server.url.replace("http:", "ws:")
    assert visit.page.evaluate(CONNECTING, f"{own}/ws/chat") == "open"
    host = own.rpartition(":")[0]
    with listening() as port:
        for foreign in (f"{host}:{port}", f"ws://localhost:{port}", "wss://evil.example"):
            assert visit.page.evaluate(CONNECTING, f"{foreign}/ws/chat") == "connect-src"
        assert (
            visit.page.evaluate(
                "url => fetch(url, {mode: 'no-cors'}).then(() => 'fetched', () => 'refused')",
                f"http://127.0.0.1:{port}/",
            )
            == "refused"
        )


@contextmanager
def listening() -> Iterator[int]:
    """A port of the same host on which something could be reached; nothing comes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        yield listener.getsockname()[1]
        with pytest.raises(BlockingIOError):
            listener.accept()
