"""What of an SVG is drawn, how large, and what never is."""

import base64
import io
import os
import re
import resource
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import resvg_py
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from coatcheck.errors import CoatcheckError, MediaTooLargeError, PixelBudgetError
from coatcheck.errors import UnprocessableMediaError as Unprocessable
from coatcheck.imaging import ImagingPool
from coatcheck.imaging.cleaning import (
    _ELEMENTS,
    MAX_DEPTH,
    MAX_ELEMENTS,
    MAX_SVG_BYTES,
    clean,
    element,
)
from coatcheck.imaging.operations import inspect, render
from coatcheck.imaging.vector import (
    CPU_SECONDS,
    DEFAULT_EDGE,
    MAX_RASTER_EDGE,
    MAX_RASTER_PIXELS,
    Drawing,
    rasterize,
    read_drawing,
)
from coatcheck.workers import WorkerLimits
from tests.media import image_bytes, on_file

NS = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
BUDGET = 50_000_000
MAGENTA = (255, 0, 255, 255)
CLEAR = (0, 0, 0, 0)


def svg(body: str = "", attributes: str = 'width="64" height="64"') -> bytes:
    return f"<svg {NS} {attributes}>{body}</svg>".encode()


def cleaned(body: str, attributes: str = "") -> str:
    result = clean(svg(body, attributes))
    return element("svg", result.attributes, result.body)


def drawing_of(content: bytes, folder: Path) -> Drawing:
    path = folder / "x.svg"
    path.write_bytes(content)
    with path.open("rb") as file:
        return read_drawing(file.fileno())


def pixels(content: bytes, folder: Path, size: tuple[int, int] = (64, 64)) -> Image.Image:
    image = Image.open(io.BytesIO(rasterize(drawing_of(content, folder), size)))
    return image.convert("RGBA")


def magenta_png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), MAGENTA[:3]).save(buffer, "png")
    return buffer.getvalue()


# --- what is kept --------------------------------------------------------------------------------


def test_a_drawing_is_drawn(tmp_path: Path) -> None:
    body = """
      <defs>
        <linearGradient id="g"><stop stop-color="#f0f"/></linearGradient>
        <rect id="r" width="32" height="32"/>
      </defs>
      <style><![CDATA[.left > rect, .b { fill: url(#g) }]]></style>
      <rect class="b" width="32" height="32"/>
      <use xlink:href="#r" x="32" style="fill: url('#g')"/>
      <a href="https://example.com/"><use href=" #r " y="32" fill="url( #g )"/></a>"""
    image = pixels(svg(body), tmp_path)
    assert [image.getpixel(at) for at in ((9, 9), (40, 9), (9, 40))] == [MAGENTA] * 3
    assert image.getpixel((40, 40)) == CLEAR


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp"])
def test_an_embedded_raster_image_is_drawn(tmp_path: Path, kind: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (250, 10, 10)).save(buffer, kind)
    data = base64.encodebytes(buffer.getvalue()).decode()  # with line breaks, as editors write it
    image = pixels(svg(f'<image href="data:image/{kind};base64,{data}" width="64"/>'), tmp_path)
    red, green, _, alpha = image.getpixel((30, 30))  # type: ignore[misc]
    assert red > 240
    assert green < 20
    assert alpha == 255


def test_letters_are_drawn_if_the_system_has_a_font(tmp_path: Path) -> None:
    plain = svg('<text y="50" font-size="50">M</text>')
    assert drawing_of(plain, tmp_path).svg.has_text
    assert not drawing_of(svg("<rect/>"), tmp_path).svg.has_text
    pixels(plain, tmp_path)  # no font, no letters, and no failure either


def test_a_document_without_the_namespace_is_drawn_all_the_same(tmp_path: Path) -> None:
    content = b'<svg width="64" height="64"><rect width="64" height="64" fill="#f0f"/></svg>'
    assert pixels(content, tmp_path).getpixel((9, 9)) == MAGENTA


