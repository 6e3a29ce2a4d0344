"""Signed cookies that identify a browser, also in requests of elements such as ``<img>``."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.requests import HTTPConnection
from starlette.responses import Response

from coatcheck.signing import Keyring, is_current

MEDIA_COOKIE: Final = "coatcheck_media"
"""The default name of the media cookie."""

COOKIE_LIFE_SECONDS: Final = 30 * 24 * 3600
"""How long a cookie is valid; each answer that sets it restarts this time."""

_COOKIE_DOMAIN: Final = "coatcheck cookie v1"
_MAX_PRINCIPAL: Final = 255  # what a catalog keeps of an owner
_PARTS: Final = 3


@dataclass(frozen=True, slots=True)
class Principal:
    """The user of a request. `id` is compared with `MediaRecord.owner`; 1 to 255 characters."""

    id: str


@dataclass(frozen=True, slots=True)
class SignedCookie:
    """An HttpOnly cookie that names a `Principal`.

    Args:
        keyring: the keys that sign it.
        clock: returns the time in seconds since the epoch.
        name: the cookie's name; it is signed too, so that one cookie cannot be used as another.
        path: the path below which the browser sends it.
        life: how many seconds it is valid.
    """

    keyring: Keyring
    clock: Callable[[], float]
    name: str = MEDIA_COOKIE
    path: str = "/api/media"
    life: int = COOKIE_LIFE_SECONDS

    def read(self, connection: HTTPConnection) -> Principal | None:
        """Return the principal of the request's cookie; None without a valid one.

        Args:
            connection: the request or the WebSocket.
        """
        values = _values(connection, self.name)
        # Two that differ: another host of the site may have planted one. Neither is believed.
        if len(values) != 1:
            return None
        parts = values.pop().split("~")
        if len(parts) != _PARTS:
            return None
        encoded, expires, signature = parts
        genuine = self.keyring.verify(signature, _COOKIE_DOMAIN, self.name, encoded, expires)
        if not genuine or not is_current(expires, self.clock()):
            return None
        try:
            return Principal(base64.urlsafe_b64decode(encoded).decode())
        except (binascii.Error, UnicodeDecodeError):
            return None

    def grant(self, response: Response, principal: Principal, *, secure: bool) -> None:
        """Set the cookie on an answer, and keep the answer out of every cache.

        Args:
            response: the answer; its ``Cache-Control`` becomes ``no-store``, because a cache that
                stored it would give one user's cookie to another.
            principal: the browser's principal from now on.
            secure: whether the browser sends it over https only; pass True if the page itself uses
                https.

        Raises:
            ValueError: the principal's id is empty or too long for an owner.
        """
        if not 0 < len(principal.id) <= _MAX_PRINCIPAL:
            raise ValueError(f"A principal's id has 1 to {_MAX_PRINCIPAL} characters.")
        expires = str(int(self.clock()) + self.life)
        encoded = base64.urlsafe_b64encode(principal.id.encode()).decode()
        signature = self.keyring.sign(_COOKIE_DOMAIN, self.name, encoded, expires)
        response.set_cookie(
            self.name,
            f"{encoded}~{expires}~{signature}",
            max_age=self.life,
            path=self.path,
            secure=secure,
            httponly=True,
            samesite="lax",
        )
        response.headers["cache-control"] = "no-store"


def _values(connection: HTTPConnection, name: str) -> set[str]:
    pairs = [
        pair.strip().partition("=")
        for header in connection.headers.getlist("cookie")
        for pair in header.split(";")
    ]
    return {value.strip('"') for key, _, value in pairs if key == name}
