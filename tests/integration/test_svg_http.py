"""SVG, documents and polyglots over a real server: nothing of them runs in our origin."""

import base64
import os
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.routing import Mount

from coatcheck.delivery import media_app
from coatcheck.delivery.conditional import presentation
from coatcheck.mediatype import ALLOWED_TYPES
from coatcheck.opening import Backends, open_backends
from coatcheck.options import StoreOptions
from coatcheck.store import MediaStore
from coatcheck.variants import LADDER
from tests.media import image_bytes
from tests.serving import asking_media, serving

pytestmark = pytest.mark.anyio

NS = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
MAGENTA = (255, 0, 255)
SANDBOX = "default-src 'none'; sandbox"
REFERENCE = Path(__file__).parents[2] / "docs/reference/http.md"

HOSTILE = f"""<svg {NS} width="300" height="150" onload="alert(1)">
  <script>alert(1)</script><script href="https://evil.example/x.js"/>
  <style>@import url(https://evil.example/x.css);</style>
  <foreignObject width="9" height="9">
    <body xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></body>
  </foreignObject>
  <image href="https://evil.example/x.png" width="300" height="150"/>
  <rect width="150" height="150" fill="#f0f"/>
</svg>""".encode()


@pytest.fixture(params=["cold", "warm"])
async def client(
    store: MediaStore, request: pytest.FixtureRequest
) -> AsyncIterator[httpx.AsyncClient]:
    async with asking_media(media_app(store), request.param) as opened:
        yield opened


async def connect(stack: AsyncExitStack, store: MediaStore) -> httpx.AsyncClient:
    app = Starlette(routes=[Mount("/api/media", media_app(store))])
    address = await stack.enter_async_context(serving(app))
    client = httpx.AsyncClient(base_url=f"http://{address}/api/media", timeout=60)
    return await stack.enter_async_context(client)


def svg(body: str, size: str = 'width="64" height="64"') -> bytes:
    return f"<svg {NS} {size}>{body}</svg>".encode()


def kept_files(data: Path) -> list[Path]:
    """Files below the data directory but SQLite's own, which come and go."""
    found = (path for path in data.rglob("*") if not path.name.startswith("catalog."))
    return sorted(path for path in found if path.is_file())


def assert_harmless(response: httpx.Response, media_type: str, disposition: str) -> None:
    assert response.status_code == 200
    assert response.headers["content-type"] == media_type
    assert response.headers["content-disposition"].startswith(f"{disposition}; filename=")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-security-policy"] == SANDBOX


async def assert_refused(
    client: httpx.AsyncClient, backends: Backends, data: Path, content: bytes, code: str
) -> None:
    """With a precise answer, and nothing of it stays."""
    before = kept_files(data)
    for name in ("x.svg", "x.txt"):
        response = await client.post("/upload", params={"filename": name}, content=content)
        assert response.status_code == 422, response.text
        assert response.json()["code"] == code
        assert response.headers["cache-control"] == "no-store"
    assert kept_files(data) == before
    assert await backends.store.blob_count() == 0


# --- attack 17 -----------------------------------------------------------------------------------


