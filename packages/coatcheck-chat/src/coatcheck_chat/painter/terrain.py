"""Land at a distance: mountains, rolling hills, dunes."""

from dataclasses import dataclass

import numpy as np

from coatcheck_chat.painter.canvas import Canvas
from coatcheck_chat.painter.noise import Array, fractal, hashed, line, ridge, smooth
from coatcheck_chat.painter.palette import Palette, field, mix
from coatcheck_chat.painter.scene import Scene


@dataclass(frozen=True, slots=True, eq=False)
class Range:
    """A mountain range or a field of dunes.

    Attributes:
        foot: world y where it meets the plain.
        tall: height of its highest peaks, world units.
        far: 0 (close, full color) to 1 (lost in the haze).
        surface: color of the rock or sand.
        snow: color of the snow, or None.
        steep: width of a peak over its height (larger is flatter).
        crags: roughness, 1 for rock, 0 for dunes.
    """

    foot: float
    tall: float
    far: float
    surface: Array
    snow: Array | None
    steep: float = 1.15
    crags: float = 1.0


def paint_range(canvas: Canvas, scene: Scene, palette: Palette, name: str, form: Range) -> None:
    """Paint peaks one behind the other, each with a sunlit and a shaded face."""
    dice = scene.dice.child(name)
    spacing = form.tall * form.steep * 0.8
    first = int(np.floor(-canvas.aspect / 2 / spacing)) - 2
    index = np.arange(first, -first + 1)
    x = (index + 0.75 * (hashed(index, dice.seed("x")) - 0.5)) * spacing
    size = 0.45 + 0.55 * hashed(index, dice.seed("size"))
    # One peak leads; it stands away from the light so that its bright face shows.
    lead = int(np.argmin(np.abs(x - scene.side * canvas.aspect * 0.17)))
    size[lead] = 1.08
    towards = -1.0 if scene.light[0] < 0 else 1.0
    rows = canvas.rows(form.foot - form.tall * 1.25, form.foot)
    grain = fractal(canvas.x * 9, canvas.y[rows] * 9, dice.seed("grain"), octaves=5, gain=0.6)
    for k in np.argsort(size + 0.2 * hashed(index, dice.seed("order")))[::-1]:
        peak = _Peak(float(x[k]), float(size[k]) * form.tall, dice.seed(f"peak {k}"), towards)
        _paint_peak(canvas, palette, form, peak, (rows, grain))


@dataclass(frozen=True, slots=True)
class _Peak:
    x: float
    tall: float
    seed: int
    towards: float


def _paint_peak(
    canvas: Canvas, palette: Palette, form: Range, peak: _Peak, texture: tuple[slice, Array]
) -> None:
    half = peak.tall * form.steep
    columns = canvas.columns(peak.x - half, peak.x + half)
    rows, grain = texture
    x, y = canvas.x[columns], canvas.y[rows][:, None]
    if not x.size or not y.size:
        return
    grain = grain[:, columns]
    along = np.abs(x - np.float32(peak.x)) / np.float32(half)
    fall = along ** np.float32(0.86) if form.crags else 1 - np.cos(along * np.pi) / 2 - 0.5
    # Creases of the folded noise are the teeth of the skyline.
    fold = ridge(x * np.float32(7 / half), peak.seed, octaves=6, gain=0.6)
    jag = np.abs(fold) * np.float32(1.6) - np.float32(0.6)
    top = np.float32(form.foot) - np.float32(peak.tall) * (1 - fall)
    top = top + jag * np.float32(peak.tall * 0.06 * form.crags) * smooth(0.0, 0.3, along)
    # The spur: the edge between both faces, wandering down towards the viewer.
    drop = y - np.float32(form.foot - peak.tall)
    wander = ridge(y[:, 0] * np.float32(5), peak.seed + 3, octaves=4)[:, None]
    lean = line(np.array([0.5]), peak.seed + 4)[0] * np.float32(0.3)
    spur = np.float32(peak.x) + drop * (lean + wander * np.float32(0.3))
    side = (x[None, :] - spur) * np.float32(peak.towards)
    # Gullies run down the faces: noise along lines parallel to the flanks.
    flank = np.abs(x[None, :] - spur) + drop * np.float32(0.55)
    rate = np.float32(3.2 / half)
    gully = line(flank * rate + grain * np.float32(0.16), peak.seed + 6)
    gully += line(flank * rate * np.float32(2.7) + grain * np.float32(0.3), peak.seed + 7) * 0.5
    gully *= np.float32(form.crags)
    facing = side / np.float32(half * 0.3) if form.crags else side * np.float32(40)
    facing = np.clip(facing, -1.1, 1.1) + gully * np.float32(0.5)
    light = smooth(-0.07, 0.07, facing + grain * np.float32(0.3 * form.crags))
    light = np.clip(light * (0.72 + 0.16 * gully) + (0.08 + 0.07 * grain) * form.crags, 0, 1)
    surface = field(palette.dark(form.surface), palette.lit(form.surface), light)
    if form.snow is not None:
        line_of_snow = np.float32(peak.tall * 0.42) + gully * np.float32(peak.tall * 0.13)
        cover = smooth(0.006, -0.006, drop - line_of_snow - grain * np.float32(0.045))
        snow = field(palette.dark(form.snow), palette.lit(form.snow), np.clip(light * 1.1, 0, 1))
        surface = surface + (snow - surface) * cover
    depth = np.clip(drop / np.float32(form.tall), 0, 1)
    if form.crags:
        haze = form.far + (1 - form.far) * 0.62 * depth**1.7
    else:
        # A dune runs out into the plain it stands on.
        out = np.clip(drop / np.float32(peak.tall), 0, 1) ** 3
        surface = field(surface, palette.lit(form.surface), out)
        haze = form.far + 0 * depth
    surface = surface + (palette.haze[:, None, None] - surface) * haze
    mask = np.clip((y - top[None, :]) * np.float32(canvas.height) + np.float32(0.5), 0, 1)
    canvas.blend(mask, surface, rows, columns)


