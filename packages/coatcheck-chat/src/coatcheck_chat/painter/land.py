"""Which land a scene shows: the backdrop behind the water, and the near ground."""

import numpy as np

from coatcheck_chat.painter import subjects, terrain, trees, water
from coatcheck_chat.painter.canvas import Canvas
from coatcheck_chat.painter.city import paint_city
from coatcheck_chat.painter.ground import (
    bank,
    grass,
    headland,
    paint_headland,
    paint_meadow,
    paint_surf,
)
from coatcheck_chat.painter.noise import Array
from coatcheck_chat.painter.palette import Palette, ink
from coatcheck_chat.painter.scene import Scene


def paint_backdrop(canvas: Canvas, scene: Scene, palette: Palette) -> None:
    """Paint the land behind the horizon, and what grows or stands on it."""
    foot = scene.horizon
    snow = ink("f4f4f6")
    fog = 0.2 if scene.weather == "fog" else 0.0
    green = grass(scene)
    if scene.place in {"open", "beach"}:
        haze = min(0.72 + fog, 0.95)
        coast = terrain.Hill(foot - 0.012, 0.022, 2.6, haze, ink("7f8fa0"), 0.3)
        terrain.paint_hill(canvas, scene, palette, "islands", coast)
    elif scene.place == "mountains":
        tall = scene.dice.between("tall", 0.3, 0.38) * max(canvas.scale, 0.7)
        form = terrain.Range(foot + 0.02, tall * 0.8, 0.54 + fog, ink("8d92a3"), snow, 1.3)
        terrain.paint_range(canvas, scene, palette, "far range", form)
        form = terrain.Range(foot + 0.05, tall, 0.12 + fog, ink("807a8a"), snow)
        terrain.paint_range(canvas, scene, palette, "near range", form)
        _paint_foothills(canvas, scene, palette, (0.42 + fog, 0.22 + fog))
    elif scene.place == "desert":
        sand = ink("e2a868")
        form = terrain.Range(foot + 0.02, 0.12, 0.66 + fog, ink("b98272"), None, 1.6, 0.8)
        terrain.paint_range(canvas, scene, palette, "mesas", form)
        dunes = ((0.06, 0.1, 0.42), (0.15, 0.15, 0.2), (0.3, 0.2, 0.04))
        for k, (base, tall, far) in enumerate(dunes):
            plain = terrain.Hill(foot + base - 0.035, 0.008, 1.2, far + fog / 2, sand, 0.0)
            terrain.paint_hill(canvas, scene, palette, f"plain {k}", plain)
            form = terrain.Range(foot + base, tall, far + fog / 2, sand, None, 2.6, 0.0)
            terrain.paint_range(canvas, scene, palette, f"dunes {k}", form)
    elif scene.place == "city":
        paint_city(canvas, scene, palette)
    else:
        crests = ((-0.09, 0.05, 1.3, 0.74), (-0.05, 0.045, 1.7, 0.55), (-0.005, 0.03, 2.1, 0.36))
        for k, (base, swell, wave, far) in enumerate(crests):
            hill = terrain.Hill(foot + base, swell, wave, min(far + fog, 0.92), green, 0.5)
            top = terrain.paint_hill(canvas, scene, palette, f"hill {k}", hill)
            if k and scene.place == "hills":
                row = trees.Row(0.022 + 0.012 * k, far + fog, "round", 0.3)
                trees.paint_row(canvas, scene, palette, f"copse {k}", top, row)
            if scene.place == "forest":
                row = trees.Row(0.11 + 0.045 * k, min(far + fog, 0.92), _wood(scene))
                trees.paint_row(canvas, scene, palette, f"wood {k}", top, row)
                amount = 0.55 if fog else 0.18
                water.paint_mist(canvas, scene, palette, foot + base + 0.02, amount)


def _wood(scene: Scene) -> str:
    return "round" if scene.season in {"autumn", "spring"} and not scene.has("pine") else "conifer"


def _paint_foothills(
    canvas: Canvas, scene: Scene, palette: Palette, fars: tuple[float, float]
) -> None:
    for k, far in enumerate(fars):
        base = scene.horizon - 0.016 + 0.022 * k
        hill = terrain.Hill(base, 0.02 - 0.006 * k, 1.8, far, grass(scene), 0.6)
        top = terrain.paint_hill(canvas, scene, palette, f"foothill {k}", hill)
        row = trees.Row(0.026 + 0.016 * k, far, "conifer", 0.9)
        trees.paint_row(canvas, scene, palette, f"belt {k}", top, row)


def paint_near(canvas: Canvas, scene: Scene, palette: Palette) -> Array:
    """Paint the ground the subjects stand on; return its profile."""
    foot = scene.horizon
    if scene.place == "beach":
        top = bank(canvas, scene, 0.97, 0.16)
        paint_meadow(canvas, scene, palette, top)
        paint_surf(canvas, scene, palette, top)
        return top
    if scene.water == "sea":
        lift = scene.dice.between("lift", 0.05, 0.1)
        stood_on = any(name in subjects.GROUND for name in scene.subjects)
        top = headland(canvas, scene, foot, lift, stood_on=stood_on)
        paint_headland(canvas, scene, palette, top, foot)
        return top
    if scene.water == "lake":
        top = bank(canvas, scene, 0.95, scene.dice.between("lift", 0.08, 0.11))
        paint_meadow(canvas, scene, palette, top, dark=0.3)
        return top
    if scene.place in {"hills", "mountains", "forest", "open", "city"}:
        middle = terrain.Hill(foot + 0.07, 0.028, 1.5, 0.14, grass(scene), 0.5)
        crest = terrain.paint_hill(canvas, scene, palette, "middle", middle)
        if scene.place == "forest":
            row = trees.Row(0.27, 0.16, _wood(scene), 0.85)
            trees.paint_row(canvas, scene, palette, "wood 4", crest + np.float32(0.02), row)
        elif scene.place != "city":
            kind = "conifer" if scene.place == "mountains" else "round"
            row = trees.Row(0.06, 0.14, kind, 0.34)
            trees.paint_row(canvas, scene, palette, "grove", crest, row)
        if scene.water == "river":
            shore, mask = water.river_mask(canvas, scene, crest, foot + 0.05)
            water.paint_water(canvas, scene, palette, shore, mask)
            top = bank(canvas, scene, 1.02, 0.16)
        else:
            top = bank(canvas, scene, min(foot + 0.26, 0.93), 0.1)
    else:
        top = bank(canvas, scene, min(foot + 0.26, 0.93), 0.06)
    paint_meadow(canvas, scene, palette, top)
    return top
