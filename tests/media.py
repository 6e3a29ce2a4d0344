"""Pictures for tests, made when they are needed."""

import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    """Soft shapes on a gradient: compresses like a photograph rather than like noise."""
    rng = random.Random(seed)
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    draw = ImageDraw.Draw(image)
    for _ in range(24):
        x, y = rng.randrange(width), rng.randrange(height)
        radius = rng.randrange(1, max(2, min(width, height) // 3))
        color = (rng.randrange(256), rng.randrange(256), rng.randrange(256))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)
    return image


def image_bytes(kind: str, width: int = 64, height: int = 48, seed: int = 0) -> bytes:
    """An encoded picture; `kind` is png, jpeg, webp, gif or avif."""
    buffer = io.BytesIO()
    picture(width, height, seed).save(buffer, format=kind)
    return buffer.getvalue()


def encoded_jpeg(*, progressive: bool) -> bytes:
    """A JPEG in color, as an encoder writes it: in ten scans, or in one."""
    buffer = io.BytesIO()
    picture(64, 48).save(buffer, format="jpeg", progressive=progressive)
    return buffer.getvalue()


def png_bytes(width: int = 64, height: int = 48, seed: int = 0) -> bytes:
    """An encoded PNG."""
    return image_bytes("png", width, height, seed)


def gif_frames(count: int, width: int = 8, height: int = 8) -> bytes:
    """An animated GIF of `count` frames."""
    frames = [
        # Neighbors differ so much that no encoder takes them for the same.
        Image.new("RGB", (width, height), (index * 37 % 256, index * 91 % 256, 80))
        for index in range(count)
    ]
    buffer = io.BytesIO()
    frames[0].save(buffer, format="gif", save_all=True, append_images=frames[1:], duration=20)
    return buffer.getvalue()


def on_file(task: Callable[..., Any], path: Path, **arguments: Any) -> Any:
    """What an image operation makes of a file, which it gets as a worker does: as a descriptor."""
    with path.open("rb") as file:
        return task(file=file.fileno(), **arguments)


def jpeg_of_scans(count: int, width: int = 64, height: int = 48) -> bytes:
    """A gray progressive JPEG of `count` scans (2 to 883), as the standard allows.

    After the first one, each refines one frequency by one bit and says at once that nothing follows
    for the next 2¹⁴ blocks (an EOB run). A decoder goes over all of them for it: LJT-01-003 of "Two
    Issues with the JPEG Standard".
    """
    buffer = io.BytesIO()
    Image.new("L", (width, height), 90).save(buffer, format="jpeg", progressive=True)
    encoded = buffer.getvalue()
    first = encoded.index(b"\xff\xda")
    head = encoded[: encoded.index(b"\xff\xc4", first)]  # up to the tables of the second scan
    table = b"\xff\xc4\x00\x14\x10" + bytes([1] + [0] * 15) + b"\xe0"  # one code of one bit
    runs = -(-(-(-width // 8) * -(-height // 8)) // 2**14)
    refining = [
        b"\xff\xda\x00\x08\x01\x01\x00"
        + bytes([frequency, frequency, (bit + 1) % 14 << 4 | bit])
        + bytes(2 * runs)
        for bit in range(13, -1, -1)
        for frequency in range(1, 64)
    ]
    return head + table + b"".join(refining[: count - 1]) + b"\xff\xd9"
