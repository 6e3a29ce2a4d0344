"""Find out whether a page of another origin sent a request, and from which address."""

import re
from collections.abc import Collection
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from coatcheck.delivery.limits import Client
from coatcheck.errors import ConfigurationError, ForbiddenError

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OTHERS: Final = frozenset({"cross-site", "same-site"})
_USUAL_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
_SUBNET: Final = 64  # what one IPv6 customer has at least: any address of it is the same client


def check_origins(origins: Collection[str]) -> frozenset[str]:
    """Return the origins of front ends, each as browsers send it.

    Args:
        origins: each has a scheme, a host and, unless it is the scheme's default, a port.

    Raises:
        ConfigurationError: one is not an origin.
    """
    if isinstance(origins, str):
        raise ConfigurationError(
            f"The allowed origins are one text, {origins!r}. Pass a list, with an entry for each."
        )
    for origin in origins:
        if origin == "*":
            raise ConfigurationError(
                "The allowed origins cannot be '*': pages that may read and upload are named, one"
                " by one."
            )
        if _serialized(origin) != origin:
            raise ConfigurationError(
                f"{origin!r} is not an origin as browsers send it. Write scheme, host in lower case"
                " and, if it is not the usual one, port, and nothing after it:"
                " https://app.example.com"
            )
    return frozenset(origins)


def _serialized(text: str) -> str | None:
    """Return the origin of an absolute URL, as browsers send it; None for any other text."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:  # a port or an IPv6 address that is none
        return None
    if parts.scheme not in _USUAL_PORTS or not _HOST.fullmatch(parts.hostname or ""):
        return None
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    usual = port is None or port == _USUAL_PORTS[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if usual else f":{port}")


def is_same_origin(connection: HTTPConnection, allowed: Collection[str] = ()) -> bool:
    """Whether the request comes from a page of this host, or not from a page.

    A page of another site may open sockets and send forms to this server with the user's cookies.
    Programs send neither ``Origin`` nor ``Sec-Fetch-Site``; browsers send ``Origin`` with every
    handshake, POST, PATCH and DELETE. Both are headers that no page can set.

    Args:
        connection: the request or the WebSocket.
        allowed: other origins whose pages count as this host's, from `check_origins`.
    """
    headers = connection.headers
    origin = headers.get("origin")
    if origin in allowed:
        return True
    # Of a handshake `Origin` says it all, and browsers disagree on what is one site with ws://.
    if connection.scope["type"] == "http" and headers.get("sec-fetch-site") in _OTHERS:
        return False
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def require_same_origin(connection: HTTPConnection, allowed: Collection[str] = ()) -> None:
    """Refuse a request from a page of another origin; call this before changing anything.

    Args:
        connection: the request.
        allowed: other origins whose pages may send it, from `check_origins`.

    Raises:
        ForbiddenError: the request comes from a page of another origin.
    """
    if connection.scope["method"] not in _READING and not is_same_origin(connection, allowed):
        raise ForbiddenError("A page of another origin may not send this request.")


def client_of(connection: HTTPConnection, owner: str | None) -> Client:
    """Return the client that `ClientLimits` counts a request for.

    Args:
        connection: the request or the WebSocket.
        owner: the principal's id; None where clients are anonymous.
    """
    return Client(owner, client_address(connection))


def client_address(connection: HTTPConnection) -> str:
    """Return the address that a client is counted by: an IPv4 address, or the /64 of an IPv6 one.

    Args:
        connection: the request or the WebSocket.
    """
    host = "" if connection.client is None else connection.client.host
    try:
        address = ip_address(host)
    except ValueError:  # no address: a Unix socket, or a name that a test client makes up
        return host
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), _SUBNET), strict=False))
