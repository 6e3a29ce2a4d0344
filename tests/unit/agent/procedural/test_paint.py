"""The painter: determinism, stages, what words and seeds change, sizes, bad arguments."""

import hashlib
import io
import os
import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from coatcheck_chat import painter
from coatcheck_chat.painter import compose, paint
from coatcheck_chat.painter.canvas import Canvas
from coatcheck_chat.painter.palette import palette_for
from coatcheck_chat.painter.subjects import paint_subjects

Pixels = NDArray[np.float64]

PROMPTS = [
    "a lighthouse at dusk",
    "a mountain lake at sunrise",
    "autumn forest by a river",
    "desert dunes with a cactus",
    "city skyline at night",
    "a ringed planet in space, with a rocket",
    "foggy hills with a castle and a deer",
    "whale and sailboat in a stormy sea with lightning",
    "northern lights over a snowy cabin",
    "palm trees on a beach, birds, a rainbow",
    "a red balloon over a meadow with flowers and a windmill",
    "a tent and a campfire under the milky way",
    "a bridge, a fox and a tree in spring",
    "a cat on a sofa",
    "",
]


def pixels(data: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(data)), np.float64)


def picture(prompt: str, seed: int = 1, size: tuple[int, int] = (192, 192)) -> Pixels:
    return pixels(paint(prompt, seed=seed, width=size[0], height=size[1]))


def correlation(a: Pixels, b: Pixels) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def test_exported_members() -> None:
    assert painter.__all__ == ["Scene", "compose", "missing", "paint"]


def test_equal_arguments_give_equal_bytes() -> None:
    first = paint("a lighthouse at dusk", seed=7, width=200, height=120)
    assert paint("a lighthouse at dusk", seed=7, width=200, height=120) == first


def test_another_process_paints_the_same() -> None:
    code = (
        "import hashlib; from coatcheck_chat.painter import paint;"
        "print(hashlib.sha256(paint('a castle at dawn', seed=3, width=96, height=96)).hexdigest())"
    )
    here = hashlib.sha256(paint("a castle at dawn", seed=3, width=96, height=96)).hexdigest()
    for hash_seed in ("1", "4711"):
        path = os.pathsep.join(p for p in sys.path if p)
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path}
        there = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        assert there.stdout.strip() == here


@pytest.mark.parametrize(
    ("width", "height"),
    [(64, 64), (16, 16), (333, 77), (64, 150), (90, 210), (210, 90), (17, 4000)],
)
def test_the_size_is_exact_and_the_file_is_an_rgb_png(width: int, height: int) -> None:
    image = Image.open(io.BytesIO(paint("a lake", seed=1, width=width, height=height)))
    assert (image.format, image.mode, image.size) == ("PNG", "RGB", (width, height))


@pytest.mark.parametrize(
    ("stage", "size"), [(0.25, (100, 50)), (0.5, (200, 100)), (0.05, (20, 16)), (1.0, (400, 200))]
)
def test_a_stage_scales_both_edges(stage: float, size: tuple[int, int]) -> None:
    data = paint("hills", seed=1, width=400, height=200, stage=stage)
    assert Image.open(io.BytesIO(data)).size == size


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_stage_shows_the_same_scene(prompt: str) -> None:
    full = Image.open(io.BytesIO(paint(prompt, seed=5, width=512, height=384)))
    stage = paint(prompt, seed=5, width=512, height=384, stage=0.25)
    small = np.asarray(full.resize((128, 96), Image.Resampling.BOX), np.float64)
    assert correlation(small, pixels(stage)) > 0.96


@pytest.mark.parametrize("prompt", PROMPTS)
def test_it_is_a_picture_not_noise(prompt: str) -> None:
    grey = picture(prompt, size=(512, 384)).mean(axis=2)
    assert correlation(grey[:, 1:], grey[:, :-1]) > 0.87
    assert correlation(grey[1:], grey[:-1]) > 0.87
    assert grey.std() > 8


def test_night_is_darker_than_day() -> None:
    for seed in range(3):
        night = picture("a lake at night", seed).mean()
        assert night < picture("a lake at noon", seed).mean() - 30


def test_the_sea_is_bluer_than_the_desert() -> None:
    def blueness(prompt: str) -> float:
        lower = picture(prompt)[-60:]
        return float((lower[..., 2] - lower[..., 0]).mean())

    assert blueness("the sea at noon") > blueness("the desert at noon") + 40


def test_a_color_tints_the_picture() -> None:
    red, teal = picture("red hills at noon"), picture("teal hills at noon")
    assert (red[..., 0] - red[..., 2]).mean() > (teal[..., 0] - teal[..., 2]).mean() + 15


def test_a_subject_stands_in_its_own_place() -> None:
    def changes(seed: int) -> tuple[float, float]:
        """Return the mean change where a lighthouse is painted, and in the rest."""
        scene = compose("a lighthouse at dusk", seed)
        bare = Canvas(256, 256, 1.0)
        palette = palette_for(scene)
        top = np.full(256, 0.7, np.float32)
        painted = Canvas(256, 256, 1.0)
        paint_subjects(painted, scene, palette, top)
        change = np.abs(painted.rgb - bare.rgb).mean(axis=(0, 1))
        middle = round((0.5 + scene.side * 0.27) * 256)
        inside = np.abs(np.arange(256) - middle) < 24
        return float(change[inside].mean()), float(change[~inside].mean())

    for seed in range(4):
        inside, outside = changes(seed)
        assert inside > 0.05
        assert inside > outside * 2.5


def test_seeds_and_unknown_words_vary_the_composition() -> None:
    for first, second in [
        (picture("a mountain lake at sunrise", 1), picture("a mountain lake at sunrise", 2)),
        (picture("a cat on a sofa"), picture("a cup on a table")),
    ]:
        assert np.abs(first - second).mean() > 8


@pytest.mark.parametrize("prompt", PROMPTS[:8])
def test_a_full_size_png_is_between_one_and_three_megabytes(prompt: str) -> None:
    assert 1_000_000 < len(paint(prompt, seed=2, width=1024, height=1024)) < 3_000_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 15}, "width must be between 16 and 4096 pixels, got 15"),
        ({"width": 4097}, "width must be between 16 and 4096 pixels, got 4097"),
        ({"height": 0}, "height must be between 16 and 4096 pixels, got 0"),
        ({"stage": 0.0}, r"stage must be in \(0, 1\], got 0.0"),
        ({"stage": 1.01}, r"stage must be in \(0, 1\], got 1.01"),
        ({"stage": float("nan")}, r"stage must be in \(0, 1\], got nan"),
    ],
)
def test_bad_arguments(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        paint("x", **{"seed": 1, "width": 64, "height": 64, **arguments})  # type: ignore[arg-type]
