"""Applications of strangers, wrapped in one line, in a real browser under plain uvicorn."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import _await_url

ROOT: Final = Path(__file__).parents[2]
STRANGERS: Final = {"fastapi": ("fastapi_stranger", "/bot"), "flask": ("flask_stranger", "")}
parametrize = pytest.mark.parametrize(("module", "prefix"), STRANGERS.values(), ids=STRANGERS)


@contextmanager
def running(module: str, directory: Path, access: str = "") -> Iterator[tuple[str, Path]]:
    """Serve a stranger; yields its URL and its log."""
    log = directory / "log"
    command = ["uvicorn", f"tests.e2e.strangers.{module}:app", "--port", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=directory,
            env=os.environ
            | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "ACCESS": access},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield _await_url(log, process), log
        finally:
            process.terminate()
            process.wait(20)


def media_requests(log: Path) -> list[str]:
    """The requests for media that the server has answered."""
    return re.findall(r'"GET (\S*/api/media/\S*) HTTP', log.read_text())


def log_in(page: Page, url: str) -> None:
    page.goto(f"{url}/")
    page.get_by_label("User").fill("ada")
    page.get_by_role("button", name="Log in").click()
    await_pictures(page)


def await_pictures(page: Page) -> None:
    expect(page.locator("main[data-echoed]")).to_be_attached(timeout=30_000)
    page.wait_for_function("[...document.images].every(image => image.complete)")


def shown(page: Page) -> tuple[list[int], list[str]]:
    """The natural width of each picture, and where it came from."""
    widths: list[int] = page.evaluate("[...document.images].map(image => image.naturalWidth)")
    sources: list[str] = page.evaluate("[...document.images].map(image => image.src)")
    return widths, sources


@parametrize
def test_a_wrapped_page_shows_its_pictures_and_asks_for_each_once(
    browser: Browser, tmp_path: Path, module: str, prefix: str
) -> None:
    with running(module, tmp_path) as (url, log):
        context = browser.new_context()
        page = context.new_page()
        histories: list[Any] = []
        page.on(
            "response",
            lambda answer: histories.append(answer) if answer.url.endswith("/history") else None,
        )
        log_in(page, f"{url}{prefix}")
        widths, sources = shown(page)
        assert widths[:2] == [240, 250]
        assert all(one.startswith(f"{url}{prefix}/api/media/image/") for one in sources[:2])
        # What the page posted back reached the application as it had sent it.
        assert page.locator("main").get_attribute("data-echoed") == "true"
        first = media_requests(log)
        assert len(first) == 2

        page.reload()
        await_pictures(page)
        assert shown(page) == (widths, sources)
        assert media_requests(log) == first  # the browser has them
        assert "iVBOR" not in histories[-1].text().partition('"payload"')[0]
        context.close()

        unsigned = httpx.get(sources[0].partition("?")[0])
        assert (unsigned.status_code, unsigned.json()["code"]) == (403, "forbidden")
        assert httpx.get(sources[0]).status_code == 200
        assert httpx.get(f"{url}{prefix}/history").status_code == 401


# A value that only works as base64 stays: `offload` counts it as `unknown_shape`.
@parametrize
def test_a_bare_string_works_in_its_page_and_is_counted_with_its_path(
    browser: Browser, tmp_path: Path, module: str, prefix: str
) -> None:
    with running(module, tmp_path) as (url, log):
        context = browser.new_context()
        page = context.new_page()
        log_in(page, f"{url}{prefix}")
        widths, sources = shown(page)
        assert page.locator("main").get_attribute("data-echoed") == "true"
        context.close()
        assert widths == [240, 250, 260]
        assert sources[2].startswith("data:image/png;base64,iVBOR")
        (warning,) = [line for line in log.read_text().splitlines() if "unknown_shape" in line]
    assert f"GET {prefix}/history: inline media is left as it is (unknown_shape)" in warning
    assert "at '/payload/b64'" in warning


@parametrize
def test_where_the_application_is_asked_a_stranger_gets_401(
    browser: Browser, tmp_path: Path, module: str, prefix: str
) -> None:
    with running(module, tmp_path, "asked") as (url, _):
        context = browser.new_context()
        page = context.new_page()
        log_in(page, f"{url}{prefix}")
        widths, sources = shown(page)
        assert widths[:2] == [240, 250]
        assert "?" not in sources[0]
        context.close()
        anonymous = httpx.get(sources[0])
        assert (anonymous.status_code, anonymous.json()["code"]) == (401, "unauthorized")
