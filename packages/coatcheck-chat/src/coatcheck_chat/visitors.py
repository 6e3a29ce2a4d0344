"""The demo's stand-in for signing in: every browser is a visitor of its own.

An application with users has a session already. It sets the media cookie from that
(`SignedCookie.grant`) and needs nothing of this.
"""

import time
from collections.abc import Callable
from secrets import token_urlsafe
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coatcheck.delivery import Keyring, Principal, SignedCookie
from coatcheck.errors import UnauthorizedError

SESSION_COOKIE: Final = "coatcheck_session"

PRINCIPAL_HEADER: Final = "coatcheck-principal"
"""Names the visitor whose answer it is, so that the page's service worker keeps it for them alone.

The name is a keyed hash: it opens nothing, and does not tell the id that the cookie holds.
"""

EVERYONE: Final = "everyone"
"""The one name in open mode, where all visitors see the same."""

_ID_BYTES: Final = 16
_NAME_DOMAIN: Final = "coatcheck principal name v1"


class Visitors:
    """Names each browser once and knows it again.

    Args:
        keyring: signs the two cookies: one for the chat, one that goes to the media alone.
        clock: returns the time in seconds since the epoch.
    """

    def __init__(self, keyring: Keyring, clock: Callable[[], float] = time.time) -> None:
        self._keyring = keyring
        self._session = SignedCookie(keyring, clock, name=SESSION_COOKIE, path="/")
        self.media = SignedCookie(keyring, clock)

    def identify(self, connection: HTTPConnection) -> Principal | None:
        """The browser's principal; None before it has opened the page."""
        return self._session.read(connection)

    async def require(self, request: Request) -> str:
        """The id of the client, which must have opened the page.

        Raises:
            UnauthorizedError: the browser has no name.
        """
        principal = self.identify(request)
        if principal is None:
            raise UnauthorizedError
        return principal.id

    def name(self, connection: HTTPConnection) -> str | None:
        """The browser's name in `PRINCIPAL_HEADER`; None before it has opened the page."""
        principal = self.identify(connection)
        return None if principal is None else self._name(principal)

    def welcome(self, request: Request, response: Response) -> None:
        """Name the browser on the answer with the page, or renew the name it has."""
        principal = self.identify(request) or Principal(token_urlsafe(_ID_BYTES))
        secure = request.url.scheme == "https"
        for cookie in (self._session, self.media):
            cookie.grant(response, principal, secure=secure)
        response.headers[PRINCIPAL_HEADER] = self._name(principal)

    def _name(self, principal: Principal) -> str:
        return self._keyring.sign(_NAME_DOMAIN, principal.id)


class Addressed:
    """An ASGI application whose answers say whose they are.

    Args:
        app: the application.
        name: what `PRINCIPAL_HEADER` calls the browser; None for an unknown one.
    """

    def __init__(self, app: ASGIApp, name: Callable[[HTTPConnection], str | None]) -> None:
        self._app = app
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, with the header."""
        name = self._name(HTTPConnection(scope))

        async def send_addressed(message: Message) -> None:
            if message["type"] == "http.response.start" and name is not None:
                MutableHeaders(scope=message)[PRINCIPAL_HEADER] = name
            await send(message)

        await self._app(scope, receive, send_addressed)
