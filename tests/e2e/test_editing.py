"""A conversation about a picture in a real browser, offline: each step on the one before."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Visit


def sizes(visit: Visit) -> list[list[int]]:
    """Width and height of each original that is painted in full, in the page's order."""
    found: list[list[int]] = visit.page.evaluate(
        """[...document.querySelectorAll('[data-testid=media-image][data-phase=full]')]
        .map(({style}) => {
            const width = parseInt(style.getPropertyValue('--coat-natural-width'));
            return [width, Math.round(width / style.getPropertyValue('--coat-ratio'))];
        })"""
    )
    return found


def brightness(visit: Visit, index: int) -> float:
    """Mean of all channels of the painted picture, 0 to 255, in the browser's own pixels."""
    mean: float = visit.page.evaluate(
        """index => {
            const image = document.querySelectorAll('[data-phase=full] img:last-of-type')[index];
            const canvas = document.createElement('canvas');
            canvas.width = canvas.height = 64;
            const context = canvas.getContext('2d');
            context.drawImage(image, 0, 0, 64, 64);
            const data = context.getImageData(0, 0, 64, 64).data;
            let sum = 0;
            for (let at = 0; at < data.length; at += 4)
                sum += data[at] + data[at + 1] + data[at + 2];
            return sum / (64 * 64 * 3);
        }""",
        index,
    )
    return mean


def test_draw_darken_and_crop_write_and_look(visit: Visit) -> None:
    answer = visit.page.get_by_test_id("message-assistant").last
    for count, words in enumerate(
        (
            "draw a lighthouse at dusk 16:9",
            "make it darker and crop to a square",
            "put the word HOME on it",
        ),
        1,
    ):
        visit.say(words)
        visit.await_pictures(count)
        visit.await_answer()
    visit.say("what do you see?")
    expect(answer).to_contain_text(re.compile("with the words 'HOME'.*720×720", re.DOTALL))
    visit.await_answer()

    assert sizes(visit) == [[1280, 720], [720, 720], [720, 720]]
    light, dark = brightness(visit, 0), brightness(visit, 1)
    assert dark < 0.8 * light
    assert brightness(visit, 2) > dark  # white letters
    captions = [
        image.get_attribute("alt")
        for image in visit.page.locator("[data-phase=full] img:last-of-type").all()
    ]
    assert captions == [
        "a lighthouse at dusk",
        "a lighthouse at dusk, darker, cropped to a square",
        "a lighthouse at dusk, darker, cropped to a square, with the words 'HOME'",
    ]
    assert max(len(frame.encode()) for frame in visit.frames) <= 2048
    assert visit.complaints == []
    visit.screenshot("editing")

    visit.page.reload()
    visit.await_pictures(3)
    assert sizes(visit) == [[1280, 720], [720, 720], [720, 720]]


@pytest.mark.parametrize("words", ["make it darker", "what do you see?"])
def test_without_a_picture_the_page_says_so(visit: Visit, words: str) -> None:
    visit.say(words)
    expect(visit.page.get_by_test_id("message-assistant").last).to_contain_text("no picture yet")
