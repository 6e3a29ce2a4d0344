"""An existing chat in a real browser, as it is and with one added line."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, WebSocket, expect

from tests.e2e.conftest import _await_url

EXAMPLE: Final = Path(__file__).parents[2] / "examples" / "fastapi_chat"


@contextmanager
def running(module: str, directory: Path) -> Iterator[str]:
    """Serve an application of the example the way its page says; yields the URL."""
    log = directory / "log"
    command = ["uvicorn", "--app-dir", str(EXAMPLE), f"{module}:app", "--port", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=directory,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield _await_url(log, process)
        finally:
            process.terminate()
            process.wait(20)


def visit(browser: Browser, url: str) -> tuple[list[int], list[str], list[str]]:
    """Ask for two pictures; the widths that are painted, the frames, and the images' sources."""
    frames: list[str] = []
    complaints: list[str] = []
    context = browser.new_context()
    page = context.new_page()

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: frames.append(str(frame)))

    page.on("websocket", listen)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(url)
    for prompt in ("a lighthouse at dusk", "the sea"):
        page.get_by_label("Message").fill(prompt)
        page.keyboard.press("Enter")
        expect(page.get_by_text("Do you like it?")).to_have_count(
            1 if prompt.startswith("a") else 2, timeout=30_000
        )
    page.wait_for_function("[...document.images].every(image => image.complete)")
    widths: list[int] = page.evaluate("[...document.images].map(image => image.naturalWidth)")
    sources: list[str] = page.evaluate("[...document.images].map(image => image.src)")
    expect(page.get_by_text("paint that for you: a lighthouse at dusk.")).to_be_visible()
    context.close()
    assert complaints == []
    return widths, frames, sources


def test_the_chat_shows_the_same_pictures_with_one_line_and_its_frames_are_small(
    browser: Browser, tmp_path: Path
) -> None:
    with running("chat", tmp_path) as url:
        widths, frames, sources = visit(browser, url)
    assert widths == [768, 384, 768, 384]
    assert max(len(frame) for frame in frames) > 200_000
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not (tmp_path / ".coatcheck").exists()

    with running("with_coatcheck", tmp_path) as url:
        with_line = visit(browser, url)
    assert with_line[0] == widths
    assert len(with_line[1]) == len(frames)
    assert max(len(frame.encode()) for frame in with_line[1]) < 2048
    assert all(source.startswith(f"{url}/api/media/image/") for source in with_line[2])


def test_the_line_is_one_line() -> None:
    added = (EXAMPLE / "with_coatcheck.py").read_text().split('"""')[2].split("\n")
    code = [line for line in added if line and "import" not in line]
    assert code == ["app = wrap(app)"]
    assert "coatcheck" not in (EXAMPLE / "chat.py").read_text().split('"""')[2]
