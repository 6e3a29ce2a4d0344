"""The demo's stand-in for signing in: every browser is a visitor of its own.

An application with users has a session already. It sets the media cookie from that
(`SignedCookie.grant`) and needs nothing of this.
"""

import time
from collections.abc import Callable
from secrets import token_urlsafe
from typing import Final

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from coatcheck.delivery.cookies import Principal, SignedCookie
from coatcheck.errors import UnauthorizedError
from coatcheck.signing import Keyring

SESSION_COOKIE: Final = "coatcheck_session"
_ID_BYTES: Final = 16


class Visitors:
    """Names each browser once and knows it again.

    Args:
        keyring: signs the two cookies: one for the chat, one that goes to the media alone.
        clock: tells the time in seconds since the epoch.
    """

    def __init__(self, keyring: Keyring, clock: Callable[[], float] = time.time) -> None:
        self._session = SignedCookie(keyring, clock, name=SESSION_COOKIE, path="/")
        self.media = SignedCookie(keyring, clock)

    def identify(self, connection: HTTPConnection) -> Principal | None:
        """Who the browser is; None for one that has not opened the page."""
        return self._session.read(connection)

    async def require(self, request: Request) -> str:
        """The id of who asks; nobody passes who has not opened the page.

        Raises:
            UnauthorizedError: the browser has no name.
        """
        principal = self.identify(request)
        if principal is None:
            raise UnauthorizedError
        return principal.id

    def welcome(self, request: Request, response: Response) -> None:
        """Name the browser on the answer with the page, or renew the name it has."""
        principal = self.identify(request) or Principal(token_urlsafe(_ID_BYTES))
        secure = request.url.scheme == "https"
        for cookie in (self._session, self.media):
            cookie.grant(response, principal, secure=secure)
