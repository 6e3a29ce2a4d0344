"""The sky: gradient, glow, the disc of sun or moon, clouds."""

import numpy as np

from coatcheck_chat.painter.canvas import Canvas
from coatcheck_chat.painter.noise import Array, fractal, smooth
from coatcheck_chat.painter.palette import Palette, field, gradient, ink, mix
from coatcheck_chat.painter.scene import Scene


def light_at(canvas: Canvas, scene: Scene) -> tuple[float, float]:
    """Return the world position of sun or moon."""
    return scene.light[0] * canvas.aspect, scene.light[1]


def paint_sky(canvas: Canvas, scene: Scene, palette: Palette) -> None:
    """Fill the whole canvas with the sky's gradient and the glow around its light."""
    reach = scene.horizon + 0.02
    canvas.rgb[:] = gradient(palette.sky, canvas.y / np.float32(reach))[:, :, None]
    # A slow unevenness, as of a wash laid in with a wide brush.
    wash = fractal(canvas.x * 1.3, canvas.y * 5, scene.dice.seed("wash"), octaves=3)
    canvas.rgb += wash * np.float32(0.012)
    if scene.place == "space":
        canvas.rgb *= np.float32(0.5)
        return
    strength = {"storm": 0.35, "rain": 0.4, "fog": 0.7}.get(scene.weather, 0.85)
    x, y = light_at(canvas, scene)
    if scene.time == "night":
        strength *= 0.55
    dx, dy = canvas.x[None, :] - np.float32(x), canvas.y[:, None] - np.float32(y)
    # Low light spreads along the horizon: the wide part of the glow is an ellipse.
    wide = 1 / (1 + (dx / 0.55) ** 2 + (dy / 0.24) ** 2) ** 2
    near = 1 / (1 + (dx**2 + dy**2) / 0.022) ** 2
    glow = (wide * np.float32(0.5) + near * np.float32(0.62)) * np.float32(strength)
    canvas.blend(np.asarray(glow, np.float32), palette.glow)


def paint_disc(canvas: Canvas, scene: Scene, palette: Palette) -> None:
    """Paint the sun, or at night the moon, unless weather or place hides it."""
    if scene.place == "space" or (scene.weather in {"storm", "rain"} and not scene.has("moon")):
        return
    x, y = light_at(canvas, scene)
    low = scene.time in {"dawn", "dusk"}
    size = scene.dice.between("disc", 0.05, 0.066) * canvas.scale * (1.1 if low else 0.9)
    if scene.has("moon") or scene.has("sun"):
        size *= 1.2
    frame = canvas.frame(x, y, size, (-1.3, 1.3, -1.3, 1.3))
    distance = np.sqrt(frame.u**2 + frame.v**2) - 1
    if scene.time == "day":
        size *= 0.62
        wide = canvas.frame(x, y, size, (-9, 9, -9, 9))
        halo = np.float32(0.85) / (1 + (wide.u**2 + wide.v**2) / 3.2) ** 1.5
        halo *= np.clip(1.4 - np.sqrt(wide.u**2 + wide.v**2) / 6.4, 0, 1)
        wide.veil(np.asarray(halo, np.float32), palette.sun)
        frame = canvas.frame(x, y, size, (-1.3, 1.3, -1.3, 1.3))
        distance = np.sqrt(frame.u**2 + frame.v**2) - 1
    if scene.time != "night":
        body = mix(palette.sun, palette.glow, 0.8)
        down = np.clip(frame.v * np.float32(-0.5) + np.float32(0.5), 0, 1)
        down = np.asarray(down + np.zeros_like(frame.u), np.float32)
        shade = field(palette.sun, body, down)
        frame.fill(distance, shade, 0.55 if scene.weather == "fog" else 0.96, soft=0.04)
        return
    u, v = (frame.u[0] + 3) * np.float32(1.5), (frame.v[:, 0] + 3) * np.float32(1.5)
    maria = smooth(0.05, 0.55, fractal(u, v, scene.dice.seed("maria"), octaves=4))
    limb = np.clip(frame.u**2 + frame.v**2, 0, 1)
    face = field(palette.sun, mix(palette.sun, palette.sky[2], 0.5), maria * 0.6 + limb * 0.12)
    frame.fill(distance, face, 0.97, soft=0.05)


