"""Painting: the layers from back to front, the paper's grain, the PNG."""

import io

import numpy as np
from PIL import Image

from coatcheck_chat.painter import heavens, sky, subjects, water
from coatcheck_chat.painter.canvas import Canvas
from coatcheck_chat.painter.ground import paint_flowers
from coatcheck_chat.painter.land import paint_backdrop, paint_near
from coatcheck_chat.painter.noise import fractal
from coatcheck_chat.painter.palette import Palette, ink, mix, palette_for
from coatcheck_chat.painter.scene import Scene, compose

_SMALLEST, _LARGEST = 16, 4096


def paint(prompt: str, *, seed: int, width: int, height: int, stage: float = 1.0) -> bytes:
    """Paint `prompt` and return a PNG (RGB, 8 bits a channel, sRGB).

    Equal arguments give equal pixels (with the same NumPy). At `stage` < 1 the same scene is
    painted at that share of each edge, rounded, at least 16 pixels.

    Args:
        prompt: what to paint; words it does not know vary the landscape. May be empty.
        seed: varies the composition, any integer.
        width: pixels, 16 to 4096.
        height: pixels, 16 to 4096.
        stage: share of each edge, in (0, 1].

    Raises:
        ValueError: width, height or stage is out of range.
    """
    for name, edge in (("width", width), ("height", height)):
        if not _SMALLEST <= edge <= _LARGEST:
            msg = f"{name} must be between {_SMALLEST} and {_LARGEST} pixels, got {edge}"
            raise ValueError(msg)
    if not 0 < stage <= 1:
        msg = f"stage must be in (0, 1], got {stage}"
        raise ValueError(msg)
    scene = compose(prompt, seed)
    across, down = (max(_SMALLEST, round(edge * stage)) for edge in (width, height))
    canvas = Canvas(across, down, width / height)
    _paint_scene(canvas, scene, palette_for(scene))
    return _encoded(canvas, scene)


def _paint_scene(canvas: Canvas, scene: Scene, palette: Palette) -> None:
    sky.paint_sky(canvas, scene, palette)
    if scene.place == "space":
        heavens.paint_space(canvas, scene, palette)
        subjects.paint_in_space(canvas, scene, palette)
        return
    _paint_heavens(canvas, scene, palette)
    paint_backdrop(canvas, scene, palette)
    subjects.paint_in_sky(canvas, scene, palette)
    if scene.water in {"sea", "lake"}:
        water.paint_water(canvas, scene, palette, scene.horizon)
        if scene.weather == "fog" or (scene.water == "lake" and scene.time == "dawn"):
            amount = 0.75 if scene.weather == "fog" else 0.65
            water.paint_mist(canvas, scene, palette, scene.horizon, amount)
    subjects.paint_birds(canvas, scene, palette)
    top = paint_near(canvas, scene, palette)
    if scene.water != "sea" and scene.place in {"mountains", "forest", "hills"}:
        subjects.paint_wings(canvas, scene, palette, top)
    subjects.paint_subjects(canvas, scene, palette, top)
    if scene.has("flowers") and scene.water != "sea":
        paint_flowers(canvas, scene, palette, top + np.float32(0.03))
    water.paint_falling(canvas, scene, palette)


def _paint_heavens(canvas: Canvas, scene: Scene, palette: Palette) -> None:
    clear = scene.weather not in {"storm", "rain", "fog"}
    dark = scene.time == "night"
    if (dark and clear) or (scene.has("stars") and scene.time != "day"):
        heavens.paint_stars(canvas, scene, palette)
    if scene.has("aurora"):
        heavens.paint_aurora(canvas, scene, palette)
    sky.paint_disc(canvas, scene, palette)
    sky.paint_clouds(canvas, scene, palette)
    if scene.has("lightning"):
        heavens.paint_lightning(canvas, scene)
    if scene.has("rainbow"):
        heavens.paint_rainbow(canvas, scene)


def _encoded(canvas: Canvas, scene: Scene) -> bytes:
    """Apply brush texture, vignette and grain, and encode."""
    rgb = canvas.rgb
    strokes = fractal(canvas.x * 8, canvas.y * 26, scene.dice.seed("strokes"), octaves=4, gain=0.6)
    corner = (canvas.x[None, :] / np.float32(canvas.aspect)) ** 2 + (canvas.y[:, None] - 0.5) ** 2
    rgb *= 1 + strokes * np.float32(0.014) - corner * np.float32(0.2)
    # In print neither white nor black is pure; that also keeps the grain from clipping.
    rgb *= np.float32(0.955)
    rgb += mix(ink("000000"), ink("1c1826"), 0.34)[:, None, None]
    grain = np.random.default_rng(scene.dice.seed("grain"))
    paper = grain.standard_normal(rgb.shape[1:], np.float32)
    rgb *= np.float32(255)
    rgb += paper * np.float32(1.9) + np.float32(0.5)
    pixels = np.clip(rgb, 0, 255, out=rgb).astype(np.uint8)
    file = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    image.save(file, "PNG", compress_level=3)
    return file.getvalue()
