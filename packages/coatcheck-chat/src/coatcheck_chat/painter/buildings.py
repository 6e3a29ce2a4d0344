"""Buildings: lighthouse, cabin, castle, windmill, bridge, tent. One local unit is their height."""

import numpy as np

from coatcheck_chat.painter.easel import Brush, Easel
from coatcheck_chat.painter.noise import line
from coatcheck_chat.painter.palette import ink, mix
from coatcheck_chat.painter.shapes import box, disc, polygon, stroke, taper

_PLASTER, _ROOF, _WOOD, _STONE = ink("f3ece0"), ink("b2503f"), ink("9a6a4a"), ink("b3a79c")


def lighthouse(easel: Easel) -> None:
    """Paint a banded tower with gallery, lantern and keeper's house; its beam after sunset."""
    if easel.lamps and not easel.mirrored:
        _beam(easel)
    brush = easel.frame(-0.55, 0.55, -0.04, 1.05)
    u, v = brush.u, brush.v
    _keeper(brush)
    tower = taper(u, v, (-0.03, 0.73), 0.112, 0.066)
    half = 0.11 - 0.055 * 0.5
    brush.round(tower, _PLASTER, half)
    red = easel.accent("b8402f")
    for low in (0.06, 0.32, 0.58):
        curve = v - (u / np.float32(0.11)) ** 2 * np.float32(0.012)
        brush.round(np.maximum(tower, np.abs(curve - np.float32(low + 0.06)) - 0.065), red, half)
    for at in (0.27, 0.52):
        brush.lamp(box(u, v, -0.012, 0.012, at - 0.022, at + 0.022))
    brush.round(box(u, v, -0.1, 0.1, 0.715, 0.737), ink("3d4250"), 0.1)
    brush.lit(box(u, v, -0.095, 0.095, 0.772, 0.778), ink("3d4250"), 0.4)
    for k in range(-4, 5):
        brush.lit(box(u, v, k * 0.023 - 0.002, k * 0.023 + 0.002, 0.73, 0.775), ink("3d4250"), 0.4)
    glass = box(u, v, -0.052, 0.052, 0.737, 0.845)
    brush.flat(
        glass, ink("ffe9a8") if easel.lamps else mix(easel.palette.sky[2], ink("ffffff"), 0.3)
    )
    for k in (-1, 0, 1):
        brush.lit(box(u, v, k * 0.034 - 0.003, k * 0.034 + 0.003, 0.737, 0.845), ink("3d4250"), 0.3)
    brush.round(np.maximum(disc(u, v, (0, 0.843), 0.068, 1.1), 0.843 - v), red, 0.07)
    brush.lit(stroke(u, v, (0, 0.91), (0, 0.965), 0.005, 0.003), ink("3d4250"), 0.5)
    brush.lit(disc(u, v, (0, 0.93), 0.012), red, 0.7)
    if easel.lamps:
        wide = easel.frame(-1, 1, 0.1, 1.5)
        wide.glow((0, 0.79), 0.3, ink("ffdf9a"), 0.42)
        wide.glow((0, 0.79), 0.075, ink("fffbe6"), 0.9)


def _beam(easel: Easel) -> None:
    brush = easel.frame(-9, 9, -2.5, 4.5)
    # The beam points out to sea, slightly up; its twin, foreshortened, is shorter and fainter.
    out = -float(easel.scene.side)
    for side, reach, strength in ((out, 3.2, 0.6), (-out, 1.6, 0.34)):
        along = brush.u * np.float32(side)
        off = brush.v - np.float32(0.79) - along * np.float32(0.055)
        spread = np.float32(0.016) + np.maximum(along, 0) * np.float32(0.085)
        mask = np.exp(-((off / spread) ** 2)) * np.exp(-along / np.float32(reach))
        # Gone before the window's end, on the widest pictures too.
        mask *= (along > 0) * np.clip((8.5 - along) / 4, 0, 1)
        brush.frame.veil((mask * np.float32(strength)).astype(np.float32), ink("fff0c0"))


def _keeper(brush: Brush) -> None:
    u, v, side = brush.u, brush.v, -brush.easel.towards
    u = u * np.float32(side)
    lit = 0.45
    brush.lit(box(u, v, 0.09, 0.36, -0.03, 0.1), _PLASTER, lit)
    brush.lit(
        polygon(u, v, [(0.07, 0.095), (0.385, 0.095), (0.34, 0.2), (0.115, 0.2)]), _ROOF, 0.55
    )
    brush.lit(box(u, v, 0.27, 0.3, 0.16, 0.245), _STONE, 0.3)
    for at in (0.15, 0.225, 0.3):
        brush.lamp(box(u, v, at - 0.016, at + 0.016, 0.025, 0.067))