def test_a_prefixed_document_is_drawn(tmp_path: Path) -> None:
    content = (
        b'<?xml version="1.0" encoding="ISO-8859-1"?><!-- \xe9 -->'
        b'<svg:svg xmlns:svg="http://www.w3.org/2000/svg" width="9" height="9">'
        b'<svg:rect width="64" height="64" fill="#f0f"/></svg:svg>'
    )
    assert pixels(content, tmp_path).getpixel((9, 9)) == MAGENTA


def test_markup_in_a_value_stays_a_value() -> None:
    again = cleaned('<text id="&quot;&gt;&lt;script&gt;">&lt;script&gt;&amp;amp;</text>')
    (text,) = ET.fromstring(again)  # noqa: S314 - what was cleaned here
    assert text.get("id") == '"><script>'
    assert text.text == "<script>&amp;"


# --- attack 17: what is dropped ------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "<g><script href='data:text/javascript,alert(1)'/></g>",
        "<foreignObject><p xmlns='http://www.w3.org/1999/xhtml'>alert(1)</p></foreignObject>",
        "<html xmlns='http://www.w3.org/1999/xhtml'><script>alert(1)</script></html>",
        "<SCRIPT>alert(1)</SCRIPT>",
        "<x:script xmlns:x='urn:x'>alert(1)</x:script>",
        "<rect onload='alert(1)' onclick='alert(1)' OnError='alert(1)'/>",
        "<a href='javascript:alert(1)' xlink:href='JaVaScRiPt:alert(1)'><rect/></a>",
        "<a><set attributeName='href' to='javascript:alert(1)'/></a>",
        "<a><animate attributeName='href' values='javascript:alert(1)'/></a>",
        "<handler xmlns='http://www.w3.org/2001/xml-events'>alert(1)</handler>",
        "<iframe src='javascript:alert(1)'/><image src='javascript:alert(1)'/>",
        "<?xml-stylesheet href='javascript:alert(1)'?>",
        "<metadata>alert(1)</metadata><title>alert(1)</title>",
    ],
)
def test_17_nothing_that_runs_is_left(body: str) -> None:
    assert "alert" in body
    assert "alert" not in cleaned(body).lower()
    assert "script" not in cleaned(body).lower()


def test_17_an_event_handler_of_the_root_is_dropped() -> None:
    assert "alert" not in cleaned("", 'onload="alert(1)"')


@pytest.mark.parametrize(
    "body",
    [
        "<image href='{0}' width='64' height='64'/>",
        "<image xlink:href=' {0}' width='64' height='64'/>",
        "<image href='#a' xlink:href='{0}' width='64' height='64'/>",
        "<use href='{0}#a'/>",
        "<filter id='f'><feImage href='{0}'/></filter><rect filter='url(#f)'/>",
        "<rect fill='url({0}#a)'/>",
        "<rect fill='URL( \"{0}\" )'/>",
        "<rect style='fill: url({0}#a); stroke: red'/>",
        "<rect style='fill: u\\72l({0})'/>",
        "<rect style='mask: url({0}'/>",
        "<style>@import '{0}'; rect {{ fill: url({0}#a) }}</style><rect/>",
        "<style>@ImPoRt url({0})</style><rect/>",
        "<style>@imp\\6frt '{0}'</style><rect/>",
        "<style>@import <![CDATA[url({0})]]></style><rect/>",
        "<style>@font-face {{ src: url( '{0}' ) }}</style><rect/>",
        "<g xml:base='{0}'><use href='#a'/></g>",
        "<linearGradient href='{0}#g'/>",
        "<textPath href='{0}#p'/>",
    ],
)
@pytest.mark.parametrize(
    "target", ["http://evil.example/x", "//evil.example/x", "file:///etc/hostname", "../../x", "x"]
)
def test_17_no_reference_leaves_the_document(body: str, target: str) -> None:
    marked = target + "MARK"
    assert "MARK" in body.format(marked)
    assert "MARK" not in cleaned(body.format(marked))


