"""Servers that start from the wheels and answer."""

import hashlib
import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
from websockets.sync.client import connect

from release.commands import clean_environment
from release.contents import assets_of
from release.environments import PythonEnvironment
from release.failure import CheckFailedError

_START_SECONDS: Final = 60
_ANSWER_SECONDS: Final = 90
_STOP_SECONDS: Final = 20
_FRAME_BYTES: Final = 2048
"""What a frame of a drawn picture may weigh at most, as README promises."""


@contextmanager
def running(environment: PythonEnvironment, command: str, *words: str) -> Iterator[str]:
    """A server's command on a free port; yields its URL.

    Args:
        environment: where it is installed.
        command: what starts it.
        words: what stands behind the command.

    Raises:
        CheckFailedError: it does not start, or does not stop when it is told to.
    """
    log = environment.home / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(environment.command(command)), *words, "--port", "0"],
            cwd=environment.home,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text())):
            if process.poll() is not None or time.monotonic() > deadline:
                raise CheckFailedError(f"`{command}` did not start:\n{log.read_text()}")
            time.sleep(0.05)
        yield found[0]
        process.terminate()
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise CheckFailedError(f"`{command}` did not stop on SIGTERM.") from error
    finally:
        process.kill()
        process.wait()


def use_media(url: str, picture: Path) -> None:
    """Upload a picture, fetch it and its thumbnail, and see that no chat is there.

    Raises:
        CheckFailedError: one is not answered, or with other bytes.
    """
    content = picture.read_bytes()
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        _get(client, "/readyz")
        made = client.post("/api/media/upload?filename=castle.webp", content=content)
        if made.status_code != httpx.codes.CREATED:
            raise CheckFailedError(f"The upload was answered {made.status_code}: {made.text}")
        reference = made.json()
        if _get(client, reference["url"], "image/webp").content != content:
            raise CheckFailedError("What is served is not what was uploaded.")
        _get(client, reference["thumbnailUrl"], "image/webp")
        if client.get("/api/conversations").status_code != httpx.codes.NOT_FOUND:
            raise CheckFailedError("The media service knows conversations.")


def read_page(url: str) -> int:
    """Fetch the page and all that it names; how many files that were.

    Raises:
        CheckFailedError: one is not answered, or not as what it is.
    """
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        page = _get(client, "/", "text/html")
        assets = assets_of(page.text)
        for asset in sorted(assets):
            _get(client, f"/{asset}")
        _get(client, "/media-worker.js", "text/javascript")
        _get(client, "/readyz")
    return len(assets) + 2


def draw(url: str) -> int:
    """Ask for a picture over the chat and fetch it over HTTP; the bytes of the largest frame.

    Raises:
        CheckFailedError: there is no picture, a frame is heavy, or the bytes are others.
    """
    frames = _turn(url, "Draw a lighthouse at dusk")
    heaviest = max(len(frame.encode()) for frame in frames)
    if heaviest > _FRAME_BYTES:
        raise CheckFailedError(f"A frame has {heaviest} bytes, more than {_FRAME_BYTES}.")
    ready = [part for part in map(_media, frames) if part.get("state") == "ready"]
    if not ready:
        raise CheckFailedError(f"The chat drew nothing:\n{frames[-1]}")
    reference = ready[-1]["reference"]
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        original = _get(client, reference["url"], reference["mimeType"])
        _get(client, reference["thumbnailUrl"], "image/webp")
    if f"sha-256:{hashlib.sha256(original.content).hexdigest()}" != reference["digest"]:
        raise CheckFailedError("What is served is not what the reference names.")
    return heaviest


def _turn(url: str, words: str) -> list[str]:
    """Every text frame of a turn."""
    parts = [{"type": "text", "text": words}]
    message = {"id": str(uuid4()), "role": "user", "parts": parts}
    frame = {"type": "message-send", "conversationId": str(uuid4()), "message": message}
    frames: list[str] = []
    deadline = time.monotonic() + _ANSWER_SECONDS
    with connect(f"ws{url.removeprefix('http')}/ws/chat", proxy=None) as socket:
        socket.send(json.dumps(frame))
        while not frames or json.loads(frames[-1])["chunk"]["type"] != "finish":
            try:
                frames.append(str(socket.recv(deadline - time.monotonic())))
            except TimeoutError as error:
                said = "\n".join(frames[-3:])
                raise CheckFailedError(f"The chat does not finish its answer:\n{said}") from error
    return frames


def _media(frame: str) -> dict[str, Any]:
    chunk: dict[str, Any] = json.loads(frame)["chunk"]
    data: dict[str, Any] = chunk["data"] if chunk["type"] == "data-media" else {}
    return data


def _get(client: httpx.Client, path: str, media_type: str = "") -> httpx.Response:
    answer = client.get(path)
    kind = answer.headers.get("content-type", "")
    if answer.status_code != httpx.codes.OK or not kind.startswith(media_type):
        raise CheckFailedError(f"GET {path}: {answer.status_code} {kind}\n{answer.text[:200]}")
    return answer