def cabin(easel: Easel) -> None:
    """Paint a log cabin seen from the corner, with a chimney and its smoke."""
    brush = easel.frame(-1.3, 1.3, -0.08, 2.6)
    # The gable faces the light, whichever side that is.
    u, v = brush.u * np.float32(easel.towards), brush.v
    if not easel.mirrored:
        drift = line(v * np.float32(2.2), easel.dice.seed("smoke")) * (v - 1) * np.float32(0.2)
        puff = np.abs(u + np.float32(0.42) - drift - (v - 1) * 0.22)
        soft = np.exp(-((puff / (0.035 + np.maximum(v - 1, 0) * 0.1)) ** 2))
        fade = np.clip((v - 1.02) * 9, 0, 1) * np.clip((2.5 - v) / 1.5, 0, 1) * np.float32(0.42)
        brush.frame.veil(
            (soft * fade).astype(np.float32), mix(easel.palette.haze, ink("ffffff"), 0.3)
        )
    brush.lit(box(u, v, -0.56, -0.42, 0.6, 1.05), _STONE, 0.4)
    wall = box(u, v, -0.85, 0.1, -0.06, 0.5)
    brush.lit(wall, _WOOD, 0.28)
    gable = polygon(u, v, [(0.08, -0.06), (0.72, -0.06), (0.72, 0.46), (0.4, 0.93), (0.08, 0.46)])
    brush.lit(gable, _WOOD, 0.85)
    for k in range(11):
        log = np.minimum(wall, gable)
        seam = np.maximum(log, np.abs(v - np.float32(0.02 + 0.075 * k)) - 0.006)
        brush.flat(seam, easel.palette.dark(_WOOD) * np.float32(0.8), 0.5)
    roof = ink("eef1f6") if easel.scene.season == "winter" else easel.accent("7a3f38")
    brush.lit(polygon(u, v, [(-0.98, 0.4), (0.1, 0.4), (0.42, 0.98), (-0.7, 0.98)]), roof, 0.5)
    brush.lit(polygon(u, v, [(0.4, 0.9), (0.42, 1.0), (0.82, 0.4), (0.76, 0.36)]), roof, 0.9)
    brush.lamp(box(u, v, -0.62, -0.4, 0.14, 0.34))
    brush.lamp(box(u, v, -0.22, 0.0, 0.14, 0.34))
    brush.lit(box(u, v, 0.17, 0.35, -0.06, 0.34), ink("5b3d30"), 0.6)
    brush.lamp(box(u, v, 0.46, 0.62, 0.14, 0.34))
    for at in (-0.51, -0.11, 0.54):
        brush.lit(box(u, v, at - 0.008, at + 0.008, 0.13, 0.35), ink("5b3d30"), 0.5)
    if easel.lamps:
        brush.glow((-0.3 * easel.towards, 0.22), 0.55, easel.palette.window, 0.26)


def castle(easel: Easel) -> None:
    """Paint a castle: keep, round towers with pointed roofs, curtain wall, gate, pennants."""
    brush = easel.frame(-0.75, 0.75, -0.06, 1.12)
    u, v = brush.u, brush.v
    roof = easel.accent("4f6288")
    for at, wide, high, cap in (
        (-0.16, 0.075, 0.62, 0.2),
        (0.2, 0.06, 0.7, 0.2),
        (0.03, 0.1, 0.74, 0.28),
        (-0.44, 0.085, 0.44, 0.22),
        (0.46, 0.085, 0.48, 0.22),
    ):
        local = u - np.float32(at)
        brush.round(box(local, v, -wide, wide, -0.05, high), _STONE, wide, at)
        brush.round(box(local, v, -wide * 1.16, wide * 1.16, high - 0.05, high), _STONE, wide, at)
        cone = taper(local, v, (high, high + cap), wide * 1.25, 0.002)
        brush.round(cone, roof, wide, at)
        tip = high + cap
        brush.lit(stroke(u, v, (at, tip - 0.02), (at, tip + 0.07), 0.004), ink("3a3440"), 0.5)
        flag = [(at, tip + 0.07), (at + 0.075, tip + 0.052), (at, tip + 0.033)]
        brush.lit(polygon(u, v, flag), ink("c8503f"), 0.8)
        for k in (0.36, 0.7):
            if high * k > 0.26:
                brush.lamp(stroke(u, v, (at, high * k - 0.016), (at, high * k + 0.016), 0.011))
    wall = box(u, v, -0.5, 0.5, -0.05, 0.24)
    notch = np.maximum(box(u, v, -0.5, 0.5, 0.23, 0.275), np.abs((u % 0.05) - 0.025) - 0.014)
    brush.shaded(np.minimum(wall, notch), mix(_STONE, ink("8d8078"), 0.3), u / np.float32(0.6))
    gate = np.minimum(box(u, v, -0.055, 0.055, -0.06, 0.09), disc(u, v, (0, 0.09), 0.055))
    brush.lit(gate, ink("41332f"), 0.25)
    for at in (-0.3, -0.18, 0.18, 0.3):
        brush.lamp(box(u, v, at - 0.011, at + 0.011, 0.11, 0.155))


