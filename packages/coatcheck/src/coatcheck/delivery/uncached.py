"""JSON that says how things are now."""

from typing import Any, Final

import msgspec
from starlette.responses import Response

NO_STORE: Final = "no-store"
"""No cache keeps the answer."""

REVALIDATE: Final = "private, max-age=0"
"""The reader's own browser may keep it and show it while there is no network (RFC 9111, 4.2.4);
otherwise it asks first."""


class UncachedJson(Response):
    """JSON that says how things are now.

    Args:
        content: what becomes JSON.
        status_code: the status.
        cache_control: who may keep it.
    """

    media_type = "application/json"

    def __init__(self, content: Any, status_code: int = 200, cache_control: str = NO_STORE) -> None:
        headers = {"cache-control": cache_control, "x-content-type-options": "nosniff"}
        super().__init__(msgspec.json.encode(content), status_code, headers)
