"""A conversation as a file: whole, self-contained, harmless, and written in little memory."""

import base64
import io
import json
import random
import re
import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import anyio
import pytest
from PIL import Image

from coatcheck.errors import OverloadedError
from coatcheck.imaging import ImagingPool
from coatcheck.media_part import failed, media_part, pending, ready
from coatcheck.opening import Backends
from coatcheck.reference import MediaReference
from coatcheck.variants import VariantSpec
from coatcheck_chat.errors import GenerationError
from coatcheck_chat.history import export as exporting
from coatcheck_chat.history.export import WIDTH, HtmlExport, as_json_lines
from coatcheck_chat.history.ports import ConversationRecord
from coatcheck_chat.settings import Settings
from tests.media import gif_frames, picture, png_bytes

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)></style><!-- & \0 \ud800"
SVG = (
    b"<svg xmlns='http://www.w3.org/2000/svg' width='64' height='64'>"
    b"<script>alert(1)</script><rect width='64' height='64' fill='red'/></svg>"
)


class Page(HTMLParser):
    """What a browser would make of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def media(self) -> list[tuple[str, bytes]]:
        """Type and bytes of everything that is embedded."""
        uris = [image["src"] for image in self.all("img")] + [
            link["href"] for link in self.all("a")
        ]
        return [decoded(str(uri)) for uri in uris]


def decoded(uri: str) -> tuple[str, bytes]:
    match = re.fullmatch(r"data:([a-z/+.0-9-]+);base64,([A-Za-z0-9+/=]*)", uri)
    assert match is not None
    return match[1], base64.b64decode(match[2], validate=True)


async def each(*messages: Mapping[str, Any]) -> AsyncGenerator[Mapping[str, Any]]:
    for message in messages:
        yield message


def said(*parts: dict[str, Any], role: str = "assistant") -> dict[str, Any]:
    return {"id": "m", "role": role, "parts": list(parts)}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def shown(reference: MediaReference) -> dict[str, Any]:
    return media_part(reference.id, ready(reference.to_stored()))


async def html(
    backends: Backends,
    *messages: Mapping[str, Any],
    title: str = "Title",
    owner: str | None = None,
    originals: bool = False,
) -> Page:
    conversation = ConversationRecord(id="c", title=title, created_at=NOON, updated_at=NOON)
    export = HtmlExport(backends.store, owner=owner, originals=originals)
    pieces = [piece async for piece in export.write(conversation, each(*messages))]
    written = b"".join(pieces).decode()
    assert written.endswith("</html>\n")
    return Page(written)


def photograph(width: int, height: int) -> bytes:
    """A picture that does not compress to nothing."""
    buffer = io.BytesIO()
    noise = Image.frombytes("RGB", (width, height), random.Random(1).randbytes(width * height * 3))
    Image.blend(picture(width, height), noise, 0.2).save(buffer, "PNG")
    return buffer.getvalue()


# --- HTML ----------------------------------------------------------------------------------------


async def test_a_page_holds_the_words_and_the_pictures_and_asks_for_nothing(
    backends: Backends,
) -> None:
    large = await backends.store.put(photograph(1600, 900), alt="a lighthouse")
    small = await backends.store.put(png_bytes(), display_name="sea.png")
    page = await html(
        backends,
        said(text("Draw a lighthouse"), shown(small), role="user"),
        said({"type": "step-start"}, shown(large), text("Here it is.\n灯台")),
        title="A lighthouse",
    )
    assert page.words[-8:] == [
        *("Begun 2026-11-22 12:00 UTC", "You", "Draw a lighthouse", "sea.png"),
        *("Assistant", "a lighthouse", "Here it is.\n灯台", "Saved with Coatcheck."),
    ]
    (first, second) = page.media()
    assert first == ("image/png", png_bytes())
    assert second[0] == "image/webp"
    assert Image.open(io.BytesIO(second[1])).width == WIDTH
    assert len(second[1]) < large.size / 4
    alts = [image["alt"] for image in page.all("img")]
    assert alts == ["sea.png", "a lighthouse"]
    assert page.all("img")[1]["width"] == str(WIDTH)
    policy = next(meta for meta in page.all("meta") if "http-equiv" in meta)
    assert policy["content"] == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    for tag in ("script", "link", "iframe", "a"):
        assert page.all(tag) == []


async def test_an_export_does_not_wait_for_ever_for_a_busy_renderer(
    backends: Backends, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every worker stays busy and nothing may wait: the thumbnail stands in for the picture."""
    large = await backends.store.put(photograph(1600, 900), alt="a lighthouse")
    assert isinstance(backends.shrinker, ImagingPool)
    monkeypatch.setattr(backends.shrinker, "_max_renditions_waiting", 0)
    monkeypatch.setattr(exporting, "_PAUSE_SECONDS", 0.001)
    async with AsyncExitStack() as stack:
        for _ in range(Settings.model_fields["workers"].default):
            pool = backends.shrinker._pool
            await stack.enter_async_context(pool._turns.place(pool._common, max_waiting=0))
        with pytest.raises(OverloadedError):
            record = await backends.store.record(large.id)
            await backends.store.variant(record, VariantSpec(1024, "webp"))
        with anyio.fail_after(60):
            page = await html(backends, said(shown(large)))
    ((media_type, content),) = page.media()
    thumbnail = await backends.store.thumbnail(large.id)
    assert (media_type, content) == ("image/webp", thumbnail.data)


