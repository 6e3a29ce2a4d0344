"""Where a request comes from: whether a page of another origin sent it, and from which address."""

from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from coatcheck.delivery.limits import Client
from coatcheck.errors import ForbiddenError

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OTHERS: Final = frozenset({"cross-site", "same-site"})
_SUBNET: Final = 64  # what one IPv6 customer has at least: any address of it is the same client


def is_same_origin(connection: HTTPConnection) -> bool:
    """Whether the request comes from a page of this very host, or from no page at all.

    A page of another site may open sockets and send forms to this server with the user's cookies.
    Programs send neither ``Origin`` nor ``Sec-Fetch-Site``; browsers send ``Origin`` with every
    handshake, POST, PATCH and DELETE. Both are headers that no page can set.

    Args:
        connection: the request or the WebSocket.
    """
    headers = connection.headers
    # Of a handshake `Origin` says it all, and browsers disagree on what is one site with ws://.
    if connection.scope["type"] == "http" and headers.get("sec-fetch-site") in _OTHERS:
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def require_same_origin(connection: HTTPConnection) -> None:
    """Refuse a request that changes something and comes from a page of another origin.

    Args:
        connection: the request.

    Raises:
        ForbiddenError: it does.
    """
    if connection.scope["method"] not in _READING and not is_same_origin(connection):
        raise ForbiddenError("A page of another origin may not send this request.")


def client_of(connection: HTTPConnection, owner: str | None) -> Client:
    """Whom `ClientLimits` counts a request for.

    Args:
        connection: the request or the WebSocket.
        owner: the principal's id; None where clients are anonymous.
    """
    return Client(owner, client_address(connection))


def client_address(connection: HTTPConnection) -> str:
    """The address that a client is counted by: an IPv4 address, or the /64 of an IPv6 address.

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
