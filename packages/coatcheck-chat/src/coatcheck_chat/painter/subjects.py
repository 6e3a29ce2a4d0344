"""Where subjects stand, and in which order they are painted."""

from collections.abc import Callable

import numpy as np

from coatcheck_chat.painter import buildings, creatures, plants, wonders
from coatcheck_chat.painter.canvas import Canvas
from coatcheck_chat.painter.easel import Easel
from coatcheck_chat.painter.noise import Array
from coatcheck_chat.painter.palette import Palette
from coatcheck_chat.painter.scene import Scene
from coatcheck_chat.painter.water import river_center

Painter = Callable[[Easel], None]

# On the ground, with the world length of their local unit; the first anchors go to the first named.
GROUND: dict[str, tuple[Painter, float]] = {
    "lighthouse": (buildings.lighthouse, 0.36),
    "castle": (buildings.castle, 0.34),
    "windmill": (buildings.windmill, 0.3),
    "tree": (plants.tree, 0.38),
    "pine": (plants.pine, 0.4),
    "palm": (plants.palm, 0.36),
    "cactus": (plants.cactus, 0.26),
    "cabin": (buildings.cabin, 0.12),
    "tent": (buildings.tent, 0.115),
    "deer": (creatures.deer, 0.17),
    "fox": (creatures.fox, 0.125),
    "cat": (creatures.cat, 0.13),
    "campfire": (wonders.campfire, 0.095),
}
AFLOAT: dict[str, tuple[Painter, float]] = {
    "boat": (creatures.boat, 0.17),
    "whale": (creatures.whale, 0.12),
}

# Shares of the width on the subject's side, in the order they are given away.
_ANCHORS = {
    "sea": (0.27, 0.4, 0.14, 0.46, 0.2),
    "else": (0.25, -0.02, 0.4, -0.22, 0.12, -0.36, 0.47),
}


def paint_in_sky(canvas: Canvas, scene: Scene, palette: Palette) -> None:
    """Paint balloons; what flies low enough to be mirrored in water."""
    dice = scene.dice.child("sky subjects")
    if scene.has("balloon"):
        for k, (x, y, size) in enumerate(((0.2, 0.47, 0.3), (-0.12, 0.3, 0.11), (0.4, 0.2, 0.075))):
            at = scene.side * canvas.aspect * (x + dice.between(f"x{k}", -0.05, 0.05))
            low = y + dice.between(f"y{k}", -0.04, 0.04)
            creatures.balloon(
                Easel(canvas, scene, palette, "balloon", at, low, size * canvas.scale)
            )


def paint_birds(canvas: Canvas, scene: Scene, palette: Palette) -> None:
    """Paint a flock, also unasked over most seas. Too small to be mirrored, so last of all."""
    dice = scene.dice.child("flock")
    gulls = scene.water == "sea" and scene.weather in {"clear", "clouds"} and scene.time != "night"
    if scene.has("birds") or (gulls and dice.chance("gulls", 0.7)):
        at = scene.side * canvas.aspect * dice.between("birds x", -0.12, 0.02)
        y = scene.horizon * dice.between("birds y", 0.42, 0.58)
        size = (0.5 if scene.has("birds") else 0.3) * canvas.scale
        creatures.birds(Easel(canvas, scene, palette, "birds", at, y, size))


def paint_subjects(canvas: Canvas, scene: Scene, palette: Palette, top: Array) -> None:
    """Paint what floats and what stands on the ground profile `top` (world y, shape (width,))."""
    _paint_afloat(canvas, scene, palette)
    anchors = list(_ANCHORS["sea" if scene.water == "sea" and scene.place != "beach" else "else"])
    standing = [name for name in scene.subjects if name in GROUND]
    places = list(zip(standing, anchors, strict=False))
    # Large ones first: small ones stand in front of them.
    for name, share in sorted(places, key=lambda place: -GROUND[place[0]][1]):
        painter, unit = GROUND[name]
        x = scene.side * canvas.aspect * (share + scene.dice.between(f"at {name}", -0.03, 0.03))
        y = float(np.interp(x, canvas.x, top))
        size = unit * canvas.scale * scene.dice.between(f"size {name}", 0.92, 1.08)
        painter(Easel(canvas, scene, palette, name, x, y + 0.006, size))


def paint_wings(canvas: Canvas, scene: Scene, palette: Palette, top: Array) -> None:
    """Frame the view with trees at the edges, as stage wings do."""
    dice = scene.dice.child("wings")
    if scene.place == "hills" and (scene.has("tree") or dice.chance("open", 0.5)):
        return
    # A wing steps aside for what stands in front of it.
    aside = 0.05 if any(name in GROUND for name in scene.subjects) else 0.0
    wings = [
        (
            scene.side * dice.between("near", 0.4 + aside, 0.45 + aside),
            dice.between("tall", 0.46, 0.58),
        )
    ]
    if dice.chance("both", 0.6):
        wings.append((-scene.side * dice.between("far", 0.46, 0.5), dice.between("low", 0.3, 0.4)))
    if scene.place == "hills":
        # A crown is wide: it would stand before the subject.
        wings = [(-scene.side * dice.between("far", 0.42, 0.46), dice.between("low", 0.36, 0.46))]
    for k, (share, size) in enumerate(wings):
        x = share * canvas.aspect
        y = float(np.interp(x, canvas.x, top)) + 0.02
        easel = Easel(canvas, scene, palette, f"wing {k}", x, y, size * canvas.scale)
        (plants.tree if scene.place == "hills" else plants.pine)(easel)


def _paint_afloat(canvas: Canvas, scene: Scene, palette: Palette) -> None:
    if scene.water == "river" and scene.has("bridge"):
        y = scene.horizon + 0.19
        t = np.array([(y - scene.horizon - 0.05) / (0.95 - scene.horizon)], np.float32)
        x = float(river_center(canvas, scene, t)[0])
        buildings.bridge(Easel(canvas, scene, palette, "bridge", x, y, 0.36 * canvas.scale))
    if scene.water not in {"sea", "lake"}:
        return
    floating = [name for name in scene.subjects if name in AFLOAT]
    for k, name in enumerate(floating):
        painter, unit = AFLOAT[name]
        x = -scene.side * canvas.aspect * scene.dice.between(f"at {name}", 0.02, 0.14)
        x += 0.22 * k * scene.side * canvas.scale
        y = scene.horizon + scene.dice.between(f"off {name}", 0.06, 0.1)
        for mirrored in (True, False):
            painter(Easel(canvas, scene, palette, name, x, y, unit * canvas.scale, mirrored))


def paint_in_space(canvas: Canvas, scene: Scene, palette: Palette) -> None:
    """Paint a rocket, if asked for."""
    if scene.has("rocket"):
        x = scene.side * canvas.aspect * 0.2
        wonders.rocket(Easel(canvas, scene, palette, "rocket", x, 0.78, 0.42 * canvas.scale))
