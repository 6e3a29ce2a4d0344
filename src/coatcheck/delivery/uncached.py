"""JSON that says how things are now."""

from typing import Any

import msgspec
from starlette.responses import Response


class UncachedJson(Response):
    """JSON that says how things are now; no cache keeps it."""

    media_type = "application/json"

    def __init__(self, content: Any, status_code: int = 200) -> None:
        headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
        super().__init__(msgspec.json.encode(content), status_code, headers)
