"""The least that an application under uvicorn can do: constant answers. The floor of the server."""

import os
from pathlib import Path

from starlette.types import Receive, Scope, Send

from benchmarks.peers.names import BODY_VARIABLE, REVALIDATED_PATH

_BODY = Path(os.environ[BODY_VARIABLE]).read_bytes()
_HEADERS = [(b"etag", b'"x"'), (b"cache-control", b"public, max-age=31536000, immutable")]
_LENGTH = (b"content-length", str(len(_BODY)).encode())


async def app(scope: Scope, _receive: Receive, send: Send) -> None:
    """304 on one path, the same bytes on every other."""
    if scope["type"] != "http":
        raise NotImplementedError
    if scope["path"] == REVALIDATED_PATH:
        await send({"type": "http.response.start", "status": 304, "headers": _HEADERS})
        await send({"type": "http.response.body"})
    else:
        headers = [*_HEADERS, _LENGTH]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": _BODY})
