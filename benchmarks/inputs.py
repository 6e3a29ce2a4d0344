"""Payloads to measure with: a frame, a history, and input that is meant to do harm."""

import base64
import io
import json
import random
from collections.abc import Callable, Mapping
from typing import Any, Final

from PIL import Image

from coatcheck.reference import MediaReference, MediaUrls

HISTORY_IMAGES: Final = 30
MEGABYTE: Final = 1_000_000

_FRAME_EDGE: Final = 1000  # 3.0 MB, 4.0 MB of base64
_HISTORY_EDGE: Final = 645  # 1.25 MB, 1.67 MB of base64
_BEFORE: Final = "Here is the map: ![map]("
_AFTER: Final = ") And that is all."
_DELTAS_EDGE: Final = 658  # 1.3 MB, 1.7 MB of base64


def noise_png(edge: int, seed: int = 0) -> bytes:
    """A square PNG that no compression makes smaller: three bytes to the pixel."""
    pixels = random.Random(seed).randbytes(edge * edge * 3)
    buffer = io.BytesIO()
    Image.frombytes("RGB", (edge, edge), pixels).save(buffer, "png", compress_level=1)
    return buffer.getvalue()


def frame() -> bytes:
    """A tool's result of 4 MB with one image, as it goes to a browser."""
    return json.dumps(tool_result("call_1", noise_png(_FRAME_EDGE))).encode()


def history() -> list[dict[str, Any]]:
    """A conversation of 50 MB with 30 different images."""
    return [
        {
            "role": "assistant",
            "parts": [
                {"type": "text", "text": "Here is what you asked for. " * 20},
                tool_result(f"call_{number}", noise_png(_HISTORY_EDGE, seed=number)),
            ],
        }
        for number in range(HISTORY_IMAGES)
    ]


def tool_result(call: str, content: bytes) -> dict[str, Any]:
    """An image as MCP has it in a tool's result."""
    data = base64.b64encode(content).decode()
    image = {"type": "image", "data": data, "mimeType": "image/png"}
    return {"type": "tool-output-available", "toolCallId": call, "output": {"content": [image]}}


def deltas(size: int) -> list[bytes]:
    """A text with a picture of 1.3 MB in it, as OpenAI's Chat Completions stream it: events.

    Args:
        size: characters of the text in each event.
    """
    picture = base64.b64encode(noise_png(_DELTAS_EDGE)).decode()
    text = f"{_BEFORE}data:image/png;base64,{picture}{_AFTER}"
    return [*_chat_events(text, size), b"data: [DONE]\n\n"]


def bytes_of_text(size: int) -> int:
    """Bytes of the events of `deltas` in which there is nothing of the picture."""
    return sum(map(len, [*_chat_events(_BEFORE, size), *_chat_events(_AFTER, size)]))


def _chat_events(text: str, size: int) -> list[bytes]:
    events = []
    for start in range(0, len(text), size):
        choice = {
            "index": 0,
            "delta": {"content": text[start : start + size]},
            "logprobs": None,
            "finish_reason": None,
        }
        chunk = {
            "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
            "object": "chat.completion.chunk",
            "created": 1_764_460_800,
            "model": "gpt-5.2-2025-11-01",
            "service_tier": "default",
            "system_fingerprint": "fp_50cad350e4",
            "choices": [choice],
        }
        events.append(f"data: {json.dumps(chunk, separators=(',', ':'))}\n\n".encode())
    return events


def bad_inputs() -> Mapping[str, Callable[[], Any]]:
    """What must neither raise, nor be damaged, nor hold up the event loop; bytes are documents."""
    picture = noise_png(400)
    text = base64.b64encode(picture).decode()
    reference = MediaReference(
        id="9188cc90-b172-47e9-b493-4e22175bd478",
        mime_type="image/png",
        size=len(picture),
        digest="sha-256:" + "0" * 64,
    )
    cut = base64.b64encode(picture[: len(picture) // 2]).decode()
    letters = random.Random(1)
    return {
        "broken base64": lambda: [f"data:image/png;base64,{text[:70_000]}*{text[70_001:]}"] * 20,
        "2,000 broken images": lambda: [
            f"data:image/png;base64,{text[:7000]}*{number}{text[:1000]}" for number in range(2000)
        ],
        "truncated image": lambda: {"type": "image", "data": cut, "mimeType": "image/png"},
        "100 MB of nested lists": lambda: b"[" * (100 * MEGABYTE),
        "a list a million deep": lambda: _nested(MEGABYTE),
        "a million numbers": lambda: [list(range(1000)) for _ in range(1000)],
        "100 MB without an image": lambda: "The quick brown fox. " * (100 * MEGABYTE // 21),
        "100 MB of lines": lambda: (b"lines" * 12 + b"\n") * (100 * MEGABYTE // 61),
        "circular": lambda: _circular(text),
        "a data: URI that lies": lambda: f"![x](data:text/html;base64,{text})",
        "keys and hashes": lambda: [letters.randbytes(32).hex() for _ in range(100_000)],
        "minified code": lambda: "function(a,b){return a.b(c)&&d[e]};" * (10 * MEGABYTE // 35),
        "protein sequences": lambda: "".join(letters.choices("ACDEFGHIKLMNPQRSTVWY", k=MEGABYTE)),
        "references already": lambda: [reference.to_ui(MediaUrls())] * 10_000,
        "forged references": lambda: [{**reference.to_stored(), "uri": "media://x"}] * 10_000,
        "references in text": lambda: f"see {reference.to_stored()['uri']} " * 10_000,
        "a frame of 4 MB": frame,
    }


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def _circular(text: str) -> dict[str, Any]:
    value: dict[str, Any] = {"type": "image", "data": text, "mimeType": "image/png"}
    value["self"] = [value]
    return value
