"""A chat server as it was before there were references: pictures travel inside its frames."""

import base64
import io
import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Page
from websockets.sync.server import ServerConnection, serve

LARGE: Final = 65_536
"""Characters of a frame over which the transport leaves it to its worker."""

# Runs before the page's own scripts, and not in workers: what is counted is parsed by the page.
WATCH: Final = """(() => {
    const {parse} = JSON;
    window.parsed = [];
    JSON.parse = function (text, ...rest) {
        if (String(text).length > %d) window.parsed.push(String(text).length);
        return parse.call(this, text, ...rest);
    };
    const {WebSocket} = window;
    window.WebSocket = class extends WebSocket {
        constructor(url, protocols) { super('%s', protocols); }
    };
})()"""


@dataclass
class LegacyChat:
    """Answers each message with a picture of some megabytes, between two small frames."""

    url: str
    sent: list[int] = field(default_factory=list)
    """Characters of each frame of the conversation."""

    def take_the_place_of_the_server(self, page: Page) -> None:
        """From the next page on, sockets lead here, and ``window.parsed`` tells of large JSON."""
        page.add_init_script(WATCH % (LARGE, self.url))


@contextmanager
def legacy_chat() -> Iterator[LegacyChat]:
    """Serve one on a port of its own."""
    chat = LegacyChat("")
    with serve(
        lambda socket: _answer(socket, chat), "127.0.0.1", 0, subprotocols=PROTOCOLS
    ) as server:
        chat.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield chat
        finally:
            server.shutdown()
            thread.join(10)


PROTOCOLS: Final[Any] = ["coatcheck.v1"]


def noisy_png(edge: int = 1024) -> bytes:
    """A picture that does not compress: three bytes for each pixel."""
    noise = random.Random(7).randbytes(edge * edge * 3)
    buffer = io.BytesIO()
    Image.frombytes("RGB", (edge, edge), noise).save(buffer, "png", compress_level=0)
    return buffer.getvalue()


def _answer(socket: ServerConnection, chat: LegacyChat) -> None:
    seq = 0
    for text in socket:
        asked = json.loads(text)
        if asked["type"] == "stream-resume":
            resumed = {"seq": seq, "last": seq, "running": False}
            socket.send(_frame(0, {"type": "data-resumed", "transient": True, "data": resumed}))
        elif asked["type"] == "message-send":
            for chunk in _turn(asked["message"]):
                seq += 1
                frame = _frame(seq, chunk)
                chat.sent.append(len(frame))
                socket.send(frame)


def _frame(seq: int, chunk: dict[str, Any]) -> str:
    return json.dumps({"seq": seq, "chunk": chunk})


def _turn(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    begin = {"trigger": "submit-message", "messageId": message["id"], "message": message}
    yield {"type": "data-turn", "transient": True, "data": begin}
    yield {"type": "start", "messageId": "a1"}
    called = {"toolCallId": "c1", "toolName": "generate_image"}
    yield {"type": "tool-input-available", **called, "input": {"prompt": "noise"}}
    image = base64.b64encode(noisy_png()).decode()
    output = "✅ **Success**: " + json.dumps({"imageData": image, "prompt": "noise"})
    yield {"type": "tool-output-available", "toolCallId": "c1", "output": output}
    yield {"type": "text-start", "id": "t"}
    yield {"type": "text-delta", "id": "t", "delta": "That was a heavy one."}
    yield {"type": "text-end", "id": "t"}
    yield {"type": "finish"}
