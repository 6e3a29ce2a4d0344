"""A chat whose assistant paints. Its pictures travel as base64 inside the messages.

It knows nothing of Coatcheck. Run it with ``uvicorn --app-dir examples/fastapi_chat chat:app``.
"""

import base64
import io
import random
from asyncio import to_thread
from pathlib import Path

from fastapi import FastAPI, WebSocket
from fastapi.responses import FileResponse
from PIL import Image, ImageDraw, ImageFilter

app = FastAPI(title="Chat")


@app.get("/")
async def page() -> FileResponse:
    """The chat's page."""
    return FileResponse(Path(__file__).with_name("chat.html"))


@app.websocket("/ws")
async def chat(websocket: WebSocket) -> None:
    """Answer each message: words, then a picture, then closing words with a sketch in them."""
    await websocket.accept()
    async for prompt in websocket.iter_text():
        for word in f"Let me paint that for you: {prompt}.".split():
            await websocket.send_json({"type": "delta", "text": word + " "})
        picture = await to_thread(paint, prompt, width=768, height=512)
        await websocket.send_json({"type": "image", "image": data_uri(picture), "alt": prompt})
        sketch = data_uri(await to_thread(paint, f"sketch of {prompt}", width=384, height=256))
        text = f"I had this **sketch** before:\n\n![a sketch]({sketch})\n\nDo you like it?"
        await websocket.send_json({"type": "markdown", "text": text})


def paint(prompt: str, width: int, height: int) -> bytes:
    """A landscape as a PNG; the same prompt gives the same one."""
    rng = random.Random(prompt)  # noqa: S311 - no secret
    sky, ground = ([rng.randrange(40, 230) for _ in range(3)] for _ in range(2))
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for y in range(height):
        haze = 0.7 * y / height
        draw.line([(0, y), (width, y)], tuple(round(c + (255 - c) * haze) for c in sky))
    x, y, radius = rng.randrange(width), rng.randrange(height // 2), height // 10
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), (255, 244, 214))
    for layer in range(1, 5):
        level = height * (0.4 + 0.13 * layer)
        ridge = [(width * n / 16, level + rng.gauss(0, height / 22)) for n in range(17)]
        color = tuple(c * (6 - layer) // 6 for c in ground)
        draw.polygon([(0, height), *ridge, (width, height)], color)
    grain = Image.frombytes("L", (width, height), rng.randbytes(width * height)).convert("RGB")
    buffer = io.BytesIO()
    Image.blend(image.filter(ImageFilter.GaussianBlur(1)), grain, 0.06).save(buffer, "png")
    return buffer.getvalue()


def data_uri(picture: bytes) -> str:
    """The picture as a URL that holds all of it."""
    return "data:image/png;base64," + base64.b64encode(picture).decode()
