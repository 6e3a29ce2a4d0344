"""Media for front ends of other origins (CORS). Starlette decides, under the rules of media."""

from collections.abc import Collection
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coatcheck.delivery.access import Authorizer, OpenAccess

_METHODS: Final = ("GET", "HEAD", "POST", "DELETE")
# What a script may send beside what it always may: an upload's type, ranges and conditions.
_SENT: Final = ("Content-Type", "If-Match", "If-None-Match", "If-Range", "Range")
# What it may read beside what it always may, such as Content-Length and Content-Type.
_READ: Final = (
    *("Accept-Ranges", "Content-Disposition", "Content-Range", "ETag", "Location", "Retry-After"),
)


def shared_with(app: ASGIApp, origins: Collection[str], access: Authorizer) -> ASGIApp:
    """The application, so that scripts of these origins may read its answers.

    Cookies may come with their requests, unless nothing in the answers depends on who asks.

    Args:
        app: media or the list of media.
        origins: from `check_origins`; the application stays as it is where there are none.
        access: who gets what.
    """
    if not origins:
        return app
    return _Shared(
        CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=_METHODS,
            allow_headers=_SENT,
            expose_headers=_READ,
            allow_credentials=not isinstance(access, OpenAccess),
        )
    )


class _Shared:
    """Says on every answer that it depends on `Origin`, and that it may be embedded.

    A browser that kept a picture for an `<img>`, which sends no `Origin`, would else hand that very
    answer to a script, which may not read it. Of Starlette's versions only the newest say so.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_shared(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                if "origin" not in headers.get("vary", "").lower().replace(",", " ").split():
                    headers.add_vary_header("Origin")
                headers["cross-origin-resource-policy"] = "cross-origin"
            await send(message)

        await self._app(scope, receive, send_shared)
