"""The service worker that keeps media: what it keeps, for whom, and when it forgets."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.conftest import Server, Visit, visiting


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    with visiting(browser, server, service_workers="allow") as opened:
        yield opened


def kept(context: BrowserContext) -> list[str]:
    """The paths and queries of the answers that the worker keeps."""
    urls: list[str] = context.pages[0].evaluate(
        """async () => {
            const urls = [];
            for (const name of await caches.keys())
                if (name.startsWith('coatcheck-media-'))
                    for (const {url} of await (await caches.open(name)).keys()) urls.push(url);
            return urls.map(url => new URL(url).pathname + new URL(url).search);
        }"""
    )
    return urls


def await_worker(page: Page) -> None:
    """Until the page's requests go through the worker, and it knows who reads."""
    page.evaluate(
        """async () => {
            const isReady = async () => navigator.serviceWorker.controller !== null &&
                (await caches.keys()).some(name => name.includes('principal'));
            const deadline = performance.now() + 20_000;
            while (!await isReady()) {
                if (performance.now() > deadline) throw new Error('no worker took the page over');
                await new Promise(resolve => setTimeout(resolve, 20));
            }
        }"""
    )


def tell(page: Page, message: dict[str, Any]) -> None:
    """Post a message to the worker, and wait until it is heeded."""
    page.evaluate(
        """message => new Promise(resolve => {
            const {port1, port2} = new MessageChannel();
            port1.onmessage = resolve;
            navigator.serviceWorker.controller.postMessage(message, [port2]);
        })""",
        message,
    )


def drawn(visit: Visit) -> str:
    """Draw a picture under the worker's eyes; its id."""
    await_worker(visit.page)
    visit.say("Draw a mountain lake at sunrise, 16:9, seed 9")
    visit.await_pictures(1)
    visit.await_answer()
    identifier = visit.page.get_by_test_id("media-image").get_attribute("data-media-id")
    assert identifier is not None
    return identifier


def get(page: Page, path: str, **headers: str) -> int:
    """The status of a request that the page makes, past the browser's own cache."""
    status: int = page.evaluate(
        "([path, headers]) => fetch(path, {headers, cache: 'reload'}).then(r => r.status)",
        [path, headers],
    )
    return status


def test_a_second_visit_takes_no_media_from_the_network_and_works_offline(visit: Visit) -> None:
    identifier = drawn(visit)
    visit.page.reload()  # the thumbnail came over the socket; now it is fetched, and kept
    visit.await_pictures(1)
    picture = f"/api/media/image/{identifier}"
    visit.page.wait_for_timeout(300)
    assert sorted(kept(visit.page.context)) == [picture, f"{picture}?thumbnail=true"]
    before = [visit.server.requests(kind, identifier) for kind in ("original", "thumbnail")]
    # As a browser that has dropped its own cache.
    session = visit.page.context.new_cdp_session(visit.page)
    session.send("Network.clearBrowserCache")
    visit.page.reload()
    visit.await_pictures(1)
    after = [visit.server.requests(kind, identifier) for kind in ("original", "thumbnail")]
    assert after == before
    visit.page.context.set_offline(True)
    visit.page.reload()
    visit.await_pictures(1)
    assert visit.widths() == [1280]
    visit.screenshot("offline")


def test_errors_ranges_and_downloads_are_never_kept(visit: Visit) -> None:
    picture = f"/api/media/image/{drawn(visit)}"
    tell(visit.page, {"type": "coatcheck-sign-out"})
    assert get(visit.page, "/api/media/image/9188cc90-b172-47e9-b493-4e22175bd478") == 404
    assert get(visit.page, picture, range="bytes=0-99") == 206
    assert get(visit.page, f"{picture}?download=true") == 200
    assert get(visit.page, f"{picture}?w=nonsense") == 400
    visit.page.wait_for_timeout(300)
    assert kept(visit.page.context) == []
    assert get(visit.page, f"{picture}?w=256") == 200
    visit.page.wait_for_timeout(300)
    assert kept(visit.page.context) == [f"{picture}?w=256"]


def test_signing_out_clears_and_another_reader_finds_nothing(visit: Visit) -> None:
    drawn(visit)
    visit.page.wait_for_timeout(300)
    assert kept(visit.page.context) != []
    tell(visit.page, {"type": "coatcheck-principal", "principal": "somebody else"})
    assert kept(visit.page.context) == []
    visit.page.reload()
    visit.await_pictures(1)
    await_worker(visit.page)
    visit.page.wait_for_timeout(300)
    assert kept(visit.page.context) != []
    tell(visit.page, {"type": "coatcheck-sign-out"})
    assert kept(visit.page.context) == []


def test_what_is_deleted_is_forgotten(visit: Visit) -> None:
    identifier = drawn(visit)
    visit.page.wait_for_timeout(300)
    assert any(identifier in url for url in kept(visit.page.context))
    status = visit.page.evaluate(
        "id => fetch(`/api/media/${id}`, {method: 'DELETE'}).then(r => r.status)", identifier
    )
    assert status == 204
    assert kept(visit.page.context) == []


def test_caches_of_older_versions_are_deleted(visit: Visit) -> None:
    await_worker(visit.page)
    visit.page.evaluate("caches.open('coatcheck-media-v0:everyone')")
    visit.page.evaluate(
        """async () => {
            const registration = await navigator.serviceWorker.ready;
            await registration.unregister();
        }"""
    )
    visit.page.reload()
    await_worker(visit.page)
    names = visit.page.evaluate("caches.keys()")
    assert not any(name.startswith("coatcheck-media-v0") for name in names)


def test_the_workers_script_is_asked_for_on_each_visit(visit: Visit) -> None:
    response = visit.page.request.get(f"{visit.server.url}/media-worker.js")
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["service-worker-allowed"] == "/"
    assert response.headers["content-type"].startswith("text/javascript")
