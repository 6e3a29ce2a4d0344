"""The browser benchmark's smallest case, and the demo's page that plays it live."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.browser.bench import find_chromium, run, running
from benchmarks.browser.cases import Case, Result
from benchmarks.browser.chromium import Chromium
from benchmarks.browser.work import Work, measure_work
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import RESULTS, Server

pytestmark = pytest.mark.timeout(240)  # the benchmark builds its page and starts six browsers


MANY = Case("frame", 40, 320, 1)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The benchmark's server and page, with small pictures, and one of the usual size."""
    with running([MANY, Case("frame", 1, 1024, 1)]) as served:
        yield served


@pytest.fixture(scope="module")
def results(url: str) -> list[Result]:
    """One picture in each way that a browser gets through quickly, both sides."""
    cases = [Case("frame", 1, 1024, 1), Case("growing", 1, 1024, 1)]
    chromium = Chromium(find_chromium(), url)
    measured = asyncio.run(run(cases, chromium, seconds=60, progress=lambda *_: None))
    # What the tests say of each result is said of every case, not of none.
    assert [result.case for result in measured] == cases
    return measured


def test_references_cost_the_page_next_to_nothing(results: list[Result]) -> None:
    for result in results:
        references = result.outcomes["references"]
        assert references.finished
        assert references.number("layoutShift") == 0
        assert [each for each in references.violations if each.ours] == []
        assert references.second_visit == 0


def test_legacy_costs_what_is_claimed(results: list[Result]) -> None:
    for result in results:
        bytes_ratio = result.ratio(lambda outcome: outcome.number("bytes"))
        assert bytes_ratio is not None
        assert bytes_ratio >= 50


def test_a_reader_sees_something_before_the_whole_picture(results: list[Result]) -> None:
    for result in results:
        references = result.outcomes["references"]
        first, full = references.median("firstPixels"), references.median("full")
        assert first is not None
        assert full is not None
        assert first < full


def test_many_pictures_at_once_make_no_task_as_long_as_many(url: str) -> None:
    async def work(case: Case) -> Work:
        return await measure_work(find_chromium(), url, case)

    one, many = (asyncio.run(work(replace(MANY, count=count))) for count in (1, MANY.count))
    # Mounted all in one task they took 4 to 5 times as long as one; in slices it is about 2.
    assert many.task < 3 * one.task
    assert many.handler < 2 * one.handler


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_plays_both_sides(browser: Browser, server: Server, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": 1360, "height": 860},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{server.url}/compare")
    page.get_by_test_id("compare-play").click()
    for side in ("references", "legacy"):
        shown = page.get_by_test_id(f"compare-{side}").locator("[data-picture]")
        expect(shown).to_have_count(10, timeout=60_000)
    expect(page.get_by_test_id("compare-play")).to_be_visible(timeout=60_000)
    figures = page.get_by_test_id("figures")
    expect(figures).to_contain_text("MB")
    expect(figures).to_contain_text("KB")
    assert complaints == []
    RESULTS.mkdir(exist_ok=True)
    page.screenshot(path=Path(RESULTS, f"compare-{scheme}.png"))
    context.close()
