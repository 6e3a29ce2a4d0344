"""``python -m benchmarks.browser.gallery``: what a frame costs while all pictures are scrolled.

Ten thousand pictures on the chat's own page, moved by the same distance in every frame, so that a
frame has the same to do on a machine that is busy. Counted is processor time of the page's main
thread, by Chrome's own counters and without a trace, which would cost more than what it measures.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx
from playwright.async_api import CDPSession, Page, Route

from benchmarks.browser.bench import find_chromium
from benchmarks.browser.chat import command_line, running_chat
from benchmarks.browser.devtools import busy_seconds, launched
from benchmarks.browser.pictures import painted
from benchmarks.targets import Target, keep

_COUNT: Final = 10_000
_LISTING: Final = "/api/media?"
_SETTLE_MS: Final = 1500
_FRAME_MS: Final = 8.0
_UUID4: Final = 4 << 76 | 8 << 60

# Widths and heights that the pictures are told to have, in turn.
_SHAPES: Final = ((1024, 1024), (1536, 1024), (1024, 1024), (800, 1000))

_SCROLL: Final = """
async ({frames, step}) => {
  const gallery = document.querySelector(".coat-gallery");
  let at = gallery.scrollTop;
  for (let frame = 0; frame < frames; frame += 1) {
    await new Promise(requestAnimationFrame);
    at += step;
    gallery.scrollTop = at;
  }
}
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a reader scrolls.

    Attributes:
        name: what it is.
        step: CSS pixels a frame; a row has about 200.
        frames: how many.
    """

    name: str
    step: int
    frames: int


PACES: Final = (
    Pace("at rest", 0, 120),
    Pace("reading", 12, 250),
    Pace("brisk", 48, 180),
    Pace("racing", 330, 180),
)


def listing(stored: Sequence[dict[str, Any]], count: int) -> dict[str, Any]:
    """Answer of the listing that has `count` pictures, all of which are copies of `stored`.

    The server passes the parameter over by which their addresses differ; a browser does not.

    Args:
        stored: references in UI form.
        count: how many are listed.
    """
    listed = []
    for number in range(count):
        reference = stored[number % len(stored)]
        identifier = str(UUID(int=_UUID4 | number))
        width, height = _SHAPES[number % len(_SHAPES)]
        copy = {
            "id": identifier,
            "uri": f"media://{identifier}",
            "url": f"{reference['url']}?copy={number}",
            "thumbnailUrl": f"{reference['thumbnailUrl']}&copy={number}",
            "width": width,
            "height": height,
        }
        listed.append(
            {
                "reference": reference | copy,
                "createdAt": "2026-11-01T00:00:00.000Z",
                "conversationId": None,
                "messageId": None,
            }
        )
    return {"media": listed}


def _upload(url: str) -> list[dict[str, Any]]:
    """Store a picture for each shape; the references."""
    answers = [
        httpx.post(f"{url}/api/media/upload", content=file.read_bytes())
        for file in painted(len(_SHAPES), 1024)
    ]
    return [each.raise_for_status().json() for each in answers]


async def measure(url: str, body: str, slowdown: int, scale: float) -> dict[str, float]:
    """Milliseconds of processor time a frame, by pace, in a fresh browser.

    Args:
        url: of the chat.
        body: what the server answers when it is asked for the list of pictures.
        slowdown: by how much the page's CPU is throttled.
        scale: device pixels of a CSS pixel.
    """

    async def answer(route: Route) -> None:
        await route.fulfill(body=body, content_type="application/json")

    async with launched(find_chromium()) as browser:
        context = await browser.new_context(
            viewport={"width": 1280, "height": 860},
            device_scale_factor=scale,
            service_workers="block",
        )
        page = await context.new_page()
        await page.route(lambda asked: _LISTING in asked, answer)
        await page.goto(f"{url}/pictures")
        await page.locator(".coat-tile").first.wait_for()
        await page.wait_for_timeout(_SETTLE_MS)
        session = await context.new_cdp_session(page)
        await session.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
        # Of the thread: by the clock, a task is as long as everything else on the machine.
        await session.send("Performance.enable", {"timeDomain": "threadTicks"})
        return {pace.name: await _cost(page, session, pace) for pace in PACES}


async def _cost(page: Page, session: CDPSession, pace: Pace) -> float:
    before = await busy_seconds(session)
    await page.evaluate(_SCROLL, {"frames": pace.frames, "step": pace.step})
    after = await busy_seconds(session)
    await page.wait_for_timeout(_SETTLE_MS)
    return (after - before) * 1000 / pace.frames


def table(costs: dict[int, list[dict[str, float]]]) -> str:
    """The least of the rounds, as Markdown; `costs` by slow-down.

    Two threads that share a core take more processor time for the same work, never less.
    """
    heading = " | ".join(f"CPU slowed down {slowdown}×" for slowdown in costs)
    lines = [
        f"| milliseconds of processor time a frame | {heading} |",
        "| --- |" + " ---: |" * len(costs),
    ]
    for pace in PACES:
        cells = [f"{min(each[pace.name] for each in rounds):.1f}" for rounds in costs.values()]
        lines.append(f"| {pace.name}, {pace.step} pixels a frame | {' | '.join(cells)} |")
    return "\n".join(lines)


def _measure_all(rounds: int, scale: float) -> dict[int, list[dict[str, float]]]:
    with running_chat() as url:
        body = json.dumps(listing(_upload(url), _COUNT))
        return {
            slowdown: [asyncio.run(measure(url, body, slowdown, scale)) for _ in range(rounds)]
            for slowdown in (1, 4)
        }


def run(output: Path, *, rounds: int, scale: float = 1.0) -> None:
    """Measure, print and write ``targets-gallery.json``.

    Args:
        output: folder for it; made when missing.
        rounds: browsers for each slow-down.
        scale: device pixels of a CSS pixel.

    Raises:
        UnavailableError: a browser is missing, or the chat does not start.
    """
    costs = _measure_all(rounds, scale)
    print(table(costs), end="\n\n")
    slowest = {pace.name: min(each[pace.name] for each in costs[4]) for pace in PACES}
    keep(
        output,
        "gallery",
        [
            Target(f"gallery of {_COUNT:,}, 4×, {name}: a frame", cost, _FRAME_MS, "at most", "ms")
            for name, cost in slowest.items()
        ],
    )


def main() -> None:
    """The command line."""
    command_line("gallery", run, rounds=3, each="browsers", title="The gallery's benchmark")


if __name__ == "__main__":
    main()