@pytest.mark.parametrize(
    "target",
    [
        "{path}",
        "file://{path}",
        "{relative}",
        "#/../{path}",
        "data:image/svg+xml;base64,{nested}",
        "data:image/png;base64,{nested}",
        "data:text/plain;base64,{nested}",
        "DATA:image/svg+xml;base64,{nested}",
    ],
)
def test_17_a_file_of_the_machine_is_never_drawn(tmp_path: Path, target: str) -> None:
    planted = tmp_path / "secret.png"
    planted.write_bytes(magenta_png())
    nested = svg(f'<image href="{planted}" width="64" height="64"/>')
    href = target.format(
        path=planted,
        relative=os.path.relpath(planted),
        nested=base64.b64encode(nested).decode(),
    )
    body = (
        f'<image href="{href}" width="64" height="64"/>'
        f'<image xlink:href="{href}" width="64" height="64"/>'
        f'<filter id="f"><feImage href="{href}"/></filter>'
        '<rect width="64" height="64" filter="url(#f)"/>'
    )
    drawn = {color for _, color in pixels(svg(body), tmp_path).getcolors(4096) or []}
    assert MAGENTA not in drawn


@pytest.mark.parametrize("name", ["image", "feImage"])
def test_17_an_image_is_no_file_in_the_working_directory(name: str) -> None:
    """resvg takes every reference of an image that is no data for a path."""
    assert "#a" not in cleaned(f'<{name} href="#a"/>')
    assert "#a" in cleaned('<use href="#a"/>')


@pytest.mark.parametrize(
    "media_type", ["image/svg+xml", "image/png", "text/plain", "", "image/png;charset=utf-8"]
)
@pytest.mark.parametrize(
    "inner", [svg("<rect/>"), b"\x1f\x8b\x08 gzip", b"%PDF-1.7", image_bytes("avif"), b"text"]
)
def test_17_what_is_embedded_is_a_raster_image_whatever_it_is_called(
    media_type: str, inner: bytes
) -> None:
    data = base64.b64encode(inner).decode()
    assert "href" not in cleaned(f'<image href="data:{media_type};base64,{data}"/>')
    plain = base64.b64encode(image_bytes("gif")).decode()
    kept = cleaned(f'<image href="data:{media_type};base64,{plain}"/>')
    assert f'href="data:image/gif;base64,{plain}"' in kept


def test_17_the_color_of_the_planted_file_would_have_been_seen(tmp_path: Path) -> None:
    """The test before this one would fail without the cleaning: resvg reads files."""
    (tmp_path / "secret.png").write_bytes(magenta_png())
    told = drawing_of(svg(), tmp_path)
    body = f'<image href="{tmp_path}/secret.png" width="64" height="64"/>'
    careless = Drawing(
        type(told.svg)(told.svg.attributes, body, has_text=False),
        told.view,
        told.width,
        told.height,
    )
    image = Image.open(io.BytesIO(rasterize(careless, (64, 64)))).convert("RGBA")
    assert image.getpixel((30, 30)) == MAGENTA


LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))


@pytest.mark.parametrize(
    "declaration",
    [
        f'<!DOCTYPE svg [<!ENTITY l0 "ha">{LAUGHS}]>',
        '<!DOCTYPE svg [<!ENTITY l9 SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE svg [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x.dtd"> %p;]>',
        '<!DOCTYPE svg SYSTEM "http://127.0.0.1:1/x.dtd">',
        "<!DOCTYPE svg>",
    ],
)
def test_17_a_document_type_is_refused_before_any_entity(declaration: str) -> None:
    content = f"{declaration}<svg {NS}><text>&l9;</text></svg>".encode()
    with pytest.raises(Unprocessable, match="document type"):
        clean(content)


def test_17_an_entity_that_nobody_defines_is_an_error() -> None:
    with pytest.raises(Unprocessable, match="well-formed"):
        clean(svg("&nbsp;"))


# --- size, depth and number ----------------------------------------------------------------------


def test_too_long_a_document_is_refused_unparsed() -> None:
    with pytest.raises(MediaTooLargeError):
        clean(b"<" * (MAX_SVG_BYTES + 1))


def test_too_many_elements_are_refused_also_where_they_are_dropped() -> None:
    clean(svg("<g/>" * (MAX_ELEMENTS - 1)))
    for body in ("<g/>" * MAX_ELEMENTS, f"<script>{'<g/>' * MAX_ELEMENTS}</script>"):
        with pytest.raises(Unprocessable, match="elements"):
            clean(svg(body))


