"""The whole application, with one path that sends a file by ``http.response.pathsend``."""

import os
from pathlib import Path

from starlette.types import Receive, Scope, Send

from benchmarks.peers.names import BODY_VARIABLE
from benchmarks.servers.names import PATHSEND_PATH
from coatcheck.server.settings import read_settings
from coatcheck_chat.app import create_app
from coatcheck_chat.settings import Settings

_LARGE = Path(os.environ[BODY_VARIABLE])
_LENGTH = (b"content-length", b"%d" % _LARGE.stat().st_size)
_coatcheck = create_app(read_settings(Settings))


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Coatcheck, and the large original as a path for servers that send files themselves."""
    if scope["type"] != "http" or scope["path"] != PATHSEND_PATH:
        await _coatcheck(scope, receive, send)
        return
    if "http.response.pathsend" not in scope.get("extensions", {}):
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [_LENGTH]})
    await send({"type": "http.response.pathsend", "path": str(_LARGE)})
