"""Edits change the pixels that they say, and those alone."""

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageEnhance, ImageOps, ImageStat

from coatcheck.edits import parse_edits
from coatcheck.edits.reading import walk
from coatcheck.errors import InvalidInputError, PixelBudgetError, UnprocessableMediaError
from coatcheck.imaging import lettering
from coatcheck.imaging.editing import edit
from coatcheck.mediatype import SNIFF_BYTES, sniff
from tests.media import gif_frames, image_bytes, on_file, picture

BUDGET = 50_000_000
SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 12">
<rect width="12" height="12"/></svg>"""


def encoded(image: Image.Image, kind: str = "png", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


class Desk:
    """Edits a picture and opens the result."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def run(
        self, content: bytes, *edits: dict[str, Any], budget: int = BUDGET
    ) -> tuple[dict[str, Any], bytes]:
        self._path.write_bytes(content)
        media_type = sniff(content[:SNIFF_BYTES])
        assert media_type is not None
        edited: tuple[dict[str, Any], bytes] = on_file(
            edit, self._path, media_type=media_type, edits=list(edits), max_pixels=budget
        )
        return edited

    def __call__(self, source: Image.Image | bytes, **members: Any) -> Image.Image:
        content = source if isinstance(source, bytes) else encoded(source)
        facts, data = self.run(content, members)
        image = Image.open(io.BytesIO(data))
        assert image.size == (facts["width"], facts["height"])
        assert f"image/{(image.format or '').lower()}" == facts["media_type"]
        image.load()
        return image


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "original")


def difference(one: Image.Image, other: Image.Image) -> int:
    """The largest difference of any channel of any pixel."""
    assert one.size == other.size
    return max(ImageChops.difference(one.convert("RGBA"), other.convert("RGBA")).tobytes())