async def test_originals_are_embedded_bit_for_bit_and_files_as_links(backends: Backends) -> None:
    contents = [photograph(1100, 40), png_bytes(), SVG, b"%PDF-1.7 " + bytes(500), gif_frames(3)]
    references = [
        await backends.store.put(content, display_name=f"{number}.bin")
        for number, content in enumerate(contents)
    ]
    page = await html(backends, said(*map(shown, references)), originals=True)
    embedded = [content for _, content in page.media()]
    assert sorted(embedded) == sorted(contents)
    assert [link["download"] for link in page.all("a")] == ["3.bin"]


async def test_without_originals_a_file_is_named_and_a_drawing_is_drawn(backends: Backends) -> None:
    report = await backends.store.put(b"%PDF-1.7", display_name="report.pdf")
    drawing = await backends.store.put(SVG, alt="a square")
    page = await html(backends, said(shown(report), shown(drawing)))
    assert "report.pdf (application/pdf, 8 bytes)" in page.words
    ((media_type, content),) = page.media()
    assert media_type == "image/webp"
    assert b"script" not in content


async def test_everything_that_was_said_is_escaped(backends: Backends) -> None:
    reference = await backends.store.put(png_bytes())
    forged = reference.to_stored() | {"alt": HOSTILE, "displayName": HOSTILE}
    named = await backends.store.put(b"%PDF-1.7", display_name=HOSTILE, alt=HOSTILE)
    page = await html(
        backends,
        said(text(HOSTILE), role="user"),
        said(media_part(HOSTILE, ready(forged)), text(HOSTILE), role=HOSTILE),
        said(media_part("p", {"state": "failed", "error": {"code": "x", "message": HOSTILE}})),
        said({"type": "tool-x", "errorText": HOSTILE, "toolCallId": HOSTILE}),
        said(shown(named)),
        title=HOSTILE,
        originals=True,
    )
    assert page.all("script") == []
    assert len(page.all("img")) == 1
    assert len(page.all("style")) == 1
    assert len(page.all("a")) == 1
    assert not any("onerror" in attributes for _, attributes in page.elements)
    assert sum(HOSTILE[:30] in words for words in page.words) >= 5