def windmill(easel: Easel) -> None:
    """Paint a tower mill with four latticed sails."""
    brush = easel.frame(-0.6, 0.6, -0.05, 1.25)
    u, v = brush.u, brush.v
    brush.round(taper(u, v, (-0.03, 0.62), 0.19, 0.115), _PLASTER, 0.16)
    brush.round(
        np.maximum(disc(u, v, (0, 0.615), 0.13, 1.05), 0.61 - v), easel.accent("8a4038"), 0.13
    )
    brush.lit(box(u, v, -0.2, 0.2, 0.2, 0.222), ink("6a4a3a"), 0.5)
    brush.lit(box(u, v, -0.035, 0.035, -0.04, 0.11), ink("5b3d30"), 0.5)
    for at in (0.31, 0.47):
        brush.lamp(box(u, v, -0.02, 0.02, at, at + 0.05))
    angle = easel.dice.between("turn", 0.2, 1.3)
    for k in range(4):
        turn = angle + k * np.pi / 2
        cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
        along = u * cos + (v - np.float32(0.66)) * sin
        off = (v - np.float32(0.66)) * cos - u * sin
        sail = box(along, off, 0.1, 0.52, 0.0, 0.1)
        brush.lit(sail, ink("f2e6d0"), 0.7, 0.72)
        bars = np.minimum(np.abs(along % 0.06 - 0.03), np.abs(off % 0.05 - 0.025)) - 0.004
        brush.lit(np.maximum(sail, bars), ink("6a4a3a"), 0.4)
        brush.lit(box(along, off, 0.0, 0.54, -0.009, 0.009), ink("5b3d30"), 0.5)
    brush.lit(disc(u, v, (0, 0.66), 0.026), ink("4a3530"), 0.6)


def tent(easel: Easel) -> None:
    """Paint an A-frame tent, glowing from within after sunset."""
    brush = easel.frame(-1.3, 1.4, -0.15, 1.3)
    u, v = brush.u * np.float32(easel.towards), brush.v
    cloth = easel.accent("d9743c")
    brush.lit(
        polygon(u, v, [(-0.95, -0.03), (0.1, -0.03), (0.42, 0.95), (-0.42, 0.88)]), cloth, 0.45
    )
    brush.lit(polygon(u, v, [(0.05, -0.05), (1.0, -0.02), (0.42, 0.97)]), cloth, 0.95)
    door = polygon(u, v, [(0.32, -0.05), (0.7, -0.04), (0.43, 0.72)])
    brush.flat(door, easel.palette.window if easel.lamps else easel.palette.dark(ink("6a4030")))
    if easel.lamps:
        brush.glow((0.4 * easel.towards, 0.3), 0.7, easel.palette.window, 0.45)


def bridge(easel: Easel) -> None:
    """Paint a stone bridge of three arches; a local unit is half its span."""
    brush = easel.frame(-1.25, 1.25, -0.2, 0.45)
    u, v = brush.u, brush.v
    rise = np.float32(0.3) - u * u * np.float32(0.12)
    body = np.maximum(np.maximum(v - rise, np.float32(-0.16) - v), np.abs(u) - 1.22)
    for at, wide, high in ((0.0, 0.27, 0.23), (-0.62, 0.21, 0.17), (0.62, 0.21, 0.17)):
        arch = disc(u, v, (at, -0.04), wide, high / wide)
        arch = np.minimum(arch, np.maximum(np.abs(u - np.float32(at)) - wide, v + 0.04))
        body = np.maximum(body, -arch)
    brush.shaded(body, _STONE, u / np.float32(1.4))
    courses = np.abs((v + u * u * np.float32(0.12)) % 0.06 - 0.03) - 0.004
    brush.flat(np.maximum(body, courses), easel.palette.dark(_STONE), 0.35)
    rail = np.maximum(np.abs(v - rise - np.float32(0.012)) - 0.016, np.abs(u) - 1.24)
    brush.lit(rail, mix(_STONE, ink("ffffff"), 0.2), 0.8)
