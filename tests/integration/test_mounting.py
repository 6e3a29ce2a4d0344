"""The examples of `docs/how-to/mount.md`, served: the media endpoint under each framework."""

import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

import httpx
import pytest
from starlette.types import ASGIApp

from tests.media import png_bytes
from tests.serving import serving

pytestmark = pytest.mark.anyio

PAGE: Final = Path(__file__).parents[2] / "docs" / "how-to" / "mount.md"
UNKNOWN: Final = "9188cc90-b172-47e9-b493-4e22175bd478"
EXAMPLE: Final = re.compile(
    r"^## (?P<name>\w+)\n.*?^```python\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL
)
EXAMPLES: Final = {match["name"]: match["code"] for match in EXAMPLE.finditer(PAGE.read_text())}


@pytest.fixture(params=EXAMPLES)
def app(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ASGIApp]:
    """The application of an example, run as a module: Django looks its URLs up by module name."""
    monkeypatch.chdir(tmp_path)
    module = ModuleType(f"mounted_under_{request.param}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    exec(compile(EXAMPLES[request.param], PAGE.name, "exec"), module.__dict__)  # noqa: S102
    yield module.__dict__["app"]
    root.handlers[:] = handlers  # Litestar sets up logging for the whole process
    root.setLevel(level)


def test_the_page_has_an_example_for_each_framework() -> None:
    assert list(EXAMPLES) == ["FastAPI", "Starlette", "Litestar", "Django"]


async def test_media_is_served_under_it(app: ASGIApp) -> None:
    content = png_bytes(300, 200)
    async with (
        serving(app) as address,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=30) as client,
    ):
        stored = await client.post("/api/media/upload", content=content)
        assert stored.status_code == 201, stored.text
        form = stored.json()
        assert stored.headers["location"] == form["id"]
        described = await client.get(httpx.URL(stored.url).join(stored.headers["location"]))
        assert described.json() == form

        original = await client.get(form["url"])
        assert (original.status_code, original.content) == (200, content)
        assert original.headers["cache-control"].endswith("immutable")
        assert original.headers["server-timing"].startswith("total;dur=")
        thumbnail = await client.get(form["thumbnailUrl"])
        assert (thumbnail.status_code, thumbnail.headers["content-type"]) == (200, "image/webp")
        variant = await client.get(form["url"], params={"w": 64, "format": "jpeg"})
        assert (variant.status_code, variant.headers["content-type"]) == (200, "image/jpeg")
        part = await client.get(form["url"], headers={"range": "bytes=1-3"})
        assert (part.status_code, part.content) == (206, content[1:4])
        seen = await client.get(form["url"], headers={"if-none-match": original.headers["etag"]})
        assert (seen.status_code, seen.content) == (304, b"")
        headed = await client.head(form["url"])
        assert headed.headers["content-length"] == str(len(content))

        for missing in (f"image/{UNKNOWN}", UNKNOWN, "image/a/b", "%2e%2e/x"):
            answer = await client.get(f"/api/media/{missing}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        empty = await client.post("/api/media/upload", content=b"")
        assert (empty.status_code, empty.json()["code"]) == (400, "empty_media")
        assert (await client.delete(f"/api/media/{form['id']}")).status_code == 204
        assert (await client.get(form["url"])).status_code == 404
