"""Figures that hold on any machine are computed anew; diagrams can be read by everybody."""

import base64
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import anyio.to_thread
import msgspec
import pytest

from coatcheck.reference import MediaUrls
from coatcheck.store import MediaStore
from coatcheck_chat.painter import paint
from tests.docs.blocks import ROOT

PAGE: Final = ROOT / "docs/explanation/streaming.md"
IMAGES: Final = ROOT / "docs" / "images"
DRAWN: Final = ("architecture", "turns", "stream-before", "stream-after")
SVG: Final = "{http://www.w3.org/2000/svg}"
ROW: Final = re.compile(
    r"^\| (bytes of the tool's message|bytes in the history|characters for the model)"
    r" \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$",
    re.MULTILINE,
)


def test_the_readmes_figures_are_what_bench_stream_finds(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "coatcheck_chat", "bench", "stream", "--no-browser"]
    subprocess.run([*command, "-o", tmp_path], check=True, capture_output=True, timeout=110)
    pictures = json.loads((tmp_path / "stream.json").read_text("utf-8"))["pictures"]
    (measures,) = (each["measures"] for each in pictures if each["edge"] == 1024)
    costs = {each["name"]: (each["legacy"], each["reference"]) for each in measures}
    del costs["JSON parsing of it, ms"]  # a time, which belongs to the machine
    told = {
        row[0]: [number(cell) for cell in row[1:4]]
        for line in (ROOT / "README.md").read_text("utf-8").splitlines()
        if (row := [cell.strip() for cell in line.strip("|").split("|")])[0] in costs
    }
    assert told == {
        name: [about(figure) for figure in (before, after, before / after)]
        for name, (before, after) in costs.items()
    }


@pytest.mark.anyio
async def test_the_figures_are_what_the_picture_costs(store: MediaStore) -> None:
    picture = await anyio.to_thread.run_sync(
        lambda: paint("a lighthouse at dusk", seed=7, width=1024, height=1024)
    )
    reference = await store.put(picture, display_name="lighthouse.png", alt="a lighthouse")
    thumbnail = await store.thumbnail(reference.id)
    encoded = base64.b64encode(picture).decode()

    def message(output: object) -> int:
        chunk = {"type": "tool-output-available", "toolCallId": "call_1", "output": output}
        return len(msgspec.json.encode(chunk))

    inline = message({"success": True, "imageData": encoded})
    light = message(reference.to_ui(MediaUrls()))
    kept = len(msgspec.json.encode(reference.to_stored()))
    line = len(reference.to_model())
    costs = [(inline, light), (inline, kept), (len(encoded), line)]
    rows = [(a, b, a / b) for a, b in costs]
    found = [[number(cell) for cell in row[1:]] for row in ROW.findall(PAGE.read_text("utf-8"))]
    assert found == [[about(figure) for figure in row] for row in rows]
    before, after = (words(IMAGES / f"stream-{name}.svg") for name in ("before", "after"))
    for drawn, figures in (
        (before, {inline, len(encoded)}),
        (after, {len(picture), light, kept, line, len(thumbnail.data)}),
    ):
        told = {number(word) for word in drawn if re.fullmatch(r"\d[\d,]*", word)}
        assert sorted(told) == [about(figure) for figure in sorted(figures)]


def number(text: str) -> int:
    return int(text.replace(",", ""))


def about(figure: float) -> Any:
    """The painter's arithmetic ends in other last digits on other processors."""
    return pytest.approx(figure, rel=0.01)


def words(path: Path) -> list[str]:
    texts = ET.parse(path).iter(f"{SVG}text")  # noqa: S314 - our own files
    return [word.strip(":;.,") for text in texts for word in (text.text or "").split()]


@pytest.mark.parametrize("name", DRAWN)
def test_a_diagram_is_told_in_words_and_fits_light_and_dark(name: str) -> None:
    root = ET.parse(IMAGES / f"{name}.svg").getroot()  # noqa: S314 - our own files
    title, told = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert told is not None
    assert len(told.text or "") > 100
    assert "prefers-color-scheme: dark" in (IMAGES / f"{name}.svg").read_text("utf-8")
    assert not list(root.iter(f"{SVG}script"))
    width = float(root.attrib["width"])
    assert all(0 <= float(text.attrib["x"]) <= width for text in root.iter(f"{SVG}text"))
