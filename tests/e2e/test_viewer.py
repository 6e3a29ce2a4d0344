"""The lightbox, the gallery and `<coat-image>`, in a real browser."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.accessibility import violations
from tests.e2e.conftest import Server, visiting

PICTURES = "**/api/media/image/**"


SCROLL = """async ({frames, step}) => {
    const gallery = document.querySelector('.coat-gallery');
    let most = 0;
    for (let frame = 0; frame < frames; frame += 1) {
        gallery.scrollTop += step;
        await new Promise(requestAnimationFrame);
        most = Math.max(most, gallery.querySelectorAll('.coat-tile').length);
    }
    return {most, at: gallery.scrollTop, height: gallery.scrollHeight};
}"""


@contextmanager
def components(browser: Browser, server: Server, query: str = "", **options: Any) -> Iterator[Page]:
    """The page with every component, in a browser of its own."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 860}} | options)
    page = context.new_page()
    page.goto(f"{server.url}/components{query}")
    expect(page.get_by_test_id("media-gallery")).to_be_visible()
    yield page
    context.close()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    with components(browser, server) as opened:
        yield opened


def open_lightbox(page: Page) -> Locator:
    page.get_by_test_id("open-lightbox").click()
    lightbox = page.get_by_test_id("lightbox")
    expect(lightbox.locator("[data-phase=full]")).to_be_visible()
    return lightbox


def shown(page: Page) -> str:
    """The number of the picture that the lightbox shows."""
    return page.locator(".coat-lightbox-position").inner_text().split()[0]


def scale(page: Page) -> float:
    """How large the lightbox's picture is shown, where it comes to rest; 1 is fitting."""
    return float(
        page.locator(".coat-lightbox-picture").evaluate(
            "picture => picture.style.transform.match(/scale\\(([\\d.]+)\\)/)?.[1] ?? '1'"
        )
    )


# --- the lightbox --------------------------------------------------------------------------------


def test_the_lightbox_is_used_by_keyboard_and_gives_the_focus_back(page: Page) -> None:
    lightbox = open_lightbox(page)
    for key, number in [
        ("ArrowRight", "2"),
        ("ArrowLeft", "1"),
        ("ArrowLeft", "1"),
        ("End", "5"),
        ("ArrowRight", "5"),
        ("Home", "1"),
        ("PageDown", "2"),
    ]:
        page.keyboard.press(key)
        assert shown(page) == number
    page.keyboard.press("+")
    assert scale(page) == pytest.approx(1.5)
    page.keyboard.press("ArrowRight")  # pans now
    assert shown(page) == "2"
    page.keyboard.press("-")
    assert scale(page) == 1
    page.keyboard.press("+")
    page.keyboard.press("0")
    assert scale(page) == 1
    for _ in range(12):  # the focus never leaves for the page behind
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body"  # the browser's own controls
            " || document.activeElement.closest('dialog') !== null"
        )
    page.keyboard.press("Escape")
    expect(lightbox).to_have_count(0)
    expect(page.get_by_test_id("open-lightbox")).to_be_focused()


def test_the_lightbox_zooms_at_the_pointer_and_pans(page: Page) -> None:
    open_lightbox(page)
    box = page.locator(".coat-lightbox-picture").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 4, box["y"] + box["height"] / 4
    page.mouse.move(x, y)
    page.mouse.wheel(0, -300)
    expect(page.get_by_test_id("lightbox-stage")).to_have_attribute("data-zoomed", "true")
    grown = page.locator(".coat-lightbox-picture").bounding_box()
    assert grown is not None
    # What was under the pointer is under it still.
    assert (x - grown["x"]) / grown["width"] == pytest.approx(1 / 4, abs=0.01)
    assert (y - grown["y"]) / grown["height"] == pytest.approx(1 / 4, abs=0.01)
    page.mouse.down()
    page.mouse.move(x - 40, y - 30, steps=4)
    page.mouse.up()
    moved = page.locator(".coat-lightbox-picture").bounding_box()
    assert moved is not None
    assert moved["x"] - grown["x"] == pytest.approx(-40, abs=2)
    assert moved["y"] - grown["y"] == pytest.approx(-30, abs=2)
    page.mouse.dblclick(x, y)
    assert scale(page) == 1
    page.mouse.dblclick(x, y)
    assert scale(page) == pytest.approx(2.5)