async def test_17_the_original_is_only_ever_a_file(client: httpx.AsyncClient) -> None:
    answer = await client.post("/upload", params={"filename": "logo.svg"}, content=HOSTILE)
    assert answer.status_code == 201, answer.text
    ui = answer.json()
    assert (ui["mimeType"], ui["width"], ui["height"]) == ("image/svg+xml", 300, 150)
    assert (ui["displayName"], ui["variants"]) == ("logo.svg", list(LADDER))
    for query in ("", "?download=true", "?download=false", "?thumbnail=false"):
        for method in ("GET", "HEAD"):
            response = await client.request(method, f"/image/{ui['id']}{query}")
            assert_harmless(response, "image/svg+xml", "attachment")
            assert response.headers["content-disposition"] == 'attachment; filename="logo.svg"'
    assert (await client.get(f"/image/{ui['id']}")).content == HOSTILE
    part = await client.get(f"/image/{ui['id']}", headers={"Range": "bytes=0-9"})
    assert part.status_code == 206
    assert part.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("query", "kind", "size"),
    [
        ("thumbnail=true", "webp", (256, 128)),
        ("w=512&format=png", "png", (512, 256)),
        ("w=2000&format=webp", "webp", (2048, 1024)),  # sharp at any size, up to the ladder's top
        ("w=64", "webp", (64, 32)),
        ("format=jpeg", "jpeg", (300, 150)),
        ("w=128&format=avif", "avif", (128, 64)),
    ],
)
async def test_17_what_is_shown_is_pixels(
    client: httpx.AsyncClient, store: MediaStore, query: str, kind: str, size: tuple[int, int]
) -> None:
    reference = await store.put(HOSTILE)
    response = await client.get(f"/image/{reference.id}?{query}")
    assert_harmless(response, f"image/{kind}", "inline")
    with Image.open(BytesIO(response.content)) as image:
        assert image.size == size
        red, green, blue = image.convert("RGB").getpixel((size[0] // 4, size[1] // 2))  # type: ignore[misc]
    assert min(red, blue) > 230
    assert green < 25


async def test_17_no_file_of_the_server_is_drawn(client: httpx.AsyncClient, tmp_path: Path) -> None:
    planted = tmp_path / "secret.png"
    Image.new("RGB", (8, 8), MAGENTA).save(planted)
    nested = base64.b64encode(svg(f'<image href="{planted}" width="64" height="64"/>')).decode()
    hrefs = [
        str(planted),
        planted.as_uri(),
        os.path.relpath(planted),
        f"data:image/svg+xml;base64,{nested}",
        f"data:image/png;base64,{nested}",
    ]
    body = "".join(
        f'<image {name}="{href}" width="64" height="64"/>'
        for href in hrefs
        for name in ("href", "xlink:href")
    )
    answer = await client.post("/upload", params={"filename": "x.svg"}, content=svg(body))
    assert answer.status_code == 201
    for query in ("thumbnail=true", "w=64&format=png"):
        response = await client.get(f"/image/{answer.json()['id']}?{query}")
        with Image.open(BytesIO(response.content)) as image:
            drawn = {color for _, color in image.convert("RGBA").getcolors(65_536) or []}
        assert drawn == {(0, 0, 0, 0)}


LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))


@pytest.mark.parametrize(
    "prologue",
    [
        f'<!DOCTYPE svg [<!ENTITY l0 "ha">{LAUGHS}]>',
        '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY l9 SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE lies [<!ENTITY l9 SYSTEM "http://127.0.0.1:1/">]><!-- -->',
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/TR/svg11.dtd">',
    ],
)
async def test_17_a_document_type_is_refused_by_name(
    client: httpx.AsyncClient, backends: Backends, data: Path, prologue: str
) -> None:
    content = prologue.encode() + svg("<text>&l9;</text>")
    await assert_refused(client, backends, data, content, "unprocessable_media")
    answer = await client.post("/upload", content=content)
    assert "<!DOCTYPE" in answer.json()["detail"]


async def test_17_a_huge_canvas_is_refused(
    client: httpx.AsyncClient, backends: Backends, data: Path
) -> None:
    """Attacks 8 and 10."""
    for size in ('width="1e6" height="1e6"', 'width="1e30" height="1"'):
        await assert_refused(client, backends, data, svg("", size), "pixel_budget_exceeded")


@pytest.mark.parametrize(
    "content",
    [
        svg("<g>"),
        svg("&nbsp;"),
        svg("<svg>" * 5000 + "</svg>" * 5000),
        svg("<g/>" * 100_001),
        svg("\x0c"),
        svg("").replace(b"2000/svg", b"1999/xhtml"),
    ],
    ids=["cut", "entity", "deep", "many", "control", "other namespace"],
)
async def test_17_what_is_no_drawing_is_refused(
    client: httpx.AsyncClient, backends: Backends, data: Path, content: bytes
) -> None:
    await assert_refused(client, backends, data, content, "unprocessable_media")


async def test_17_a_bomb_ends_a_worker_and_not_the_server(data: Path) -> None:
    """Attacks 15 and 17: a pattern of patterns of patterns, and a <use> of ten <use>s."""
    patterns = "".join(
        f'<pattern id="p{n}" width="1" height="1">'
        + f'<rect width="200" height="200" fill="url(#p{n + 1})"/>' * 10
        + "</pattern>"
        for n in range(12)
    )
    bombs = [
        svg(f'{patterns}<rect width="200" height="200" fill="url(#p0)"/>'),
        svg(
            "".join(f'<g id="u{n}">' + f'<use href="#u{n + 1}"/>' * 10 + "</g>" for n in range(12))
            + '<rect id="u12"/>'
        ),
    ]
    async with AsyncExitStack() as stack:
        backends = await stack.enter_async_context(
            open_backends(StoreOptions(data=data, workers=1))
        )
        client = await connect(stack, backends.store)
        for bomb in bombs:
            before = kept_files(data)
            answer = await client.post("/upload", content=bomb)
            assert (answer.status_code, answer.json()["code"]) == (422, "unprocessable_media")
            assert kept_files(data) == before
        assert (await client.post("/upload", content=svg("<rect/>"))).status_code == 201
        assert (await client.post("/upload", content=image_bytes("png"))).status_code == 201