@pytest.mark.parametrize("name", ["g", "svg", "script"])
def test_too_deep_a_nesting_is_refused(name: str) -> None:
    def nested(depth: int) -> bytes:
        return svg(f"<{name}>" * depth + f"</{name}>" * depth)

    clean(nested(MAX_DEPTH - 1))
    for depth in (MAX_DEPTH, 100_000):
        with pytest.raises(Unprocessable, match="deep"):
            clean(nested(depth))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        b"<svg",
        b"<svg>",
        b"<svg></svg><svg></svg>",
        b"<html><svg/></html>",
        b"<svg xmlns='http://www.w3.org/1999/xhtml'/>",
        b"<g xmlns='http://www.w3.org/2000/svg'/>",
        b"<svg a='1' a='2'/>",
        b"<x:svg/>",
        b"<?xml version='1.0' encoding='utf-7'?><svg/>",
        b"<?xml version='1.0' encoding='idna'?><svg/>",
        b"<?xml version='1.0' encoding='no-such'?><svg/>",
        b"<svg>\x00</svg>",
        b"<svg>\xff</svg>",
        b"<svg>&#0;</svg>",
        b"GIF89a<svg/>",
    ],
)
def test_what_is_no_svg_is_refused(content: bytes) -> None:
    with pytest.raises(Unprocessable):
        clean(content)


@given(st.text(st.sampled_from("<>/&;#\"'= svgrecthfimaul()[]!-?:@\\xn\n"), max_size=60))
@example("<style>@import</style>")
def test_cleaning_answers_any_document(body: str) -> None:
    try:
        again = cleaned(body)
    except CoatcheckError:
        return
    # What comes out is well-formed, and cleaning it again changes nothing.
    assert clean(again.encode()).body == clean(svg(body)).body


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("url(" + " " * 1_000_000, "none"),
        ("url(#" * 200_000, "url(#" * 200_000),
        ("@import" * 100_000, ""),
        ("\\" * 100_000, ""),
    ],
)
def test_hostile_styles_are_cleaned_in_one_pass(text: str, kept: str) -> None:
    # At this length, going over it again for each character would take hours.
    assert clean(svg(f"<style>{text}</style>")).body == f"<style>{kept}</style>"


def test_every_element_that_is_kept_is_spelled_as_svg_spells_it() -> None:
    assert all(re.fullmatch(r"a|g|[a-z]{3,}[A-Za-z]*|fe[A-Z]\w+", name) for name in _ELEMENTS)
    assert not {"script", "foreignObject", "animate", "set", "iframe"} & _ELEMENTS


# --- the intrinsic size --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('width="300" height="200"', (300, 200)),
        ('width=" 300px " height="2e2PX"', (300, 200)),
        ('width="72pt" height="1in"', (96, 96)),
        ('width="25.4mm" height="2.54cm"', (96, 96)),
        ('width="6pc" height=".4"', (96, 1)),
        ('width="300" height="200" viewBox="0 0 10 10"', (300, 200)),
        ('viewBox="0 0 24 24"', (1024, 1024)),
        ('viewBox="-5,-5 ,10  40"', (256, 1024)),
        ('width="100%" height="100%" viewBox="0 0 200 100"', (1024, 512)),
        ('width="10em" height="5ex" viewBox="0 0 200 100"', (1024, 512)),
        ('width="400" viewBox="0 0 200 100"', (400, 200)),
        ('height="400" viewBox="0 0 200 100"', (800, 400)),
        ("", (1024, 512)),
        ('width="400"', (1024, 512)),
        ('width="0" height="-5"', (1024, 512)),
        ('width="nan" height="inf"', (1024, 512)),
        ('width="٣" height="٣"', (1024, 512)),
        ('viewBox="0 0 0 10"', (1024, 512)),
        ('viewBox="0 0 10"', (1024, 512)),
        ('viewBox="0 0 1e400 1"', (1024, 512)),
    ],
)
def test_the_size_is_what_the_document_says_or_the_default(
    tmp_path: Path, attributes: str, size: tuple[int, int]
) -> None:
    drawing = drawing_of(svg("", attributes), tmp_path)
    assert (drawing.width, drawing.height) == size
    assert max(size) <= max(DEFAULT_EDGE, *size)


