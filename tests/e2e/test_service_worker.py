"""The service worker that keeps media: what it keeps, for whom, and when it forgets.

What is kept is written after the page has its answer, so tests wait until it is there. That an
answer is not kept shows once a later one is: the browser writes to a cache in order.
"""

import secrets
from collections.abc import Iterator
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Server, Visit, serving_page, visiting

KEPT: Final = """async prefix => {
    const urls = [];
    for (const name of await caches.keys())
        if (name.startsWith(prefix))
            for (const {url} of await (await caches.open(name)).keys()) urls.push(url);
    return urls.map(url => new URL(url).pathname + new URL(url).search).sort();
}"""


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    with visiting(browser, server, service_workers="allow") as opened:
        yield opened


@pytest.fixture(scope="module", params=["cookie", "signed"])
def guarded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server that keeps its visitors apart."""
    settings = {"COATCHECK_ACCESS": request.param, "COATCHECK_KEYS": f"k:{secrets.token_hex(32)}"}
    directory = tmp_path_factory.mktemp("guarded")
    with serving_page(directory, "-m", "coatcheck_chat", settings=settings) as served:
        yield served


def kept(page: Page, prefix: str = "coatcheck-media-") -> list[str]:
    """The paths and queries of the answers that the worker keeps, sorted."""
    urls: list[str] = page.evaluate(KEPT, prefix)
    return urls


def await_kept(page: Page, *parts: str, prefix: str = "coatcheck-media-") -> None:
    """Until an answer is kept for a URL with each of `parts` in it."""
    page.evaluate(
        f"""async ([prefix, parts]) => {{
            const kept = {KEPT};
            const deadline = performance.now() + 20_000;
            while (true) {{
                const urls = await kept(prefix);
                if (parts.every(part => urls.some(url => url.includes(part)))) return;
                if (performance.now() > deadline) throw new Error(`only ${{urls}} are kept`);
                await new Promise(resolve => setTimeout(resolve, 20));
            }}
        }}""",
        [prefix, list(parts)],
    )


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
    """The status of a request that the page makes, past the browser's own cache; 0 without one."""
    status: int = page.evaluate(
        "([path, headers]) => fetch(path, {headers, cache: 'reload'}).then(r => r.status, () => 0)",
        [path, headers],
    )
    return status


def test_a_second_visit_takes_no_media_from_the_network_and_works_offline(visit: Visit) -> None:
    identifier = drawn(visit)
    visit.page.reload()  # the thumbnail came over the socket; now it is fetched, and kept
    visit.await_pictures(1)
    shown = [f"/api/media/image/{identifier}?{query}" for query in ("thumbnail=true", "w=1024")]
    await_kept(visit.page, *shown)
    assert kept(visit.page) == shown
    kinds = ("original", "variant", "thumbnail")
    before = [visit.server.requests(kind, identifier) for kind in kinds]
    # As a browser that has dropped its own cache.
    session = visit.page.context.new_cdp_session(visit.page)
    session.send("Network.clearBrowserCache")
    visit.page.reload()
    visit.await_pictures(1)
    after = [visit.server.requests(kind, identifier) for kind in kinds]
    assert after == before
    visit.page.context.set_offline(True)
    visit.page.reload()
    visit.await_pictures(1)
    assert visit.widths() == [1024]
    visit.screenshot("offline")


def test_errors_ranges_and_downloads_are_never_kept(visit: Visit) -> None:
    picture = f"/api/media/image/{drawn(visit)}"
    tell(visit.page, {"type": "coatcheck-sign-out"})
    assert get(visit.page, "/api/media/image/9188cc90-b172-47e9-b493-4e22175bd478") == 404
    assert get(visit.page, picture, range="bytes=0-99") == 206
    assert get(visit.page, f"{picture}?download=true") == 200
    assert get(visit.page, f"{picture}?w=nonsense") == 400
    assert get(visit.page, f"{picture}?w=256") == 200
    await_kept(visit.page, "?w=256")
    assert kept(visit.page) == [f"{picture}?w=256"]


def test_signing_out_clears_and_another_reader_finds_nothing(visit: Visit) -> None:
    identifier = drawn(visit)
    visit.page.reload()  # the conversation came over the socket; now it is fetched, and kept
    visit.await_pictures(1)
    await_kept(visit.page, identifier)
    await_kept(visit.page, "/messages", prefix="coatcheck-page-")
    for message in (
        {"type": "coatcheck-principal", "principal": "somebody else"},
        {"type": "coatcheck-sign-out"},
    ):
        tell(visit.page, message)
        assert kept(visit.page, "coatcheck-") == []
        visit.page.reload()
        visit.await_pictures(1)
        # The page may have taken its pictures from memory; this passes the worker.
        assert get(visit.page, f"/api/media/image/{identifier}") == 200
        await_kept(visit.page, identifier)
        await_kept(visit.page, "/messages", prefix="coatcheck-page-")


def test_what_is_deleted_is_forgotten(visit: Visit) -> None:
    identifier = drawn(visit)
    await_kept(visit.page, identifier)
    status = visit.page.evaluate(
        "id => fetch(`/api/media/${id}`, {method: 'DELETE'}).then(r => r.status)", identifier
    )
    assert status == 204
    assert kept(visit.page) == []


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


def test_another_visitor_of_the_browser_sees_nothing_of_the_first(
    browser: Browser, guarded: Server
) -> None:
    with visiting(browser, guarded, service_workers="allow") as visit:
        page, context = visit.page, visit.page.context
        identifier = drawn(visit)
        page.reload()
        visit.await_pictures(1)
        await_kept(page, identifier, f"{identifier}?thumbnail=true")
        await_kept(page, "/shell", "/messages", prefix="coatcheck-page-")
        address = page.url

        # Their own conversation, without a network.
        context.set_offline(True)
        page.reload()
        visit.await_pictures(1)
        context.set_offline(False)

        context.clear_cookies()
        page.goto(address)
        expect(page.get_by_role("heading", name="Nothing on this hook")).to_be_visible()
        await_kept(page, "/shell", prefix="coatcheck-page-")
        assert_nothing_of(page, identifier)

        context.set_offline(True)
        page.goto(address)
        expect(page.get_by_role("heading", name="The cloakroom does not answer")).to_be_visible()
        assert_nothing_of(page, identifier)
        context.set_offline(False)


def assert_nothing_of(page: Page, identifier: str) -> None:
    """Neither shown nor kept: the picture, and the conversation that it was drawn in."""
    conversation = page.url.rsplit("/", 1)[-1]
    expect(page.get_by_text("mountain lake")).to_have_count(0)
    expect(page.get_by_test_id("media-image")).to_have_count(0)
    left = kept(page, "coatcheck-")
    assert [url for url in left if identifier in url or conversation in url] == []
    for path in (f"/api/media/image/{identifier}", f"/api/conversations/{conversation}/messages"):
        assert get(page, path) in {0, 403, 404}


def test_the_workers_script_is_asked_for_on_each_visit(visit: Visit) -> None:
    response = visit.page.request.get(f"{visit.server.url}/media-worker.js")
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["service-worker-allowed"] == "/"
    assert response.headers["content-type"].startswith("text/javascript")