# --- attack 18 -----------------------------------------------------------------------------------

HTML = b"<!--*/=1;/*--><html><body onload=alert(1)><script>alert(1)</script></html>"
DOCUMENTS = [
    (HTML, "text/plain"),
    (b"<!DOCTYPE html><html><svg><script>alert(1)</script></svg></html>", "text/plain"),
    (b"<?xml version='1.0'?><x:script xmlns:x='http://www.w3.org/1999/xhtml'/>", "text/plain"),
    (
        b"<?xml version='1.0'?><xsl:stylesheet xmlns:xsl='urn:x'><svg/></xsl:stylesheet>",
        "text/plain",
    ),
    (b"alert(1)//<html>", "text/plain"),
    (b"MIME-Version: 1.0\nContent-Type: text/html\n\n<script>alert(1)</script>", "text/plain"),
    ('<script>alert("+ADw-")</script>灯台'.encode(), "text/plain"),
]
FILES = [
    (b'{"__proto__": "<script>alert(1)</script>"}', "application/json"),
    (
        b"%PDF-1.7\n1 0 obj <</S/JavaScript/JS(app.alert(1))>> endobj <script>alert(1)</script>",
        "application/pdf",
    ),
    (b"PK\x03\x04" + bytes(40) + b"<script>alert(1)</script>", "application/zip"),
]


@pytest.mark.parametrize(
    ("content", "media_type", "shown", "disposition"),
    [
        *((content, kind, f"{kind}; charset=utf-8", "inline") for content, kind in DOCUMENTS),
        *((content, kind, kind, "attachment") for content, kind in FILES),
    ],
)
@pytest.mark.parametrize("name", ["x.html", "x.svgx", "x.js", "x.xhtml", "x"])
async def test_18_what_a_browser_could_run_is_text_or_a_file(
    client: httpx.AsyncClient,
    content: bytes,
    media_type: str,
    shown: str,
    disposition: str,
    name: str,
) -> None:
    claims = {"content-type": "text/html"}  # believed by nobody
    answer = await client.post(
        "/upload", params={"filename": name}, content=content, headers=claims
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["mimeType"] == media_type
    response = await client.get(f"/image/{answer.json()['id']}")
    assert response.content == content
    assert_harmless(response, shown, disposition)


async def test_18_html_under_the_name_of_an_image_is_refused(
    client: httpx.AsyncClient, backends: Backends
) -> None:
    for content, _ in [*DOCUMENTS, *FILES]:
        answer = await client.post("/upload", params={"filename": "x.svg"}, content=content)
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert await backends.store.blob_count() == 0


async def test_18_a_picture_that_is_a_script_too_stays_a_picture(
    client: httpx.AsyncClient,
) -> None:
    # The width's two bytes open a comment, what follows the picture closes it: GIF89a/*…*/=1;…
    buffer = BytesIO()
    Image.new("P", (int.from_bytes(b"/*", "little"), 1)).save(buffer, "gif")
    polyglot = buffer.getvalue() + b"*/=1;alert(1)//<svg onload=alert(1)>"
    assert re.fullmatch(rb"GIF8[79]a/\*.*\*/=1;alert.*", polyglot, re.DOTALL)
    for name in ("x.js", "x.svg", "x.html"):
        answer = await client.post("/upload", params={"filename": name}, content=polyglot)
        assert answer.json()["mimeType"] == "image/gif"
        response = await client.get(f"/image/{answer.json()['id']}")
        assert_harmless(response, "image/gif", "inline")


def test_18_every_type_is_documented_as_it_is_served() -> None:
    row = re.compile(r"^\| (`[a-z]+/.*) \| (.*) \| `(inline|attachment)` \|$", re.MULTILINE)
    documented = {
        media_type: (media_type if shown == "the same" else shown.strip("`"), disposition)
        for types, shown, disposition in row.findall(REFERENCE.read_text("utf-8"))
        for media_type in re.findall(r"`([^`]+)`", types)
    }
    assert documented == {media_type: presentation(media_type) for media_type in ALLOWED_TYPES}
    assert presentation("text/html") == ("text/html", "attachment")
