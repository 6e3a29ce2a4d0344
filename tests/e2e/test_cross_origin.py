"""A front end of another origin in a real Chromium: what it may show, read and change."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import Browser

from tests.e2e.conftest import serving_page
from tests.media import png_bytes

USE: Final = """async ([media, id]) => {
    const attempt = async (what) => {
        try { return await what(); } catch (error) { return error.name; }
    };
    const show = (crossOrigin) => attempt(async () => {
        const image = new Image();
        image.crossOrigin = crossOrigin;
        image.src = `${media}/image/${id}`;
        await image.decode();
        const canvas = document.createElement("canvas");
        canvas.getContext("2d").drawImage(image, 0, 0);
        canvas.toDataURL();
        return image.naturalWidth;
    });
    const read = (path, ask) => attempt(async () => {
        const answer = await fetch(`${media}/${path}`, ask);
        return [answer.status, answer.headers.get("etag") !== null];
    });
    const picture = new Uint8Array(await (await fetch("/picture.png")).arrayBuffer());
    return {
        shown: await attempt(async () => {
            const image = new Image();
            image.src = `${media}/image/${id}`;
            await image.decode();
            return image.naturalWidth;
        }),
        drawn: await show("anonymous"),
        described: await read(id),
        fetched: await read(`image/${id}`),
        part: await read(`image/${id}`, {headers: {range: "bytes=0-9", "if-range": '"x"'}}),
        uploaded: await read("upload", {
            method: "POST", body: picture, headers: {"content-type": "image/png"},
        }),
        planted: await read("upload", {
            method: "POST", body: picture, mode: "no-cors",
        }),
        deleted: await read(id, {method: "DELETE"}),
    };
}"""


class Front(BaseHTTPRequestHandler):
    """A page of another origin, with a picture of its own."""

    def do_GET(self) -> None:
        body, kind = (
            (png_bytes(5, 5), "image/png")
            if self.path == "/picture.png"
            else (b"<!doctype html><title>front</title>", "text/html")
        )
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the library has it
        """Nothing: a test says what is wrong."""


@contextmanager
def front() -> Iterator[str]:
    """A front end; yields its origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Front) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def use(browser: Browser, origin: str, media: str) -> dict[str, Any]:
    """What a page of the origin gets of a picture that is put first."""
    stored = httpx.post(f"{media}/upload", content=png_bytes(40, 30)).json()
    context = browser.new_context()
    page = context.new_page()
    page.goto(origin)
    used: dict[str, Any] = page.evaluate(USE, [media, stored["id"]])
    context.close()
    return used


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with front() as served:
        yield served


NOTHING: Final = {
    "shown": 40,  # an `<img>` by itself needs no permission, and its page cannot read it
    "drawn": "EncodingError",
    "described": "TypeError",
    "fetched": "TypeError",
    "part": "TypeError",
    "uploaded": "TypeError",
    "planted": [0, False],
    "deleted": "TypeError",
}


def test_an_allowed_front_end_shows_reads_uploads_and_deletes(
    browser: Browser, origin: str, tmp_path: Path
) -> None:
    settings = {"COATCHECK_ALLOW_ORIGINS": origin}
    with (
        serving_page(tmp_path, "-m", "coatcheck", "serve", settings=settings) as server,
        front() as foreign,
    ):
        media = f"{server.url}/api/media"
        # First as an `<img>` that sends no Origin: the kept answer must not stand for the others.
        assert use(browser, origin, media) == {
            "shown": 40,
            "drawn": 40,
            "described": [200, False],
            "fetched": [200, True],
            "part": [200, True],
            "uploaded": [201, False],
            "planted": [0, False],
            "deleted": [204, False],
        }
        before = len(httpx.get(media).json()["media"])
        assert use(browser, foreign, media) == NOTHING
        assert len(httpx.get(media).json()["media"]) == before + 1  # what `use` put itself


def test_without_the_option_a_page_of_another_origin_reads_and_changes_nothing(
    browser: Browser, origin: str, tmp_path: Path
) -> None:
    with serving_page(tmp_path, "-m", "coatcheck", "serve") as server:
        media = f"{server.url}/api/media"
        assert use(browser, origin, media) == NOTHING
        assert len(httpx.get(media).json()["media"]) == 1
