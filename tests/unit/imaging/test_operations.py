"""What one look at an image tells, and what it refuses."""

import base64
import io
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import ANY

import pytest
import pyvips
from PIL import Image, ImageChops, ImageStat

from coatcheck.errors import PixelBudgetError, UnprocessableMediaError
from coatcheck.imaging.operations import THUMBNAIL_BYTES, THUMBNAIL_EDGE, inspect, render
from coatcheck.mediatype import SNIFF_BYTES, sniff
from coatcheck.variants import PREPARED
from tests.media import gif_frames, image_bytes, on_file, picture

BUDGET = 50_000_000


def save(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def look(path: Path, content: bytes, budget: int = BUDGET) -> tuple[dict[str, object], Image.Image]:
    media_type = sniff(content[:SNIFF_BYTES])
    assert media_type is not None
    facts, thumbnail = on_file(
        inspect, save(path, content), media_type=media_type, max_pixels=budget
    )
    return facts, Image.open(io.BytesIO(thumbnail))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1024, 1024), (256, 256)),
        ((1280, 720), (256, 144)),
        ((100, 1000), (26, 256)),
        ((200, 100), (200, 100)),
        ((1, 1), (1, 1)),
        ((3000, 2), (256, 1)),
    ],
)
def test_a_thumbnail_fits_its_edge_and_is_never_enlarged(
    tmp_path: Path, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    facts, thumbnail = look(tmp_path / "x", image_bytes("png", *size))
    assert (facts["width"], facts["height"], facts["frames"]) == (*size, 1)
    assert thumbnail.size == expected
    assert thumbnail.format == "WEBP"
    assert max(thumbnail.size) <= THUMBNAIL_EDGE


def test_a_thumbnail_of_an_ordinary_picture_fits_its_budget(tmp_path: Path) -> None:
    for seed in range(5):
        facts, data = on_file(
            inspect,
            save(tmp_path / "x", image_bytes("jpeg", 1600, 1200, seed)),
            media_type="image/jpeg",
            max_pixels=BUDGET,
        )
        assert len(data) - facts["prepared"]["size"] <= THUMBNAIL_BYTES


def test_the_quality_is_lowered_until_the_thumbnail_fits(tmp_path: Path) -> None:
    noise = Image.effect_noise((256, 256), 14).convert("RGB")
    _, data = on_file(
        inspect,
        save(tmp_path / "x", encoded(noise, "png")),
        media_type="image/png",
        max_pixels=BUDGET,
    )
    best = encoded(noise, "webp", quality=80)
    assert len(best) > THUMBNAIL_BYTES >= len(data)


def test_the_orientation_is_applied(tmp_path: Path) -> None:
    upright = picture(300, 200)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 0.0)}  # where it was taken
    facts, thumbnail = look(tmp_path / "x", encoded(upright, "jpeg", exif=exif, quality=95))
    assert (facts["width"], facts["height"]) == (200, 300)
    assert thumbnail.size == (171, 256)
    assert not thumbnail.getexif()  # attack 28: nothing of the metadata comes along


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "I;16", "CMYK"])
def test_every_pixel_format_has_a_thumbnail_and_a_placeholder(tmp_path: Path, mode: str) -> None:
    kind = "jpeg" if mode == "CMYK" else "png"
    image = Image.new("I;16", (64, 48), 30_000) if mode == "I;16" else picture(64, 48).convert(mode)
    facts, thumbnail = look(tmp_path / "x", encoded(image, kind))
    assert thumbnail.size == (64, 48)
    assert 5 <= len(base64.b64decode(str(facts["placeholder"]))) <= 25


def test_transparency_survives(tmp_path: Path) -> None:
    image = picture(64, 64).convert("RGBA")
    image.putalpha(Image.radial_gradient("L").resize((64, 64)))
    _, thumbnail = look(tmp_path / "x", encoded(image, "png"))
    assert thumbnail.mode == "RGBA"


def test_an_animation_counts_its_frames_and_shows_its_first(tmp_path: Path) -> None:
    facts, thumbnail = look(tmp_path / "x", gif_frames(7, 40, 30))
    assert facts["frames"] == 7
    assert thumbnail.size == (40, 30)


def test_the_budget_counts_every_frame(tmp_path: Path) -> None:
    """Attacks 8 and 9."""
    look(tmp_path / "x", gif_frames(7, 40, 30), budget=40 * 30 * 7)
    with pytest.raises(PixelBudgetError, match="7 frames"):
        look(tmp_path / "x", gif_frames(7, 40, 30), budget=40 * 30 * 7 - 1)
    with pytest.raises(PixelBudgetError, match="64×48"):
        look(tmp_path / "x", image_bytes("png", 64, 48), budget=64 * 48 - 1)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif", "avif"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_a_truncated_image_is_refused(tmp_path: Path, kind: str, kept: float) -> None:
    """Attack 16."""
    content = image_bytes(kind, 400, 300)
    with pytest.raises(UnprocessableMediaError):
        look(tmp_path / "x", content[: int(len(content) * kept)])


