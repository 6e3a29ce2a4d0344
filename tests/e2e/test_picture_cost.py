"""What a picture costs the page: some kilobytes at the first look, nothing at later ones."""

import re
from typing import Final

from playwright.sync_api import Request

from tests.e2e.conftest import Visit

MEDIA: Final = re.compile(r"/api/media/(?!upload)")
FIRST_LOOK: Final = 60_000
"""Bytes, pushed ones included. The widths of a picture in a box of 413 pixels have some 20,000."""


def requests(visit: Visit, identifier: str | None) -> int:
    """How many requests for any rendition of this medium have been answered."""
    return sum(f"id={identifier}" in line for line in visit.server.log.read_text().splitlines())


def test_a_picture_costs_kilobytes_once(visit: Visit) -> None:
    fetched: list[Request] = []

    def note(request: Request) -> None:
        if MEDIA.search(request.url):
            fetched.append(request)

    visit.page.on("requestfinished", note)
    visit.say("Draw a lighthouse at dusk, seed 7")
    visit.await_pictures(1)
    visit.await_answer()
    identifier = visit.page.get_by_test_id("media-image").get_attribute("data-media-id")
    original = visit.page.request.head(f"{visit.server.url}/api/media/image/{identifier}")
    assert int(original.headers["content-length"]) > 1_200_000
    over_http = sum(each.sizes()["responseBodySize"] for each in fetched)
    assert 4_000 < over_http + sum(map(len, visit.pushed)) <= FIRST_LOOK

    visit.page.reload()  # fetches what was pushed before
    visit.await_pictures(1)
    visit.page.reload()
    visit.await_pictures(1)
    seen = requests(visit, identifier)
    visit.page.reload()
    visit.await_pictures(1)
    assert seen > 0
    assert requests(visit, identifier) == seen
    assert visit.complaints == []