def at(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    """The channels of a pixel."""
    return tuple(image.crop((x, y, x + 1, y + 1)).tobytes())


ORIGINAL = picture(96, 64, 3)


# --- what moves pixels ---------------------------------------------------------------------------


def test_a_crop_keeps_its_pixels(desk: Desk) -> None:
    cut = desk(ORIGINAL, operation="crop", left=10, top=20, width=30, height=25)
    assert difference(cut, ORIGINAL.crop((10, 20, 40, 45))) == 0
    square = desk(ORIGINAL, operation="crop", aspect="square")
    assert difference(square, ORIGINAL.crop((16, 0, 80, 64))) == 0
    part = desk(ORIGINAL, operation="crop", width=0.5, height=0.5, unit="fraction", anchor="right")
    assert difference(part, ORIGINAL.crop((48, 16, 96, 48))) == 0


@pytest.mark.parametrize(
    ("degrees", "turned"),
    [
        (90, Image.Transpose.ROTATE_270),  # Pillow turns counterclockwise
        (-90, Image.Transpose.ROTATE_90),
        (180, Image.Transpose.ROTATE_180),
        (-270, Image.Transpose.ROTATE_270),
    ],
)
def test_a_quarter_of_a_turn_loses_nothing(
    desk: Desk, degrees: int, turned: Image.Transpose
) -> None:
    rotated = desk(ORIGINAL, operation="rotate", degrees=degrees)
    assert difference(rotated, ORIGINAL.transpose(turned)) == 0
    assert difference(desk(ORIGINAL, operation="rotate", degrees=360), ORIGINAL) == 0


def test_any_other_turn_is_clockwise_and_frees_clear_corners(desk: Desk) -> None:
    turned = desk(ORIGINAL, operation="rotate", degrees=10)
    assert turned.size == walk(parse_edits([{"operation": "rotate", "degrees": 10}]), (96, 64))[-1]
    expected = ORIGINAL.convert("RGBA").rotate(-10, Image.Resampling.BICUBIC, expand=True)
    center = (40, 30, 65, 50)
    shown = ImageChops.difference(
        turned.crop(center), ImageOps.fit(expected, turned.size).crop(center)
    )
    assert max(ImageStat.Stat(shown).mean) < 12
    assert at(turned, 0, turned.height - 1) == (0, 0, 0, 0)
    red = desk(encoded(Image.new("RGB", (60, 60), "red"), "jpeg"), operation="rotate", degrees=45)
    assert red.mode == "RGB"
    assert min(at(red, 0, 0)) > 250


@pytest.mark.parametrize("direction", ["horizontal", "vertical"])
def test_a_flip_mirrors(desk: Desk, direction: str) -> None:
    mirrored = ImageOps.mirror(ORIGINAL) if direction == "horizontal" else ImageOps.flip(ORIGINAL)
    assert difference(desk(ORIGINAL, operation="flip", direction=direction), mirrored) == 0


@pytest.mark.parametrize(
    ("members", "size"),
    [
        ({"width": 48}, (48, 32)),
        ({"height": 128}, (192, 128)),
        ({"scale": 0.25}, (24, 16)),
        ({"width": 40, "height": 40}, (40, 27)),
        ({"width": 40, "height": 40, "fit": "cover"}, (40, 40)),
        ({"width": 40, "height": 40, "fit": "stretch"}, (40, 40)),
        ({"width": 1, "height": 3000, "fit": "stretch"}, (1, 3000)),
        ({"width": 33, "height": 31, "fit": "cover"}, (33, 31)),
    ],
)
def test_a_size_is_met_exactly(desk: Desk, members: dict[str, Any], size: tuple[int, int]) -> None:
    assert desk(ORIGINAL, operation="resize", **members).size == size


def test_resizing_keeps_what_there_is_to_see(desk: Desk) -> None:
    big = picture(400, 300, 5)
    small = desk(big, operation="resize", width=100)
    expected = big.resize((100, 75), Image.Resampling.LANCZOS)
    assert max(ImageStat.Stat(ImageChops.difference(small, expected)).mean) < 2
    cover = desk(big, operation="resize", width=75, height=75, fit="cover")
    middle = expected.crop((12, 0, 87, 75))
    assert max(ImageStat.Stat(ImageChops.difference(cover, middle)).mean) < 6


# --- what changes colors ------------------------------------------------------------------------


def grey(image: Image.Image) -> Image.Image:
    """By the weights of Filter Effects, unlike Pillow's own."""
    return image.convert("RGB", (0.213, 0.715, 0.072, 0) * 3)


def contrasted(image: Image.Image, factor: float) -> Image.Image:
    middle = Image.new("RGB", image.size, (128, 128, 128))
    return ImageChops.blend(middle, image, factor)


CHANGES: list[tuple[dict[str, Any], Callable[[Image.Image], Image.Image]]] = [
    ({"operation": "brightness", "factor": 0.5}, lambda i: ImageEnhance.Brightness(i).enhance(0.5)),
    ({"operation": "brightness", "factor": 2}, lambda i: ImageEnhance.Brightness(i).enhance(2)),
    ({"operation": "brightness", "factor": 0}, lambda i: Image.new("RGB", i.size)),
    ({"operation": "contrast", "factor": 1.5}, lambda i: contrasted(i, 1.5)),
    ({"operation": "contrast", "factor": 0.4}, lambda i: contrasted(i, 0.4)),
    ({"operation": "grayscale"}, grey),
    ({"operation": "saturation", "factor": 0}, grey),
    ({"operation": "saturation", "factor": 1.7}, lambda i: ImageChops.blend(grey(i), i, 1.7)),
]


@pytest.mark.parametrize(
    ("members", "expected"), CHANGES, ids=[str(members) for members, _ in CHANGES]
)
def test_colors_change_as_css_s_filters_change_them(
    desk: Desk, members: dict[str, Any], expected: Callable[[Image.Image], Image.Image]
) -> None:
    assert difference(desk(ORIGINAL, **members), expected(ORIGINAL)) <= 2


@pytest.mark.parametrize("operation", ["brightness", "contrast", "saturation"])
def test_a_factor_of_one_changes_nothing(desk: Desk, operation: str) -> None:
    assert difference(desk(ORIGINAL, operation=operation, factor=1), ORIGINAL) == 0


@pytest.mark.parametrize("radius", [0.3, 2, 20, 100])
def test_a_blur_spreads_an_edge_and_keeps_its_light(desk: Desk, radius: float) -> None:
    half = Image.new("RGB", (200, 50), "black")
    half.paste("white", (100, 0, 200, 50))
    blurred = desk(half, operation="blur", radius=radius).convert("L")
    assert abs(ImageStat.Stat(blurred).mean[0] - 127.5) < 3
    row = list(blurred.crop((0, 25, 200, 26)).tobytes())
    assert row == sorted(row)
    spread = sum(10 < value < 245 for value in row)
    assert (spread <= 4) if radius < 1 else spread > 2 * radius - 1


def test_transparency_survives_and_does_not_bleed(desk: Desk) -> None:
    """What is clear has a color too, which nobody may see."""
    image = Image.new("RGBA", (60, 60), (0, 255, 0, 0))
    image.paste((255, 0, 0, 255), (20, 20, 40, 40))
    for members in (
        {"operation": "blur", "radius": 3},
        {"operation": "resize", "width": 31},
        {"operation": "rotate", "degrees": 30},
        {"operation": "brightness", "factor": 0.9},
        {"operation": "text", "text": "x", "color": "red", "position": "center"},
    ):
        changed = desk(image, **members)
        assert changed.mode == "RGBA"
        assert at(changed, 0, 0)[3] == 0
        data = changed.tobytes()
        greens = [data[at + 1] for at in range(0, len(data), 4) if data[at + 3] > 20]
        assert members["operation"] == "text" or max(greens) < 40


# --- words ---------------------------------------------------------------------------------------


def inked(desk: Desk, source: Image.Image, **members: Any) -> tuple[int, int, int, int]:
    """The box of the pixels that the words changed."""
    written = desk(source, operation="text", **members)
    changed = ImageChops.difference(written.convert("RGB"), source.convert("RGB"))
    # The soft edge aside.
    box = changed.convert("L").point(lambda value: 255 * (value > 100)).getbbox()
    assert box is not None
    return box


GREY = Image.new("RGB", (400, 300), (90, 90, 90))


@pytest.mark.parametrize(
    ("position", "horizontal", "vertical"),
    [
        ("top-left", 0, 0),
        ("top", 1, 0),
        ("center", 1, 1),
        ("right", 2, 1),
        ("bottom-right", 2, 2),
        ("bottom", 1, 2),
    ],
)
def test_words_stand_where_they_are_meant_to(
    desk: Desk, position: str, horizontal: int, vertical: int
) -> None:
    left, top, right, bottom = inked(desk, GREY, text="HOME", position=position)
    assert (left < 60, abs(left + right - 400) < 30, right > 340)[horizontal]
    assert (top < 60, abs(top + bottom - 300) < 30, bottom > 240)[vertical]


def test_words_are_as_high_as_asked_and_never_wider_than_the_picture(desk: Desk) -> None:
    _, top, _, bottom = inked(desk, GREY, text="HI", size=0.3)
    assert 75 <= bottom - top <= 92
    left, top, right, bottom = inked(desk, GREY, text="W" * 60, size=0.5, position="center")
    assert left >= 0
    assert right - left <= 380
    assert bottom - top < 40
    _, top, _, bottom = inked(desk, GREY, text="home " * 30, size=0.5, position="center")
    assert bottom - top > 75  # they are wrapped


def test_letters_have_their_color_and_a_contrasting_edge(desk: Desk) -> None:
    for color, letters, edge in (("white", (255, 255, 255), 60), ("navy", (0, 0, 128), 120)):
        written = desk(GREY, operation="text", text="HOME", color=color)
        data = written.tobytes()
        colors = {tuple(data[start : start + 3]) for start in range(0, len(data), 3)}
        assert letters in colors
        if color == "white":
            assert min(sum(color) for color in colors) < 3 * edge
        else:
            assert max(sum(color) for color in colors) > 3 * edge


def test_markup_is_written_and_not_read(desk: Desk) -> None:
    """Attack 32: words cannot become instructions to the typesetter."""
    marked = desk(GREY, operation="text", text="<b>&amp;</b>", size=0.2)
    plain = desk(GREY, operation="text", text="&", size=0.2)
    assert difference(marked, plain) > 100
    for text in (
        "<span font='200'>x",
        "&unknown;",
        "<",
        "a & b",
        "]]>",
        "\\n",
        "%s",
        "☃ 灯台 שלום",
    ):
        assert inked(desk, GREY, text=text)


def test_letters_of_many_scripts_are_joined_and_shaped(desk: Desk) -> None:
    one, other = (desk(GREY, operation="text", text=text, size=0.3) for text in ("שלום", "םולש"))
    assert difference(one, other) > 100  # the first letter stands on the right


def test_a_server_without_fonts_says_so(tmp_path: Path) -> None:
    """In a process of its own: fonts are looked for once."""
    (tmp_path / "fonts.conf").write_text(
        f'<?xml version="1.0"?><fontconfig><dir>{tmp_path}/none</dir>'
        f"<cachedir>{tmp_path}/cache</cachedir></fontconfig>"
    )
    (tmp_path / "grey.png").write_bytes(encoded(GREY))
    script = (
        "import sys\n"
        "from coatcheck.imaging import editing, lettering\n"
        "lettering._font_file = lambda: {}\n"
        "editing.edit(file=sys.stdin.fileno(), media_type='image/png', max_pixels=10**7,"
        " edits=[{'operation': 'text', 'text': 'HOME'}])\n"
    )
    with (tmp_path / "grey.png").open("rb") as grey:
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={"FONTCONFIG_FILE": str(tmp_path / "fonts.conf"), "PYTHONPATH": ":".join(sys.path)},
            stdin=grey,
            capture_output=True,
            text=True,
            check=False,
        )
    assert "No font is installed" in done.stderr