def touch(page: Page, *moments: list[tuple[float, float]]) -> None:
    """Fingers on the screen: where they are at each moment; then they are lifted."""
    session = page.context.new_cdp_session(page)
    for number, fingers in enumerate(moments):
        session.send(
            "Input.dispatchTouchEvent",
            {
                "type": "touchMove" if number else "touchStart",
                "touchPoints": [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(fingers)],
            },
        )
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_fingers_swipe_pinch_and_close(browser: Browser, server: Server, direction: str) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with components(browser, server, f"?dir={direction}", **phone) as page:
        lightbox = open_lightbox(page)
        left = [[(300.0, 400.0)], [(200.0, 402.0)], [(80.0, 404.0)]]
        right = [[(80.0, 400.0)], [(200.0, 402.0)], [(300.0, 404.0)]]
        onwards, back = (left, right) if direction == "ltr" else (right, left)
        touch(page, *onwards)
        assert shown(page) == "2"
        touch(page, *back)
        assert shown(page) == "1"
        page.keyboard.press("ArrowLeft" if direction == "rtl" else "ArrowRight")
        assert shown(page) == "2"
        touch(page, [(180, 400), (210, 400)], [(120, 400), (270, 400)], [(95, 400), (295, 400)])
        assert scale(page) > 3
        page.keyboard.press("0")
        assert scale(page) == 1
        page.screenshot(path=f"test-results/lightbox-phone-{direction}.png")
        touch(page, [(200, 300)], [(200, 420)], [(200, 600)])
        expect(lightbox).to_have_count(0)


def test_a_picture_that_failed_is_fetched_anew_in_the_lightbox(page: Page) -> None:
    open_lightbox(page)
    page.keyboard.press("End")
    box = page.locator(".coat-lightbox-picture [data-testid=media-image]")
    expect(box).to_have_attribute("data-phase", "failed")
    page.screenshot(path="test-results/lightbox-failed.png")
    with page.expect_request(re.compile("missing.webp")):
        box.get_by_role("button", name="Try again").click()


def test_a_picture_is_copied_and_downloaded(browser: Browser, server: Server) -> None:
    with visiting(browser, server) as visit:
        visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        visit.say("Draw a lighthouse at dusk, seed 7")
        visit.await_pictures(1)
        visit.await_answer()
        visit.page.locator("[data-testid=media-image]").click()
        lightbox = visit.page.get_by_test_id("lightbox")
        expect(lightbox.locator("[data-phase=full]")).to_be_visible()
        visit.screenshot("lightbox")
        lightbox.get_by_role("button", name="Copy picture").click()
        expect(lightbox.get_by_text("Copied.")).to_be_attached()
        types = visit.page.evaluate("navigator.clipboard.read().then(items => items[0].types)")
        assert types == ["image/png"]
        with visit.page.expect_download() as downloading:
            lightbox.get_by_role("link", name="Download").click()
        assert downloading.value.suggested_filename.endswith(".png")
        assert visit.complaints == []


# --- the gallery ---------------------------------------------------------------------------------


def test_ten_thousand_tiles_scroll_and_few_are_in_the_document(page: Page) -> None:
    page.get_by_test_id("media-gallery").scroll_into_view_if_needed()
    page.evaluate(
        """() => {
            window.shifts = 0;
            new PerformanceObserver(list => {
                for (const entry of list.getEntries()) window.shifts += entry.value;
            }).observe({type: 'layout-shift'});
        }"""
    )
    scrolled = page.evaluate(SCROLL, {"frames": 300, "step": 1300})
    assert scrolled["at"] > scrolled["height"] - 2000  # the whole of it
    assert scrolled["most"] < 80
    assert page.evaluate("window.shifts") == 0
    last = page.locator(".coat-tile").last
    expect(last).to_have_attribute("aria-posinset", "10000")
    expect(last.locator("button")).to_have_css("background-image", re.compile("-thumbnail"))


def test_who_races_sees_colors_and_nothing_is_mounted_or_fetched_for_it(page: Page) -> None:
    gallery = page.get_by_test_id("media-gallery")
    gallery.scroll_into_view_if_needed()
    expect(gallery.locator(".coat-gallery-backdrop")).to_be_hidden()
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    raced = page.evaluate(
        """async () => {
            const gallery = document.querySelector('.coat-gallery');
            const backdrop = gallery.querySelector('.coat-gallery-backdrop');
            let mounted = 0;
            new MutationObserver(records => { mounted += records.length; })
                .observe(gallery.querySelector('ul'), {childList: true});
            const height = gallery.scrollHeight;
            for (let frame = 0; frame < 30; frame += 1) {
                gallery.scrollTop += 2000;
                await new Promise(requestAnimationFrame);
            }
            const context = backdrop.getContext('2d');
            const {data} = context.getImageData(0, 0, backdrop.width, backdrop.height);
            const painted = data.filter((_, at) => at % 4 === 3 && data[at] > 0).length;
            const [seen, view] = [backdrop, gallery].map(one => one.getBoundingClientRect());
            return {
                mounted, colors: new Set(new Uint32Array(data.buffer)).size,
                share: painted / (data.length / 4), hidden: backdrop.hidden,
                covers: seen.top <= view.top + 1 && seen.bottom >= view.bottom - 1,
                grown: gallery.scrollHeight - height,
            };
        }"""
    )
    assert raced["mounted"] == 0
    assert not raced["hidden"]
    assert raced["covers"]
    assert raced["share"] > 0.7
    assert raced["colors"] > 5
    assert raced["grown"] == 0
    assert fetched == []
    # At rest the pictures come, and the colors go.
    expect(gallery.locator(".coat-gallery-backdrop")).to_be_hidden()
    tiles = gallery.locator(".coat-tile-button")
    expect(tiles.last).to_have_css("background-image", re.compile("-thumbnail"))
    expect(tiles.nth(tiles.count() // 2)).to_be_in_viewport()


def test_rows_come_several_at_a_time_for_who_reads_on(page: Page) -> None:
    gallery = page.get_by_test_id("media-gallery")
    gallery.scroll_into_view_if_needed()
    renders = page.evaluate(
        """async () => {
            const gallery = document.querySelector('.coat-gallery');
            let renders = 0;
            new MutationObserver(() => { renders += 1; })
                .observe(gallery.querySelector('ul'), {childList: true});
            for (let frame = 0; frame < 150; frame += 1) {
                gallery.scrollTop += 8;
                await new Promise(requestAnimationFrame);
            }
            return renders;
        }"""
    )
    # Six rows come and six go.
    assert 1 <= renders <= 6


def test_the_gallery_is_used_by_keyboard_and_opens_the_lightbox(page: Page) -> None:
    gallery = page.get_by_test_id("media-gallery")
    gallery.scroll_into_view_if_needed()
    tile = gallery.locator("[data-coat-tile='0']")
    tile.focus()
    assert gallery.locator("[tabindex='0']").count() == 1
    for key, number in [("ArrowRight", 1), ("ArrowLeft", 0), ("End", 9999), ("Home", 0)]:
        page.keyboard.press(key)
        expect(gallery.locator(f"[data-coat-tile='{number}']")).to_be_focused()
        expect(gallery.locator(f"[data-coat-tile='{number}']")).to_be_in_viewport()
    page.keyboard.press("ArrowDown")
    below = page.evaluate("Number(document.activeElement.dataset.coatTile)")
    assert below > 1
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("lightbox")).to_be_visible()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("lightbox")).to_have_count(0)
    expect(gallery.locator(f"[data-coat-tile='{below + 2}']")).to_be_focused()