@pytest.mark.parametrize(
    "attributes",
    [
        'width="1000000" height="1000000"',
        'width="1e9" height="1"',
        'width="1e999" height="1e999"',
        'width="9999999999999999999999" height="1"',
        'width="1e9" viewBox="0 0 1 1000"',
        'height="1e9" viewBox="0 0 1e9 1e-9"',
    ],
)
def test_8_a_huge_canvas_is_refused_before_it_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attributes: str
) -> None:
    """Attacks 8 and 10."""
    monkeypatch.delattr(resvg_py, "svg_to_bytes")
    path = tmp_path / "x.svg"
    path.write_bytes(svg("", attributes))
    with pytest.raises(PixelBudgetError):
        on_file(inspect, path, media_type="image/svg+xml", max_pixels=BUDGET)


def test_the_budget_is_the_one_that_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.svg"
    path.write_bytes(svg("", 'width="100" height="100"'))
    on_file(inspect, path, media_type="image/svg+xml", max_pixels=10_000)
    with pytest.raises(PixelBudgetError, match="100×100"):
        on_file(inspect, path, media_type="image/svg+xml", max_pixels=9_999)


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 2048))
@example(1000, 7000, 2048)
def test_no_rendition_is_larger_than_what_is_drawn(width: int, height: int, wanted: int) -> None:
    """Attack 10."""
    drawing = Drawing(clean(svg()), (0, 0, 1, 1), width, height)
    for across, down in (drawing.at_width(wanted), drawing.within(256)):
        assert 1 <= across <= MAX_RASTER_EDGE
        assert 1 <= down <= MAX_RASTER_EDGE
        assert across * down <= MAX_RASTER_PIXELS + MAX_RASTER_EDGE  # each edge is rounded
    assert drawing.at_width(wanted)[0] <= wanted
    assert max(drawing.within(256)) == 256


@pytest.mark.parametrize("size", [(1, 1), (256, 1), (1, 256), (97, 256), (2048, 33), (1000, 999)])
@pytest.mark.parametrize("style", ["", "svg { width: 9000px; height: 7000px }"])
def test_the_raster_has_exactly_the_asked_size(
    tmp_path: Path, size: tuple[int, int], style: str
) -> None:
    content = svg(f"<style>{style}</style>", 'viewBox="0 0 7 3" style="width: 8000px"')
    assert pixels(content, tmp_path, size).size == size


# --- inspection and variants ---------------------------------------------------------------------


def look(content: bytes, folder: Path) -> tuple[dict[str, object], Image.Image]:
    path = folder / "x.svg"
    path.write_bytes(content)
    facts, data = on_file(inspect, path, media_type="image/svg+xml", max_pixels=BUDGET)
    return facts, Image.open(io.BytesIO(data))


def test_a_small_drawing_has_a_whole_thumbnail(tmp_path: Path) -> None:
    body = '<rect width="24" height="12" fill="#f0f"/>'
    facts, thumbnail = look(svg(body, 'width="24" height="12"'), tmp_path)
    assert (facts["width"], facts["height"], facts["frames"]) == (24, 12, 1)
    assert 5 <= len(base64.b64decode(str(facts["placeholder"]))) <= 25
    assert (thumbnail.format, thumbnail.size) == ("WEBP", (256, 128))


def test_transparency_survives(tmp_path: Path) -> None:
    body = '<rect width="32" height="64" fill="#f0f"/>'
    _, thumbnail = look(svg(body), tmp_path)
    image = thumbnail.convert("RGBA")
    assert image.getpixel((250, 128))[3] == 0  # type: ignore[index]
    assert image.getpixel((5, 128))[3] == 255  # type: ignore[index]