def test_the_demo_brings_its_font_along() -> None:
    assert Path(lettering._font_file()["fontfile"]).is_file()


# --- formats -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "avif", "gif"])
def test_a_picture_keeps_its_format(desk: Desk, kind: str) -> None:
    content = image_bytes(kind, 96, 64, 3)
    facts, data = desk.run(content, {"operation": "crop", "aspect": "1:1"})
    assert facts == {
        "width": 64,
        "height": 64,
        "media_type": "image/png" if kind == "gif" else f"image/{kind}",
    }
    shown = Image.open(io.BytesIO(data)).convert("RGB")
    expected = Image.open(io.BytesIO(content)).convert("RGB").crop((16, 0, 80, 64))
    assert max(ImageStat.Stat(ImageChops.difference(shown, expected)).mean) < 8


def test_of_an_animation_the_first_frame_is_edited(desk: Desk) -> None:
    facts, _ = desk.run(gif_frames(7, 40, 30), {"operation": "flip"})
    assert (facts["width"], facts["height"], facts["media_type"]) == (40, 30, "image/png")


def test_a_drawing_is_edited_as_pixels(desk: Desk) -> None:
    image = desk(SVG, operation="flip")
    assert image.size == (1024, 512)
    assert at(image, 900, 100) == (0, 0, 0, 255)
    assert at(image, 100, 100)[3] == 0


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "I;16", "CMYK"])
@pytest.mark.parametrize(
    "members",
    [
        {"operation": "saturation", "factor": 0.5},
        {"operation": "text", "text": "x"},
        {"operation": "rotate", "degrees": 5},
        {"operation": "blur"},
    ],
    ids=lambda members: members["operation"],
)
def test_every_pixel_format_is_edited(desk: Desk, mode: str, members: dict[str, Any]) -> None:
    image = Image.new("I;16", (64, 48), 30_000) if mode == "I;16" else picture(64, 48).convert(mode)
    content = encoded(image, "jpeg" if mode == "CMYK" else "png")
    assert desk(content, **members).mode in {"RGB", "RGBA"}