def test_the_first_tile_in_view_stays_when_the_width_changes(page: Page) -> None:
    gallery = page.get_by_test_id("media-gallery")
    gallery.evaluate("gallery => { gallery.scrollTop = 180000; }")
    expect(gallery.locator(".coat-tile").first).not_to_have_attribute("aria-posinset", "2")
    first = "document.querySelector('.coat-gallery').scrollTop"
    page.wait_for_timeout(300)
    numbers = gallery.locator(".coat-tile")
    middle = int(numbers.nth(numbers.count() // 2).get_attribute("aria-posinset") or "0")
    before = page.evaluate(first)
    page.set_viewport_size({"width": 700, "height": 860})
    page.wait_for_timeout(300)
    assert page.evaluate(first) != before
    after = [
        int(number.get_attribute("aria-posinset") or "0")
        for number in gallery.locator(".coat-tile").all()
    ]
    assert min(number for number in after if number > 1) - 10 <= middle <= max(after) + 10


# --- <coat-image> --------------------------------------------------------------------------------


def test_the_element_shows_its_picture_without_react(page: Page) -> None:
    whale, missing, lake = page.locator("coat-image").all()
    whale.scroll_into_view_if_needed()
    for element, phase in [(whale, "full"), (missing, "failed"), (lake, "full")]:
        expect(element.locator("[part=box]")).to_have_attribute("data-phase", phase)
    expect(whale.get_by_role("img", name="a whale in the sea at night")).to_be_visible()
    expect(missing.get_by_role("button", name="Try again")).to_be_visible()
    heights = [element.evaluate("e => e.getBoundingClientRect().height") for element in (whale,)]
    assert heights[0] > 100
    # A custom property of the page reaches into the shadow tree, and so does a part.
    page.add_style_tag(
        content="coat-image { --coat-radius: 3px } coat-image::part(box) { outline: 2px solid red }"
    )
    style = "e => { const s = getComputedStyle(e); return [s.borderRadius, s.outlineWidth]; }"
    assert whale.locator("[part=box]").evaluate(style) == ["3px", "2px"]


# --- everything, looked at -----------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_every_component_meets_wcag_2_2_aa(
    browser: Browser, server: Server, scheme: str, width: int, direction: str
) -> None:
    options = {"viewport": {"width": width, "height": 860}, "color_scheme": scheme}
    # The page's own policy forbids scripts from elsewhere, which the checker is.
    with components(browser, server, f"?dir={direction}", bypass_csp=True, **options) as page:
        expect(page.locator("[data-testid=section-image] [data-phase=failed]")).to_be_visible()
        widgets = page.get_by_test_id("section-widget").get_by_test_id("media-widget")
        expect(widgets).to_have_count(5)
        for each in widgets.all():  # what is far below is not fetched
            each.scroll_into_view_if_needed()
        expect(widgets.locator("[data-phase=full]")).to_have_count(2)  # new and old results
        page.wait_for_timeout(700)  # transitions end
        page.screenshot(
            path=f"test-results/components-{scheme}-{width}-{direction}.png", full_page=True
        )
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert overflow == 0
        assert violations(page) == []
        open_lightbox(page)
        page.wait_for_timeout(300)
        assert violations(page) == []
        page.keyboard.press("End")
        page.wait_for_timeout(700)
        assert violations(page) == []