def test_the_decoder_is_the_one_of_the_told_type_and_no_other(tmp_path: Path) -> None:
    """Attack 12: a file cannot reach a decoder that its sniffed type does not name."""
    with pytest.raises(UnprocessableMediaError):
        on_file(
            inspect,
            save(tmp_path / "x", image_bytes("gif")),
            media_type="image/png",
            max_pixels=BUDGET,
        )


def test_imagemagick_and_ghostscript_are_not_even_linked() -> None:
    """Attack 14."""
    for loader in ("magickload", "pdfload", "popplerload"):
        assert pyvips.type_find("VipsForeignLoad", loader) == 0


def test_libvips_loaders_that_nobody_fuzzes_are_blocked(tmp_path: Path) -> None:
    """Attack 13, in a process of its own: with imaging's tasks loaded, and without them."""
    pyvips.Image.black(3, 2).write_to_file(str(tmp_path / "memory.v"))  # libvips' own format
    save(tmp_path / "fuzzed.png", image_bytes("png", 7, 5))
    script = (
        "import sys, pyvips\n"
        "sys.argv[2:] and __import__(sys.argv[2])\n"
        "for name in 'memory.v', 'fuzzed.png':\n"
        "    try:\n"
        "        source = pyvips.Source.new_from_file(f'{sys.argv[1]}/{name}')\n"
        "        print(pyvips.Image.new_from_source(source, '').width)\n"
        "    except pyvips.Error:\n"
        "        print('blocked')\n"
    )

    def load(*modules: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path), *modules],
            env={"PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.split()

    assert load() == ["3", "7"]
    assert load("coatcheck.imaging.tasks") == ["blocked", "7"]


def test_an_image_of_no_accepted_type_is_not_decoded(tmp_path: Path) -> None:
    """Attack 12, behind what is blocked."""
    pyvips.block_untrusted_set(False)
    pyvips.Image.black(3, 2).write_to_file(str(tmp_path / "x.v"))
    with pytest.raises(UnprocessableMediaError):
        on_file(inspect, tmp_path / "x.v", media_type="image/png", max_pixels=BUDGET)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif", "avif"])
@pytest.mark.parametrize("size", [(1600, 1040), (1537, 2999), (3000, 8)])
def test_the_width_for_pages_comes_with_the_thumbnail_and_is_what_a_request_renders(
    tmp_path: Path, kind: str, size: tuple[int, int]
) -> None:
    path, media_type = save(tmp_path / "x", image_bytes(kind, *size)), f"image/{kind}"
    facts, data = on_file(inspect, path, media_type=media_type, max_pixels=BUDGET)
    rendered, expected = on_file(
        render, path, media_type=media_type, width=PREPARED.width, format=PREPARED.format
    )
    assert facts["prepared"] == rendered | {"size": len(expected)}
    assert data.endswith(expected)
    thumbnail = Image.open(io.BytesIO(data[: -len(expected)]))
    assert facts["thumbnail"] == {"width": thumbnail.width, "height": thumbnail.height}
    # As large as out of the original at once: what is rounded twice can be off by one.
    direct = pyvips.Image.thumbnail(str(path), THUMBNAIL_EDGE, height=THUMBNAIL_EDGE)
    assert thumbnail.size == (direct.width, direct.height)


def test_a_thumbnail_that_is_made_in_two_steps_looks_as_if_made_in_one(tmp_path: Path) -> None:
    original = picture(1024, 1024, seed=3)
    _, thumbnail = look(tmp_path / "x", encoded(original, "png"))
    wanted = original.resize(thumbnail.size, Image.Resampling.LANCZOS)
    difference = ImageStat.Stat(ImageChops.difference(thumbnail.convert("RGB"), wanted))
    assert max(difference.mean) < 3  # of 255; WebP takes its part


def test_the_width_for_pages_is_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    facts, thumbnail = look(tmp_path / "x", encoded(picture(900, 600), "jpeg", exif=exif))
    assert facts["prepared"] == {"width": 512, "height": 768, "size": ANY}
    assert thumbnail.size == (171, 256)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (image_bytes("png", 512, 900), "the original is as small"),
        (image_bytes("gif", 1024, 700), "pages are offered the original alone"),
        (gif_frames(3, 1600, 20), "a variant has all frames, and the look decodes one"),
        (image_bytes("png", 600, 19_300), "WebP has no room for it"),
    ],
)
def test_no_other_image_has_a_prepared_width(tmp_path: Path, content: bytes, reason: str) -> None:
    facts, thumbnail = look(tmp_path / "x", content)
    assert facts["prepared"] is None, reason
    assert max(thumbnail.size) == THUMBNAIL_EDGE