def test_the_orientation_is_applied_and_nothing_else_of_the_metadata_stays(desk: Desk) -> None:
    """Attack 28."""
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 0.0)}  # where it was taken
    content = encoded(ORIGINAL, "jpeg", exif=exif, quality=98, subsampling=0)
    upright = desk(content, operation="crop", left=0, top=0, width=64, height=50)
    assert not upright.getexif()
    expected = ORIGINAL.transpose(Image.Transpose.ROTATE_270).crop((0, 0, 64, 50))
    assert max(ImageStat.Stat(ImageChops.difference(upright, expected)).mean) < 5
    png = encoded(ORIGINAL, pnginfo=None, exif=exif)
    assert b"eXIf" not in desk.run(png, {"operation": "grayscale"})[1]


def test_the_same_edits_give_the_same_bytes(desk: Desk) -> None:
    edits: list[dict[str, Any]] = [
        {"operation": "rotate", "degrees": 7},
        {"operation": "blur", "radius": 3},
        {"operation": "text", "text": "HOME"},
    ]
    assert desk.run(encoded(ORIGINAL), *edits) == desk.run(encoded(ORIGINAL), *edits)


def test_edits_follow_each_other(desk: Desk) -> None:
    _, data = desk.run(
        encoded(ORIGINAL),
        {"operation": "crop", "aspect": "square", "anchor": "left"},
        {"operation": "rotate", "degrees": 90},
        {"operation": "brightness", "factor": 0.5},
    )
    cut = ORIGINAL.crop((0, 0, 64, 64)).transpose(Image.Transpose.ROTATE_270)
    expected = ImageEnhance.Brightness(cut).enhance(0.5)
    assert difference(Image.open(io.BytesIO(data)), expected) <= 1