async def test_what_is_no_finished_picture_is_told_or_left_out(backends: Backends) -> None:
    page = await html(
        backends,
        said(
            media_part("p", failed(GenerationError("No paint."))),
            media_part("q", pending(width=1, height=1, alt="pending")),
            {"type": "tool-plot", "state": "output-error", "errorText": "No expression."},
            {"type": "reasoning", "text": "a thought"},
            {"type": "data-other", "data": "x"},
            {"type": "tool-other", "output": [1, 2]},
            {"type": "tool-other", "output": {"data": {"imageReference": "not one"}}},
        ),
    )
    assert {"No paint.", "No expression."} <= set(page.words)
    assert "a thought" not in page.words
    assert page.media() == []


async def test_a_tools_picture_is_shown_once_and_also_without_a_part_of_its_own(
    backends: Backends,
) -> None:
    drawn = await backends.store.put(png_bytes(seed=1))
    alone = await backends.store.put(png_bytes(seed=2))

    def tool(reference: MediaReference) -> dict[str, Any]:
        return {
            "type": "tool-generate_image",
            "output": {"success": True, "data": {"imageReference": reference.to_stored()}},
        }

    page = await html(backends, said(tool(drawn), shown(drawn), shown(drawn), tool(alone)))
    assert [content for _, content in page.media()] == [png_bytes(seed=1), png_bytes(seed=2)]


async def test_a_picture_that_is_gone_or_another_owners_is_said_to_be_missing(
    backends: Backends,
) -> None:
    gone = await backends.store.put(png_bytes(seed=1))
    bobs = await backends.store.put(png_bytes(seed=2), owner="bob")
    adas = await backends.store.put(png_bytes(seed=3), owner="ada")
    await backends.store.delete(gone.id)
    message = said(shown(gone), shown(bobs), shown(adas), text("after"))
    page = await html(backends, message, owner="ada")
    assert [content for _, content in page.media()] == [png_bytes(seed=3)]
    told = [words for words in page.words if "missing" in words]
    assert told == ["A picture is missing here. There is no media under this id."] * 2
    assert "after" in page.words


async def test_a_damaged_blob_does_not_end_the_page(backends: Backends, data: Path) -> None:
    lost = await backends.store.put(photograph(64, 64))
    name = lost.digest.removeprefix("sha-256:")
    await anyio.Path(data / "blobs" / name[:2] / name[2:4] / name).unlink()
    page = await html(backends, said(shown(lost), text("after")))
    assert any("damaged" in words for words in page.words)
    assert "after" in page.words


async def test_a_large_original_is_never_in_memory_as_a_whole(
    backends: Backends, tmp_path: Path
) -> None:
    path = tmp_path / "large.zip"
    with path.open("wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(40 * 1024 * 1024)
    reference = await backends.store.put(path)
    conversation = ConversationRecord(id="c", title="t", created_at=NOON, updated_at=NOON)
    export = HtmlExport(backends.store, owner=None, originals=True)
    tracemalloc.start()
    written = 0
    async for piece in export.write(conversation, each(said(shown(reference)))):
        written += len(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert written > 40 * 1024 * 1024 * 4 // 3
    assert peak < 3 * 1024 * 1024


# --- JSON lines ----------------------------------------------------------------------------------


async def test_each_line_is_a_message_as_it_is_kept() -> None:
    messages = [said(text("灯台 \u2028 \n 😀")), said(text("half \ud800")), {"id": "x"}]
    lines = b"".join([line async for line in as_json_lines(each(*messages))]).split(b"\n")
    assert lines.pop() == b""
    assert [json.loads(line) for line in lines] == messages
    assert "灯台".encode() in lines[0] or b"\\u706f" in lines[0]


async def test_an_export_that_is_left_in_the_middle_ends_what_it_reads() -> None:
    ended = False

    async def endless() -> AsyncGenerator[Mapping[str, Any]]:
        nonlocal ended
        try:
            while True:
                yield said(text("more"))
        finally:
            ended = True

    lines: AsyncIterator[bytes] = as_json_lines(endless())
    assert isinstance(lines, AsyncGenerator)
    await anext(lines)
    await lines.aclose()
    assert ended