@pytest.mark.parametrize("kind", ["webp", "avif", "jpeg", "png"])
def test_a_variant_is_drawn_at_its_width(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.svg"
    path.write_bytes(svg('<rect width="5" height="10"/>', 'width="10" height="5"'))
    facts, data = on_file(render, path, media_type="image/svg+xml", width=1024, format=kind)
    image = Image.open(io.BytesIO(data))
    assert image.size == (facts["width"], facts["height"]) == (1024, 512)
    # A line that was enlarged from 10 pixels would be blurred over a hundred of them.
    line = [image.convert("RGBA").getpixel((x, 256)) for x in (508, 516)]
    assert line[0] != line[1]
    if kind == "jpeg":
        assert min(line[1][:3]) > 245  # type: ignore[index]


def test_a_raster_image_is_not_taken_for_a_drawing(tmp_path: Path) -> None:
    """Attack 12."""
    with pytest.raises(Unprocessable):
        look(image_bytes("png"), tmp_path)


# --- bombs, in a worker --------------------------------------------------------------------------


def chain(opening: str, link: str, closing: str, last: str, use: str) -> bytes:
    levels = [
        opening.format(n) + link.format(n + 1) * 10 + closing  # ten times ten times ten …
        for n in range(12)
    ]
    return svg("".join(reversed(levels)) + last.format(12) + use, 'width="200" height="200"')


RECT = '<rect width="200" height="200" {0}/>'
BOMBS = {
    "use": chain('<g id="l{}">', '<use href="#l{}"/>', "</g>", '<rect id="l{}"/>', ""),
    "pattern": chain(
        '<pattern id="l{}" width="1" height="1">',
        RECT.replace("{0}", 'fill="url(#l{})"'),
        "</pattern>",
        '<pattern id="l{}" width="1" height="1"><rect width="1" height="1"/></pattern>',
        RECT.format('fill="url(#l0)"'),
    ),
    "canvas of a pattern": svg(
        '<pattern id="p" width="1e8" height="1e8" patternUnits="userSpaceOnUse">'
        + RECT.format("")
        + "</pattern>"
        + RECT.format('fill="url(#p)"')
    ),
    "selectors": svg(
        f"<style>{''.join(f'.a{n} .b{n} {{ fill: red }}' for n in range(50_000))}</style>"
        + RECT.format("") * 50_000
    ),
}


@pytest.mark.anyio
@pytest.mark.parametrize("name", BOMBS)
async def test_17_a_bomb_ends_at_worst_its_worker(tmp_path: Path, name: str) -> None:
    """Attacks 15 and 17: the limits of CPU time and memory, not the wall clock, come first."""
    pool = ImagingPool(
        max_pixels=BUDGET,
        limits=WorkerLimits(processes=1, seconds=60, memory_bytes=1024**3),
    )
    bomb, fine = tmp_path / "bomb.svg", tmp_path / "fine.svg"
    bomb.write_bytes(BOMBS[name])
    fine.write_bytes(svg())
    with pytest.raises(Unprocessable):
        await pool.inspect(bomb, "image/svg+xml")
    assert (await pool.inspect(fine, "image/svg+xml")).width == 64
    await pool.aclose()


def test_17_drawing_has_a_limit_of_cpu_time_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a task may use: what draws an SVG may use `CPU_SECONDS`, and that ends with it."""
    limits: list[int] = []
    monkeypatch.setattr(
        "coatcheck.imaging.vector.resource.setrlimit",
        lambda _, limit: limits.append(limit[0]),
    )
    usual, _ = resource.getrlimit(resource.RLIMIT_CPU)
    used = resource.getrusage(resource.RUSAGE_SELF)
    rasterize(drawing_of(svg(), tmp_path), (64, 64))
    least = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
    assert least <= limits[0] <= least + 2
    assert limits[1:] == [usual]


@pytest.mark.parametrize(
    "body",
    [
        '<g id="a"><use href="#a"/><use href="#a"/></g>',
        '<pattern id="a" width="9" height="9"><rect fill="url(#a)"/></pattern><g fill="url(#a)"/>',
        '<mask id="a"><rect width="9" height="9" mask="url(#a)"/></mask><rect mask="url(#a)"/>',
        "<svg>" * 90 + "<rect/>" + "</svg>" * 90,
        '<g opacity=".5">' * 90 + "<rect/>" + "</g>" * 90,
    ],
)
def test_17_a_loop_comes_to_an_end(tmp_path: Path, body: str) -> None:
    assert pixels(svg(body), tmp_path).size == (64, 64)
