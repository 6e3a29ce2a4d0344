"""Files as a Starlette application sends them: FileResponse, and StaticFiles, which knows 304."""

import os
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from benchmarks.peers.names import FILES_VARIABLE

_ROOT = Path(os.environ[FILES_VARIABLE])


async def _send_file(request: Request) -> FileResponse:
    return FileResponse(_ROOT / request.path_params["path"], media_type="image/webp")


app = Starlette(
    routes=[
        Route("/file/{path:path}", _send_file),
        Mount("/static", StaticFiles(directory=_ROOT)),
    ]
)