@dataclass(frozen=True, slots=True, eq=False)
class Hill:
    """A rolling layer of land.

    Attributes:
        base: world y of its mean crest.
        swell: height of its waves, world units.
        wave: waves per world unit.
        far: 0 (close) to 1 (lost in the haze).
        surface: color of what grows on it.
        rough: 0 smooth, 1 bushy crest.
    """

    base: float
    swell: float
    wave: float
    far: float
    surface: Array
    rough: float = 0.2


def crest(canvas: Canvas, scene: Scene, name: str, hill: Hill) -> Array:
    """Return the crest's world y for each column, shape (width,)."""
    seed = scene.dice.seed(name)
    slow = ridge(canvas.x * np.float32(hill.wave), seed, octaves=2, gain=0.3)
    fine = ridge(canvas.x * np.float32(16), seed + 1, octaves=5, gain=0.6)
    return np.asarray(
        hill.base - hill.swell * slow - fine * np.float32(0.006 * hill.rough), np.float32
    )


def paint_hill(
    canvas: Canvas,
    scene: Scene,
    palette: Palette,
    name: str,
    hill: Hill,
    line_: Array | None = None,
) -> Array:
    """Paint one layer of hills and return its crest (world y, shape (width,))."""
    top = crest(canvas, scene, name, hill) if line_ is None else line_
    rows, mask = canvas.below(top)
    y = canvas.y[rows]
    calm = canvas.calmed(top)
    drop = np.maximum(y[:, None] - calm[None, :], 0)
    towards = -1.0 if scene.light[0] < 0 else 1.0
    slope = np.gradient(calm) / np.float32(canvas.aspect / canvas.width)
    # The flank that falls away from the light is darker, most so near the crest.
    faced = np.tanh(slope * np.float32(towards * 2.2))[None, :]
    patches = fractal(
        canvas.x * 6, y * 16, scene.dice.seed(name + " patches"), octaves=5, gain=0.55
    )
    light = 0.52 + 0.42 * faced * np.exp(-drop * np.float32(7)) + patches * np.float32(0.16)
    light -= np.minimum(drop * np.float32(1.1), 0.4)
    light += np.exp(-drop * np.float32(55)) * np.float32(0.22)
    light = np.clip(light, 0, 1)
    color = field(palette.dark(hill.surface), palette.lit(hill.surface), light)
    # Fields of another, riper green.
    hue = [1.22, 1.06, 0.78] if scene.season != "winter" else [0.9, 0.95, 1.05]
    ripe = np.minimum(hill.surface * np.array(hue, np.float32), 1)
    other = field(palette.dark(ripe), palette.lit(ripe), light)
    color += (other - color) * smooth(-0.1, 0.25, patches)
    mist = hill.far + (1 - hill.far) * np.minimum(drop * np.float32(2.4), 1) * hill.far
    color = field(color, mix(palette.haze, palette.glow, 0.15), mist)
    canvas.blend(mask, color, rows)
    return top