# --- what is refused -----------------------------------------------------------------------------


def test_the_budget_counts_the_original_and_every_step(desk: Desk) -> None:
    """Attacks 8 and 10: nothing is decoded or drawn that is larger than allowed."""
    content = encoded(ORIGINAL)
    with pytest.raises(PixelBudgetError, match="96×64"):
        desk.run(content, {"operation": "resize", "width": 1}, budget=96 * 64 - 1)
    with pytest.raises(PixelBudgetError, match="192×128"):
        desk.run(
            content,
            {"operation": "resize", "scale": 2},
            {"operation": "resize", "width": 1},
            budget=96 * 64 * 2,
        )
    desk.run(content, {"operation": "grayscale"}, budget=96 * 64)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif", "avif"])
def test_a_truncated_image_is_refused(desk: Desk, kind: str) -> None:
    """Attack 16."""
    content = image_bytes(kind, 400, 300)
    with pytest.raises(UnprocessableMediaError):
        desk.run(content[: int(len(content) * 0.6)], {"operation": "grayscale"})


def test_the_decoder_is_the_one_of_the_told_type_and_no_other(tmp_path: Path) -> None:
    """Attack 12."""
    (tmp_path / "x").write_bytes(image_bytes("gif"))
    with pytest.raises(UnprocessableMediaError):
        on_file(
            edit,
            tmp_path / "x",
            media_type="image/png",
            edits=[{"operation": "grayscale"}],
            max_pixels=BUDGET,
        )


def test_a_box_beyond_the_picture_is_told(desk: Desk) -> None:
    with pytest.raises(InvalidInputError, match=r"edits\[0\].*96×64"):
        desk.run(encoded(ORIGINAL), {"operation": "crop", "width": 97, "height": 1})
