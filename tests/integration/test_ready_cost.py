"""A guard: what a ready answer costs the server, against a constant answer of uvicorn alone.

Both run here, in turns, on a transport that takes everything, and processor time is measured. The
limit is generous: the answers of before cost five to eight times as much as uvicorn alone.
"""

import asyncio
import time
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from coatcheck.server.app import create_app
from coatcheck.server.protocol import HEAD_SECONDS, BoundedHttpProtocol
from coatcheck.server.settings import ServiceSettings
from coatcheck.signing import Keyring, UrlSigner
from tests.media import png_bytes

pytestmark = pytest.mark.anyio

KEYS: Final = "k1:" + "3f9d2c7a81b64e05" * 4
ANSWERS: Final = 1500
ROUNDS: Final = 6
BODY: Final = bytes(5_000)
HEADERS: Final = [(b"etag", b'"x"'), (b"cache-control", b"public, max-age=31536000, immutable")]


async def constant(scope: Scope, _receive: Receive, send: Send) -> None:
    if any(name == b"if-none-match" for name, _ in scope["headers"]):
        await send({"type": "http.response.start", "status": 304, "headers": HEADERS})
        await send({"type": "http.response.body"})
    else:
        headers = [*HEADERS, (b"content-length", b"%d" % len(BODY))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": BODY})


class Taking(asyncio.Transport):
    """Takes everything that is written, and counts the answers with a status."""

    def __init__(self, protocol: HttpToolsProtocol, status: int) -> None:
        super().__init__()
        self.protocol = protocol
        self.answers = 0
        self._begin = b"HTTP/1.1 %d " % status

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.answers += bytes(data[: len(self._begin)]) == self._begin

    def is_closing(self) -> bool:
        return False

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self.protocol

    def close(self) -> None:
        """Nothing is held."""


async def ask(protocol: HttpToolsProtocol, request: bytes, answers: int) -> float:
    """Processor seconds for an answer."""
    began = time.process_time()
    for _ in range(answers):
        protocol.data_received(request)
        for _ in count():
            await asyncio.sleep(0)
            cycle: RequestResponseCycle | None = protocol.cycle  # none before the first
            if cycle is None or cycle.response_complete:
                break
    return (time.process_time() - began) / answers


def connected(protocol: HttpToolsProtocol, status: int) -> tuple[HttpToolsProtocol, Taking]:
    transport = Taking(protocol, status)
    protocol.connection_made(transport)
    return protocol, transport


@pytest.mark.parametrize(("access", "limit"), [("open", 3.0), ("signed", 4.0)])
@pytest.mark.parametrize("status", [200, 304])
async def test_a_ready_answer_costs_little_more_than_a_constant_one(
    data: Path, access: Any, limit: float, status: int
) -> None:
    state = ServerState()
    state.default_headers = [(b"date", b"Mon, 30 Nov 2026 02:44:49 GMT")]
    settings = ServiceSettings(data=data, access=access, keys=SecretStr(KEYS))
    app = create_app(settings, allowed_hosts=["127.0.0.1", "localhost"])
    bare = Config(constant, log_config=None, access_log=False)
    whole = Config(app, log_config=None)
    for config in (bare, whole):
        config.load()
    async with app.router.lifespan_context(app):
        assert app.ready is not None
        store = app.ready._store
        reference = await store.put(png_bytes(400, 300))
        query = "thumbnail=true"
        if access == "signed":
            query += "&" + UrlSigner(Keyring.parse(KEYS), time.time).query(reference.id)
        head = f"GET /api/media/image/{reference.id}?{query} HTTP/1.1\r\nHost: 127.0.0.1:8787\r\n"
        request = (head + ("If-None-Match: *\r\n\r\n" if status == 304 else "\r\n")).encode()

        ours, transport = connected(
            BoundedHttpProtocol(
                HEAD_SECONDS, app.find_ready, config=whole, server_state=state, app_state={}
            ),
            status,
        )
        theirs, other = connected(
            HttpToolsProtocol(config=bare, server_state=state, app_state={}), status
        )
        costs: list[tuple[float, float]] = []
        for _ in range(ROUNDS):
            await ask(ours, request, 2)  # the record may be too old to be believed
            costs.append((await ask(ours, request, ANSWERS), await ask(theirs, request, ANSWERS)))
    assert (transport.answers, other.answers) == (ROUNDS * (ANSWERS + 2), ROUNDS * ANSWERS)
    cost, floor = map(min, zip(*costs, strict=True))
    assert cost < limit * floor