def paint_clouds(canvas: Canvas, scene: Scene, palette: Palette) -> None:
    """Paint clouds: flat streaks near the horizon, heaped ones above, lit from the light's side."""
    if scene.place == "space" or scene.weather == "fog":
        return
    dice = scene.dice.child("clouds")
    heavy = scene.weather in {"storm", "rain"}
    amount = {"clear": 0.1, "clouds": 0.5, "snow": 0.5}.get(scene.weather, 0.95)
    if scene.time == "night" and not heavy:
        amount *= 0.6
    rows = canvas.rows(0, scene.horizon + 0.03)
    y = canvas.y[rows]
    lit, shade = _cloud_colors(scene, palette)
    sun_x, sun_y = light_at(canvas, scene)
    disc2 = (canvas.x[None, :] - np.float32(sun_x)) ** 2 + (y[:, None] - np.float32(sun_y)) ** 2
    # Light burns the cloud away in front of its disc.
    burnt = np.asarray(1 - np.float32(0.9) / (1 + (disc2 / 0.009) ** 2), np.float32)
    _streaks(canvas, rows, (lit, shade), burnt, dice.seed("streaks"), 0.35 + 0.4 * amount)
    if amount < 0.2:
        return
    # Clouds flatten towards the horizon, as the layer recedes.
    depth = np.float32(scene.horizon + 0.05) - y
    v = np.log(np.maximum(depth, 0.02)) * np.float32(-2.1)
    u = canvas.x * np.float32(2.6 / max(canvas.scale, 0.6))
    seed = dice.seed("heap")
    body = fractal(u, v, seed, octaves=8, gain=0.56)
    lean = np.float32(0.07 if sun_x > 0 else -0.07)
    towards = fractal(u + lean, v - np.float32(0.09), seed, octaves=6, gain=0.56)
    threshold = 0.55 - 0.75 * amount if heavy else 0.62 - 0.6 * amount
    cover = smooth(threshold, threshold + (0.5 if heavy else 0.26), body)
    cover *= smooth(0.0, 0.16, depth)[:, None]
    if not heavy:
        cover *= burnt
    light = smooth(-0.22, 0.3, body - towards)
    thick = smooth(threshold, threshold + 0.9, body)
    near = 1 / (1 + disc2 / 0.12)
    light = np.clip(light * 0.85 + near * 0.35 - thick * 0.3, 0, 1)
    canvas.blend(cover * np.float32(0.92 if heavy else 0.86), field(shade, lit, light), rows)


def _cloud_colors(scene: Scene, palette: Palette) -> tuple[Array, Array]:
    sky = palette.sky
    if scene.time == "night":
        return mix(sky[3], palette.glow, 0.25), mix(sky[1], sky[2], 0.6)
    if scene.weather in {"storm", "rain"}:
        return mix(sky[3], palette.glow, 0.3), mix(sky[0], ink("20242e"), 0.25)
    if scene.time == "day":
        return mix(palette.sun, ink("ffffff"), 0.5), mix(sky[2], ink("8796b4"), 0.35)
    return mix(sky[4], palette.glow, 0.5), mix(sky[1], sky[2], 0.65)


def _streaks(
    canvas: Canvas,
    rows: slice,
    colors: tuple[Array, Array],
    burnt: Array,
    seed: int,
    amount: float,
) -> None:
    y = canvas.y[rows]
    noise = fractal(canvas.x * 1.5, y * 15, seed, octaves=5, gain=0.48)
    mask = smooth(0.25, 0.95, noise) * np.float32(amount) * burnt
    height = y / np.float32(max(float(y[-1]), 1e-3))
    mask *= (smooth(0.25, 0.65, height) * smooth(1.02, 0.85, height))[:, None]
    mix_at = smooth(0.3, 1.0, noise) * np.float32(0.6) + height[:, None] * np.float32(0.4)
    canvas.blend(mask, field(colors[1], colors[0], np.clip(mix_at, 0, 1)), rows)
