"""How many scans a JPEG has, and that a decoder is not given one of too many."""

from collections.abc import Callable
from pathlib import Path

import pytest
import pyvips

from coatcheck.errors import PixelBudgetError, UnprocessableMediaError
from coatcheck.imaging.editing import edit
from coatcheck.imaging.operations import inspect, palette, render, shrink
from coatcheck.imaging.scans import MAX_SCANS, MAX_SEGMENTS, count_scans
from tests.media import encoded_jpeg, image_bytes, jpeg_of_scans, on_file

BUDGET = 50_000_000
SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
END = b"\xff\xd9"


@pytest.mark.parametrize("count", [2, 10, MAX_SCANS, MAX_SCANS + 1])
def test_scans_are_counted(count: int) -> None:
    assert count_scans(jpeg_of_scans(count)) == count


def test_counting_ends_above_the_limit() -> None:
    assert count_scans(jpeg_of_scans(800)) == MAX_SCANS + 1


@pytest.mark.parametrize(("progressive", "scans"), [(False, 1), (True, 10)])
def test_what_an_encoder_writes_is_counted(progressive: bool, scans: int) -> None:
    assert count_scans(encoded_jpeg(progressive=progressive)) == scans


def test_a_preview_within_a_segment_and_what_follows_the_end_are_not_counted() -> None:
    preview = jpeg_of_scans(80)
    segment = b"\xff\xe1" + (len(preview) + 2).to_bytes(2, "big") + preview
    picture = image_bytes("jpeg")
    assert count_scans(picture[:2] + segment + picture[2:] + bytes(2) + preview) == 1


@pytest.mark.parametrize(
    "between",
    [
        pytest.param(b"\xff\x00" * 9, id="stuffed"),
        pytest.param(b"\xff\xd0" + b"\xff\xd7", id="restart markers"),
        pytest.param(b"\xff\xff\xff", id="fill bytes"),
        pytest.param(b"\xff\x01", id="a temporary marker"),
        # A decoder passes over these without a length; a length would hide what comes after.
        pytest.param(b"\xff\x02\xf0\xf0", id="a reserved marker"),
        pytest.param(b"\xff\xbf\xf0\xf0", id="the last reserved marker"),
        pytest.param(b"\xff\xd8", id="a second start"),
        pytest.param(b"\xff\xfe\x00\x04ab", id="a comment"),
    ],
)
def test_no_scan_hides_behind_another_marker(between: bytes) -> None:
    assert count_scans(b"\xff\xd8" + (SCAN + b"\x12" + between) * 7 + END) == 7


def test_a_jpeg_of_countless_segments_is_refused() -> None:
    comments = b"\xff\xfe\x00\x02" * MAX_SEGMENTS
    with pytest.raises(UnprocessableMediaError, match="10,000 segments"):
        count_scans(b"\xff\xd8" + comments + SCAN + END)


@pytest.mark.parametrize("unit", [b"\xff", b"\xff\x00", b"\x00", b"\xff\xd0"])
def test_what_is_no_marker_is_passed_over_at_once(unit: bytes) -> None:
    content = b"\xff\xd8" + SCAN + unit * (MAX_SEGMENTS - 2) + SCAN + END
    assert count_scans(content) == 2


def on_bytes(content: bytes, path: Path) -> dict[str, Callable[[], object]]:
    path.write_bytes(content)
    jpeg = "image/jpeg"
    blur = [{"operation": "blur", "radius": 1}]
    return {
        "inspect": lambda: on_file(inspect, path, media_type=jpeg, max_pixels=BUDGET),
        "render": lambda: on_file(render, path, media_type=jpeg, width=64, format="webp"),
        "palette": lambda: on_file(palette, path, media_type=jpeg),
        "edit": lambda: on_file(edit, path, media_type=jpeg, edits=blur, max_pixels=BUDGET),
        "shrink": lambda: shrink(
            payload=content, media_type=jpeg, edge=64, max_bytes=BUDGET, max_pixels=BUDGET
        ),
    }


@pytest.mark.parametrize("task", ["inspect", "render", "palette", "edit", "shrink"])
def test_no_task_decodes_a_jpeg_of_too_many_scans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    on_bytes(jpeg_of_scans(MAX_SCANS), tmp_path / "x")[task]()
    monkeypatch.setattr(pyvips.Image, "thumbnail_source", None)  # nothing is decoded without it
    with pytest.raises(PixelBudgetError, match="more than 100 scans"):
        on_bytes(jpeg_of_scans(MAX_SCANS + 1), tmp_path / "x")[task]()


@pytest.mark.parametrize("task", ["inspect", "edit", "shrink"])
def test_a_large_canvas_is_gone_over_less_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    monkeypatch.setitem(globals(), "BUDGET", 64 * 48)
    on_bytes(jpeg_of_scans(16), tmp_path / "x")[task]()
    monkeypatch.setattr(pyvips.Image, "thumbnail_source", None)
    with pytest.raises(PixelBudgetError, match="64×48 in 17 scans"):
        on_bytes(jpeg_of_scans(17), tmp_path / "x")[task]()
